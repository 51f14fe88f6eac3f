// Writes that are not on the disk yet, as later turns must already see them: newest value per
// place, grouped so that a range of one owner can be merged with what the store holds.
import { compareBytes, toHex } from '../../crypto/index.ts'
import type { Load, Place, RangeQuery, Row, Table } from '../../protocol/index.ts'

/** One written record, encoded when it was written: `value` and `plain` undefined remove it. */
export interface Written {
  readonly table: Table<never, unknown>
  readonly place: Place
  readonly value: unknown
  readonly plain: Uint8Array | undefined
}

function ownerKey(table: Table<never, unknown>, owner: Uint8Array): string {
  return `${table.name}/${toHex(owner)}`
}

export class Overlay {
  readonly #owners = new Map<string, Map<string, Written>>()

  get empty(): boolean {
    return this.#owners.size === 0
  }

  set(written: Written): void {
    const key = ownerKey(written.table, written.place.owner)
    let rows = this.#owners.get(key)
    if (rows === undefined) this.#owners.set(key, (rows = new Map()))
    rows.set(toHex(written.place.order), written)
  }

  /** The newest write at a place; undefined where nothing was written. */
  at(table: Table<never, unknown>, place: Place): Written | undefined {
    return this.#owners.get(ownerKey(table, place.owner))?.get(toHex(place.order))
  }

  /** All writes within a range, unordered. */
  within(table: Table<never, unknown>, query: RangeQuery): readonly Written[] {
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
      ? this.at(load.table, load.place) !== undefined
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

/** Merges stored rows with overlays, oldest overlay first; ordered and cut to the query's limit. */
export function mergeRows(
  stored: readonly Row<unknown>[],
  overlays: readonly Overlay[],
  table: Table<never, unknown>,
  query: RangeQuery,
): readonly Row<unknown>[] {
  const written = overlays.flatMap((overlay) => overlay.within(table, query))
  if (written.length === 0) return stored.slice(0, query.limit)
  const rows = new Map<string, Row<unknown>>()
  for (const row of stored) rows.set(toHex(row.order), row)
  for (const { place, value } of written) {
    if (value === undefined) rows.delete(toHex(place.order))
    else rows.set(toHex(place.order), { order: place.order, value })
  }
  const sign = query.reverse === true ? -1 : 1
  return [...rows.values()]
    .sort((a, b) => sign * compareBytes(a.order, b.order))
    .slice(0, query.limit)
}

/** How many rows an overlay may hide or add in a range: what a store query must read beyond its limit. */
export function overlayCount(
  overlays: readonly Overlay[],
  table: Table<never, unknown>,
  query: RangeQuery,
): number {
  let count = 0
  for (const overlay of overlays) count += overlay.within(table, query).length
  return count
}
