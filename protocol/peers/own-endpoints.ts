// Telling contacts where this device is reached: an endpoints frame to every accepted device when
// mailboxes, home host or seal key changed (SPEC.md §2).
import { type Bytes32, encodeCbor, encodeText, equalBytes } from '../../crypto/index.ts'
import { allContacts, isAccepted } from '../contacts/contact.ts'
import { endpointsFrame } from '../content/endpoints.ts'
import { frameOf } from '../content/kind.ts'
import { sendControl } from '../delivery/control.ts'
import { ProtocolError } from '../errors.ts'
import { currentSealKey } from '../prekeys/renew.ts'
import { profile, profiles } from '../profile.ts'
import { type Step, type Turn, get } from '../step.ts'
import { capabilityIsDue, mailboxesFor } from './handed-capability.ts'
import { knownDevices } from './known-devices.ts'
import { activeMailboxes } from './own-mailbox.ts'
import { type Peer, peers } from './peer.ts'
import { rendezvousList } from './rendezvous.ts'

/** Sends this device's endpoints to another one, with capabilities made for it. */
export function* sendEndpoints(turn: Turn, device: Bytes32): Step<void> {
  const { home, endpointsCounter } = yield* profile()
  const mailboxes = yield* mailboxesFor(turn, device)
  const seal = yield* currentSealKey(turn)
  const peer = yield* knownPeer(device)
  const rendezvous = yield* rendezvousList()
  yield* sendControl(turn, peer, (c) =>
    frameOf(endpointsFrame, {
      c,
      counter: endpointsCounter,
      mailboxes,
      home,
      rendezvous,
      seal,
      awayUntilS: 0,
    }),
  )
}

/** Once an hour: hands out new capabilities where the ones a contact has are old. */
export function* renewCapabilities(turn: Turn): Step<void> {
  yield* eachHeard(turn, function* (peer) {
    const due = yield* capabilityIsDue(turn, peer.device, peer.heardAtMs)
    if (due) yield* sendEndpoints(turn, peer.device)
  })
}

/** Runs a step on every device of accepted contacts that was ever heard. */
function* eachHeard(_turn: Turn, run: (peer: Peer) => Step<void>): Step<void> {
  for (const contact of yield* allContacts()) {
    if (!isAccepted(contact)) continue
    for (const { device } of yield* knownDevices(contact.account)) {
      const peer = yield* get(peers, device)
      if (peer?.heard === true) yield* run(peer)
    }
  }
}

function* knownPeer(device: Bytes32): Step<Peer> {
  const peer = yield* get(peers, device)
  if (peer === undefined) throw new ProtocolError('ERR_PROTOCOL_UNKNOWN', 'no such device')
  return peer
}

/**
 * Raises the counter when anything that it stands for changed, and tells every accepted contact.
 * Called at each start and whenever mailboxes, home host or seal key may have changed.
 */
export function* refreshEndpoints(turn: Turn): Step<boolean> {
  const before = yield* profile()
  const seal = yield* currentSealKey(turn)
  const mailboxes = yield* activeMailboxes()
  const digest = turn.crypto.sha256(
    encodeCbor([
      mailboxes.map((own) => [
        own.serviceKey,
        encodeText(own.address),
        own.mailboxId,
        own.generation,
      ]),
      before.home === undefined
        ? []
        : [before.home.transportKey, before.home.addresses.map(encodeText)],
      seal.id,
      (yield* rendezvousList()).map((one) => [one.serviceKey, one.idNow, one.idNext]),
    ]),
  )
  if (before.endpointsDigest !== undefined && equalBytes(before.endpointsDigest, digest))
    return false
  turn.put(profiles, 0, {
    ...before,
    endpointsCounter: before.endpointsCounter + 1,
    endpointsDigest: digest,
  })
  yield* eachHeard(turn, (peer) => sendEndpoints(turn, peer.device))
  return true
}
