// Looking for a contact whose devices went silent (SPEC.md §2.6): its account may have been restored
// elsewhere, and its card, at the rendezvous mailboxes that its devices named, says where.
import {
  type Bytes16,
  type Bytes32,
  CryptoError,
  EMPTY,
  type Rendezvous,
  equalBytes,
} from '../../crypto/index.ts'
import { waitingDevices } from '../delivery/outbox.ts'
import { takeList } from '../delivery/take-list.ts'
import { RENDEZVOUS_SEEK_MS } from '../limits.ts'
import { knownDevices } from '../peers/known-devices.ts'
import { newPeer, peers } from '../peers/peer.ts'
import { encodeRecord, readRecord } from '../record.ts'
import { type Step, type Table, type Turn, get } from '../step.ts'
import { contactOf, isAccepted } from './contact.ts'
import { type CardPlace, readCardAt } from './read-card.ts'

interface Silence {
  /** When the device was last heard as this silence began, as in its peer record. */
  readonly heardAtMs: number
  /** Guarded clock. */
  readonly sinceMs: number
  /** When it was last looked for, guarded clock; 0: not yet. */
  readonly soughtAtMs: number
}

const silences: Table<Bytes32, Silence> = {
  name: 'silences',
  sealing: 'value',
  place: (device) => ({ owner: device, order: EMPTY }),
  encode: (row) => encodeRecord([row.heardAtMs, row.sinceMs, row.soughtAtMs]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'silence')
    return {
      heardAtMs: fields.uint('heardAt'),
      sinceMs: fields.uint('since'),
      soughtAtMs: fields.uint('soughtAt'),
    }
  },
}

/** Has contacts looked for to whom something waits and from whom nothing came for a day. Once an hour. */
export function* seekSilent(turn: Turn): Step<void> {
  for (const device of yield* waitingDevices.all()) {
    const peer = yield* get(peers, device)
    if (peer === undefined || peer.endpoints.rendezvous.length === 0) continue
    if (!isAccepted(yield* contactOf(peer.account))) continue
    const before = yield* get(silences, device)
    if (before === undefined || before.heardAtMs !== peer.heardAtMs) {
      const { heardAtMs } = peer
      turn.put(silences, device, { heardAtMs, sinceMs: turn.safeNowMs, soughtAtMs: 0 })
      continue
    }
    const sinceMs = Math.max(before.sinceMs, before.soughtAtMs)
    if (turn.safeNowMs - sinceMs < RENDEZVOUS_SEEK_MS) continue
    turn.put(silences, device, { ...before, soughtAtMs: turn.safeNowMs })
    turn.effect({ kind: 'seek', device })
  }
}

/** Where a device's account may have a card. */
export function* placesToSeek(
  device: Bytes32,
): Step<readonly { readonly rendezvous: Rendezvous; readonly ids: readonly Bytes16[] }[]> {
  const rendezvous = (yield* get(peers, device))?.endpoints.rendezvous ?? []
  // The next generation first: where a restored account is.
  return rendezvous.map((one) => ({ rendezvous: one, ids: [one.idNext, one.idNow] }))
}

/**
 * Takes a card that lay at a rendezvous mailbox: a higher device list, and where its device is
 * reached. One that does not open or verify, or is old, is nothing: whether something came of it.
 */
export function* takeRendezvousCard(
  turn: Turn,
  account: Bytes32,
  place: CardPlace,
  item: Uint8Array,
): Step<boolean> {
  if (!isAccepted(yield* contactOf(account))) return false
  let card
  try {
    card = yield* readCardAt(turn, account, place, item)
  } catch (error) {
    if (error instanceof CryptoError) return false
    throw error
  }
  const { device, dh } = card.cert
  const listed = card.endpoints.find((one) => equalBytes(one.device, device))
  const known = (yield* get(peers, device)) ?? newPeer({ account, device, dh })
  const isNewer = listed !== undefined && listed.counter > known.endpoints.counter
  if (isNewer) {
    const { id, publicKey } = card.sealKey
    const { counter, mailboxes } = listed
    const { rendezvous } = card
    const endpoints = {
      ...known.endpoints,
      counter,
      mailboxes,
      rendezvous,
      seal: { id, publicKey },
    }
    turn.put(peers, device, { ...known, endpoints })
    turn.effect({ kind: 'endpoints', device })
  }
  yield* takeList(turn, account, card.list.bytes)
  const isDevice = (yield* knownDevices(account)).some((one) => equalBytes(one.device, device))
  if (isDevice) turn.effect({ kind: 'outbox', device })
  return isDevice && isNewer
}
