// Byte strings: building, comparing and wiping them. No Buffer anywhere on this floor.

declare const length: unique symbol

/**
 * A byte string of exactly N bytes. The length is a compile-time hint (16 is not assignable to 32);
 * whoever takes bytes from outside checks it with {@link expectLength}.
 */
export type Bytes<N extends number> = Uint8Array & { readonly [length]?: N }
export type Bytes8 = Bytes<8>
export type Bytes12 = Bytes<12>
export type Bytes16 = Bytes<16>
export type Bytes24 = Bytes<24>
export type Bytes32 = Bytes<32>
export type Bytes64 = Bytes<64>

/** Source of uniformly random bytes: the system's generator, or a seeded one in tests. */
export type Random = (length: number) => Uint8Array<ArrayBuffer>

export const EMPTY: Uint8Array<ArrayBuffer> = new Uint8Array(0)

/** One new byte string holding all parts in order. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let total = 0
  for (const part of parts) total += part.length
  const out = new Uint8Array(total)
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

/** A copy that shares no memory with its source. */
export function copy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes)
}

/** Equality whose running time depends on the lengths only: for tags, MACs and secrets. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0)
  return difference === 0
}

/** Bytewise order, shorter first at a common prefix: -1, 0 or 1. */
export function compareBytes(a: Uint8Array, b: Uint8Array): -1 | 0 | 1 {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0)
    if (difference !== 0) return difference < 0 ? -1 : 1
  }
  if (a.length === b.length) return 0
  return a.length < b.length ? -1 : 1
}

/** Overwrites with zeros. Best effort: a JavaScript engine may hold other copies (SECURITY.md). */
export function wipe(...secrets: readonly Uint8Array[]): void {
  for (const secret of secrets) secret.fill(0)
}

export function u8(value: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(value)
}

export function u16(value: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(2)
  out[0] = value >>> 8
  out[1] = value
  return out
}

export function u32(value: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(4)
  putU32(out, 0, value)
  return out
}

function putU32(out: Uint8Array, at: number, value: number): void {
  out[at] = value >>> 24
  out[at + 1] = value >>> 16
  out[at + 2] = value >>> 8
  out[at + 3] = value
}

/** Unsigned 64-bit, big-endian. Throws RangeError where the value is not in 0..2^53 - 1. */
export function u64(value: number): Uint8Array<ArrayBuffer> {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`no u64: ${value}`)
  const out = new Uint8Array(8)
  putU32(out, 0, Math.floor(value / 2 ** 32))
  putU32(out, 4, value % 2 ** 32)
  return out
}

export function readU16(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint16(at)
}

export function readU32(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(at)
}

/** Reads an unsigned 64-bit integer; above 2^53 - 1 it comes back inexact and the caller refuses it. */
export function readU64(bytes: Uint8Array, at: number): number {
  return Number(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(at))
}

/** LP(x) = u16 length ‖ x (SPEC.md §1). */
export function lengthPrefixed(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return concat(u16(bytes.length), bytes)
}

const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, '0'),
)

/** Lower-case hex: for map keys, logs and vectors. Never for secrets: strings cannot be wiped. */
export function toHex(bytes: Uint8Array): string {
  let out = ''
  for (let i = 0; i < bytes.length; i++) out += HEX[bytes[i] ?? 0]
  return out
}

export function fromHex(hex: string): Uint8Array<ArrayBuffer> {
  if (hex.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(hex)) throw new TypeError('not a hex string')
  const out = new Uint8Array(hex.length / 2)
  for (let i = 0; i < out.length; i++) out[i] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16)
  return out
}
