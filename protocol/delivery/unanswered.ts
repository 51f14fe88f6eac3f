// First messages that nothing came back to: 24 hours after the first deposit, and again after 14
// days, one new handshake through another relay, without one-time keys, that carries the oldest
// entries again (SPEC.md §5). So a relay that hands out one key twice loses nothing for good.
import { type Bytes16, type Bytes32, EMPTY, equalBytes } from '../../crypto/index.ts'
import { type DeviceSet, deviceSet } from '../device-set.ts'
import { UNANSWERED_FIRST_MS, UNANSWERED_SECOND_MS } from '../limits.ts'
import { encodeRecord, readRecord } from '../record.ts'
import { sessionIndex } from '../session/session-index.ts'
import { type Step, type Table, type Turn, get } from '../step.ts'

interface Unanswered {
  /** First custody on an unconfirmed session, guarded clock. */
  readonly firstAtMs: number
  /** Handshakes that were begun anew: 0, 1 or 2. */
  readonly renewals: number
}

const unanswered: Table<Bytes32, Unanswered> = {
  name: 'unanswered',
  sealing: 'value',
  place: (device) => ({ owner: device, order: EMPTY }),
  encode: (row) => encodeRecord([row.firstAtMs, row.renewals]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'unanswered')
    return { firstAtMs: fields.uint('firstAt'), renewals: fields.uint('renewals', 2) }
  },
}

const waitingForReply: DeviceSet = deviceSet('unanswer-set')

/** A relay holds a message of this session: the wait begins where nothing ever came back on it. */
export function* awaitReply(turn: Turn, device: Bytes32, sid: Bytes16): Step<void> {
  if ((yield* get(unanswered, device)) !== undefined) return
  const refs = (yield* get(sessionIndex, device))?.sessions ?? []
  if (refs.find((ref) => equalBytes(ref.sid, sid))?.confirmed !== false) return
  turn.put(unanswered, device, { firstAtMs: turn.safeNowMs, renewals: 0 })
  yield* waitingForReply.add(turn, device)
}

/** Something came from the device. */
export function* replied(turn: Turn, device: Bytes32): Step<void> {
  if ((yield* get(unanswered, device)) === undefined) return
  turn.remove(unanswered, device)
  yield* waitingForReply.remove(turn, device)
}

function isDue(turn: Turn, { firstAtMs, renewals }: Unanswered): boolean {
  const waitMs = [UNANSWERED_FIRST_MS, UNANSWERED_SECOND_MS][renewals]
  return waitMs !== undefined && turn.safeNowMs - firstAtMs >= waitMs
}

/** Whether a bundle for this device is to renew an unanswered handshake now. */
export function* renewalIsDue(turn: Turn, device: Bytes32): Step<boolean> {
  const row = yield* get(unanswered, device)
  return row !== undefined && isDue(turn, row)
}

/** The renewal was made: the next one is due at 14 days, and then none. */
export function* noteRenewal(turn: Turn, device: Bytes32): Step<void> {
  const row = yield* get(unanswered, device)
  if (row !== undefined) turn.put(unanswered, device, { ...row, renewals: row.renewals + 1 })
}

/** Asks for the renewals that are due. */
export function* sweepUnanswered(turn: Turn): Step<void> {
  for (const device of yield* waitingForReply.all()) {
    if (yield* renewalIsDue(turn, device)) turn.effect({ kind: 'renew', device })
  }
}
