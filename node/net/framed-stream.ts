// A stream of frames over a stream of bytes: framing, one write for all that is sent in a tick,
// back-pressure in both directions, one end. What carries the bytes is a subclass: libp2p in
// net/libp2p-stream.ts, memory in net/memory-stream.ts.
import type { Bytes32 } from '../../crypto/index.ts'
import { NodeError } from '../errors.ts'
import type { FrameStream } from '../transport.ts'
import { FRAME_HEADER_BYTES, FrameDecoder, encodeFrames } from './frame-decoder.ts'
import { WRITE_HIGH_WATER_BYTES, WRITE_LIMIT_BYTES } from './limits.ts'

export interface StreamOrigin {
  readonly remoteKey: Bytes32
  readonly remoteAddress: string
  readonly maxFrameBytes: number
}

/** What carries the bytes of a stream. */
export interface Carrier {
  /** Whether bytes can be written. */
  readonly writable: boolean
  /** Whether writing more should wait for {@link FramedStream.wake}. */
  readonly full: boolean
  /** Bytes written that the network did not take yet. */
  readonly bufferedBytes: number
  write(bytes: Uint8Array): void
  /** Stops the calls of received, and in the end the remote's sending. */
  pause(): void
  /** May call received from within. */
  resume(): void
  /** Flushes and ends the writing side. */
  close(): Promise<void>
  reset(error: Error): void
}

interface Waiter {
  readonly resolve: () => void
  readonly reject: (reason: unknown) => void
}

function asError(cause: unknown): Error {
  return cause instanceof Error ? cause : new NodeError('STREAM_FAILED', String(cause))
}

export class FramedStream implements FrameStream {
  readonly remoteKey: Bytes32
  readonly remoteAddress: string
  readonly #carrier: Carrier
  readonly #maxFrameBytes: number
  readonly #decoder: FrameDecoder
  readonly #waiters = new Set<Waiter>()

  #onFrame: ((frame: Uint8Array) => void) | undefined
  #onClose: ((error: Error | undefined) => void)[] = []
  #paused = false
  #reading = true
  #delivering = false
  #resuming = false
  #ended = false

  #pending: Uint8Array[] = []
  #pendingBytes = 0
  #closing: Promise<void> | undefined
  #over = false
  #error: Error | undefined

  constructor(carrier: Carrier, origin: StreamOrigin) {
    this.#carrier = carrier
    this.remoteKey = origin.remoteKey
    this.remoteAddress = origin.remoteAddress
    this.#maxFrameBytes = origin.maxFrameBytes
    this.#decoder = new FrameDecoder(origin.maxFrameBytes)
  }

  get open(): boolean {
    return !this.#over && this.#closing === undefined && this.#carrier.writable
  }

  get #takesMore(): boolean {
    const buffered = this.#pendingBytes + this.#carrier.bufferedBytes
    return buffered < WRITE_HIGH_WATER_BYTES && !this.#carrier.full
  }

  send(frame: Uint8Array): boolean {
    if (frame.length === 0 || frame.length > this.#maxFrameBytes) {
      throw new NodeError('FRAME_LENGTH', `cannot send a frame of ${frame.length} bytes`)
    }
    if (!this.open) return false
    if (this.#pending.length === 0) {
      // After the microtasks that run now: what they send goes into the same write.
      queueMicrotask(() => process.nextTick(() => this.#flush()))
    }
    this.#pending.push(frame)
    this.#pendingBytes += FRAME_HEADER_BYTES + frame.length
    if (this.#pendingBytes + this.#carrier.bufferedBytes > WRITE_LIMIT_BYTES) {
      this.abort(new NodeError('WRITE_LIMIT', 'more was sent than the remote takes'))
      return false
    }
    return this.#takesMore
  }

  #flush(): void {
    if (this.#over || this.#pending.length === 0) return
    const bytes = encodeFrames(this.#pending)
    this.#pending = []
    this.#pendingBytes = 0
    try {
      this.#carrier.write(bytes)
    } catch (cause) {
      this.abort(asError(cause))
      return
    }
    this.wake()
  }

  drained(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason)
      if (!this.open) return reject(this.#closedError())
      if (this.#takesMore) return resolve()
      const stop = (): void => {
        this.#waiters.delete(waiter)
        reject(signal?.reason)
      }
      const waiter: Waiter = {
        resolve: () => {
          signal?.removeEventListener('abort', stop)
          resolve()
        },
        reject: (reason) => {
          signal?.removeEventListener('abort', stop)
          reject(reason)
        },
      }
      this.#waiters.add(waiter)
      signal?.addEventListener('abort', stop, { once: true })
    })
  }

  /** The carrier may take more. */
  wake(): void {
    if (this.#waiters.size === 0 || !this.#takesMore) return
    const waiters = [...this.#waiters]
    this.#waiters.clear()
    for (const waiter of waiters) waiter.resolve()
  }

  pause(): void {
    this.#paused = true
    this.#steerReading()
  }

  resume(): void {
    this.#paused = false
    this.#deliver()
  }

  onFrame(handler: (frame: Uint8Array) => void): void {
    this.#onFrame = handler
    this.#deliver()
  }

  onClose(handler: (error: Error | undefined) => void): void {
    if (this.#over) handler(this.#error)
    else this.#onClose.push(handler)
  }

  get #blocked(): boolean {
    return this.#paused || this.#onFrame === undefined
  }

  /** Bytes arrived; they belong to this stream from here on. */
  received(...parts: readonly Uint8Array[]): void {
    if (this.#over || this.#closing !== undefined) return
    for (const part of parts) this.#decoder.push(part)
    this.#deliver()
  }

  #deliver(): void {
    if (this.#delivering) return
    this.#delivering = true
    try {
      while (!this.#over && this.#closing === undefined && !this.#paused) {
        const frame = this.#onFrame === undefined ? undefined : this.#decoder.next()
        if (frame === undefined) break
        this.#onFrame?.(frame)
      }
    } catch (cause) {
      // The decoder's verdict on the remote, or a defect of the handler: either ends this stream
      // alone, and its owner learns the reason from onClose.
      this.abort(asError(cause))
    } finally {
      this.#delivering = false
    }
    this.#steerReading()
    this.#endWhenDelivered()
  }

  /** Lets the carrier read exactly while frames can be delivered. */
  #steerReading(): void {
    if (this.#over || this.#resuming || this.#delivering) return
    if (this.#blocked && this.#reading) {
      this.#reading = false
      this.#carrier.pause()
    } else if (!this.#blocked && !this.#reading) {
      this.#reading = true
      this.#resuming = true
      this.#carrier.resume()
      this.#resuming = false
      // A handler that ran within may have paused again.
      this.#steerReading()
    }
  }

  /** The remote ended its side, and all its bytes were received. */
  ended(): void {
    this.#ended = true
    this.#endWhenDelivered()
  }

  #endWhenDelivered(): void {
    if (!this.#ended || this.#over || this.#closing !== undefined) return
    if (this.#blocked || this.#delivering) return
    if (this.#decoder.bufferedBytes > 0) {
      this.abort(new NodeError('FRAME_TRUNCATED', 'the stream ended within a frame'))
      return
    }
    void this.close()
  }

  close(): Promise<void> {
    if (this.#over) return Promise.resolve()
    this.#closing ??= this.#closeGracefully()
    return this.#closing
  }

  async #closeGracefully(): Promise<void> {
    this.#flush()
    // What still comes is dropped, but read: a full window would keep the remote from ending.
    if (!this.#reading) {
      this.#reading = true
      this.#carrier.resume()
    }
    try {
      await this.#carrier.close()
      this.lost(undefined)
    } catch (cause) {
      this.lost(new NodeError('CONNECTION_LOST', 'lost while closing', { cause }))
    }
  }

  abort(error: Error): void {
    if (this.#over) return
    this.lost(error)
    this.#carrier.reset(error)
  }

  #closedError(): NodeError {
    return new NodeError('STREAM_CLOSED', 'the stream is closed', {
      retryable: true,
      cause: this.#error,
    })
  }

  /** The stream is over: undefined where both sides ended it in order. */
  lost(error: Error | undefined): void {
    if (this.#over) return
    this.#over = true
    this.#error = error
    this.#pending = []
    this.#pendingBytes = 0
    const waiters = [...this.#waiters]
    this.#waiters.clear()
    for (const waiter of waiters) waiter.reject(this.#closedError())
    const handlers = this.#onClose
    this.#onClose = []
    for (const handler of handlers) handler(error)
  }
}
