// Signed object = [body bstr, sig bstr64]: the body is signed as the bytes it is, and kept so
// (SPEC.md §1).
import { FieldReader, decodeCbor } from './cbor.ts'
import { encodeCbor } from './cbor-encoder.ts'
import { CryptoError } from './errors.ts'
import { sign, verify } from './kdf.ts'
import type { SignatureContext } from './labels.ts'
import type { CryptoProvider } from './provider.ts'

export interface SignedObject {
  /** The signed bytes, as received. */
  readonly body: Uint8Array
  readonly signature: Uint8Array
}

/** Signs a body and wraps both. */
export function signObject(
  provider: CryptoProvider,
  seed: Uint8Array,
  context: SignatureContext,
  body: Uint8Array,
): Uint8Array<ArrayBuffer> {
  return encodeCbor([body, sign(provider, seed, context, body)])
}

/** Splits a signed object without judging its signature. Throws ERR_WIRE_MALFORMED. */
export function decodeSignedObject(
  bytes: Uint8Array,
  maxBytes: number,
  what: string,
): SignedObject {
  const fields = new FieldReader(decodeCbor(bytes, maxBytes), what)
  const body = fields.bytes('body', 1, maxBytes)
  const signature = fields.bytes('sig', 64)
  fields.end()
  return { body, signature }
}

/** Throws ERR_CRYPTO_KEY for a key outside the one rule, ERR_CRYPTO_UNAUTHENTIC for a bad signature. */
export function checkSignedObject(
  provider: CryptoProvider,
  publicKey: Uint8Array,
  context: SignatureContext,
  object: SignedObject,
): void {
  if (!provider.ed25519KeyAccepted(publicKey)) {
    throw new CryptoError('ERR_CRYPTO_KEY', `${context}: not an acceptable Ed25519 key`)
  }
  if (!verify(provider, publicKey, context, object.body, object.signature)) {
    throw new CryptoError('ERR_CRYPTO_UNAUTHENTIC', `${context}: the signature does not hold`)
  }
}
