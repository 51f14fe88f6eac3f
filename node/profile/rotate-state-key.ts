// Rotation of the key that forward secrecy on disk rests on (SPEC.md §11.3). A crash at any step is
// resumed: while state.key holds two keys the rotation is not over, and every step may be repeated.
import { EMPTY, FieldReader, decodeCbor, encodeCbor } from '../../crypto/index.ts'
import { STATE_TABLE_NAMES, type Table, get } from '../../protocol/index.ts'
import type { Ledger } from '../ledger/ledger.ts'

/** The state keys of a profile, wherever they are kept. */
export interface StateKeys {
  /** Two keys are kept: a rotation began and is not over. */
  readonly rotating: boolean
  /** Adds a key of the next generation, durably, and seals under it from now on. */
  begin(): Promise<void>
  /** Forgets every key but the newest, and overwrites where they lay. */
  finish(): Promise<void>
  /** Overwrites what a crash left of replaced files. */
  clean(): Promise<void>
}

const ROTATE_MS = 86_400_000
/** Rows sealed again in one batch. */
const RESEAL_ROWS = 256

/** When the last rotation was over, guarded clock, Unix ms. */
const rotations: Table<0, number> = {
  name: 'rotated-at',
  sealing: 'value',
  place: () => ({ owner: EMPTY, order: EMPTY }),
  encode: (ms) => encodeCbor([ms]),
  decode: (bytes) => {
    const fields = new FieldReader(decodeCbor(bytes, 32), 'rotated-at')
    const ms = fields.uint('ms')
    fields.end()
    return ms
  },
}

/** Only the name and the sealing of a table matter here: nothing is decoded. */
function stateTable(name: string): Table<never, unknown> {
  const opaque = (): never => {
    throw new TypeError('state is sealed again without being read')
  }
  return { name, sealing: 'state', place: opaque, encode: opaque, decode: opaque }
}

/** Seals again, in small batches, whatever an older key still protects. */
export async function resealState(ledger: Ledger): Promise<number> {
  let count = 0
  for (const name of STATE_TABLE_NAMES) {
    const table = stateTable(name)
    let from: Uint8Array | undefined
    do {
      const start = from
      from = await ledger.rewrite(async (records) => {
        const { writes, next } = await records.resealState(table, start, RESEAL_ROWS)
        count += writes.length
        return { writes, result: next }
      })
    } while (from !== undefined)
  }
  return count
}

/** Rotates where a day has passed, or where a rotation was broken off; whether it did. */
export async function rotateStateKey(ledger: Ledger, keys: StateKeys): Promise<boolean> {
  await keys.clean()
  if (!keys.rotating) {
    const due = await ledger.run(function* (turn) {
      const last = yield* get(rotations, 0)
      // A new profile's key is a day old a day from now.
      if (last === undefined) turn.put(rotations, 0, Math.floor(turn.safeNowMs))
      return last !== undefined && turn.safeNowMs - last >= ROTATE_MS
    })
    if (!due) return false
    await keys.begin()
  }
  await resealState(ledger)
  await keys.finish()
  await ledger.rewrite(async (records) => {
    await records.compact()
    return { writes: [], result: undefined }
  })
  await ledger.run(function* (turn) {
    turn.put(rotations, 0, Math.floor(turn.safeNowMs))
  })
  return true
}
