// That a device was heard, and what its first words say of where it is (SPEC.md §8).
import { type Bytes32, equalBytes } from '../../crypto/index.ts'
import { type Contact, contactOf } from '../contacts/contact.ts'
import type { Intro } from '../content/intro.ts'
import { ProtocolError } from '../errors.ts'
import { knownDevices } from '../peers/known-devices.ts'
import { sendEndpoints } from '../peers/own-endpoints.ts'
import { type Peer, newPeer, peers } from '../peers/peer.ts'
import type { OpenedInner } from '../session/open-outcome.ts'
import { type Step, type Turn, get } from '../step.ts'

/**
 * Notes that a device was heard, and where its intro says it is reached. The host that brought the
 * intro is its home until endpoints say so: it is let in after a restart, when the invite is over.
 */
export function* notePeer(
  turn: Turn,
  opened: OpenedInner,
  intro: Intro | undefined,
  host: Bytes32 | undefined,
): Step<Peer> {
  const { account, device } = opened
  const before = yield* get(peers, device)
  const known = before ?? newPeer({ account, device, dh: yield* listedDh(opened) })
  const home = host === undefined ? undefined : { transportKey: host, addresses: [] }
  const endpoints =
    intro !== undefined && known.endpoints.counter === 0
      ? { ...known.endpoints, mailboxes: intro.mailboxes, home: home ?? known.endpoints.home }
      : known.endpoints
  // A device of a group may be heard before it answered that we added its account.
  const invite = (yield* contactOf(account))?.state === 'pending' ? known.invite : undefined
  const peer: Peer = { ...known, endpoints, invite, heard: true, heardAtMs: turn.nowMs }
  turn.put(peers, device, peer)
  // Whatever waited for a sign of life goes out: what was queued unconfirmed, or backed off.
  turn.effect({ kind: 'outbox', device })
  return peer
}

/** Another device of a contact speaks for the first time: it is told where we are, if it was not. */
export function* meetDevice(
  turn: Turn,
  contact: Contact,
  device: Bytes32,
  sent: number,
): Step<void> {
  const told = ((yield* get(peers, device))?.numberedSent ?? 0) > sent
  if (contact.state === 'ready' && !told) yield* sendEndpoints(turn, device)
}

/** DDH of a device, from the list that vouched for it when its session began. */
function* listedDh({ account, device }: OpenedInner): Step<Bytes32> {
  const listed = (yield* knownDevices(account)).find((one) => equalBytes(one.device, device))
  if (listed === undefined) {
    throw new ProtocolError('ERR_PROTOCOL_STATE', 'a session with a device of no list')
  }
  return listed.dh
}
