// What is remembered of an epoch whose secret is asked for (SPEC.md §20.8, R1).
import type { Bytes32, FieldReader } from '../../crypto/index.ts'
import { SEED_ASKED_MAX } from '../group-limits.ts'
import { readList } from '../record.ts'

/** A device that was asked, and when, guarded clock. */
export interface AskedDevice {
  readonly device: Bytes32
  readonly atMs: number
}

/** All times by the guarded clock. */
export interface AskedSeed {
  readonly opId: Bytes32
  readonly sinceMs: number
  readonly asks: number
  readonly askedAtMs: number
  /** The last of those that were asked. */
  readonly asked: readonly AskedDevice[]
  /** Since when an epoch above it is held, so that it is asked for no more; 0: none is. */
  readonly coveredMs: number
}

/** Epochs whose seed is asked for at once. */
export const ASKED_SEEDS_MAX = 64

export type SeedFields = readonly [
  Bytes32,
  number,
  number,
  number,
  readonly (readonly [Bytes32, number])[],
  number,
]

export function seedFields(one: AskedSeed): SeedFields {
  const asked = one.asked.map(({ device, atMs }) => [device, atMs] as const)
  return [one.opId, one.sinceMs, one.asks, one.askedAtMs, asked, one.coveredMs]
}

export function readSeed(fields: FieldReader): AskedSeed {
  return {
    opId: fields.bytes('opId', 32),
    sinceMs: fields.uint('since'),
    asks: fields.uint('asks'),
    askedAtMs: fields.uint('askedAt'),
    asked: readList(fields, 'asked', SEED_ASKED_MAX, (row) => ({
      device: row.bytes('device', 32),
      atMs: row.uint('at'),
    })),
    coveredMs: fields.uint('covered'),
  }
}
