// Cuts a byte stream into frames: u32 length (big-endian) ‖ frame (SPEC.md §1). Synchronous: bytes go
// in with push as they arrive, whole frames come out of next. Driven by net/libp2p-stream.ts.
import { readU32 } from '../../crypto/index.ts'
import { NodeError } from '../errors.ts'

/** Bytes of the length before each frame. */
export const FRAME_HEADER_BYTES = 4
const FIRST_CAPACITY_BYTES = 4096

/**
 * Memory: what was pushed and not yet taken, plus at most as much again for a frame whose end has
 * not arrived. A length alone allocates nothing, so a peer pays for every byte it makes us hold.
 */
export class FrameDecoder {
  readonly #maxFrameBytes: number
  #chunks: Uint8Array[] = []
  #offset = 0
  /** The start of a frame, length included, that did not end in the chunk it began in. */
  #partial: Uint8Array<ArrayBuffer> | undefined
  #filled = 0
  #bufferedBytes = 0

  constructor(maxFrameBytes: number) {
    this.#maxFrameBytes = maxFrameBytes
  }

  /** Bytes received and not handed out as part of a frame. */
  get bufferedBytes(): number {
    return this.#bufferedBytes
  }

  /** Takes bytes as they came; the decoder owns them from here on. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    this.#chunks.push(chunk)
    this.#bufferedBytes += chunk.length
  }

  /**
   * The next whole frame, or undefined until more bytes arrive. A frame that arrived in one chunk is
   * a view of that chunk: copy what is kept for long. Throws FRAME_LENGTH for a frame of 0 bytes or
   * above the maximum; the stream is then beyond repair.
   */
  next(): Uint8Array | undefined {
    while (true) {
      if (this.#partial !== undefined) return this.#continuePartial(this.#partial)
      const chunk = this.#chunks[0]
      if (chunk === undefined) return undefined
      const available = chunk.length - this.#offset
      if (available >= FRAME_HEADER_BYTES) {
        const end = FRAME_HEADER_BYTES + this.#frameLength(chunk, this.#offset)
        if (available >= end) {
          const frame = chunk.subarray(this.#offset + FRAME_HEADER_BYTES, this.#offset + end)
          this.#advance(end)
          this.#bufferedBytes -= end
          return frame
        }
      }
      this.#partial = new Uint8Array(Math.max(FIRST_CAPACITY_BYTES, available))
      this.#filled = 0
    }
  }

  #frameLength(bytes: Uint8Array, at: number): number {
    const length = readU32(bytes, at)
    if (length === 0 || length > this.#maxFrameBytes) {
      throw new NodeError(
        'FRAME_LENGTH',
        `a frame of ${length} bytes: 1 to ${this.#maxFrameBytes} allowed`,
      )
    }
    return length
  }

  #continuePartial(start: Uint8Array<ArrayBuffer>): Uint8Array | undefined {
    let partial = this.#take(start, FRAME_HEADER_BYTES)
    if (this.#filled < FRAME_HEADER_BYTES) return undefined
    const end = FRAME_HEADER_BYTES + this.#frameLength(partial, 0)
    partial = this.#take(partial, end)
    if (this.#filled < end) return undefined
    this.#partial = undefined
    this.#bufferedBytes -= end
    return partial.subarray(FRAME_HEADER_BYTES, end)
  }

  /** Fills the partial frame up to `end` bytes from the chunks at hand, growing it by doubling. */
  #take(start: Uint8Array<ArrayBuffer>, end: number): Uint8Array<ArrayBuffer> {
    let partial = start
    while (this.#filled < end) {
      const chunk = this.#chunks[0]
      if (chunk === undefined) break
      const size = Math.min(end - this.#filled, chunk.length - this.#offset)
      if (this.#filled + size > partial.length) {
        const grown = new Uint8Array(
          Math.min(end, Math.max(this.#filled + size, 2 * partial.length)),
        )
        grown.set(partial.subarray(0, this.#filled))
        partial = grown
      }
      partial.set(chunk.subarray(this.#offset, this.#offset + size), this.#filled)
      this.#filled += size
      this.#advance(size)
    }
    this.#partial = partial
    return partial
  }

  #advance(size: number): void {
    this.#offset += size
    if (this.#offset < (this.#chunks[0]?.length ?? 0)) return
    this.#chunks.shift()
    this.#offset = 0
  }
}

/** Frames as they go on the wire, in one piece: u32 length ‖ frame, for each. */
export function encodeFrames(frames: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let total = 0
  for (const frame of frames) total += FRAME_HEADER_BYTES + frame.length
  const out = new Uint8Array(total)
  const view = new DataView(out.buffer)
  let at = 0
  for (const frame of frames) {
    view.setUint32(at, frame.length)
    out.set(frame, at + FRAME_HEADER_BYTES)
    at += FRAME_HEADER_BYTES + frame.length
  }
  return out
}
