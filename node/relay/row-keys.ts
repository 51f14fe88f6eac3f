// Keys of a relay's store (SPEC.md §14.1): a prefix byte for the table, the mailbox, what sorts.
// Nothing is hidden: a relay's store holds opaque envelopes, and the relay knows its mailboxes.
const PREFIXES: ReadonlyMap<string, number> = new Map([
  ['service', 0x00],
  ['mailbox', 0x01],
  ['row', 0x02],
  ['mark', 0x03],
  ['expiry', 0x04],
  ['prekey', 0x05],
  ['card', 0x06],
  ['invite', 0x07],
  ['coalesced', 0x08],
  ['lease', 0x0a],
  ['stock', 0x0b],
  ['ticket', 0x0c],
  ['charge', 0x0d],
])

export const SERVICE_KEY: Uint8Array = Uint8Array.of(0)

export function rowKey(table: string, owner: Uint8Array, order: Uint8Array): Uint8Array {
  const prefix = PREFIXES.get(table)
  if (prefix === undefined) throw new TypeError(`no such table: ${table}`)
  const key = new Uint8Array(1 + owner.length + order.length)
  key[0] = prefix
  key.set(owner, 1)
  key.set(order, 1 + owner.length)
  return key
}

/** The first key behind all that begin with these bytes, which are not all 0xff. */
export function keyBehind(prefix: Uint8Array): Uint8Array {
  const out = new Uint8Array(prefix)
  for (let i = out.length - 1; i >= 0; i--) {
    const byte = out[i] ?? 0
    if (byte < 0xff) {
      out[i] = byte + 1
      return out.slice(0, i + 1)
    }
  }
  return out
}
