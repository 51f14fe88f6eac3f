// Group messages (SPEC.md §20.4): one ciphertext for all, the sender and its counter sealed in the
// header, the whole of it a size of the ladder. Opening gives a candidate: every member can make a
// valid ciphertext at any counter of any other, so the chain moves only when the caller has found a
// signature of the sender inside, and something new under it.
import { type Bytes8, type Bytes12, type Bytes32, type Random, concat } from './bytes.ts'
import { CryptoError, malformed } from './errors.ts'
import {
  type ChainStep,
  type GroupChain,
  type GroupHeader,
  type GroupSkipped,
  decodeGroupHeader,
  encodeGroupHeader,
  locateInChain,
  stepOwnChain,
} from './group-chain.ts'
import { GROUP_OVERHEAD_BYTES, LADDER } from './limits.ts'
import { padTo, unpadContent } from './padding.ts'
import type { CryptoProvider } from './provider.ts'
import { headerNonce, messageKey } from './ratchet-kdf.ts'

/** First byte of a group message. */
export const GROUP_MESSAGE_TYPE = 0x21

const NONCE_0: Uint8Array = new Uint8Array(12)
const TYPE_BYTE: Uint8Array = Uint8Array.of(GROUP_MESSAGE_TYPE)
/** Flag bits that must not be ignored by who does not know them; none is assigned. */
const CRITICAL_FLAGS = 0xff00
const TAG_END = 9
const NONCE_END = 21
const HEADER_END = 45

/** Bytes of frames that one group message can carry. */
export const GROUP_FRAMES_MAX_BYTES: number = (LADDER.at(-1) ?? 0) - GROUP_OVERHEAD_BYTES - 1

/** What a sender needs of its epoch. */
export interface GroupSender {
  readonly headerKey: Bytes32
  readonly epochTag: Bytes8
  readonly devIdx: number
  readonly chain: GroupChain
}

/** Bytes of a message that carries this many bytes of frames. Throws ERR_PROTOCOL_LIMIT. */
export function groupMessageSize(framesLength: number): number {
  const size = LADDER.find((step) => step >= GROUP_OVERHEAD_BYTES + framesLength + 1)
  if (size === undefined) {
    throw new CryptoError(
      'ERR_PROTOCOL_LIMIT',
      `${framesLength} bytes of frames, at most ${GROUP_FRAMES_MAX_BYTES} fit a group message`,
    )
  }
  return size
}

/**
 * Encrypts frames under the sender's chain: 0x21 ‖ epochTag(8) ‖ hn(12) ‖ eh(24) ‖ ct, 61 bytes over
 * the padded frames. The message must not leave before `next` is durable. Throws ERR_PROTOCOL_LIMIT
 * at the end of the chain, or where the frames are too long.
 */
export function encryptGroupMessage(
  provider: CryptoProvider,
  sender: GroupSender,
  frames: Uint8Array,
  random: Random,
): { readonly message: Uint8Array<ArrayBuffer>; readonly next: GroupChain } {
  const padded = padTo(frames, groupMessageSize(frames.length) - GROUP_OVERHEAD_BYTES)
  const { seed, next } = stepOwnChain(provider, sender.chain)
  const { devIdx, epochTag } = sender
  const header = encodeGroupHeader({ devIdx, ctr: sender.chain.count, flags: 0 })
  const nonce = headerNonce(provider, seed, random, { header, padded })
  const headAad = concat(TYPE_BYTE, epochTag)
  const sealedHeader = provider.aeadSeal(sender.headerKey, nonce, headAad, header)
  const prefix = concat(headAad, nonce, sealedHeader)
  const key = messageKey(provider, seed, nonce)
  const ciphertext = provider.aeadSeal(key, NONCE_0, prefix, padded)
  key.fill(0)
  seed.fill(0)
  return { message: concat(prefix, ciphertext), next }
}

export interface GroupMessage {
  readonly epochTag: Bytes8
  readonly nonce: Bytes12
  readonly sealedHeader: Uint8Array
  readonly ciphertext: Uint8Array
  /** Everything before the ciphertext, as received: its associated data. */
  readonly prefix: Uint8Array
}

/** Splits a message, as views. Throws ERR_WIRE_MALFORMED for another first byte or size. */
export function decodeGroupMessage(bytes: Uint8Array): GroupMessage {
  if (bytes[0] !== GROUP_MESSAGE_TYPE) malformed('group message: first byte')
  if (!LADDER.includes(bytes.length)) malformed(`group message: ${bytes.length} bytes`)
  return {
    epochTag: bytes.subarray(1, TAG_END),
    nonce: bytes.subarray(TAG_END, NONCE_END),
    sealedHeader: bytes.subarray(NONCE_END, HEADER_END),
    ciphertext: bytes.subarray(HEADER_END),
    prefix: bytes.subarray(0, HEADER_END),
  }
}

/** The header, or undefined where the lineage's key does not open it. */
export function openGroupHeader(
  provider: CryptoProvider,
  headerKey: Bytes32,
  message: GroupMessage,
): GroupHeader | undefined {
  const aad = message.prefix.subarray(0, TAG_END)
  const bytes = provider.aeadOpen(headerKey, message.nonce, aad, message.sealedHeader)
  return bytes === undefined ? undefined : decodeGroupHeader(bytes)
}

export interface GroupReceiver {
  readonly header: GroupHeader
  /** The sender's chain as it is stored. */
  readonly chain: GroupChain
  readonly skippedSeed: Bytes32 | undefined
  /** Seeds that the group may still store. */
  readonly skippedRoom: number
}

/** What a message holds if its sender is genuine; nothing has moved yet. */
export interface GroupCandidate {
  readonly kind: 'candidate'
  /** Frames, one after another, unchecked. */
  readonly frames: Uint8Array
  /** The sender's chain after the message: to be stored only for a genuine one. */
  readonly next: GroupChain
  readonly newSkipped: readonly GroupSkipped[]
  readonly usedSkipped: number | undefined
}

export type GroupOpening =
  | GroupCandidate
  /** It was opened before, or its seed is gone. */
  | { readonly kind: 'stale' }
  /** Beyond a stated bound: to be kept and tried again. */
  | { readonly kind: 'held' }
  | { readonly kind: 'unauthentic' }
  /** A critical flag that this build does not know. */
  | { readonly kind: 'unsupported' }

/**
 * Opens the body on a copy of the chain. Throws ERR_WIRE_MALFORMED for a counter of 1 000 or more, or
 * wrong padding.
 */
export function openGroupMessage(
  provider: CryptoProvider,
  message: GroupMessage,
  { header, chain, skippedSeed, skippedRoom }: GroupReceiver,
): GroupOpening {
  if ((header.flags & CRITICAL_FLAGS) !== 0) return { kind: 'unsupported' }
  const { ctr } = header
  const step = locateInChain(provider, { chain, ctr, skippedSeed, skippedRoom })
  if (step === 'stale' || step === 'held') return { kind: step }
  const padded = openBody(provider, message, step)
  if (padded === undefined) return { kind: 'unauthentic' }
  const { next, newSkipped, usedSkipped } = step
  return { kind: 'candidate', frames: unpadContent(padded), next, newSkipped, usedSkipped }
}

function openBody(
  provider: CryptoProvider,
  message: GroupMessage,
  step: ChainStep,
): Uint8Array | undefined {
  const key = messageKey(provider, step.seed, message.nonce)
  const padded = provider.aeadOpen(key, NONCE_0, message.prefix, message.ciphertext)
  key.fill(0)
  // A stored seed is its row's: it goes with the row.
  if (step.usedSkipped === undefined) step.seed.fill(0)
  return padded
}
