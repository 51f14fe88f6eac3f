// One stream of /sotto/direct/1 between two home hosts (SPEC.md §9): envelopes out within a window,
// answers in, answers out after the durable batch, pings. It knows nothing of what it carries.
import { type Bytes16, type Bytes32, CryptoError } from '../../crypto/index.ts'
import {
  type Answer,
  type CardReply,
  DIRECT_ANSWER_MS,
  DIRECT_FRAME_MAX_BYTES,
  DIRECT_HELLO_MS,
  DIRECT_IDLE_MS,
  DIRECT_PING_MAX_MS,
  DIRECT_PING_MIN_MS,
  DIRECT_WINDOW_BYTES,
  DIRECT_WINDOW_MESSAGES,
  type DirectFrame,
  GOAWAY,
  decodeDirectFrame,
  encodeDirectFrame,
} from '../../protocol/index.ts'
import type { Clock, Timer } from '../clock.ts'
import { NodeError } from '../errors.ts'
import type { FrameStream } from '../transport.ts'

/** What the link hands up. */
export interface DirectHandler {
  /** Takes an envelope; the answer goes out when it resolves, so after the durable batch. */
  envelope(sid: Bytes16, inner: Uint8Array): Promise<Omit<Answer, 'seq'> & { malformed: boolean }>
  /** A bundle for whoever asks; undefined refuses. */
  card(inviteId: Bytes16): Promise<CardReply | undefined>
  closed(): void
}

interface Waiting {
  readonly sizeBytes: number
  readonly atMs: number
  readonly settle: (answer: Answer | undefined) => void
}

interface CardWaiting {
  readonly resolve: (reply: CardReply | undefined) => void
  readonly reject: (error: Error) => void
}

const EMPTY_CARD: CardReply = {
  card: new Uint8Array(0),
  opk: new Uint8Array(0),
  okem: new Uint8Array(0),
}

/** Received and not yet answered bytes above which the stream is paused. */
const UNANSWERED_MAX_BYTES = DIRECT_WINDOW_BYTES

function closedLink(): NodeError {
  return new NodeError('STREAM_CLOSED', 'the direct stream is closed', { retryable: true })
}

/** A promise that is settled from outside. */
function latch(): {
  readonly promise: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: Error) => void
} {
  let resolve: () => void = () => undefined
  let reject: (error: Error) => void = () => undefined
  const promise = new Promise<void>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}

export class DirectLink {
  readonly remoteKey: Bytes32
  readonly #stream: FrameStream
  readonly #handler: DirectHandler
  readonly #clock: Clock
  readonly #jitter: () => number
  #helloSeen = false
  #closed = false
  #seq = 0
  #waiting = new Map<number, Waiting>()
  #waitingBytes = 0
  #room: (() => void)[] = []
  readonly #ready = latch()
  #cards: CardWaiting[] = []
  #answers: Answer[] = []
  #answersQueued = false
  #receivedBytes = 0
  #heardMs: number
  #timer: Timer | undefined

  constructor(options: {
    readonly stream: FrameStream
    readonly handler: DirectHandler
    readonly clock: Clock
    /** 0 to 1: spreads pings. */
    readonly jitter: () => number
  }) {
    this.#stream = options.stream
    this.#handler = options.handler
    this.#clock = options.clock
    this.#jitter = options.jitter
    this.remoteKey = options.stream.remoteKey
    this.#heardMs = this.#clock.monotonicMs()
    // A link that dies before its hello rejects for whoever waits, and for nobody else.
    this.#ready.promise.catch(() => undefined)
    this.#stream.onClose((error) => this.#end(error))
    this.#stream.onFrame((frame) => this.#frame(frame))
    this.#send({ kind: 'hello', features: 0, maxFrameBytes: DIRECT_FRAME_MAX_BYTES })
    this.#timer = this.#clock.after(DIRECT_HELLO_MS, () => {
      if (!this.#helloSeen) this.abort('no hello within 10 s')
    })
  }

  get open(): boolean {
    return !this.#closed && this.#stream.open
  }

  /** Resolves once the peer's hello came; rejects if the stream dies first. */
  ready(): Promise<void> {
    return this.#ready.promise
  }

  /** Whether another envelope fits the window now. */
  get hasRoom(): boolean {
    return this.#waiting.size < DIRECT_WINDOW_MESSAGES && this.#waitingBytes < DIRECT_WINDOW_BYTES
  }

  /** Resolves when the window has room again, or the link is over. */
  room(): Promise<void> {
    if (this.hasRoom || this.#closed) return Promise.resolve()
    return new Promise((resolve) => this.#room.push(resolve))
  }

  /** Sends an envelope; resolves with the peer's answer, or undefined when the link died first. */
  async envelope(sid: Bytes16, inner: Uint8Array): Promise<Answer | undefined> {
    await this.#ready.promise
    if (this.#closed) return undefined
    this.#seq += 1
    const seq = this.#seq
    const answer = new Promise<Answer | undefined>((settle) => {
      const atMs = this.#clock.monotonicMs()
      this.#waiting.set(seq, { sizeBytes: inner.length, atMs, settle })
      this.#waitingBytes += inner.length
    })
    this.#send({ kind: 'envelope', seq, volatile: false, sid, inner })
    return answer
  }

  /** Asks for a bundle; undefined where it is refused. Rejects where the link died unanswered. */
  async requestCard(inviteId: Bytes16): Promise<CardReply | undefined> {
    await this.#ready.promise
    if (this.#closed) throw closedLink()
    const reply = new Promise<CardReply | undefined>((resolve, reject) =>
      this.#cards.push({ resolve, reject }),
    )
    this.#send({ kind: 'card-request', inviteId })
    return reply
  }

  /** Says goodbye and closes. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#flushAnswers()
    this.#send({ kind: 'goaway', reason: GOAWAY.closing })
    await this.#stream.close()
  }

  abort(why: string): void {
    this.#stream.abort(new NodeError('STREAM_CLOSED', `direct stream: ${why}`))
  }

  #send(frame: DirectFrame): void {
    if (!this.#closed) this.#stream.send(encodeDirectFrame(frame))
  }

  #end(error: Error | undefined): void {
    if (this.#closed) return
    this.#closed = true
    this.#timer?.cancel()
    this.#ready.reject(error ?? closedLink())
    for (const { settle } of this.#waiting.values()) settle(undefined)
    for (const { reject } of this.#cards) reject(error ?? closedLink())
    for (const wake of this.#room) wake()
    this.#waiting.clear()
    this.#cards = []
    this.#room = []
    this.#handler.closed()
  }

  #frame(bytes: Uint8Array): void {
    this.#heardMs = this.#clock.monotonicMs()
    let frame: DirectFrame
    try {
      frame = decodeDirectFrame(bytes)
    } catch (error) {
      if (!(error instanceof CryptoError)) throw error
      return this.#protocolError()
    }
    if (!this.#helloSeen) {
      if (frame.kind !== 'hello') return this.#protocolError()
      this.#helloSeen = true
      this.#ready.resolve()
      this.#watch()
      return
    }
    this.#take(frame)
  }

  #take(frame: DirectFrame): void {
    switch (frame.kind) {
      case 'hello':
        return this.#protocolError()
      case 'envelope':
        return void this.#received(frame.seq, frame.sid, frame.inner)
      case 'answers':
        for (const answer of frame.answers) this.#answered(answer)
        return
      case 'card-request':
        return void this.#serveCard(frame.inviteId)
      case 'card': {
        const refused = frame.card.length === 0
        this.#cards.shift()?.resolve(refused ? undefined : frame)
        return
      }
      case 'ping':
        return this.#send({ kind: 'pong', token: frame.token })
      case 'goaway':
        void this.#stream.close()
        return
      case 'ephemeral':
      case 'pong':
      case 'unknown':
        return
    }
  }

  async #received(seq: number, sid: Bytes16, inner: Uint8Array): Promise<void> {
    this.#receivedBytes += inner.length
    if (this.#receivedBytes > UNANSWERED_MAX_BYTES) this.#stream.pause()
    let answer: Answer & { malformed?: boolean }
    try {
      answer = { seq, ...(await this.#handler.envelope(sid, inner)) }
    } catch (error) {
      // The batch failed (a full disk): no answer is better than one that is not durable.
      return this.abort(error instanceof Error ? error.message : 'store')
    } finally {
      this.#receivedBytes -= inner.length
      if (this.#receivedBytes <= UNANSWERED_MAX_BYTES && this.#stream.open) this.#stream.resume()
    }
    this.#answers.push({ seq, code: answer.code, detail: answer.detail })
    if (!this.#answersQueued) {
      this.#answersQueued = true
      queueMicrotask(() => this.#flushAnswers())
    }
    if (answer.malformed === true) this.#protocolError()
  }

  #flushAnswers(): void {
    this.#answersQueued = false
    if (this.#answers.length === 0) return
    this.#send({ kind: 'answers', answers: this.#answers })
    this.#answers = []
  }

  #answered(answer: Answer): void {
    const waiting = this.#waiting.get(answer.seq)
    if (waiting === undefined) return
    this.#waiting.delete(answer.seq)
    this.#waitingBytes -= waiting.sizeBytes
    waiting.settle(answer)
    if (this.hasRoom) {
      const room = this.#room
      this.#room = []
      for (const wake of room) wake()
    }
  }

  async #serveCard(inviteId: Bytes16): Promise<void> {
    const reply = (await this.#handler.card(inviteId)) ?? EMPTY_CARD
    this.#send({ kind: 'card', ...reply })
  }

  #protocolError(): void {
    this.#send({ kind: 'goaway', reason: GOAWAY.protocolError })
    this.abort('protocol error')
  }

  /** Pings after silence, and ends a stream that is silent for too long or owes an answer. */
  #watch(): void {
    this.#timer?.cancel()
    const waitMs = DIRECT_PING_MIN_MS + this.#jitter() * (DIRECT_PING_MAX_MS - DIRECT_PING_MIN_MS)
    this.#timer = this.#clock.after(waitMs, () => {
      if (this.#closed) return
      const now = this.#clock.monotonicMs()
      const [oldest] = this.#waiting.values()
      if (oldest !== undefined && now - oldest.atMs > DIRECT_ANSWER_MS)
        return this.abort('no answer')
      if (now - this.#heardMs > DIRECT_IDLE_MS) return this.abort('silent')
      this.#send({ kind: 'ping', token: Math.floor(now) })
      this.#watch()
    })
  }
}
