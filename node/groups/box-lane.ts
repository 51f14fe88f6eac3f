// One mailbox of a group at one relay: followed from the cursor that is stored, and written to in the
// order in which things were said. What it brings is durable, with the cursor, before credit is given.
import { type Bytes32, toHex } from '../../crypto/index.ts'
import {
  type GroupBox,
  type GroupCopy,
  type GroupCursor,
  type RelayItem,
  groupCopies,
  noteGroupCustody,
  noteGroupDrained,
  scoreDown,
} from '../../protocol/index.ts'
import { Backoff } from '../backoff.ts'
import type { Timer } from '../clock.ts'
import { type Core, unit } from '../core.ts'
import type { Courier } from '../relays/courier.ts'
import { GroupMailbox } from '../relays/group-mailbox.ts'
import { Signal } from '../signal.ts'
import { takePage } from './take-page.ts'

/** Deposits under way at once at one mailbox. */
const AT_ONCE = 16

export interface BoxLaneOptions {
  readonly core: Core
  readonly courier: Courier
  readonly box: GroupBox
  /** G of its lineage. */
  readonly lineageSecret: Bytes32
  readonly ticket: () => Promise<Uint8Array | undefined>
  /** Something came, or something was signed for. */
  readonly onProgress: () => void
  /** The relay has another queue, or dropped what was not read: members have it. */
  readonly onGap: () => void
}

export class BoxLane {
  readonly box: GroupBox
  readonly #options: BoxLaneOptions
  readonly #core: Core
  readonly #backoff: Backoff
  readonly mailbox: GroupMailbox
  #running = false
  #again = false
  #timer: Timer | undefined
  #stopped = false
  #drained = false
  readonly #changed = new Signal()
  /** Why the last deposit was refused; undefined when all were taken. */
  trouble: string | undefined

  constructor(options: BoxLaneOptions) {
    const { core, box } = options
    this.#options = options
    this.#core = core
    this.box = box
    this.#backoff = new Backoff(() => unit(core.random))
    this.mailbox = new GroupMailbox({
      core,
      courier: options.courier,
      relay: box,
      lineageSecret: options.lineageSecret,
      mode: box.writes ? 'open' : 'read',
      cursor: box.cursor,
      ticket: options.ticket,
      handlers: {
        onItems: ({ items, cursor }) => this.#take(items, cursor),
        onDrained: (cursor) => this.#atHead(cursor),
        onMissing: () => options.onGap(),
        onRestart: () => options.onGap(),
        onRoom: () => this.kick(),
        onLie: () => void this.#distrust(),
      },
    })
  }

  /** It is followed, and everything in it was read. */
  get atHead(): boolean {
    return this.mailbox.open && this.#drained
  }

  get active(): boolean {
    return this.#running
  }

  start(): void {
    this.mailbox.start()
    this.kick()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#timer?.cancel()
    this.#changed.raise()
    await this.mailbox.stop()
  }

  /** Something waits, or a refusal may be over. */
  kick(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    if (this.#running) {
      this.#again = true
      return
    }
    if (this.box.writes && !this.#stopped) void this.#run()
  }

  /** Resolves once it was read to its head, could not be reached, or the signal aborts. */
  async firstDrain(signal: AbortSignal): Promise<void> {
    await this.mailbox.opened(signal)
    while (this.mailbox.open && !this.#drained && !this.#stopped && !signal.aborted) {
      await this.#changed.next(signal)
    }
  }

  async #take(items: readonly RelayItem[], cursor: GroupCursor): Promise<void> {
    await takePage(this.#core, this.box, items, cursor)
    this.#options.onProgress()
  }

  async #atHead(cursor: GroupCursor): Promise<void> {
    await this.#core.ledger.run((turn) => noteGroupDrained(turn, this.box, cursor))
    this.#drained = true
    this.#changed.raise()
    this.#options.onProgress()
  }

  async #distrust(): Promise<void> {
    const { serviceKey } = this.box
    try {
      await this.#core.ledger.run((turn) => scoreDown(turn, serviceKey, undefined))
    } catch (error) {
      this.#core.log('group', String(error))
    }
  }

  async #run(): Promise<void> {
    this.#running = true
    let retryMs: number | undefined
    try {
      do {
        this.#again = false
        retryMs = await this.#pass()
      } while (this.#again && retryMs === undefined)
    } catch (error) {
      this.trouble = error instanceof Error ? error.message : String(error)
      this.#core.log('group', `${toHex(this.box.serviceKey).slice(0, 8)}: ${this.trouble}`)
      retryMs = this.#backoff.nextMs()
    } finally {
      this.#running = false
    }
    if (this.#core.stopping.aborted || this.#stopped) return
    if (retryMs === undefined) {
      this.#backoff.reset()
      this.trouble = undefined
    } else this.#timer = this.#core.clock.after(retryMs, () => this.kick())
    this.#options.onProgress()
  }

  /** One pass over what waits; how long to wait where the relay stopped it. */
  async #pass(): Promise<number | undefined> {
    const { ledger } = this.#core
    for (let from: number | undefined = 0; from !== undefined;) {
      const at: number = from
      const page = await ledger.read((turn) => groupCopies(turn, this.box, at))
      for (let i = 0; i < page.copies.length; i += AT_ONCE) {
        const part = page.copies.slice(i, i + AT_ONCE)
        const waits = await Promise.all(part.map((copy) => this.#deposit(copy)))
        const failed = waits.filter((wait) => wait !== undefined)
        if (failed.length > 0) return this.#backoff.nextMs(Math.max(...failed))
      }
      from = page.next
    }
    return undefined
  }

  /** Deposits one copy; how long to wait where it was refused. */
  async #deposit(copy: GroupCopy): Promise<number | undefined> {
    const { envId, message: env, capId, coalesce, sequence, innerId } = copy
    const outcome = await this.mailbox.deposit({
      envId,
      env,
      capId,
      ...(coalesce === undefined ? {} : { coalesce }),
    })
    if (outcome.kind === 'failed') {
      this.trouble = outcome.reason
      return outcome.retryAfterMs
    }
    const { incarnation, holdUntilS } = outcome
    await this.#core.ledger.run((turn) =>
      noteGroupCustody(turn, { ...this.box, sequence, innerId }, { incarnation, holdUntilS }),
    )
    return undefined
  }
}
