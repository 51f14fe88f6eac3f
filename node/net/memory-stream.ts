// The bytes of a stream of frames within one process: two ends that hand each other pieces after the
// delay of the wire, in order, with a window like a TCP connection's.
import { NodeError } from '../errors.ts'
import type { Clock } from '../clock.ts'
import { type Carrier, FramedStream, type StreamOrigin } from './framed-stream.ts'
import { STREAM_WINDOW_BYTES } from './limits.ts'

/** The least room in the window for which a longer write is cut. */
const SMALLEST_PIECE_BYTES = 16 * 1024

/** How bytes travel between two named machines. */
export interface Wire {
  /** Milliseconds until bytes sent now arrive; undefined while nothing passes that way. */
  delayMs(from: string, to: string, sizeBytes: number): number | undefined
  /** How many of the bytes at hand the next piece takes, at least 1: where a TCP segment would end. */
  pieceBytes(from: string, to: string, sizeBytes: number): number
  /** Whether a piece outside any stream (gossip) is lost on the way. */
  loses(from: string, to: string): boolean
}

/** One way between two machines, for one stream: pieces arrive in the order they were sent. */
export class Lane {
  readonly #clock: Clock
  readonly #wire: Wire
  readonly from: string
  readonly to: string
  #lastArrivalMs = 0

  constructor(clock: Clock, wire: Wire, from: string, to: string) {
    this.#clock = clock
    this.#wire = wire
    this.from = from
    this.to = to
  }

  pieceBytes(sizeBytes: number): number {
    return this.#wire.pieceBytes(this.from, this.to, sizeBytes)
  }

  /** Runs `arrive` when the bytes are there; false, and nothing, while nothing passes. */
  carry(sizeBytes: number, arrive: () => void): boolean {
    const delayMs = this.#wire.delayMs(this.from, this.to, sizeBytes)
    if (delayMs === undefined) return false
    const nowMs = this.#clock.monotonicMs()
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, nowMs + delayMs)
    this.#clock.after(this.#lastArrivalMs - nowMs, arrive)
    return true
  }
}

export function connectionLost(): NodeError {
  return new NodeError('CONNECTION_LOST', 'the connection closed', { retryable: true })
}

/** What follows the last byte of a lane. */
type Ending = { readonly kind: 'end' } | { readonly kind: 'reset' }

export class MemoryCarrier implements Carrier {
  readonly #lane: Lane
  #stream: FramedStream | undefined
  #peer: MemoryCarrier | undefined

  #queue: Uint8Array[] = []
  #queuedBytes = 0
  #credit = STREAM_WINDOW_BYTES
  #ending: Ending | undefined
  #endingSent = false
  #flushed: { resolve: () => void; reject: (error: Error) => void } | undefined

  #reading = true
  #held: Uint8Array[] = []
  #remoteEnded = false
  #severed = false
  #dead = false

  constructor(lane: Lane) {
    this.#lane = lane
  }

  attach(stream: FramedStream, peer: MemoryCarrier): void {
    this.#stream = stream
    this.#peer = peer
  }

  get writable(): boolean {
    return !this.#dead && this.#ending === undefined
  }

  get full(): boolean {
    return this.#queuedBytes > 0
  }

  get bufferedBytes(): number {
    return this.#queuedBytes
  }

  /** Both ends said all they had to, or one is gone. */
  get over(): boolean {
    return this.#dead || (this.#endingSent && this.#remoteEnded)
  }

  write(bytes: Uint8Array): void {
    this.#queue.push(bytes)
    this.#queuedBytes += bytes.length
    this.pump()
  }

  /** Sends what the window and the wire allow; called again when either opens. */
  pump(): void {
    if (this.#severed) return
    while (!this.#dead && this.#credit > 0) {
      const head = this.#queue[0]
      if (head === undefined) break
      const most = Math.min(head.length, this.#credit)
      // As TCP does: wait for room rather than send crumbs, whose room would come back as crumbs.
      if (most < head.length && most < SMALLEST_PIECE_BYTES) break
      const piece = head.subarray(0, Math.min(most, Math.max(1, this.#lane.pieceBytes(most))))
      if (!this.#lane.carry(piece.length, () => this.#peer?.arrive(piece))) return
      this.#credit -= piece.length
      this.#queuedBytes -= piece.length
      if (piece.length === head.length) this.#queue.shift()
      else this.#queue[0] = head.subarray(piece.length)
    }
    this.#sendEnding()
    this.#stream?.wake()
  }

  #sendEnding(): void {
    const ending = this.#ending
    if (ending === undefined || this.#endingSent || this.#queue.length > 0) return
    if (!this.#lane.carry(0, () => this.#peer?.arriveEnding(ending))) return
    this.#endingSent = true
    this.#flushed?.resolve()
  }

  arrive(piece: Uint8Array): void {
    if (this.#dead || this.#severed) return
    if (this.#reading) this.#take(piece)
    else this.#held.push(piece)
  }

  #take(piece: Uint8Array): void {
    // The receiver owns its bytes, as if they had come from a socket.
    this.#stream?.received(piece.slice())
    this.#peer?.credited(piece.length)
  }

  credited(sizeBytes: number): void {
    this.#credit += sizeBytes
    this.pump()
  }

  arriveEnding(ending: Ending): void {
    if (this.#dead || this.#severed) return
    if (ending.kind === 'reset') {
      this.break(
        new NodeError('STREAM_RESET', 'the remote dropped the stream', { retryable: true }),
      )
      return
    }
    this.#remoteEnded = true
    if (this.#held.length === 0) this.#stream?.ended()
  }

  pause(): void {
    this.#reading = false
  }

  resume(): void {
    this.#reading = true
    const held = this.#held
    this.#held = []
    for (const piece of held) this.#take(piece)
    if (this.#remoteEnded) this.#stream?.ended()
  }

  close(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#dead) {
        reject(connectionLost())
        return
      }
      this.#flushed = { resolve, reject }
      this.#ending ??= { kind: 'end' }
      this.pump()
    })
  }

  reset(): void {
    if (this.#dead) return
    this.#queue = []
    this.#queuedBytes = 0
    this.#ending = { kind: 'reset' }
    this.#endingSent = false
    this.#sendEnding()
    // While nothing passes, the remote learns of it from pump, or when the connection dies.
    this.#remoteEnded = true
  }

  /** Nothing goes or comes any more, though this side does not know it yet. */
  sever(): void {
    this.#severed = true
  }

  /**
   * This side's machine leaves: what is in the air still arrives, then the other side sees the end.
   * False where nothing passes, so that it must find out by itself.
   */
  leave(): boolean {
    const peer = this.#peer
    this.break(connectionLost())
    return this.#lane.carry(0, () => peer?.break(connectionLost()))
  }

  /** Ends this side now: what is queued or held here is gone. */
  break(error: Error): void {
    if (this.#dead) return
    this.#dead = true
    this.#queue = []
    this.#queuedBytes = 0
    this.#held = []
    this.#flushed?.reject(error)
    this.#stream?.lost(error)
  }
}

export interface MemoryEnd {
  readonly carrier: MemoryCarrier
  readonly stream: FramedStream
}

/** Two ends of one stream. */
export function memoryStreamPair(
  there: Lane,
  back: Lane,
  near: StreamOrigin,
  far: StreamOrigin,
): { readonly near: MemoryEnd; readonly far: MemoryEnd } {
  const nearCarrier = new MemoryCarrier(there)
  const farCarrier = new MemoryCarrier(back)
  const nearStream = new FramedStream(nearCarrier, near)
  const farStream = new FramedStream(farCarrier, far)
  nearCarrier.attach(nearStream, farCarrier)
  farCarrier.attach(farStream, nearCarrier)
  return {
    near: { carrier: nearCarrier, stream: nearStream },
    far: { carrier: farCarrier, stream: farStream },
  }
}
