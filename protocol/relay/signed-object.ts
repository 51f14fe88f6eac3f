// A signed object [body bstr, sig b64] (SPEC.md §1), kept as received.
import {
  type Bytes64,
  type CryptoProvider,
  FieldReader,
  type SignatureContext,
  decodeCbor,
  encodeCbor,
  sign,
} from '../../crypto/index.ts'

export interface SignedObject {
  readonly body: Uint8Array
  readonly signature: Bytes64
}

export function encodeSigned(
  provider: CryptoProvider,
  seed: Uint8Array,
  context: SignatureContext,
  body: Uint8Array,
): Uint8Array<ArrayBuffer> {
  return encodeCbor([body, sign(provider, seed, context, body)])
}

/** Splits body and signature; the signature is not checked here. */
export function decodeSigned(bytes: Uint8Array, what: string, maxBytes: number): SignedObject {
  const fields = new FieldReader(decodeCbor(bytes, maxBytes), what)
  const body = fields.bytes('body', 1, maxBytes)
  const signature = fields.bytes('sig', 64)
  fields.end()
  return { body, signature }
}
