// Deletes what time and reading have made useless: old secrets, tombstones, ended slots (SPEC.md §4).
import { readU64, u64 } from '../../crypto/index.ts'
import { PREKEY_SLOT_REUSE_MS, PREKEY_SWEEP_ROWS, PREKEY_TOMBSTONE_MS } from '../limits.ts'
import { type Step, type Turn, range } from '../step.ts'
import { prekeyFate } from './retention.ts'
import { type NumberedSlot, allSlots } from './slots.ts'
import { SECRET_KINDS, type SecretKind, prekeySecrets, prekeySlots, usedPrekeys } from './tables.ts'

export interface Swept {
  /** Secrets that nothing can need any more. */
  readonly done: number
  /** Secrets at their cap although a mailbox was not read to its end. */
  readonly lost: number
}

function* sweepKind(turn: Turn, kind: SecretKind, drainedAtMs: number): Step<Swept> {
  const { owner } = prekeySecrets.place({ kind, id: 0 })
  let [done, lost, from] = [0, 0, 0]
  for (;;) {
    const query = { owner, from: u64(from), limit: PREKEY_SWEEP_ROWS }
    const rows = yield* range(prekeySecrets, query)
    for (const { order, value } of rows) {
      const id = readU64(order, 0)
      from = id + 1
      const fate = prekeyFate(value.endsAtMs, turn.safeNowMs, drainedAtMs)
      if (fate === 'kept') continue
      turn.remove(prekeySecrets, { kind, id })
      if (fate === 'lost') lost++
      else done++
    }
    if (rows.length < PREKEY_SWEEP_ROWS) return { done, lost }
  }
}

/** Forgets which ids of an ended slot were used, and later whose it was; its counters stay. */
function sweepSlot(turn: Turn, { slot, ...record }: NumberedSlot): void {
  const { endedAtMs, serviceKey } = record
  const isForgotten = serviceKey.every((byte) => byte === 0)
  if (endedAtMs === 0 || isForgotten) return
  if (turn.safeNowMs >= endedAtMs + PREKEY_TOMBSTONE_MS) {
    turn.remove(usedPrekeys, { slot, kind: 'opk' })
    turn.remove(usedPrekeys, { slot, kind: 'okem' })
  }
  if (turn.safeNowMs >= endedAtMs + PREKEY_SLOT_REUSE_MS) {
    const forgotten = { serviceKey: new Uint8Array(32), mailboxId: new Uint8Array(16) }
    turn.put(prekeySlots, slot, { ...record, ...forgotten })
  }
}

/**
 * Runs daily, and after mailboxes were read. `drainedAtMs` as in {@link prekeyFate}. A loss is named
 * in the change feed.
 */
export function* sweepPrekeys(turn: Turn, drainedAtMs: number): Step<Swept> {
  let [done, lost] = [0, 0]
  for (const kind of Object.keys(SECRET_KINDS) as SecretKind[]) {
    const swept = yield* sweepKind(turn, kind, drainedAtMs)
    done += swept.done
    lost += swept.lost
  }
  for (const slot of yield* allSlots()) sweepSlot(turn, slot)
  if (lost > 0) {
    turn.change({
      kind: 'warning',
      code: 'PREKEY_LOST',
      text: `${lost} old keys were deleted although a mailbox could not be read for 90 days: messages that wait there from that time cannot be opened`,
    })
  }
  return { done, lost }
}
