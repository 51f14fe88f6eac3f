// The sending side of the double ratchet (SPEC.md §6).
import { type Random, concat } from './bytes.ts'
import { CryptoError } from './errors.ts'
import { CHAIN_MAX_MESSAGES, PQ_EPOCH_MAX } from './limits.ts'
import { frameRoom, padFrames } from './padding.ts'
import { PQ_IDLE, type PqState, encodePqFrame, pqFrameToSend, pqOfferIsDue } from './pq-rekey.ts'
import type { CryptoProvider } from './provider.ts'
import { RATCHET_TYPE, encodeRatchetHeader } from './ratchet-header.ts'
import { headerNonce, messageKey, messageSeed, stepChain, stepRoot } from './ratchet-kdf.ts'
import type { RatchetState } from './ratchet-state.ts'

const NONCE_0: Uint8Array = new Uint8Array(12)
const TYPE_BYTE: Uint8Array = Uint8Array.of(RATCHET_TYPE)

export interface RatchetEncryptOptions {
  /** Device-list versions, 48 bytes. */
  readonly lists: Uint8Array
  readonly frames: Uint8Array
  /** Bytes of the init that will stand before the message; 0 where none does. */
  readonly initLength: number
  readonly random: Random
  /** For the age of the post-quantum epoch only, Unix ms. */
  readonly nowMs: number
  /** Whether a post-quantum re-key may be started now; answering one is never optional. */
  readonly offerPq?: boolean
}

/** Whether the session is at its end: 900 messages without a DH step, or the last epoch. */
export function ratchetIsExhausted(state: RatchetState): boolean {
  if (state.pqEpoch >= PQ_EPOCH_MAX) return true
  return state.own !== undefined && (state.sending?.count ?? 0) >= CHAIN_MAX_MESSAGES
}

/** Whether this side may send: the responder may not before it received. */
export function ratchetCanSend(state: RatchetState): boolean {
  return state.own === undefined || state.sending !== undefined
}

/** The sending half of a DH step, put off until something is sent. */
function stepSending(provider: CryptoProvider, state: RatchetState, random: Random): RatchetState {
  const { own, remote, pq } = state
  if (own !== undefined) return state
  if (remote === undefined) {
    throw new CryptoError('ERR_CRYPTO_PARAMETER', 'ratchet: nothing received yet')
  }
  const secret = random(32)
  const key = provider.x25519Key(secret)
  const pqEpoch = pq.kind === 'armed' ? state.pqEpoch + 1 : state.pqEpoch
  const step = stepRoot(provider, {
    rootKey: state.rootKey,
    dh: key.agree(remote),
    ...(pq.kind === 'armed' ? { mix: pq.mix } : {}),
    pqEpoch,
  })
  return {
    ...state,
    rootKey: step.rootKey,
    own: { secret, publicKey: key.publicKey },
    sending: {
      headerKey: state.nextSendingKey,
      chainKey: step.chainKey,
      ephemeralKey: step.ephemeralKey,
      count: 0,
    },
    nextSendingKey: step.nextHeaderKey,
    previousCount: state.sending?.count ?? 0,
    pqEpoch,
    pq: pq.kind === 'armed' ? PQ_IDLE : pq,
  }
}

/** The frames with what the re-key has to say, where the largest message still holds it. */
function addPqFrame(
  provider: CryptoProvider,
  state: RatchetState,
  n: number,
  options: RatchetEncryptOptions,
): { readonly pq: PqState; readonly frames: Uint8Array } {
  const { frames, initLength, nowMs } = options
  const { confirmed, pqEpoch, pqMessages: messages, pqSinceMs: sinceMs } = state
  const age = { confirmed, pqEpoch, messages, sinceMs, nowMs }
  const fresh = options.offerPq !== false && pqOfferIsDue(state.pq, age)
  const pq: PqState = fresh ? { kind: 'offering', seed: options.random(64) } : state.pq
  const message = { pqEpoch, n, fresh }
  const frame = pqFrameToSend(provider, pq, message)
  if (frame === undefined) return { pq, frames }
  const bytes = encodePqFrame(frame)
  if (frames.length + bytes.length > frameRoom(initLength)) return { pq: state.pq, frames }
  return { pq, frames: concat(frames, bytes) }
}

/**
 * Encrypts one message: 0x11 ‖ hn(12) ‖ eh(60) ‖ ct, 89 bytes over its padded plaintext. The
 * message must not leave before the new state is durable. Throws ERR_PROTOCOL_LIMIT where the
 * session is exhausted or the frames are too long, ERR_CRYPTO_PARAMETER before a responder received.
 */
export function ratchetEncrypt(
  provider: CryptoProvider,
  before: RatchetState,
  options: RatchetEncryptOptions,
): { readonly state: RatchetState; readonly message: Uint8Array<ArrayBuffer> } {
  if (ratchetIsExhausted(before)) {
    throw new CryptoError('ERR_PROTOCOL_LIMIT', 'ratchet: the session is exhausted')
  }
  const state = stepSending(provider, before, options.random)
  const { own, sending } = state
  if (own === undefined || sending === undefined) {
    throw new CryptoError('ERR_CRYPTO_PARAMETER', 'ratchet: nothing received yet')
  }
  const { pq, frames } = addPqFrame(provider, state, sending.count, options)
  const padded = padFrames(options.lists, frames, options.initLength)
  const header = encodeRatchetHeader({
    dh: own.publicKey,
    previousCount: state.previousCount,
    n: sending.count,
    pqEpoch: state.pqEpoch,
    flags: 0,
  })
  const seed = messageSeed(provider, sending.chainKey)
  const nonce = headerNonce(provider, seed, options.random, { header, padded })
  const sealedHeader = provider.aeadSeal(sending.headerKey, nonce, state.ad, header)
  const prefix = concat(TYPE_BYTE, nonce, sealedHeader)
  const key = messageKey(provider, seed, nonce)
  const ciphertext = provider.aeadSeal(key, NONCE_0, concat(state.ad, prefix), padded)
  key.fill(0)
  seed.fill(0)
  const newEpoch = state.pqEpoch !== before.pqEpoch
  return {
    message: concat(prefix, ciphertext),
    state: {
      ...state,
      pq,
      sending: {
        ...sending,
        chainKey: stepChain(provider, sending.chainKey),
        count: sending.count + 1,
      },
      pqSinceMs: newEpoch ? options.nowMs : state.pqSinceMs,
      pqMessages: newEpoch ? 1 : state.pqMessages + 1,
    },
  }
}
