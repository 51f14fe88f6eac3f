// Operations on their way to a relay (SPEC.md §12.1): what queued in one turn of the loop shares
// frames of up to 64; no more is in flight than the relay allows; each answer finds who waits.
import type { CborValue } from '../../crypto/index.ts'
import {
  type CustodyRoot,
  FRAME_OPS_MAX,
  type OpKind,
  type OpReply,
  type OpRequest,
  RELAY_FRAME_MAX_BYTES,
  type RelayFailure,
  type RelayOp,
  decodeReply,
  encodeRequest,
} from '../../protocol/index.ts'
import { type Clock, type Timer, TimeoutError } from '../clock.ts'
import { NodeError } from '../errors.ts'
import type { FrameStream } from '../transport.ts'
import { ANSWER_MS, OPS_WAITING_MAX } from './limits.ts'

/** An operation whose content depends on where in which frame it goes. */
export type OpMaker<K extends OpKind> = (requestId: number, opIndex: number) => OpRequest<K>

/** An answer, with the frame it came in. */
export interface Answer<K extends OpKind> {
  readonly reply: OpReply<K> | RelayFailure
  readonly frame: AnsweredFrame
  readonly opIndex: number
}

/** A frame that was answered: custody is checked once for all of it. */
export interface AnsweredFrame {
  readonly requestId: number
  readonly ops: readonly RelayOp[]
  readonly replies: readonly unknown[]
  readonly custody: readonly CustodyRoot[]
}

interface Waiting {
  readonly kind: OpKind
  readonly make: OpMaker<OpKind>
  readonly bytes: number
  readonly onReply?: (reply: OpReply<OpKind> | RelayFailure) => void
  readonly resolve: (answer: Answer<OpKind>) => void
  readonly reject: (error: Error) => void
}

interface InFlight {
  readonly waiting: readonly Waiting[]
  readonly ops: readonly RelayOp[]
  readonly bytes: number
  readonly timer: Timer
}

export interface FlightLimits {
  readonly ops: number
  readonly bytes: number
}

/** Bytes of an operation beside what its caller counted: heads, ids, authority. */
const OP_OVERHEAD_BYTES = 256

export class OperationQueue {
  readonly #stream: FrameStream
  readonly #clock: Clock
  readonly #waiting: Waiting[] = []
  readonly #inFlight = new Map<number, InFlight>()
  #limits: FlightLimits = { ops: FRAME_OPS_MAX, bytes: RELAY_FRAME_MAX_BYTES }
  #opsInFlight = 0
  #bytesInFlight = 0
  #nextId = 1
  #scheduled = false
  #blocked = false
  #closed: Error | undefined

  constructor(stream: FrameStream, clock: Clock) {
    this.#stream = stream
    this.#clock = clock
  }

  setLimits(limits: FlightLimits): void {
    this.#limits = {
      ops: Math.max(1, limits.ops),
      bytes: Math.max(RELAY_FRAME_MAX_BYTES, limits.bytes),
    }
  }

  /**
   * Sends one operation; `bytes` is the size of its payload. `onReply` is called with the reply before
   * anything that the relay sent behind it is looked at.
   */
  call<K extends OpKind>(
    kind: K,
    request: OpRequest<K> | OpMaker<K>,
    bytes = 0,
    onReply?: (reply: OpReply<K> | RelayFailure) => void,
  ): Promise<Answer<K>> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed)
    if (this.#waiting.length >= OPS_WAITING_MAX) {
      return Promise.reject(
        new NodeError('RELAY_UNREACHABLE', 'too many operations wait for the relay', {
          retryable: true,
        }),
      )
    }
    if (bytes + OP_OVERHEAD_BYTES > RELAY_FRAME_MAX_BYTES) {
      return Promise.reject(new NodeError('TOO_LARGE', `${kind}: ${bytes} bytes fit no frame`))
    }
    const make = typeof request === 'function' ? request : () => request
    return new Promise((resolve, reject) => {
      this.#waiting.push({
        kind,
        make,
        bytes: bytes + OP_OVERHEAD_BYTES,
        ...(onReply === undefined ? {} : { onReply }),
        resolve: resolve as (answer: Answer<OpKind>) => void,
        reject,
      })
      this.#schedule()
    })
  }

  /** A request id nobody else gets: for a request that is about its own place. */
  reserve(): number {
    return this.#nextId++
  }

  /** Sends one operation alone in a frame of a reserved id. */
  callAt<K extends OpKind>(requestId: number, kind: K, request: OpRequest<K>): Promise<Answer<K>> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed)
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        kind,
        make: () => request,
        bytes: OP_OVERHEAD_BYTES,
        resolve: resolve as (answer: Answer<OpKind>) => void,
        reject,
      }
      this.#transmit(requestId, [waiting])
    })
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    // At the end of this turn: whatever else is asked in it goes into the same frame.
    void Promise.resolve().then(() => {
      this.#scheduled = false
      this.#send()
    })
  }

  #send(): void {
    while (this.#waiting.length > 0 && !this.#blocked && this.#closed === undefined) {
      const batch = this.#nextBatch()
      if (batch.length === 0) return
      this.#transmit(this.#nextId++, batch)
    }
  }

  #transmit(requestId: number, batch: readonly Waiting[]): void {
    const ops = batch.map(
      ({ kind, make }, opIndex) => ({ kind, request: make(requestId, opIndex) }) as RelayOp,
    )
    const bytes = batch.reduce((sum, each) => sum + each.bytes, 0)
    const timer = this.#clock.after(ANSWER_MS, () =>
      this.#stream.abort(new TimeoutError(`the relay did not answer within ${ANSWER_MS} ms`)),
    )
    this.#inFlight.set(requestId, { waiting: batch, ops, bytes, timer })
    this.#opsInFlight += batch.length
    this.#bytesInFlight += bytes
    if (!this.#stream.send(encodeRequest(requestId, ops)) && !this.#blocked) this.#block()
  }

  #block(): void {
    this.#blocked = true
    this.#stream.drained().then(
      () => {
        this.#blocked = false
        this.#send()
      },
      () => undefined, // Closed: close() rejects whoever waits.
    )
  }

  #nextBatch(): Waiting[] {
    const batch: Waiting[] = []
    let bytes = 0
    for (const each of this.#waiting) {
      const isFull =
        batch.length === FRAME_OPS_MAX ||
        bytes + each.bytes > RELAY_FRAME_MAX_BYTES ||
        this.#opsInFlight + batch.length + 1 > this.#limits.ops ||
        this.#bytesInFlight + bytes + each.bytes > this.#limits.bytes
      if (isFull) break
      bytes += each.bytes
      batch.push(each)
    }
    this.#waiting.splice(0, batch.length)
    return batch
  }

  /** Hands the replies of a frame to whom they belong. Throws ERR_WIRE_MALFORMED. */
  answered(requestId: number, custody: readonly CustodyRoot[], values: readonly CborValue[]): void {
    const sent = this.#inFlight.get(requestId)
    if (sent === undefined) return
    if (values.length !== sent.waiting.length) {
      throw new NodeError('RELAY_UNREACHABLE', 'the relay answered another number of operations')
    }
    const replies = sent.waiting.map(({ kind }, i) => decodeReply(kind, values[i] ?? []))
    sent.timer.cancel()
    this.#inFlight.delete(requestId)
    this.#opsInFlight -= sent.waiting.length
    this.#bytesInFlight -= sent.bytes
    const frame: AnsweredFrame = { requestId, ops: sent.ops, replies, custody }
    for (const [opIndex, { onReply, resolve }] of sent.waiting.entries()) {
      const reply = replies[opIndex]
      if (reply === undefined) continue
      onReply?.(reply)
      resolve({ reply, frame, opIndex })
    }
    this.#schedule()
  }

  /** The stream is over: everybody who waits learns it. */
  close(error: Error): void {
    if (this.#closed !== undefined) return
    this.#closed = error
    for (const { waiting, timer } of this.#inFlight.values()) {
      timer.cancel()
      for (const { reject } of waiting) reject(error)
    }
    for (const { reject } of this.#waiting) reject(error)
    this.#inFlight.clear()
    this.#waiting.length = 0
  }
}
