// Ed25519 keys and signatures with a torsion component, on which verification rules differ: clean
// libraries accept, refuse or disagree. Made with noble's points from plain scalars.
import { createHash } from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'

const { Point } = ed25519
export const ORDER: bigint = Point.Fn.ORDER

type Ed25519Point = ReturnType<typeof Point.fromBytes>

/** A point of order 8; its multiples are the eight torsion points. */
const T8 = Point.fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05')

export function torsionPoint(n: number): Ed25519Point {
  return n % 8 === 0 ? Point.ZERO : T8.multiplyUnsafe(BigInt(n % 8))
}

export function littleEndian(value: bigint): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n))
}

export function toScalar(bytes: Uint8Array): bigint {
  let value = 0n
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] ?? 0)
  return value % ORDER
}

export interface TorsionCase {
  readonly publicKey: Uint8Array
  readonly message: Uint8Array
  readonly signature: Uint8Array
}

export interface TorsionInput {
  readonly secret: bigint
  readonly nonce: bigint
  readonly message: Uint8Array
  /** Multiples of the point of order 8 added to A and to R. */
  readonly inKey: number
  readonly inR: number
}

/** S = r + H(R' ‖ A' ‖ M) a, with A' = A + T and R' = R + T'. */
export function torsionCase(input: TorsionInput): TorsionCase {
  const { secret, nonce, message, inKey, inR } = input
  const publicKey = Point.BASE.multiply(secret).add(torsionPoint(inKey)).toBytes()
  const r = Point.BASE.multiply(nonce).add(torsionPoint(inR)).toBytes()
  const k = toScalar(createHash('sha512').update(r).update(publicKey).update(message).digest())
  const s = littleEndian((nonce + k * secret) % ORDER)
  return { publicKey, message, signature: Uint8Array.from([...r, ...s]) }
}
