// Errors of this floor: callers branch on `code`, never on the message (SPEC.md §1).

export type CryptoErrorCode =
  | 'ERR_WIRE_MALFORMED' // bytes that no honest implementation sends
  | 'ERR_WIRE_UNSUPPORTED' // a version, suite or critical flag this build does not know
  | 'ERR_CRYPTO_UNAUTHENTIC' // a tag, MAC or signature does not hold
  | 'ERR_CRYPTO_KEY' // a key that must not be used: small order, not canonical, wrong length
  | 'ERR_CRYPTO_TEXT' // a string that is not well-formed Unicode
  | 'ERR_CRYPTO_EXPIRED' // authentic, but past the end its signer stated
  | 'ERR_CRYPTO_PHRASE' // a recovery phrase with an unknown word or a wrong checksum
  | 'ERR_CRYPTO_PARAMETER' // a caller's mistake: length or range
  | 'ERR_PROTOCOL_LIMIT' // honest but beyond a stated bound: to be held, never dropped

export class CryptoError extends Error {
  override readonly name = 'CryptoError'
  readonly code: CryptoErrorCode

  constructor(code: CryptoErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

/** Throws ERR_WIRE_MALFORMED. For decoders. */
export function malformed(what: string): never {
  throw new CryptoError('ERR_WIRE_MALFORMED', what)
}

/** Checks the length of bytes from outside. Throws ERR_WIRE_MALFORMED. */
export function expectLength(bytes: Uint8Array, length: number, what: string): void {
  if (bytes.length !== length) malformed(`${what}: ${bytes.length} bytes instead of ${length}`)
}
