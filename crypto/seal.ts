// The sealed envelope: what a relay stores. It hides the sender, the session and the inner message
// behind a fresh key per copy, so that two relays cannot tell that they hold the same one
// (SPEC.md §7).
import { type Bytes16, type Bytes32, type Random, concat, copy, u8, wipe } from './bytes.ts'
import { CryptoError, malformed } from './errors.ts'
import { hkdf } from './kdf.ts'
import { label } from './labels.ts'
import { LADDER, SEAL_OVERHEAD_BYTES } from './limits.ts'
import { expectLadderSize } from './padding.ts'
import type { CryptoProvider } from './provider.ts'

const ENVELOPE = 0x01
const NONCE = new Uint8Array(12)

/** To whom an envelope is sealed, and where it will lie. */
export interface SealTarget {
  /** 0: the device's DDH key; 1 to 255: the seal key of that id. */
  readonly keyId: number
  readonly publicKey: Bytes32
  /** The recipient's mailbox at the relay that will store it. */
  readonly mailboxId: Bytes16
}

/** A key that opens envelopes. */
export interface SealKey {
  readonly keyId: number
  readonly publicKey: Bytes32
  readonly secret: Bytes32
}

export interface OpenedEnvelope {
  readonly keyId: number
  /** Which session the sender means: a hint until the inner message opened. */
  readonly sid: Bytes16
  readonly inner: Uint8Array
}

function sealKey(
  provider: CryptoProvider,
  ephemeral: Uint8Array,
  publicKey: Uint8Array,
  shared: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const key = hkdf(provider, concat(ephemeral, publicKey), shared, label('seal'), 32)
  wipe(shared)
  return key
}

/**
 * `0x01 ‖ keyId u8 ‖ e32 ‖ AEAD(sid16 ‖ inner)`: 66 bytes more than the inner message, which was
 * padded so that this is a size of the ladder. Throws ERR_CRYPTO_PARAMETER where it is not, and
 * ERR_CRYPTO_KEY for a key of small order.
 */
export function sealEnvelope(
  provider: CryptoProvider,
  random: Random,
  target: SealTarget,
  content: { readonly sid: Bytes16; readonly inner: Uint8Array },
): Uint8Array<ArrayBuffer> {
  const { keyId, publicKey, mailboxId } = target
  const { sid, inner } = content
  if (sid.length !== 16 || mailboxId.length !== 16 || !(keyId >= 0 && keyId <= 255)) {
    throw new CryptoError('ERR_CRYPTO_PARAMETER', 'seal: wrong length or key id')
  }
  if (!LADDER.includes(inner.length + SEAL_OVERHEAD_BYTES)) {
    throw new CryptoError('ERR_CRYPTO_PARAMETER', `seal: ${inner.length} bytes are off the ladder`)
  }
  const secret = random(32)
  const fresh = provider.x25519Key(secret)
  const ephemeral = fresh.publicKey
  const key = sealKey(provider, ephemeral, publicKey, fresh.agree(publicKey))
  const head = Uint8Array.of(ENVELOPE, keyId)
  const sealed = provider.aeadSeal(key, NONCE, concat(head, mailboxId), concat(sid, inner))
  wipe(secret, key)
  return concat(head, ephemeral, sealed)
}

/**
 * Opens an envelope that lay in `mailboxId` with whichever of the keys has its key id. Throws
 * ERR_WIRE_MALFORMED for a size off the ladder or another first byte, ERR_CRYPTO_UNAUTHENTIC where
 * no key opens it.
 */
export function openEnvelope(
  provider: CryptoProvider,
  keys: readonly SealKey[],
  mailboxId: Bytes16,
  envelope: Uint8Array,
): OpenedEnvelope {
  expectLadderSize(envelope)
  if (envelope[0] !== ENVELOPE) malformed('not a sealed envelope')
  const keyId = envelope[1] ?? 0
  const ephemeral = envelope.subarray(2, 34)
  const aad = concat(u8(ENVELOPE), u8(keyId), mailboxId)
  for (const candidate of keys) {
    if (candidate.keyId !== keyId) continue
    const shared = agree(provider, candidate.secret, ephemeral)
    const key = sealKey(provider, ephemeral, candidate.publicKey, shared)
    const opened = provider.aeadOpen(key, NONCE, aad, envelope.subarray(34))
    wipe(key)
    if (opened !== undefined) {
      return { keyId, sid: copy(opened.subarray(0, 16)), inner: copy(opened.subarray(16)) }
    }
  }
  throw new CryptoError('ERR_CRYPTO_UNAUTHENTIC', 'no seal key opens this envelope')
}

/** An unusable ephemeral key is one more envelope that no key opens. */
function agree(provider: CryptoProvider, secret: Uint8Array, ephemeral: Uint8Array): Uint8Array {
  try {
    return provider.x25519(secret, ephemeral)
  } catch (cause) {
    if (!(cause instanceof CryptoError)) throw cause
    throw new CryptoError('ERR_CRYPTO_UNAUTHENTIC', 'no seal key opens this envelope', { cause })
  }
}

/** H(L("inner") ‖ inner): names a message whatever carried it. 32 bytes. */
export function innerId(provider: CryptoProvider, inner: Uint8Array): Uint8Array<ArrayBuffer> {
  return provider.sha256(label('inner'), inner)
}

/** H(L("env") ‖ innerId ‖ mailboxId): names one copy at one mailbox. 32 bytes. */
export function envelopeId(
  provider: CryptoProvider,
  inner: Bytes32,
  mailboxId: Bytes16,
): Uint8Array<ArrayBuffer> {
  return provider.sha256(label('env'), inner, mailboxId)
}
