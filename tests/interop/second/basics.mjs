// §1 Conventions. Keys of all kinds are { secretKey, publicKey }.
import { chacha20poly1305 as AEAD } from '@noble/ciphers/chacha.js'
import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { bytesToNumberBE, bytesToNumberLE, numberToBytesBE } from '@noble/curves/utils.js'
import { expand, extract } from '@noble/hashes/hkdf.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256, sha512 } from '@noble/hashes/sha2.js'
import { bytesToHex as hex, concatBytes as cat } from '@noble/hashes/utils.js'
import { decode as parse, encode } from 'cborg'

export { AEAD, cat, ed25519, encode, hex, x25519 }

export const demand = (holds, code = 'ERR_WIRE_MALFORMED') => {
  if (!holds) throw new Error(code)
}
export const attempt = (work, otherwise = () => null) => {
  try {
    return work()
  } catch (error) {
    return otherwise(error.message)
  }
}
export const tell = (event) => process.stdout.write(`${JSON.stringify(event)}\n`)
export const nowS = () => Math.floor(Date.now() / 1000)
export const [u8, u16, u32, u64] = [1, 2, 4, 8].map((size) => (n) => numberToBytesBE(n, size))
export const number = (bytes) => Number(bytesToNumberBE(bytes))
export const zeros = (n) => new Uint8Array(n)
export const [none, N0] = [zeros(0), zeros(12)]
export const utf8 = (text) => new TextEncoder().encode(text)
export const textOf = (bytes) =>
  new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
export const order = (a, b) => Buffer.compare(a, b)
export const same = (a, b) => order(a, b) === 0

/** Bytes cut into parts of these lengths, and what is left. */
export function cut(bytes, ...lengths) {
  let at = 0
  const parts = lengths.map((length) => bytes.slice(at, (at += length)))
  demand(at <= bytes.length)
  return [...parts, bytes.slice(at)]
}
export const LP = (x) => cat(u16(x.length), x)
export const unLP = (bytes) => cut(bytes.slice(2), number(bytes.slice(0, 2)))
export const L = (name) => cat(utf8(`sotto/1/${name}`), u8(0))
export const H = (...x) => sha256(cat(...x))
export const HMAC = (key, ...x) => hmac(sha256, key, cat(...x))
export const Extract = (salt, ikm) => extract(sha256, ikm, salt)
export const Expand = (prk, info, n) => expand(sha256, prk, info, n)
export const HKDF = (salt, ikm, info, n) => Expand(Extract(salt, ikm), info, n)

export function unBase32(string) {
  const fives = [...string].map((c) => 'abcdefghijklmnopqrstuvwxyz234567'.indexOf(c))
  const bits = fives.map((five) => five.toString(2).padStart(5, '0')).join('')
  return Uint8Array.from(bits.match(/.{8}/g), (byte) => parseInt(byte, 2))
}
// §1.3
const kind0 = (x) => Number.isSafeInteger(x) && x >= 0
const known = (x) => (Array.isArray(x) ? x.every(known) : x instanceof Uint8Array || kind0(x))
export function decode(bytes) {
  const value = parse(bytes, { strict: true, allowIndefinite: false })
  demand(Array.isArray(value) && known(value) && same(encode(value), bytes))
  return value
}
// §1.5, without cofactor. Of the contexts group-op and group-entry, m is a hash already.
const { Point } = ed25519
const hashed = ['group-op', 'group-entry']
const signed = (context, m) => cat(L(`sig/${context}`), hashed.includes(context) ? m : H(m))
export const sign = (key, context, m) => ed25519.sign(signed(context, m), key.secretKey)
export function verify(publicKey, context, m, sig) {
  const [R, S] = cut(sig, 32)
  const A = Point.fromBytes(publicKey)
  const k = bytesToNumberLE(sha512(cat(R, publicKey, signed(context, m)))) % Point.Fn.ORDER
  const SB = Point.BASE.multiplyUnsafe(bytesToNumberLE(S)) // throws unless S < L
  const holds = !A.isSmallOrder() && same(SB.subtract(A.multiplyUnsafe(k)).toBytes(), R)
  demand(holds, 'ERR_CRYPTO_UNAUTHENTIC')
}
// §1.6
export function DH(key, publicKey) {
  demand(bytesToNumberLE(publicKey) < 2n ** 255n - 19n, 'ERR_CRYPTO_KEY')
  return x25519.getSharedSecret(key.secretKey, publicKey)
}
// §7.2
export const LADDER = [512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536]
/** Content, 0x80, and zeros up to the smallest size of the ladder that holds it and the overhead. */
export function pad(content, overhead) {
  const size = LADDER.find((total) => total >= content.length + 1 + overhead)
  demand(size, 'too long')
  return cat(content, u8(0x80), zeros(size - overhead - content.length - 1))
}
export function unpad(x) {
  const end = x.findLastIndex((byte) => byte !== 0)
  demand(x[end] === 0x80)
  return x.slice(0, end)
}
// §8.1
export const rawFrame = (kind, body) => cat(u16(kind), LP(body))
export const frame = (kind, fields) => rawFrame(kind, encode(fields))
export function readFrames(bytes) {
  const frames = []
  for (let kind, body, rest = bytes; rest.length > 0;) {
    ;[kind, rest] = cut(rest, 2)
    ;[body, rest] = unLP(rest)
    frames.push([number(kind), body])
  }
  return frames
}
