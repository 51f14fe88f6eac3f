// What the registry knows of a frame kind or an entry kind: its number and its two directions.
import type { Frame } from '../frames.ts'

export interface ContentKind<T> {
  /** u16: a frame kind, or the kind of an entry header. */
  readonly kind: number
  readonly name: string
  readonly encode: (value: T) => Uint8Array<ArrayBuffer>
  /** Throws ERR_WIRE_MALFORMED. */
  readonly decode: (body: Uint8Array) => T
}

/** A frame of this kind. */
export function frameOf<T>(content: ContentKind<T>, value: T): Frame {
  return { kind: content.kind, body: content.encode(value) }
}

/** The frame's value if it is of this kind, else undefined. Throws ERR_WIRE_MALFORMED. */
export function readFrame<T>(content: ContentKind<T>, frame: Frame): T | undefined {
  return frame.kind === content.kind ? content.decode(frame.body) : undefined
}
