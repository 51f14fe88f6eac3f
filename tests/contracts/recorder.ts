// A frame handler that remembers.
import type { FrameStream } from '../../node/transport.ts'

export interface Recorder {
  readonly stream: FrameStream
  readonly frames: Uint8Array[]
  readonly closed: Promise<Error | undefined>
  /** Resolves once `count` frames are here. */
  received(count: number): Promise<void>
}

/** Takes the handlers of a stream. */
export function record(stream: FrameStream): Recorder {
  const frames: Uint8Array[] = []
  const waiting: { count: number; resolve: () => void }[] = []
  const closed = new Promise<Error | undefined>((resolve) => stream.onClose(resolve))
  stream.onFrame((frame) => {
    frames.push(frame)
    for (const each of waiting) if (frames.length >= each.count) each.resolve()
  })
  return {
    stream,
    frames,
    closed,
    received: (count) =>
      new Promise((resolve) => {
        if (frames.length >= count) resolve()
        else waiting.push({ count, resolve })
      }),
  }
}

/** `size` bytes, all the same. */
export function bytes(size: number, fill = size & 255): Uint8Array {
  return new Uint8Array(size).fill(fill)
}
