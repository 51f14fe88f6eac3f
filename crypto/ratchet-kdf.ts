// The key schedule of the double ratchet (SPEC.md §6). Per message it costs three HMACs, not HKDFs:
// the chain is stepped for every message of a conversation.
import { type Bytes32, type Random, concat, u16 } from './bytes.ts'
import { hkdf } from './kdf.ts'
import { label } from './labels.ts'
import type { CryptoProvider } from './provider.ts'

const ONE: Uint8Array = Uint8Array.of(1)
const TWO: Uint8Array = Uint8Array.of(2)

/** What one half of a DH step gives. */
export interface RootStep {
  readonly rootKey: Bytes32
  readonly chainKey: Bytes32
  readonly nextHeaderKey: Bytes32
  readonly ephemeralKey: Bytes32
}

export interface RootInput {
  readonly rootKey: Bytes32
  readonly dh: Uint8Array
  /** SS' where this half mixes a post-quantum secret. */
  readonly mix?: Bytes32
  /** pqEpoch after the step. */
  readonly pqEpoch: number
}

/** KDF_RK: RK ‖ CK ‖ NHK ‖ EPH. The DH output is wiped. */
export function stepRoot(provider: CryptoProvider, input: RootInput): RootStep {
  const ikm = input.mix === undefined ? input.dh : concat(input.dh, input.mix)
  const info = concat(label('ratchet'), u16(input.pqEpoch))
  const okm = hkdf(provider, input.rootKey, ikm, info, 128)
  input.dh.fill(0)
  return {
    rootKey: okm.slice(0, 32),
    chainKey: okm.slice(32, 64),
    nextHeaderKey: okm.slice(64, 96),
    ephemeralKey: okm.slice(96, 128),
  }
}

/** ms = HMAC(CK, 0x01): the seed from which a message's key is made with its header nonce. */
export function messageSeed(provider: CryptoProvider, chainKey: Bytes32): Uint8Array<ArrayBuffer> {
  return provider.hmac(chainKey, ONE)
}

/** CK' = HMAC(CK, 0x02). */
export function stepChain(provider: CryptoProvider, chainKey: Bytes32): Uint8Array<ArrayBuffer> {
  return provider.hmac(chainKey, TWO)
}

/**
 * The header nonce, 12 bytes, hedged with the whole message: a copied machine that repeats its
 * random bytes repeats a nonce only together with the message, which then is the same message.
 */
export function headerNonce(
  provider: CryptoProvider,
  seed: Bytes32,
  random: Random,
  content: { readonly header: Uint8Array; readonly padded: Uint8Array },
): Uint8Array<ArrayBuffer> {
  const digest = provider.sha256(content.header, content.padded)
  return provider.hmac(seed, label('hn'), random(32), digest).slice(0, 12)
}

/** mk = HMAC(ms, hn). */
export function messageKey(
  provider: CryptoProvider,
  seed: Bytes32,
  nonce: Uint8Array,
): Uint8Array<ArrayBuffer> {
  return provider.hmac(seed, nonce)
}
