// The sparse post-quantum re-key of a session: an ML-KEM-768 key is offered and answered inside
// ratchet messages, and its secret is mixed into one half of one DH step once both sides are known
// to hold it (SPEC.md §6). Pure transitions; the ratchet calls them, and mixes.
import { type Bytes, type Bytes32, type Bytes64, type Random, compareBytes } from './bytes.ts'
import { concat, equalBytes, readU16, u16 } from './bytes.ts'
import { malformed } from './errors.ts'
import { hkdf } from './kdf.ts'
import { label } from './labels.ts'
import { PQ_EPOCH_MAX, PQ_OFFER_AGE_MS, PQ_OFFER_MESSAGES, PQ_REPEAT_MESSAGES } from './limits.ts'
import type { CryptoProvider } from './provider.ts'

/** Frame kinds of the re-key (SPEC.md §6, §8). */
const PQ_EK = 0x3000
const PQ_CT = 0x3001
const PQ_HAVE = 0x3002

/** Where a device stands with the next epoch; the target is always pqEpoch + 1. */
export type PqState =
  | { readonly kind: 'idle' }
  /** Offered a key: its seed d ‖ z. */
  | { readonly kind: 'offering'; readonly seed: Bytes64 }
  /** Answers an offer: the ciphertext goes into every message until the peer has it. */
  | {
      readonly kind: 'answering'
      /** H(pk)[0..8] of the key that was offered. */
      readonly keyHash: Bytes<8>
      readonly ciphertext: Bytes<1088>
      /** SS': what will be mixed. */
      readonly mix: Bytes32
    }
  /** The peer has the secret: the next sending half step mixes it. */
  | { readonly kind: 'armed'; readonly mix: Bytes32 }
  /** Has the secret: says so until a chain of the new epoch shows. */
  | { readonly kind: 'holding'; readonly mix: Bytes32 }

export type PqFrame =
  | { readonly kind: 'key'; readonly target: number; readonly key: Bytes<1184> }
  | {
      readonly kind: 'ciphertext'
      readonly target: number
      readonly keyHash: Bytes<8>
      readonly ciphertext: Bytes<1088>
    }
  | { readonly kind: 'have'; readonly target: number }

export const PQ_IDLE: PqState = { kind: 'idle' }

/** Whether a frame kind belongs to the re-key. */
export function isPqKind(kind: number): boolean {
  return kind === PQ_EK || kind === PQ_CT || kind === PQ_HAVE
}

function encodeFrame(kind: number, ...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const body = concat(...parts)
  return concat(u16(kind), u16(body.length), body)
}

/**
 * A whole frame, kind u16 ‖ LP(body): the key target u16 ‖ pk (1 190 bytes), the ciphertext
 * target u16 ‖ H(pk)[0..8] ‖ ct (1 102), the acknowledgement target u16 (6).
 */
export function encodePqFrame(frame: PqFrame): Uint8Array<ArrayBuffer> {
  const target = u16(frame.target)
  switch (frame.kind) {
    case 'key':
      return encodeFrame(PQ_EK, target, frame.key)
    case 'ciphertext':
      return encodeFrame(PQ_CT, target, frame.keyHash, frame.ciphertext)
    case 'have':
      return encodeFrame(PQ_HAVE, target)
  }
}

/** Reads the body of a frame whose kind {@link isPqKind}. Throws ERR_WIRE_MALFORMED. */
export function decodePqFrame(kind: number, body: Uint8Array): PqFrame {
  const length = kind === PQ_EK ? 1186 : kind === PQ_CT ? 1098 : 2
  if (!isPqKind(kind) || body.length !== length) malformed('post-quantum frame: wrong length')
  const target = readU16(body, 0)
  if (kind === PQ_EK) return { kind: 'key', target, key: body.slice(2) }
  if (kind === PQ_HAVE) return { kind: 'have', target }
  return {
    kind: 'ciphertext',
    target,
    keyHash: body.slice(2, 10),
    ciphertext: body.slice(10),
  }
}

export interface PqContext {
  readonly sid: Uint8Array
  /** The session's epoch; every frame is about the next one. */
  readonly pqEpoch: number
}

function keyHash(provider: CryptoProvider, key: Uint8Array): Uint8Array<ArrayBuffer> {
  return provider.sha256(key).slice(0, 8)
}

/** SS' = HKDF(H(pk ‖ ct), SS, L("pq") ‖ sid ‖ u16 target, 32). */
function deriveMix(
  provider: CryptoProvider,
  context: PqContext,
  exchange: {
    readonly key: Uint8Array
    readonly ciphertext: Uint8Array
    readonly secret: Uint8Array
  },
): Uint8Array<ArrayBuffer> {
  const salt = provider.sha256(exchange.key, exchange.ciphertext)
  const info = concat(label('pq'), context.sid, u16(context.pqEpoch + 1))
  const mix = hkdf(provider, salt, exchange.secret, info, 32)
  exchange.secret.fill(0)
  return mix
}

export interface PqAge {
  readonly confirmed: boolean
  readonly pqEpoch: number
  /** Messages sent and received since the last epoch. */
  readonly messages: number
  readonly sinceMs: number
  readonly nowMs: number
}

/** Whether an idle device should offer a key: the session answered, and 50 messages or 24 h passed. */
export function pqOfferIsDue(pq: PqState, age: PqAge): boolean {
  if (pq.kind !== 'idle' || !age.confirmed || age.pqEpoch >= PQ_EPOCH_MAX) return false
  return age.messages >= PQ_OFFER_MESSAGES || age.nowMs - age.sinceMs >= PQ_OFFER_AGE_MS
}

/**
 * The frame that message number `n` of the sending chain carries, if any. A fresh offer goes out
 * at once; then with the first message of each chain and every 16th.
 */
export function pqFrameToSend(
  provider: CryptoProvider,
  pq: PqState,
  message: { readonly pqEpoch: number; readonly n: number; readonly fresh: boolean },
): PqFrame | undefined {
  const target = message.pqEpoch + 1
  switch (pq.kind) {
    case 'idle':
    case 'armed':
      return undefined
    case 'offering':
      if (!message.fresh && message.n % PQ_REPEAT_MESSAGES !== 0) return undefined
      return { kind: 'key', target, key: provider.mlkemPublicKey(pq.seed) }
    case 'answering':
      return { kind: 'ciphertext', target, keyHash: pq.keyHash, ciphertext: pq.ciphertext }
    case 'holding':
      return { kind: 'have', target }
  }
}

/**
 * The state after a frame of the peer; whatever the table of SPEC.md §6 does not name is ignored.
 * Throws ERR_CRYPTO_KEY for an offered key whose modulus check fails.
 */
export function receivePqFrame(
  provider: CryptoProvider,
  pq: PqState,
  frame: PqFrame,
  context: PqContext & { readonly random: Random },
): PqState {
  if (frame.target !== context.pqEpoch + 1) return pq
  if (frame.kind === 'have') {
    return pq.kind === 'answering' ? { kind: 'armed', mix: pq.mix } : pq
  }
  if (frame.kind === 'ciphertext') {
    if (pq.kind !== 'offering') return pq
    const key = provider.mlkemPublicKey(pq.seed)
    if (!equalBytes(keyHash(provider, key), frame.keyHash)) return pq
    const secret = provider.mlkemDecapsulate(pq.seed, frame.ciphertext)
    const exchange = { key, ciphertext: frame.ciphertext, secret }
    return { kind: 'holding', mix: deriveMix(provider, context, exchange) }
  }
  if (pq.kind !== 'idle' && pq.kind !== 'offering') return pq
  // Two offers cross: the bytewise smaller key stands, the other side answers it.
  if (pq.kind === 'offering' && compareBytes(frame.key, provider.mlkemPublicKey(pq.seed)) >= 0) {
    return pq
  }
  const { ciphertext, secret } = provider.mlkemEncapsulate(frame.key, context.random(32))
  const mix = deriveMix(provider, context, { key: frame.key, ciphertext, secret })
  return { kind: 'answering', keyHash: keyHash(provider, frame.key), ciphertext, mix }
}
