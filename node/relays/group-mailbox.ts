// A group's mailbox at one relay, from a member's side (SPEC.md §14.8): opened, followed from a cursor
// that its user keeps, and written to, all over the courier's line and never over the home host's.
// Comes back by itself for as long as it runs.
import type { Bytes16, Bytes32, CryptoProvider } from '../../crypto/index.ts'
import {
  BACKOFF_MAX_MS,
  type ChainClaim,
  type ChainVerdict,
  type GroupCursor,
  type RelayItem,
  isFailure,
  wireCursor,
} from '../../protocol/index.ts'
import { FOLLOW_BACKOFF_MAX_MS } from '../relay-client/limits.ts'
import { Backoff } from '../backoff.ts'
import type { Timer } from '../clock.ts'
import { unit } from '../core.ts'
import { NodeError } from '../errors.ts'
import type { RelayConnection } from '../relay-client/relay-connection.ts'
import type { DepositResult, DrainedHead, Subscription } from '../relay-client/relay-types.ts'
import { Signal } from '../signal.ts'
import type { HeldLine } from './courier.ts'
import { GroupAccess } from './group-access.ts'
import type {
  GroupDeposit,
  GroupDepositOutcome,
  GroupMailboxOptions,
} from './group-mailbox-types.ts'
import { GroupReading } from './group-reading.ts'

/** Items and bytes on their way to us at once; given back after each durable batch. */
const GROUP_CREDIT = { messages: 64, bytes: 1 << 20 }
/** A line that held this long ends the back-off. */
const STEADY_MS = 60_000

export class GroupMailbox {
  readonly serviceKey: Bytes32
  readonly mailboxId: Bytes16
  readonly #options: GroupMailboxOptions
  readonly #access: GroupAccess
  readonly #provider: CryptoProvider
  readonly #backoff: Backoff
  #reading: GroupReading
  /** Where the next stream begins: what is durable. */
  #durable: GroupCursor | undefined
  #line: HeldLine | undefined
  #subscription: Subscription | undefined
  /** Counts streams: what an older one still says is not listened to. */
  #stream = 0
  #work: Promise<void> = Promise.resolve()
  #timer: Timer | undefined
  #openedAtMs = 0
  #stopped = false
  #attempts = 0
  readonly #changed = new Signal()
  /** Why it is not followed; '' while it is. */
  trouble = 'not started'

  constructor(options: GroupMailboxOptions) {
    const { core, relay, cursor } = options
    this.#options = options
    this.#provider = core.provider
    this.#access = new GroupAccess(options)
    this.serviceKey = relay.serviceKey
    this.mailboxId = this.#access.keys.mailboxId
    this.#backoff = new Backoff(() => unit(core.random), FOLLOW_BACKOFF_MAX_MS)
    this.#reading = new GroupReading(core.provider, cursor)
    this.#durable = cursor
  }

  get open(): boolean {
    return this.#subscription !== undefined
  }

  start(): void {
    void this.#connect()
  }

  /** Ends; what was handed out is waited for. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#timer?.cancel()
    this.#drop('stopped')
    await this.#work
  }

  /** Whether it is open now, or becomes so before an attempt fails or the signal aborts. */
  async opened(signal: AbortSignal): Promise<boolean> {
    const attempts = this.#attempts
    while (!this.open && this.#attempts === attempts && !this.#stopped && !signal.aborted) {
      await this.#changed.next(signal)
    }
    return this.open
  }

  /** Compares what a member says it was shown; `different` is told to onLie as well. */
  compare(claim: ChainClaim): ChainVerdict {
    const verdict = this.#reading.compare(claim)
    if (verdict === 'different') this.#lied('it shows members different queues')
    return verdict
  }

  /** Deposits; `held` only with the relay's verified signature. Needs no stream that is followed. */
  async deposit(deposit: GroupDeposit): Promise<GroupDepositOutcome> {
    const { courier, relay } = this.#options
    let line: HeldLine | undefined
    try {
      line = await courier.hold(relay)
      return this.#judge(await this.#access.deposit(line.connection, deposit))
    } catch (error) {
      return this.#failed(error instanceof Error ? error.message : String(error))
    } finally {
      line?.release()
    }
  }

  #judge(result: DepositResult): GroupDepositOutcome {
    if (isFailure(result)) return this.#failed(result.status, result.retryAfterMs)
    if (result.kind === 'unproven' || result.chain === undefined) {
      return this.#distrust('what it signed does not hold')
    }
    const { evidence, incarnation, seq, chain, holdUntilS, found } = result
    // What it signed for is a claim like a member's: where it was or will be read, it must be there.
    if (this.#reading.compare({ incarnation, seq, chain }) === 'different') {
      return this.#distrust('its receipt is not of the queue it shows')
    }
    const { serviceKey } = this
    return { kind: 'held', serviceKey, evidence, incarnation, seq, chain, holdUntilS, found }
  }

  #distrust(reason: string): GroupDepositOutcome {
    this.#lied(reason)
    return this.#failed(reason)
  }

  #failed(reason: string, retryAfterMs = 0): GroupDepositOutcome {
    return { kind: 'failed', serviceKey: this.serviceKey, reason, retryAfterMs }
  }

  // --- The line ---

  async #connect(): Promise<void> {
    if (this.#stopped) return
    const { courier, relay } = this.#options
    const stream = ++this.#stream
    try {
      const line = await courier.hold(relay)
      if (this.#stopped || stream !== this.#stream) {
        line.release()
        return
      }
      this.#line = line
      line.connection.onClose(() => {
        if (this.#line === line) this.#lost(this.#stream, 'the connection was lost')
      })
      const failure = await this.#access.proveOrOpen(line.connection)
      if (stream !== this.#stream) return
      if (failure?.status === 'unknown') {
        this.#drop('the mailbox is not there any more')
        this.#options.handlers.onGone?.()
        return
      }
      if (failure !== undefined) {
        this.#lost(stream, `the relay answered ${failure.status}`, failure.retryAfterMs)
        return
      }
      this.#openedAtMs = this.#options.core.clock.monotonicMs()
      await this.#follow(line.connection, stream)
    } catch (error) {
      this.#lost(stream, error instanceof Error ? error.message : String(error))
    }
  }

  /** Follows from the durable cursor; from the front where the relay has another queue. */
  async #follow(connection: RelayConnection, stream: number): Promise<void> {
    // Items may come with the answer: they wait until it was looked at.
    let looked = (): void => undefined
    const answered = new Promise<void>((resolve) => {
      looked = resolve
    })
    this.#work = this.#work.then(() => answered)
    try {
      await this.#ask(connection, stream)
    } finally {
      looked()
    }
  }

  async #ask(connection: RelayConnection, stream: number): Promise<void> {
    const { handlers } = this.#options
    for (;;) {
      const answer = await connection.follow(
        this.mailboxId,
        wireCursor(this.#reading.cursor),
        {
          onItems: (items) => this.#enter(stream, () => this.#take(stream, items)),
          onDrained: (head) => this.#enter(stream, () => this.#drained(stream, head)),
          onEnd: (reason) => this.#lost(stream, `the subscription ended (${reason})`),
          onRoom: () => handlers.onRoom?.(),
        },
        GROUP_CREDIT,
      )
      if (stream !== this.#stream) return
      if (isFailure(answer)) {
        const isOther = answer.status === 'incarnation' && this.#reading.cursor !== undefined
        if (!isOther) throw new NodeError('RELAY_UNREACHABLE', `SUB: ${answer.status}`)
        this.#reading.restart()
        this.#durable = undefined
        handlers.onRestart?.()
        continue
      }
      this.#begin(answer)
      return
    }
  }

  async #followAgain(connection: RelayConnection, stream: number): Promise<void> {
    try {
      await this.#follow(connection, stream)
    } catch (error) {
      this.#lost(stream, String(error))
    }
  }

  #begin(subscription: Subscription): void {
    const begun = this.#reading.begin(subscription)
    if (begun.kind === 'lie') {
      this.#lied(begun.reason)
      return
    }
    if (begun.missing !== undefined) this.#options.handlers.onMissing?.(begun.missing)
    this.#subscription = subscription
    this.trouble = ''
    this.#changed.raise()
  }

  /** Lets the line go; what its stream still says is not listened to. */
  #drop(trouble: string): void {
    this.#stream += 1
    const subscription = this.#subscription
    this.#subscription = undefined
    this.trouble = trouble
    if (this.#line?.connection.open === true) {
      subscription?.stop().catch(() => undefined) // The stream is over: so is the subscription.
    }
    this.#line?.release()
    this.#line = undefined
    this.#changed.raise()
  }

  #lost(stream: number, why: string, waitMs = 0): void {
    if (stream !== this.#stream) return
    const { clock, log } = this.#options.core
    const wasSteady = this.open && clock.monotonicMs() - this.#openedAtMs > STEADY_MS
    this.#attempts += 1
    this.#drop(why)
    if (this.#stopped) return
    log('group-mailbox', why)
    if (wasSteady) this.#backoff.reset()
    this.#again(this.#backoff.nextMs(waitMs))
  }

  #again(waitMs: number): void {
    this.#timer?.cancel()
    // From what is durable: what was only read comes again.
    this.#timer = this.#options.core.clock.after(waitMs, () => {
      void this.#work.then(() => {
        this.#reading = new GroupReading(this.#provider, this.#durable)
        return this.#connect()
      })
    })
  }

  #lied(reason: string): void {
    const { core, handlers } = this.#options
    core.log('group-mailbox', `the relay does not hold: ${reason}`)
    handlers.onLie?.(reason)
    if (this.#stopped || this.#line === undefined) return
    this.#attempts += 1
    this.#drop(reason)
    this.#again(BACKOFF_MAX_MS)
  }

  // --- What comes ---

  /** One after the other, in the order in which it came. */
  #enter(stream: number, task: () => Promise<void>): void {
    this.#work = this.#work.then(async () => {
      if (stream !== this.#stream) return
      try {
        await task()
      } catch (error) {
        // Nothing was credited that is not durable: it comes again.
        this.#lost(stream, `items not taken: ${String(error)}`)
      }
    })
  }

  async #take(stream: number, items: readonly RelayItem[]): Promise<void> {
    const { good, end } = this.#reading.read(items)
    const { cursor } = this.#reading
    if (good.length > 0 && cursor !== undefined) {
      await this.#options.handlers.onItems({ items: good, cursor })
      this.#durable = cursor
    }
    if (end !== undefined) {
      this.#broken(stream, end)
      return
    }
    const bytes = items.reduce((sum, { env }) => sum + env.length, 0)
    if (stream === this.#stream) this.#subscription?.credit(items.length, bytes)
  }

  async #drained(stream: number, head: DrainedHead): Promise<void> {
    const checked = this.#reading.head(head)
    const { cursor } = this.#reading
    if (checked.kind !== 'same') {
      this.#broken(stream, checked)
      return
    }
    if (cursor === undefined) return
    await this.#options.handlers.onDrained?.(cursor)
    this.#durable = cursor
  }

  /** A lie, or a gap: then the relay is asked anew, on the same line, and has to explain it. */
  #broken(stream: number, end: { readonly kind: 'gap' } | { kind: 'lie'; reason: string }): void {
    if (stream !== this.#stream) return
    if (end.kind === 'lie') {
      this.#lied(end.reason)
      return
    }
    const { connection } = this.#line ?? {}
    if (connection === undefined) return
    const next = ++this.#stream
    this.#subscription = undefined
    void this.#followAgain(connection, next)
  }
}
