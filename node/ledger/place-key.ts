// Places as keys of maps: asked for with every load, so a string of the bytes themselves and not of
// their hex.
import type { Place, Table } from '../../protocol/index.ts'

export interface PlaceKey {
  /** Of the table and the owner. */
  readonly owner: string
  /** Of the record among those of its owner. */
  readonly order: string
}

function textOf(bytes: Uint8Array): string {
  return bytes.length === 0
    ? ''
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

/** One string per owner of a table: its length keeps what follows it apart. */
export function ownerKey(table: Table<never, unknown>, owner: Uint8Array): string {
  return `${table.name}/${owner.length}/${textOf(owner)}`
}

export function orderKey(order: Uint8Array): string {
  return textOf(order)
}

export function placeKey(table: Table<never, unknown>, { owner, order }: Place): PlaceKey {
  return { owner: ownerKey(table, owner), order: textOf(order) }
}
