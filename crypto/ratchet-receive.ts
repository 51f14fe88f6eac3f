// The receiving side of the double ratchet (SPEC.md §6). Everything is computed on copies; the new
// state exists only once the body has opened, so a forged message changes nothing.
import { type Bytes32, EMPTY, type Random, concat, equalBytes, readU16 } from './bytes.ts'
import { CryptoError, malformed } from './errors.ts'
import { CHAIN_MAX_SKIP, OLD_CHAINS_MAX, SKIPPED_MAX } from './limits.ts'
import { unpad } from './padding.ts'
import { PQ_IDLE, decodePqFrame, isPqKind, receivePqFrame } from './pq-rekey.ts'
import type { CryptoProvider } from './provider.ts'
import {
  type RatchetHeader,
  decodeRatchetHeader,
  decodeRatchetMessage,
  hasCriticalFlag,
} from './ratchet-header.ts'
import { messageKey, messageSeed, stepChain, stepRoot } from './ratchet-kdf.ts'
import { type RatchetState, type SkippedSeed, countSkipped, dropSkipped } from './ratchet-state.ts'

const NONCE_0: Uint8Array = new Uint8Array(12)

export interface OpenedHeader {
  /** Whose header key opened it: the present chain's, the next one's, or an old chain's. */
  readonly chain: 'current' | 'next' | 'old'
  /** Number of that chain. */
  readonly number: number
  readonly header: RatchetHeader
}

export interface ReceiveOptions {
  /** What {@link openHeader} gave for this message. */
  readonly opened: OpenedHeader
  /** The stored seed (chain, n) of the opened header, where there is one. */
  readonly skippedSeed?: Bytes32 | undefined
  readonly random: Random
  /** For the age of the post-quantum epoch only, Unix ms. */
  readonly nowMs: number
}

export interface RatchetOpened {
  readonly kind: 'opened'
  readonly state: RatchetState
  /** The plaintext is not what SPEC.md §8 allows: the step stands, nothing of it is applied. */
  readonly malformed: boolean
  /** Device-list versions, 48 bytes; empty where malformed. */
  readonly lists: Uint8Array
  /** The frames without those of the re-key; empty where malformed. */
  readonly frames: Uint8Array
  readonly newSkipped: readonly SkippedSeed[]
  readonly usedSkipped?: { readonly chain: number; readonly n: number }
}

export type RatchetReceipt =
  | RatchetOpened
  /** Its seed was used before, or its chain is complete: a duplicate. */
  | { readonly kind: 'stale' }
  /** Beyond a stated bound: to be kept and tried again. */
  | { readonly kind: 'held' }
  | { readonly kind: 'unauthentic' }
  /** A critical flag that this build does not know. */
  | { readonly kind: 'unsupported' }

/**
 * Which chain a message belongs to: HKr, then NHKr, then the old header keys newest first.
 * Undefined where none opens the header. Throws ERR_WIRE_MALFORMED.
 */
export function openHeader(
  provider: CryptoProvider,
  state: RatchetState,
  message: Uint8Array,
): OpenedHeader | undefined {
  const { nonce, sealedHeader } = decodeRatchetMessage(message)
  const open = (key: Bytes32): RatchetHeader | undefined => {
    const bytes = provider.aeadOpen(key, nonce, state.ad, sealedHeader)
    return bytes === undefined ? undefined : decodeRatchetHeader(bytes)
  }
  const { receiving, chainNumber } = state
  const current = receiving === undefined ? undefined : open(receiving.headerKey)
  if (current) return { chain: 'current', number: chainNumber, header: current }
  const next = open(state.nextReceivingKey)
  if (next) return { chain: 'next', number: chainNumber + 1, header: next }
  for (const old of state.oldChains.toReversed()) {
    const header = open(old.headerKey)
    if (header) return { chain: 'old', number: old.number, header }
  }
  return undefined
}

interface Position {
  readonly state: RatchetState
  readonly seed: Bytes32
  readonly newSkipped: readonly SkippedSeed[]
  readonly usedSkipped?: { readonly chain: number; readonly n: number }
}

/** Keeps the seeds from the chain's position up to `n`, exclusive. */
function skipTo(
  provider: CryptoProvider,
  state: RatchetState,
  n: number,
): { readonly state: RatchetState; readonly skipped: readonly SkippedSeed[] } {
  const { receiving, chainNumber } = state
  if (receiving === undefined || n <= receiving.count) return { state, skipped: [] }
  const skipped: SkippedSeed[] = []
  let { chainKey } = receiving
  for (let i = receiving.count; i < n; i++) {
    skipped.push({ chain: chainNumber, n: i, seed: messageSeed(provider, chainKey) })
    chainKey = stepChain(provider, chainKey)
  }
  const outstanding = receiving.outstanding + skipped.length
  return {
    state: { ...state, receiving: { ...receiving, chainKey, count: n, outstanding } },
    skipped,
  }
}

/** Moves to message n of the present chain, n not yet passed. */
function advance(provider: CryptoProvider, before: RatchetState, n: number): Position | undefined {
  const { state, skipped } = skipTo(provider, before, n)
  const { receiving } = state
  if (receiving === undefined) return undefined
  const seed = messageSeed(provider, receiving.chainKey)
  const chainKey = stepChain(provider, receiving.chainKey)
  return {
    seed,
    newSkipped: skipped,
    state: { ...state, receiving: { ...receiving, chainKey, count: n + 1 } },
  }
}

/** The receiving half of a DH step: the old chain is completed by PN, the new one begins. */
function stepReceiving(
  provider: CryptoProvider,
  state: RatchetState,
  header: RatchetHeader,
  nowMs: number,
): RatchetState | undefined {
  const { own, receiving, pq } = state
  if (own === undefined) return undefined
  const mixes = header.pqEpoch !== state.pqEpoch
  let dh: Uint8Array
  try {
    dh = provider.x25519(own.secret, header.dh)
  } catch (error) {
    if (error instanceof CryptoError && error.code === 'ERR_CRYPTO_KEY') return undefined
    throw error
  }
  const step = stepRoot(provider, {
    rootKey: state.rootKey,
    dh,
    ...(mixes && pq.kind === 'holding' ? { mix: pq.mix } : {}),
    pqEpoch: header.pqEpoch,
  })
  const { headerKey, outstanding } = receiving ?? { headerKey: EMPTY, outstanding: 0 }
  const left = { number: state.chainNumber, headerKey, outstanding }
  return {
    ...state,
    rootKey: step.rootKey,
    own: undefined,
    remote: header.dh,
    receiving: {
      headerKey: state.nextReceivingKey,
      chainKey: step.chainKey,
      ephemeralKey: step.ephemeralKey,
      count: 0,
      outstanding: 0,
    },
    nextReceivingKey: step.nextHeaderKey,
    oldEphemeralKey: receiving?.ephemeralKey,
    chainNumber: state.chainNumber + 1,
    oldChains: outstanding > 0 ? [...state.oldChains, left] : state.oldChains,
    pqEpoch: header.pqEpoch,
    ...(mixes ? { pq: PQ_IDLE, pqSinceMs: nowMs, pqMessages: 0 } : {}),
  }
}

/** Whether a header may begin a new chain: another key, and this epoch or the one agreed on. */
function mayBegin(state: RatchetState, header: RatchetHeader): boolean {
  if (state.remote !== undefined && equalBytes(header.dh, state.remote)) return false
  if (state.receiving === undefined && header.previousCount > 0) return false
  if (header.pqEpoch === state.pqEpoch) return true
  return state.pq.kind === 'holding' && header.pqEpoch === state.pqEpoch + 1
}

function locateNext(
  provider: CryptoProvider,
  state: RatchetState,
  header: RatchetHeader,
  nowMs: number,
): Position | 'held' | undefined {
  if (!mayBegin(state, header)) return undefined
  const rest = Math.max(0, header.previousCount - (state.receiving?.count ?? 0))
  if (rest > CHAIN_MAX_SKIP || header.n > CHAIN_MAX_SKIP) return 'held'
  if (countSkipped(state) + rest + header.n > SKIPPED_MAX) return 'held'
  const completed = skipTo(provider, state, header.previousCount)
  const leaves = (completed.state.receiving?.outstanding ?? 0) > 0
  if (leaves && state.oldChains.length >= OLD_CHAINS_MAX) return 'held'
  const stepped = stepReceiving(provider, completed.state, header, nowMs)
  if (stepped === undefined) return undefined
  const position = advance(provider, stepped, header.n)
  return position && { ...position, newSkipped: [...completed.skipped, ...position.newSkipped] }
}

function locate(
  provider: CryptoProvider,
  state: RatchetState,
  options: ReceiveOptions,
): Position | 'held' | 'stale' | undefined {
  const { opened, skippedSeed, nowMs } = options
  const { header, number } = opened
  if (opened.chain === 'next') return locateNext(provider, state, header, nowMs)
  if (opened.chain === 'current') {
    if (state.remote === undefined || !equalBytes(header.dh, state.remote)) return undefined
    const count = state.receiving?.count ?? 0
    if (header.n >= count) {
      const jump = header.n - count
      if (jump > CHAIN_MAX_SKIP || countSkipped(state) + jump > SKIPPED_MAX) return 'held'
      return advance(provider, state, header.n)
    }
  }
  if (skippedSeed === undefined) return 'stale'
  return {
    seed: skippedSeed,
    newSkipped: [],
    usedSkipped: { chain: number, n: header.n },
    state: dropSkipped(state, number, 1),
  }
}

/** Takes the frames of the re-key out and applies them. Throws where a frame is malformed. */
function applyPqFrames(
  provider: CryptoProvider,
  state: RatchetState,
  frames: Uint8Array,
  random: Random,
): { readonly state: RatchetState; readonly frames: Uint8Array } {
  const rest: Uint8Array[] = []
  let { pq } = state
  for (let at = 0; at < frames.length;) {
    if (at + 4 > frames.length) malformed('frame: ends early')
    const kind = readU16(frames, at)
    const end = at + 4 + readU16(frames, at + 2)
    if (end > frames.length) malformed('frame: ends early')
    if (isPqKind(kind)) {
      const frame = decodePqFrame(kind, frames.subarray(at + 4, end))
      pq = receivePqFrame(provider, pq, frame, { ...state, random })
    } else {
      rest.push(frames.subarray(at, end))
    }
    at = end
  }
  return { state: { ...state, pq }, frames: concat(...rest) }
}

/**
 * Opens a message whose header was opened. `held` and `stale` are said of authentic headers only.
 * The caller stores newSkipped and removes usedSkipped in the batch that stores the state. Throws
 * ERR_WIRE_MALFORMED for bytes that are no ratchet message.
 */
export function ratchetReceive(
  provider: CryptoProvider,
  before: RatchetState,
  message: Uint8Array,
  options: ReceiveOptions,
): RatchetReceipt {
  if (hasCriticalFlag(options.opened.header)) return { kind: 'unsupported' }
  const position = locate(provider, before, options)
  if (position === undefined) return { kind: 'unauthentic' }
  if (position === 'held' || position === 'stale') return { kind: position }
  const { nonce, ciphertext, prefix } = decodeRatchetMessage(message)
  const key = messageKey(provider, position.seed, nonce)
  const aad = concat(before.ad, prefix)
  const padded = provider.aeadOpen(key, NONCE_0, aad, ciphertext)
  key.fill(0)
  if (padded === undefined) return { kind: 'unauthentic' }
  const { newSkipped, usedSkipped } = position
  const state: RatchetState = {
    ...position.state,
    confirmed: true,
    pqMessages: position.state.pqMessages + 1,
  }
  const outcome = {
    kind: 'opened' as const,
    newSkipped,
    ...(usedSkipped === undefined ? {} : { usedSkipped }),
  }
  try {
    const { lists, frames } = unpad(padded)
    const applied = applyPqFrames(provider, state, frames, options.random)
    return { ...outcome, malformed: false, lists, ...applied }
  } catch (error) {
    // The body was authentic, so its sender made it so: the step stands, the content is nothing.
    if (!(error instanceof CryptoError)) throw error
    return { ...outcome, malformed: true, lists: EMPTY, frames: EMPTY, state }
  }
}
