// One stream of a client (SPEC.md §12.1): frames in, replies out, each frame one piece of work for
// the committer. What is unanswered is bounded: beyond it the relay stops reading.
import { CryptoError, type CborValue, fromHex, toHex } from '../../crypto/index.ts'
import {
  type RelayFailure,
  type RequestFrame,
  RELAY_FRAME_MAX_BYTES,
  cards,
  decodeRequest,
  encodeMalformedReply,
  encodePushFrame,
  encodeReply,
  encodeReplyFrame,
  failed,
  mailboxes,
  marks,
  peekRequestId,
  stocks,
  type MailboxTurn,
} from '../../protocol/index.ts'
import type { Clock } from '../clock.ts'
import type { FrameStream } from '../transport.ts'
import type { Committer, FlushSlot, Job } from './committer.ts'
import {
  CONNECTION_OPS_BURST,
  CONNECTION_OPS_PER_S,
  GOAWAY_GRACE_MS,
  HELLO_MS,
  INFLIGHT_BYTES_MAX,
  INFLIGHT_OPS_MAX,
  REPLY_RESERVE_BYTES,
} from './limits.ts'
import { weightOf } from './op-weight.ts'
import { type OpPlace, type RelayCore, ReplyRoom, type StreamState } from './op-place.ts'
import { runOp } from './operations.ts'
import { rowKey } from './row-keys.ts'
import { TokenBucket } from './token-buckets.ts'

export interface ConnectionOptions {
  readonly core: RelayCore
  readonly committer: Committer
  readonly clock: Clock
  /** Makes the turn that the rules of one flush are handed. */
  readonly turnOf: (slot: FlushSlot) => MailboxTurn
  readonly isDraining: () => boolean
  readonly onClose: (connection: RelayConnection) => void
}

const BUSY: RelayFailure = failed('busy', { scope: 'service', retryAfterMs: 1_000 })

/** Bytes of a reply frame beside its replies. */
const FRAME_RESERVE_BYTES = 2_048

export class RelayConnection {
  readonly #options: ConnectionOptions
  readonly #state: StreamState
  readonly #bucket: TokenBucket
  #inflightOps = 0
  #inflightBytes = 0
  #paused = false
  #full = false
  #greeted = false

  constructor(stream: FrameStream, source: string, options: ConnectionOptions) {
    const { clock } = options
    this.#options = options
    this.#state = {
      stream,
      source,
      clientKey: stream.remoteKey,
      nonce: undefined,
      owned: new Map(),
    }
    const rate = { burst: CONNECTION_OPS_BURST, perSecond: CONNECTION_OPS_PER_S }
    this.#bucket = new TokenBucket(rate, clock.monotonicMs())
    const timer = clock.after(HELLO_MS, () => {
      if (!this.#greeted) stream.abort(new Error('no HELLO'))
    })
    stream.onClose(() => {
      timer.cancel()
      this.#forget()
    })
    stream.onFrame((frame) => this.#receive(frame))
  }

  get stream(): FrameStream {
    return this.#state.stream
  }

  /** Tells the client to go elsewhere. */
  goAway(): void {
    this.stream.send(encodePushFrame([{ kind: 'goaway', graceMs: GOAWAY_GRACE_MS }]))
  }

  #forget(): void {
    const { core } = this.#options
    for (const name of this.#state.owned.keys()) {
      core.subscriptions.remove(this.stream, fromHex(name))
    }
    core.room.forget(this.stream)
    this.#options.onClose(this)
  }

  #receive(bytes: Uint8Array): void {
    const { core } = this.#options
    core.figures.frames += 1
    let frame: RequestFrame
    try {
      frame = decodeRequest(bytes)
    } catch (error) {
      if (!(error instanceof CryptoError)) throw error
      core.figures.malformed += 1
      this.#last(encodeMalformedReply(peekRequestId(bytes)))
      return
    }
    core.figures.ops += frame.ops.length
    const refusal = this.#refuse(frame)
    if (refusal !== undefined) {
      this.#answer(frame, refusal)
      return
    }
    const job = this.#job(frame, bytes.length)
    this.#hold(frame.ops.length, bytes.length)
    if (!this.#options.committer.submit(job)) job.failed(undefined)
  }

  /** Why nothing of a frame is looked at. */
  #refuse(frame: RequestFrame): RelayFailure | undefined {
    if (this.#options.isDraining()) return failed('draining', { scope: 'service' })
    if (!this.#greeted) {
      if (frame.ops[0]?.kind !== 'hello') return failed('unauthenticated', { scope: 'connection' })
      this.#greeted = true
    }
    const waitMs = this.#bucket.take(frame.ops.length, this.#options.clock.monotonicMs())
    if (waitMs > 0) return failed('rate', { scope: 'connection', retryAfterMs: waitMs })
    return undefined
  }

  #answer(frame: RequestFrame, failure: RelayFailure): void {
    const replies = frame.ops.map(() => encodeReply('hello', failure))
    this.#reply(encodeReplyFrame({ requestId: frame.requestId, custody: [], replies }))
  }

  #reply(frame: Uint8Array): void {
    if (this.stream.send(frame) || !this.stream.open || this.#full) return
    // The client reads slower than it asks: its requests wait.
    this.#full = true
    this.#readOrNot()
    this.stream.drained().then(
      () => {
        this.#full = false
        this.#readOrNot()
      },
      () => undefined, // Closed: nothing is read any more.
    )
  }

  #last(frame: Uint8Array): void {
    this.stream.send(frame)
    this.stream.close().catch((error: unknown) => {
      this.stream.abort(error instanceof Error ? error : new Error(String(error)))
    })
  }

  #hold(ops: number, bytes: number): void {
    this.#inflightOps += ops
    this.#inflightBytes += bytes
    this.#readOrNot()
  }

  #readOrNot(): void {
    const isOver =
      this.#full ||
      this.#inflightOps >= INFLIGHT_OPS_MAX ||
      this.#inflightBytes >= INFLIGHT_BYTES_MAX
    if (isOver === this.#paused || !this.stream.open) return
    this.#paused = isOver
    if (isOver) this.stream.pause()
    else this.stream.resume()
  }

  #job(frame: RequestFrame, bytes: number): Job {
    const { requestId, ops } = frame
    const replies: CborValue[] = []
    const after: (() => void)[] = []
    const room = new ReplyRoom(
      RELAY_FRAME_MAX_BYTES - FRAME_RESERVE_BYTES - ops.length * REPLY_RESERVE_BYTES,
    )
    const { core, turnOf } = this.#options
    const state = this.#state
    return {
      ops: ops.reduce((sum, op) => sum + weightOf(op), 0),
      bytes,
      reads: readsOf(frame),
      *steps(slot) {
        const turn = turnOf(slot)
        for (const [opIndex, op] of ops.entries()) {
          const place: OpPlace = { core, turn, slot, state, requestId, opIndex, room, after }
          replies.push(yield* runOp(op, place))
        }
      },
      done: (custody) => {
        this.#hold(-ops.length, -bytes)
        const roots = custody === undefined ? [] : [custody]
        try {
          this.#reply(encodeReplyFrame({ requestId, custody: roots, replies }))
        } finally {
          for (const run of after) run()
        }
      },
      failed: () => {
        this.#hold(-ops.length, -bytes)
        this.#answer(frame, BUSY)
      },
    }
  }
}

/** The rows that the operations of a frame will read first. */
function readsOf(frame: RequestFrame): Job['reads'] {
  const out: Job['reads'][number][] = []
  const seen = new Set<string>()
  const want = (table: Job['reads'][number][0], owner: Uint8Array, order: Uint8Array): void => {
    const key = rowKey(table.name, owner, order)
    const name = toHex(key)
    if (seen.has(name)) return
    seen.add(name)
    out.push([table, key])
  }
  const none = new Uint8Array(0)
  for (const op of frame.ops) {
    if (op.kind === 'unknown' || !('mailboxId' in op.request)) continue
    const { mailboxId } = op.request
    want(mailboxes as Job['reads'][number][0], mailboxId, none)
    if (op.kind === 'deposit') {
      want(marks as Job['reads'][number][0], mailboxId, op.request.envId)
    } else if (op.kind === 'ack') {
      for (const id of op.request.envIds) want(marks as Job['reads'][number][0], mailboxId, id)
    } else if (op.kind === 'cardGet' || op.kind === 'prekeyTake') {
      want(cards as Job['reads'][number][0], mailboxId, none)
      want(stocks as Job['reads'][number][0], mailboxId, none)
    }
  }
  return out
}
