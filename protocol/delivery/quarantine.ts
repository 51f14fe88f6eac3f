// What becomes of an inner message that does not open: kept, and acknowledged to the relay, but never
// called delivered; tried again when the session changes; a reset asks the peer to encrypt again what
// is lost. On a stream the peer is told at once (SPEC.md §5.6).
import type { Bytes32 } from '../../crypto/index.ts'
import { isAcceptedPeer } from '../groups/accepted-peer.ts'
import { QUARANTINE_LIFE_MS, QUARANTINE_RESET_AFTER_MS } from '../limits.ts'
import { capabilityHolder } from '../peers/handed-capability.ts'
import { peers } from '../peers/peer.ts'
import type { OpenOutcome } from '../session/open-outcome.ts'
import { type Step, type Turn, get } from '../step.ts'
import type { Arrival, ArrivalAnswer } from './arrival.ts'
import {
  type KeptItem,
  NOBODY,
  type Shelf,
  askedUpTo,
  dropKept,
  keepItem,
  keptDevices,
  keptFrom,
} from './kept.ts'
import { requestReset } from './reset.ts'

/** A relay's copy may go: nothing was kept of it. */
const DROPPED: ArrivalAnswer = { code: 'refused', detail: 0, malformed: false }
const UNKNOWN_SESSION: ArrivalAnswer = { code: 'unknownSession', detail: 0, malformed: false }

export type Unopened = Exclude<
  OpenOutcome,
  { readonly kind: 'opened' | 'malformed' | 'forbidden' | 'refused' }
>

/** Reasons that no time heals: the key is gone, or was never here. A reset is due at once. */
const HOPELESS: ReadonlySet<string> = new Set([
  'prekey-unknown',
  'prekey-consumed',
  'opk-unknown',
  'opk-consumed',
  'unknownSession',
])

/** Reasons that a new session does not change. */
const NO_RESET: ReadonlySet<string> = new Set(['unsupported', 'listConflict'])

/** Keeps what could not be opened, or asks the peer on the stream for a new session. */
export function* quarantine(
  turn: Turn,
  arrival: Arrival,
  innerId: Bytes32,
  outcome: Unopened,
): Step<ArrivalAnswer> {
  const held = outcome.kind === 'held'
  if (arrival.path.kind === 'direct' && !held && outcome.kind !== 'unsupported') {
    // The peer is there: it starts anew at once, nothing needs to be kept.
    return UNKNOWN_SESSION
  }
  const sender = yield* likelySender(turn, arrival, outcome)
  if (sender === undefined && isNobodys(outcome)) return DROPPED
  const reason = held || outcome.kind === 'unreadable' ? outcome.reason : outcome.kind
  const kept = yield* keepItem(turn, { device: sender ?? NOBODY, held }, arrival, {
    innerId,
    reason,
  })
  if (sender !== undefined && !NO_RESET.has(reason) && (HOPELESS.has(reason) || !kept)) {
    yield* requestReset(turn, sender, arrival.sid)
  }
  return { code: 'held', detail: held ? 0 : 1, malformed: false }
}

/**
 * Whether a message of no contact is worth nothing to anybody here: it names a session that is not
 * there, or opens under no key. Anybody can make such bytes, so they are not kept (SPEC.md §5.7).
 */
function isNobodys(outcome: Unopened): boolean {
  if (outcome.kind === 'unknownSession') return true
  return (
    outcome.kind === 'unreadable' && outcome.reason === 'unauthentic' && outcome.sid === undefined
  )
}

/** The accepted device that an unreadable item is from, by its session, claim or capability. */
function* likelySender(turn: Turn, arrival: Arrival, outcome: Unopened): Step<Bytes32 | undefined> {
  const { path } = arrival
  const capId = path.kind === 'relay' ? path.capId : undefined
  const claimed = 'remote' in outcome ? outcome.remote?.device : undefined
  const device = claimed ?? (capId === undefined ? undefined : yield* capabilityHolder(capId))
  if (device === undefined) return undefined
  const peer = yield* get(peers, device)
  if (peer === undefined) return undefined
  return (yield* isAcceptedPeer(turn, peer.account)) ? device : undefined
}

const SWEEP_ROWS = 256

/** Once a minute: what is too old goes, and what waited for a minute in vain asks for a reset. */
export function* sweepKept(turn: Turn): Step<void> {
  for (const device of yield* keptDevices.all()) {
    for (const held of [true, false]) yield* sweepShelf(turn, { device, held })
  }
}

function* sweepShelf(turn: Turn, shelf: Shelf): Step<void> {
  const { device } = shelf
  for (const item of yield* keptFrom(shelf, 0, SWEEP_ROWS)) {
    if (turn.safeNowMs - item.keptAtMs < QUARANTINE_LIFE_MS) break
    yield* dropKept(turn, item.innerId)
    turn.change({
      kind: 'warning',
      code: 'KEPT_EXPIRED',
      text: 'A message that could not be opened for 45 days was given up.',
    })
  }
  if (device === NOBODY || device.every((byte) => byte === 0)) return
  const from = (yield* askedUpTo(shelf)) + 1
  const due = (yield* keptFrom(shelf, from, SWEEP_ROWS)).find((item) => isDue(turn, item))
  if (due !== undefined) yield* requestReset(turn, device, due.sid)
}

function isDue(turn: Turn, item: KeptItem): boolean {
  return !NO_RESET.has(item.reason) && turn.safeNowMs - item.keptAtMs > QUARANTINE_RESET_AFTER_MS
}
