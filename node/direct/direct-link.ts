// One stream of /sotto/direct/1 between two home hosts (SPEC.md §9): envelopes out within a window,
// answers in, answers out after the durable batch, pings. It knows nothing of what it carries.
import { type Bytes16, type Bytes32, CryptoError, u64 } from '../../crypto/index.ts'
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
import { latch } from './latch.ts'

/** What the link hands up. */
export interface DirectHandler {
  /**
   * Takes an envelope; the answer goes out when it resolves, so after the durable batch. Undefined:
   * one that this host may not send, which ends the stream unanswered.
   */
  envelope(
    sid: Bytes16,
    inner: Uint8Array,
  ): Promise<(Omit<Answer, 'seq'> & { malformed: boolean }) | undefined>
  /**
   * Whether the remote host is one of an accepted peer. Asked at each frame: a stranger that answers a
   * live invite becomes one. Strangers are held to a few frames and bytes.
   */
  known(): boolean
  /** Takes so many bytes from what all strangers may send together; false: there is no more. */
  spend(sizeBytes: number): boolean
  /** A bundle for whoever asks; undefined refuses for good. */
  card(inviteId: Bytes16): Promise<CardReply | 'overloaded' | undefined>
  closed(): void
}

interface Waiting {
  readonly sizeBytes: number
  readonly atMs: number
  readonly settle: (answer: Answer | undefined) => void
}

interface CardWaiting {
  readonly atMs: number
  readonly resolve: (reply: CardReply | undefined) => void
  readonly reject: (error: Error) => void
}

const EMPTY_CARD: CardReply = {
  card: new Uint8Array(0),
  opk: new Uint8Array(0),
  okem: new Uint8Array(0),
}

function closedLink(): NodeError {
  return new NodeError('STREAM_CLOSED', 'the direct stream is closed', { retryable: true })
}

/** Answers in one frame: a peer that keeps to its window never has more waiting. */
const ANSWERS_MAX = DIRECT_WINDOW_MESSAGES
/** Type, sequence, flags and session before the inner message. */
const ENVELOPE_HEAD_BYTES = 22
/** A goodbye that is not taken in this time is dropped with the stream. */
const GOODBYE_MS = 5_000

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
  #serving: Promise<void> = Promise.resolve()
  #receivedSeq = 0
  /** The largest frame that the peer takes. */
  #peerMaxBytes = DIRECT_FRAME_MAX_BYTES
  #ending = false
  #pingedMs = Number.NEGATIVE_INFINITY
  #paused = false
  #answers: Answer[] = []
  #answersQueued = false
  /** Received and not yet answered. */
  #received = { messages: 0, bytes: 0 }
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
    return !this.#closed && !this.#ending && this.#stream.open
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
    // One that the peer cannot take goes another way.
    if (this.#closed || inner.length + ENVELOPE_HEAD_BYTES > this.#peerMaxBytes) return undefined
    this.#seq += 1
    const seq = this.#seq
    const answer = new Promise<Answer | undefined>((settle) => {
      const atMs = this.#clock.monotonicMs()
      this.#waiting.set(seq, { sizeBytes: inner.length, atMs, settle })
      this.#waitingBytes += inner.length
    })
    this.#send({ kind: 'envelope', seq, volatile: false, sid, inner })
    if (this.#waiting.size === 1) this.#watch()
    return answer
  }

  /** Asks for a bundle; undefined where it is refused. Rejects where the link died unanswered. */
  async requestCard(inviteId: Bytes16): Promise<CardReply | undefined> {
    await this.#ready.promise
    if (this.#closed) throw closedLink()
    const reply = new Promise<CardReply | undefined>((resolve, reject) =>
      this.#cards.push({ atMs: this.#clock.monotonicMs(), resolve, reject }),
    )
    this.#send({ kind: 'card-request', inviteId })
    this.#watch()
    return reply
  }

  /** Says goodbye and closes. */
  close(): Promise<void> {
    return this.#goodbye(GOAWAY.closing)
  }

  /** Sends what is owed and a goodbye, and closes; drops the stream where the peer does not read. */
  async #goodbye(reason: number): Promise<void> {
    if (this.#closed || this.#ending) return
    this.#flushAnswers()
    this.#send({ kind: 'goaway', reason })
    this.#ending = true
    const timer = this.#clock.after(GOODBYE_MS, () => this.abort('the goodbye was not taken'))
    try {
      await this.#stream.close()
    } catch {
      this.abort('closing failed')
    } finally {
      timer.cancel()
    }
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
    if (this.#ending || this.#closed) return
    this.#heardMs = this.#clock.monotonicMs()
    if (!this.#handler.known() && !this.#handler.spend(bytes.length)) {
      return void this.#goodbye(GOAWAY.overloaded)
    }
    let frame: DirectFrame
    try {
      frame = decodeDirectFrame(bytes)
    } catch (error) {
      if (!(error instanceof CryptoError)) throw error
      const unsupported = error.code === 'ERR_WIRE_UNSUPPORTED'
      return void this.#goodbye(unsupported ? GOAWAY.unsupported : GOAWAY.protocolError)
    }
    if (!this.#helloSeen) {
      if (frame.kind !== 'hello') return this.#protocolError()
      this.#helloSeen = true
      this.#peerMaxBytes = Math.min(DIRECT_FRAME_MAX_BYTES, frame.maxFrameBytes)
      this.#ready.resolve()
      this.#watch()
      return
    }
    this.#take(frame)
  }

  #take(frame: DirectFrame): void {
    if (frame.kind === 'ephemeral' && !this.#handler.known()) return this.#protocolError()
    switch (frame.kind) {
      case 'hello':
        return this.#protocolError()
      case 'envelope':
        this.#receivedSeq += 1
        if (frame.seq !== this.#receivedSeq) return this.#protocolError()
        return void this.#serveEnvelope(frame.seq, frame.sid, frame.inner)
      case 'answers':
        for (const answer of frame.answers) this.#answered(answer)
        return
      case 'card-request':
        // In order: an answer does not say which question it is for.
        this.#serving = this.#serving.then(() => this.#serveCard(frame.inviteId))
        return
      case 'card': {
        const refused = frame.card.length === 0
        this.#cards.shift()?.resolve(refused ? undefined : frame)
        return
      }
      case 'ping':
        return this.#send({ kind: 'pong', token: frame.token })
      case 'goaway':
        this.#ending = true
        void this.#stream.close().catch(() => this.abort('closing failed'))
        return
      case 'ephemeral':
      case 'pong':
      case 'unknown':
        return
    }
  }

  async #serveEnvelope(seq: number, sid: Bytes16, inner: Uint8Array): Promise<void> {
    this.#count(1, inner.length)
    let answer: Answer & { malformed?: boolean }
    try {
      const outcome = await this.#handler.envelope(sid, inner)
      if (outcome === undefined) return this.#protocolError()
      answer = { seq, ...outcome }
    } catch (error) {
      // The batch failed (a full disk): no answer is better than one that is not durable.
      return this.abort(error instanceof Error ? error.message : 'store')
    } finally {
      this.#count(-1, -inner.length)
    }
    this.#answers.push({ seq, code: answer.code, detail: answer.detail })
    if (!this.#answersQueued) {
      this.#answersQueued = true
      queueMicrotask(() => this.#flushAnswers())
    }
    if (answer.malformed === true) this.#protocolError()
  }

  /** Reads exactly while what is unanswered is within the window that the peer was told. */
  #count(messages: number, bytes: number): void {
    const received = this.#received
    received.messages += messages
    received.bytes += bytes
    const isOver =
      received.messages > DIRECT_WINDOW_MESSAGES || received.bytes > DIRECT_WINDOW_BYTES
    if (isOver) this.#pause()
    else this.#resume()
  }

  #pause(): void {
    if (this.#paused) return
    this.#paused = true
    this.#stream.pause()
  }

  #resume(): void {
    if (!this.#paused) return
    this.#paused = false
    // What the peer could not send meanwhile is no silence of its own.
    this.#heardMs = this.#clock.monotonicMs()
    if (this.#stream.open) this.#stream.resume()
  }

  #flushAnswers(): void {
    this.#answersQueued = false
    while (this.#answers.length > 0) {
      this.#send({ kind: 'answers', answers: this.#answers.splice(0, ANSWERS_MAX) })
    }
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
    if (!this.open) return
    let reply: CardReply | 'overloaded' | undefined
    try {
      reply = await this.#handler.card(inviteId)
    } catch (error) {
      return this.abort(error instanceof Error ? error.message : 'store')
    }
    // Refused is for good: who asks too often is told to come back.
    if (reply === 'overloaded') return this.#goodbye(GOAWAY.overloaded)
    this.#send({ kind: 'card', ...(reply ?? EMPTY_CARD) })
  }

  #protocolError(): void {
    void this.#goodbye(GOAWAY.protocolError)
  }

  /**
   * Arms the next look at the clock: a ping after silence, the end of a stream that is silent for
   * too long or owes an answer.
   */
  #watch(): void {
    if (!this.#helloSeen || this.#closed) return
    this.#timer?.cancel()
    const now = this.#clock.monotonicMs()
    const pingMs = DIRECT_PING_MIN_MS + this.#jitter() * (DIRECT_PING_MAX_MS - DIRECT_PING_MIN_MS)
    const [envelope] = this.#waiting.values()
    const oldestMs = Math.min(envelope?.atMs ?? Infinity, this.#cards[0]?.atMs ?? Infinity)
    const dueMs = Math.min(
      Math.max(this.#heardMs, this.#pingedMs) + pingMs,
      this.#paused ? Infinity : this.#heardMs + DIRECT_IDLE_MS,
      oldestMs + DIRECT_ANSWER_MS,
    )
    this.#timer = this.#clock.after(Math.max(1, dueMs - now), () => this.#look())
  }

  #look(): void {
    if (this.#closed) return
    const now = this.#clock.monotonicMs()
    const [envelope] = this.#waiting.values()
    const oldestMs = Math.min(envelope?.atMs ?? Infinity, this.#cards[0]?.atMs ?? Infinity)
    if (now - oldestMs >= DIRECT_ANSWER_MS) return this.abort('no answer')
    if (!this.#paused && now - this.#heardMs >= DIRECT_IDLE_MS) return this.abort('silent')
    if (now - Math.max(this.#heardMs, this.#pingedMs) >= DIRECT_PING_MIN_MS) {
      this.#pingedMs = now
      this.#send({ kind: 'ping', token: u64(Math.floor(now)) })
    }
    this.#watch()
  }
}
