// What a turn reads from and writes into.
import type { Change, Effect, Load, Table, Turn } from '../../protocol/index.ts'
import { NodeError } from '../errors.ts'
import type { Batch } from './batch.ts'
import type { Overlay, Written } from './overlay.ts'
import { type PlaceKey, placeKey } from './place-key.ts'

/** Where a machine's loads are answered from. */
export interface View {
  readonly known: (key: PlaceKey) => { readonly value: unknown } | undefined
  /** Overlays over the store, oldest first. */
  readonly overlays: () => readonly Overlay[]
  readonly onLoad: (load: Load) => void
}

/** A read beside the loop: what it saw, and the batches that were on their way meanwhile. */
export interface Reader {
  readonly loads: Load[]
  readonly batches: Set<Batch>
}

/** Where a machine leaves its outcome. */
export type Out = Pick<Turn, 'put' | 'remove' | 'effect' | 'change'>

function readsOnly(): never {
  throw new NodeError('INTERNAL', 'a reading machine wrote')
}

/** Of a machine that must not write. */
export const NO_OUT: Out = {
  put: readsOnly,
  remove: readsOnly,
  effect: readsOnly,
  change: readsOnly,
}
/** A write of a turn. */
export function written(
  table: Table<never, unknown>,
  place: Written['place'],
  value: unknown,
): Written {
  // Encoded at once: a value that has no encoding fails the turn that wrote it, not the batch.
  return { table, place, key: placeKey(table, place), value, plain: table.encode(value) }
}

/** Keeps what a turn leaves. */
export function collect(overlay: Overlay, effects: Effect[], said: Change[]): Out {
  return {
    put: (table, key, value) =>
      overlay.set(written(table as Table<never, unknown>, table.place(key), value)),
    remove: (of, key) => {
      const table = of as Table<never, unknown>
      const place = of.place(key)
      const written = { table, place, key: placeKey(table, place) }
      overlay.set({ ...written, value: undefined, plain: undefined })
    },
    effect: (effect) => void effects.push(effect),
    change: (change) => void said.push(change),
  }
}

/** Whether a batch that landed meanwhile touches more than one moment of what was read. */
export function overtaken({ loads, batches }: Reader): boolean {
  if (loads.length < 2) return false
  return [...batches].some(({ overlay }) => loads.some((load) => overlay.touches(load)))
}
