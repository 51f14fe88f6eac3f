// Frames: what a message carries once it is decrypted (SPEC.md §8). Plaintext = frames in order,
// frame = kind u16 ‖ LP(body). The session and group machines drive this.
import { concat, lengthPrefixed, malformed, readU16, u16 } from '../crypto/index.ts'
import { FRAMES_MAX_BYTES } from './limits.ts'

export interface Frame {
  /** u16; its range says which class it is of. */
  readonly kind: number
  readonly body: Uint8Array
}

/**
 * What a kind's range promises about it:
 * entry: the `kind` of an entry header, never a frame; unnumbered: idempotent, healed by repetition;
 * numbered: applied once by its number c; ephemeral: lost without harm; session: of the ratchet;
 * private: for experiments; unassigned: nobody's yet.
 */
export type FrameClass =
  | 'entry'
  | 'unnumbered'
  | 'numbered'
  | 'ephemeral'
  | 'session'
  | 'private'
  | 'unassigned'

/** What carried the frames: a ratchet message 0x11, an ephemeral one 0x12, a group message 0x21. */
export type Carrier = 'ratchet' | 'ephemeral' | 'group'

export const ENTRY_FRAME = 0x1000

/** Frames of a group message beside the entry: control objects signed by the sending device. */
const GROUP_CONTROL_FIRST = 0x1083
const GROUP_CONTROL_LAST = 0x1086

/** The class of a kind, known or not. */
export function frameClass(kind: number): FrameClass {
  if (kind >= 0x0001 && kind <= 0x0fff) return 'entry'
  if (kind >= 0x1000 && kind <= 0x10ff) return 'unnumbered'
  if (kind >= 0x1100 && kind <= 0x11ff) return 'numbered'
  if (kind >= 0x2000 && kind <= 0x20ff) return 'ephemeral'
  if (kind >= 0x3000 && kind <= 0x30ff) return 'session'
  if (kind >= 0xf000 && kind <= 0xffff) return 'private'
  return 'unassigned'
}

/** Whether a frame of this kind may travel in this carrier. */
export function carrierAllows(carrier: Carrier, kind: number): boolean {
  const kindClass = frameClass(kind)
  switch (carrier) {
    case 'ratchet':
      return kindClass !== 'entry' && kindClass !== 'ephemeral'
    case 'ephemeral':
      return kindClass === 'ephemeral'
    case 'group':
      return kind === ENTRY_FRAME || (kind >= GROUP_CONTROL_FIRST && kind <= GROUP_CONTROL_LAST)
  }
}

/** kind u16 ‖ length u16 ‖ body, one after another. The caller keeps the sum within its message. */
export function encodeFrames(frames: readonly Frame[]): Uint8Array<ArrayBuffer> {
  return concat(...frames.flatMap((frame) => [u16(frame.kind), lengthPrefixed(frame.body)]))
}

/**
 * Splits a plaintext into frames; bodies are views. Throws ERR_WIRE_MALFORMED where a frame is cut
 * short or does not belong into this carrier: then nothing of the message is applied.
 */
export function decodeFrames(plaintext: Uint8Array, carrier: Carrier): readonly Frame[] {
  if (plaintext.length > FRAMES_MAX_BYTES) malformed(`frames: ${plaintext.length} bytes`)
  const frames: Frame[] = []
  let at = 0
  while (at < plaintext.length) {
    if (at + 4 > plaintext.length) malformed('frames: end within a frame head')
    const kind = readU16(plaintext, at)
    const end = at + 4 + readU16(plaintext, at + 2)
    if (end > plaintext.length) malformed('frames: end within a frame body')
    if (!carrierAllows(carrier, kind)) malformed(`frames: kind ${kind} in a ${carrier} message`)
    frames.push({ kind, body: plaintext.subarray(at + 4, end) })
    at = end
  }
  return frames
}
