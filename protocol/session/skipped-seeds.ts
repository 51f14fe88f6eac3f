// Message seeds kept for messages that have not come yet (SPEC.md §6). They lie beside the session,
// one record each, so that a message costs one small write and not two thousand seeds.
import {
  type Bytes16,
  type Bytes32,
  FieldReader,
  type SkippedSeed,
  concat,
  decodeCbor,
  dropSkipped,
  encodeCbor,
  u32,
} from '../../crypto/index.ts'
import { PREKEY_CAP_MS, PREKEY_KEEP_MS, SKIPPED_SCAN_MAX } from '../limits.ts'
import { type Step, type Table, type Turn, get, range } from '../step.ts'
import { sessions } from './session-record.ts'

export interface SkippedKey {
  readonly sid: Bytes16
  readonly chain: number
  readonly n: number
}

export interface SkippedRecord {
  readonly chain: number
  readonly n: number
  readonly seed: Bytes32
  /** When it was skipped, guarded clock, Unix ms. */
  readonly atMs: number
}

function decodeRecord(bytes: Uint8Array): SkippedRecord {
  const fields = new FieldReader(decodeCbor(bytes, 64), 'skipped seed')
  const record = {
    chain: fields.uint('chain', 0xffffffff),
    n: fields.uint('n', 0xffffffff),
    seed: fields.bytes('seed', 32),
    atMs: fields.uint('at'),
  }
  fields.end()
  return record
}

export const skippedSeeds: Table<SkippedKey, SkippedRecord> = {
  name: 'skipped-seeds',
  sealing: 'state',
  place: ({ sid, chain, n }) => ({ owner: sid, order: concat(u32(chain), u32(n)) }),
  encode: ({ chain, n, seed, atMs }) => encodeCbor([chain, n, seed, atMs]),
  decode: decodeRecord,
}

/** Writes what a message skipped and removes what it used. */
export function storeSkipped(
  turn: Turn,
  sid: Bytes16,
  step: {
    readonly newSkipped: readonly SkippedSeed[]
    readonly usedSkipped?: { readonly chain: number; readonly n: number }
  },
): void {
  for (const { chain, n, seed } of step.newSkipped) {
    turn.put(skippedSeeds, { sid, chain, n }, { chain, n, seed, atMs: turn.safeNowMs })
  }
  if (step.usedSkipped) turn.remove(skippedSeeds, { sid, ...step.usedSkipped })
}

/** Removes all seeds of a session that goes. */
export function* removeSkipped(turn: Turn, sid: Bytes16): Step<void> {
  for (const { value } of yield* range(skippedSeeds, { owner: sid, limit: SKIPPED_SCAN_MAX })) {
    turn.remove(skippedSeeds, { sid, chain: value.chain, n: value.n })
  }
}

/**
 * Deletes seeds whose messages will not come: after 45 days if since then every listed mailbox was
 * fetched to its head, after 90 days in any case. The header keys of chains that are complete now go
 * with them. Returns how many went.
 */
export function* expireSkipped(
  turn: Turn,
  sid: Bytes16,
  drainedSince: (atMs: number) => boolean,
): Step<number> {
  const record = yield* get(sessions, sid)
  if (record === undefined) return 0
  let { ratchet } = record
  let count = 0
  for (const { value } of yield* range(skippedSeeds, { owner: sid, limit: SKIPPED_SCAN_MAX })) {
    const ageMs = turn.safeNowMs - value.atMs
    const due = ageMs >= PREKEY_CAP_MS || (ageMs >= PREKEY_KEEP_MS && drainedSince(value.atMs))
    if (!due) continue
    turn.remove(skippedSeeds, { sid, chain: value.chain, n: value.n })
    ratchet = dropSkipped(ratchet, value.chain, 1)
    count++
  }
  if (count > 0) turn.put(sessions, sid, { ...record, ratchet })
  return count
}
