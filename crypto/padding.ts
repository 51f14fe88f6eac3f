// Padding: content ‖ 0x80 ‖ 0x00*. A message is padded so that its sealed total is a size of the
// ladder (SPEC.md §6, §7): a relay learns one of eight sizes, not a length.
import { CryptoError, expectLength, malformed } from './errors.ts'
import { LADDER, LISTS_BYTES, RATCHET_OVERHEAD_BYTES, SEAL_OVERHEAD_BYTES } from './limits.ts'

/** What a ratchet message's padded plaintext holds. Views of it. */
export interface PaddedContent {
  /** The device-list versions, 48 bytes. */
  readonly lists: Uint8Array
  /** The frames, one after another; possibly none. */
  readonly frames: Uint8Array
}

/** content ‖ 0x80 ‖ zeros, `total` bytes in all. Throws ERR_PROTOCOL_LIMIT where it does not fit. */
export function padTo(content: Uint8Array, total: number): Uint8Array<ArrayBuffer> {
  if (content.length + 1 > total) {
    throw new CryptoError('ERR_PROTOCOL_LIMIT', `${content.length} bytes do not fit ${total}`)
  }
  const out = new Uint8Array(total)
  out.set(content)
  out[content.length] = 0x80
  return out
}

/** The content before the padding, as a view. Throws ERR_WIRE_MALFORMED. */
export function unpadContent(padded: Uint8Array): Uint8Array {
  let end = padded.length - 1
  while (end >= 0 && padded[end] === 0) end--
  if (end < 0 || padded[end] !== 0x80) malformed('padding: no 0x80 before the zeros')
  return padded.subarray(0, end)
}

/** Sealed bytes that carry no padded plaintext: 155, and the init that precedes the message. */
function overhead(initLength: number): number {
  return SEAL_OVERHEAD_BYTES + RATCHET_OVERHEAD_BYTES + initLength
}

/** Bytes of frames that one message can carry after an init of that length (0: none). */
export function frameRoom(initLength: number): number {
  return Math.max(0, (LADDER.at(-1) ?? 0) - overhead(initLength) - LISTS_BYTES - 1)
}

/**
 * Pads lists48 ‖ frames so that the sealed total of init ‖ message is the smallest size of the
 * ladder that holds it. Throws ERR_PROTOCOL_LIMIT where the frames are longer than
 * {@link frameRoom}.
 */
export function padFrames(
  lists: Uint8Array,
  frames: Uint8Array,
  initLength: number,
): Uint8Array<ArrayBuffer> {
  if (lists.length !== LISTS_BYTES || !Number.isSafeInteger(initLength) || initLength < 0) {
    throw new CryptoError('ERR_CRYPTO_PARAMETER', 'padding: wrong length of lists or init')
  }
  const least = LISTS_BYTES + frames.length + 1 + overhead(initLength)
  const sealed = LADDER.find((size) => size >= least)
  if (sealed === undefined) {
    throw new CryptoError(
      'ERR_PROTOCOL_LIMIT',
      `${frames.length} bytes of frames, at most ${frameRoom(initLength)} fit one message`,
    )
  }
  const out = new Uint8Array(sealed - overhead(initLength))
  out.set(lists)
  out.set(frames, LISTS_BYTES)
  out[LISTS_BYTES + frames.length] = 0x80
  return out
}

/** Splits a padded plaintext, as views. Throws ERR_WIRE_MALFORMED. */
export function unpad(padded: Uint8Array): PaddedContent {
  const content = unpadContent(padded)
  if (content.length < LISTS_BYTES) malformed('padded plaintext: shorter than its head')
  return { lists: content.subarray(0, LISTS_BYTES), frames: content.subarray(LISTS_BYTES) }
}

/** Throws ERR_WIRE_MALFORMED unless the length is a size of the ladder. */
export function expectLadderSize(bytes: Uint8Array): void {
  const size = LADDER.find((step) => step >= bytes.length) ?? 0
  expectLength(bytes, size, 'sealed envelope')
}
