// What of whole ranges is known without asking the disk: all records of an owner where a table says
// that owners have few, and that a table is empty where it says that it mostly is. A message asks
// for half a dozen such ranges, and each costs a LevelDB iterator otherwise.
// The disk is what counts: it changes with each durable batch, and a read that a batch overtook
// fills nothing.
import { compareBytes } from '../../crypto/index.ts'
import type { Place, RangeQuery, Row, Table } from '../../protocol/index.ts'
import {
  CACHE_ROW_BYTES,
  LARGE_OWNERS_MAX,
  WHOLE_OWNERS_MAX_BYTES,
  WHOLE_OWNER_MAX_ROWS,
  WHOLE_OWNER_RETRY_LOADS,
} from './limits.ts'
import type { Written } from './overlay.ts'
import { ownerKey } from './place-key.ts'

/** A row of a range and the bytes it takes on the disk. */
export interface SizedRow extends Row<unknown> {
  readonly sizeBytes: number
}

interface Whole {
  readonly rows: SizedRow[]
  sizeBytes: number
}

type AnyTable = Table<never, unknown>

/** Index of the first row that is not before `order`. */
function lowerBound(rows: readonly SizedRow[], order: Uint8Array): number {
  let [low, high] = [0, rows.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    const at = rows[middle]
    if (at !== undefined && compareBytes(at.order, order) < 0) low = middle + 1
    else high = middle
  }
  return low
}

function costOf(rows: readonly SizedRow[]): number {
  return rows.reduce((sum, row) => sum + row.sizeBytes + CACHE_ROW_BYTES, CACHE_ROW_BYTES)
}

export class RangeCache {
  readonly #owners = new Map<string, Whole>()
  /** Owners that have more: how many loads pass before they are looked at again. */
  readonly #large = new Map<string, number>()
  readonly #empty = new Set<string>()
  readonly #maxBytes: number
  #sizeBytes = 0

  constructor(maxBytes: number = WHOLE_OWNERS_MAX_BYTES) {
    this.#maxBytes = maxBytes
  }

  /** Bytes it accounts for; never above its bound. */
  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /** The rows of a range; undefined where they are not known. */
  range(table: AnyTable, query: RangeQuery): readonly Row<unknown>[] | undefined {
    if (this.#empty.has(table.name)) return []
    if (table.rows !== 'few') return undefined
    const rows = this.#owners.get(ownerKey(table, query.owner))?.rows
    if (rows === undefined) return undefined
    const start = query.from === undefined ? 0 : lowerBound(rows, query.from)
    const end = query.to === undefined ? rows.length : lowerBound(rows, query.to)
    if (query.reverse !== true) return rows.slice(start, Math.min(end, start + query.limit))
    return rows.slice(Math.max(start, end - query.limit), end).toReversed()
  }

  /** What is at a place; undefined where that is not known. */
  get(table: AnyTable, place: Place): { readonly value: unknown } | undefined {
    if (this.#empty.has(table.name)) return { value: undefined }
    if (table.rows !== 'few') return undefined
    const rows = this.#owners.get(ownerKey(table, place.owner))?.rows
    if (rows === undefined) return undefined
    const row = rows[lowerBound(rows, place.order)]
    const found = row !== undefined && compareBytes(row.order, place.order) === 0
    return { value: found ? row.value : undefined }
  }

  /** Whether it is worth reading all of an owner, or of a rare table: it is not known to have many. */
  wants(table: AnyTable, owner: Uint8Array): boolean {
    if (table.rows === undefined) return false
    const key = table.rows === 'rare' ? table.name : ownerKey(table, owner)
    const left = this.#large.get(key)
    if (left === undefined) return true
    if (left > 1) this.#large.set(key, left - 1)
    else this.#large.delete(key)
    return false
  }

  /** Takes what was read of an owner with the limit of {@link WHOLE_OWNER_MAX_ROWS} and one more. */
  take(table: AnyTable, owner: Uint8Array, rows: readonly SizedRow[]): void {
    const key = ownerKey(table, owner)
    this.#forget(key)
    if (rows.length > WHOLE_OWNER_MAX_ROWS) return this.#markLarge(key)
    const whole = { rows: [...rows], sizeBytes: costOf(rows) }
    this.#owners.set(key, whole)
    this.#sizeBytes += whole.sizeBytes
    this.#makeRoom()
  }

  /** Takes whether a rare table holds nothing at all. */
  takeRare(table: AnyTable, isEmpty: boolean): void {
    if (isEmpty) this.#empty.add(table.name)
    else this.#markLarge(table.name)
  }

  /** A write that is durable now. */
  apply({ table, place, key, value }: Written, sizeBytes: number): void {
    if (value !== undefined) this.#empty.delete(table.name)
    if (table.rows !== 'few') return
    const whole = this.#owners.get(key.owner)
    if (whole === undefined) return
    const { rows } = whole
    const at = lowerBound(rows, place.order)
    const old = rows[at]
    const isThere = old !== undefined && compareBytes(old.order, place.order) === 0
    const before = isThere ? old.sizeBytes + CACHE_ROW_BYTES : 0
    const after = value === undefined ? 0 : sizeBytes + CACHE_ROW_BYTES
    if (value === undefined) rows.splice(at, isThere ? 1 : 0)
    else rows.splice(at, isThere ? 1 : 0, { order: place.order, value, sizeBytes })
    whole.sizeBytes += after - before
    this.#sizeBytes += after - before
    if (rows.length > WHOLE_OWNER_MAX_ROWS) this.#forget(key.owner)
    this.#makeRoom()
  }

  clear(): void {
    this.#owners.clear()
    this.#large.clear()
    this.#empty.clear()
    this.#sizeBytes = 0
  }

  #markLarge(key: string): void {
    if (this.#large.size >= LARGE_OWNERS_MAX) this.#large.clear()
    this.#large.set(key, WHOLE_OWNER_RETRY_LOADS)
  }

  #forget(key: string): void {
    this.#sizeBytes -= this.#owners.get(key)?.sizeBytes ?? 0
    this.#owners.delete(key)
  }

  #makeRoom(): void {
    if (this.#sizeBytes <= this.#maxBytes) return
    for (const oldest of this.#owners.keys()) {
      this.#forget(oldest)
      if (this.#sizeBytes <= this.#maxBytes) return
    }
  }
}
