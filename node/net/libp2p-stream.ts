// The bytes of a stream of frames over a libp2p 3 stream. Two behaviours of libp2p 3.3.11 shape it:
// - a stream that was drained once resolves onDrain() at once ever after, so the events count;
// - resume() hands out what was buffered, then opens the window, so that a pause from within would
//   be undone: net/framed-stream.ts pauses again after resume() returned.
import type { Stream, StreamCloseEvent } from '@libp2p/interface'
import { NodeError } from '../errors.ts'
import { type Carrier, FramedStream, type StreamOrigin } from './framed-stream.ts'

class Libp2pCarrier implements Carrier {
  readonly #raw: Stream

  constructor(raw: Stream) {
    this.#raw = raw
  }

  get writable(): boolean {
    return this.#raw.status === 'open' && this.#raw.writeStatus === 'writable'
  }

  get full(): boolean {
    return this.#raw.writableNeedsDrain
  }

  get bufferedBytes(): number {
    return this.#raw.writeBufferLength
  }

  write(bytes: Uint8Array): void {
    this.#raw.send(bytes)
  }

  pause(): void {
    if (this.#raw.readStatus === 'readable') this.#raw.pause()
  }

  resume(): void {
    if (this.#raw.readStatus === 'paused') this.#raw.resume()
  }

  close(): Promise<void> {
    return this.#raw.close()
  }

  reset(error: Error): void {
    this.#raw.abort(error)
  }
}

/** Not a Buffer, whose slice is a view: code above this floor copies with slice. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function closeError(event: StreamCloseEvent, remoteEnded: boolean): Error | undefined {
  if (event.error !== undefined) {
    return new NodeError('STREAM_RESET', 'the remote dropped the stream', {
      retryable: true,
      cause: event.error,
    })
  }
  if (remoteEnded) return undefined
  return new NodeError('CONNECTION_LOST', 'the connection closed', { retryable: true })
}

/** Attaches to a libp2p stream, synchronously: what arrives later finds its listener. */
export function frameLibp2pStream(raw: Stream, origin: StreamOrigin): FramedStream {
  const stream = new FramedStream(new Libp2pCarrier(raw), origin)
  let remoteEnded = false
  raw.addEventListener('message', ({ data }) => {
    if (data instanceof Uint8Array) stream.received(plain(data))
    else for (const part of data) stream.received(plain(part))
  })
  raw.addEventListener('remoteCloseWrite', () => {
    remoteEnded = true
  })
  // 'end' also follows the loss of the connection; only after remoteCloseWrite is it an orderly one.
  raw.addEventListener('end', () => {
    if (remoteEnded) stream.ended()
  })
  raw.addEventListener('close', (event) => stream.lost(closeError(event, remoteEnded)))
  raw.addEventListener('idle', () => stream.wake())
  // libp2p sends what it buffered in a microtask of its own, queued before this one.
  raw.addEventListener('drain', () => queueMicrotask(() => stream.wake()))
  return stream
}
