// Writes that are not on the disk yet, as later turns must already see them: newest value per
// place, grouped so that a range of one owner can be merged with what the store holds.
import { compareBytes } from '../../crypto/index.ts'
import type { Load, Place, RangeQuery, Row, Table } from '../../protocol/index.ts'
import { type PlaceKey, orderKey, ownerKey, placeKey } from './place-key.ts'

/** One written record, encoded when it was written: `value` and `plain` undefined remove it. */
export interface Written {
  readonly table: Table<never, unknown>
  readonly place: Place
  readonly key: PlaceKey
  readonly value: unknown
  readonly plain: Uint8Array | undefined
}

export class Overlay {
  readonly #owners = new Map<string, Map<string, Written>>()

  get empty(): boolean {
    return this.#owners.size === 0
  }

  set(written: Written): void {
    const { owner, order } = written.key
    let rows = this.#owners.get(owner)
    if (rows === undefined) this.#owners.set(owner, (rows = new Map()))
    rows.set(order, written)
  }

  /** The newest write at a place; undefined where nothing was written. */
  at({ owner, order }: PlaceKey): Written | undefined {
    return this.#owners.get(owner)?.get(order)
  }

  /** All writes within a range, unordered. */
  within(table: Table<never, unknown>, query: RangeQuery): readonly Written[] {
    if (this.#owners.size === 0) return []
    const rows = this.#owners.get(ownerKey(table, query.owner))
    if (rows === undefined) return []
    return [...rows.values()].filter(
      ({ place: { order } }) =>
        (query.from === undefined || compareBytes(order, query.from) >= 0) &&
        (query.to === undefined || compareBytes(order, query.to) < 0),
    )
  }

  /** Whether a load may see another value for what was written here. */
  touches(load: Load): boolean {
    return load.kind === 'get'
      ? this.at(placeKey(load.table, load.place)) !== undefined
      : this.within(load.table, load.query).length > 0
  }

  *values(): Iterable<Written> {
    for (const rows of this.#owners.values()) yield* rows.values()
  }

  /** Takes over all writes of a newer overlay. */
  absorb(newer: Overlay): void {
    for (const written of newer.values()) this.set(written)
  }
}

/** All writes of overlays within a range, oldest overlay first: a later one at a place counts. */
export function writtenWithin(
  overlays: readonly Overlay[],
  table: Table<never, unknown>,
  query: RangeQuery,
): readonly Written[] {
  return overlays.flatMap((overlay) => overlay.within(table, query))
}

/**
 * Merges stored rows with what was written over them; ordered and cut to the query's limit. Every
 * write may hide a row: the store is asked for as many more.
 */
export function mergeRows(
  stored: readonly Row<unknown>[],
  written: readonly Written[],
  query: RangeQuery,
): readonly Row<unknown>[] {
  if (written.length === 0) return stored.slice(0, query.limit)
  const rows = new Map<string, Row<unknown>>()
  for (const row of stored) rows.set(orderKey(row.order), row)
  for (const { place, key, value } of written) {
    if (value === undefined) rows.delete(key.order)
    else rows.set(key.order, { order: place.order, value })
  }
  const sign = query.reverse === true ? -1 : 1
  return [...rows.values()]
    .sort((a, b) => sign * compareBytes(a.order, b.order))
    .slice(0, query.limit)
}
