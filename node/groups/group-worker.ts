// One group at work: its mailboxes followed and written to, what waits encrypted, what is missing
// asked for. Everything it knows is found again in the tables: a start, or an effect, is a kick.
import { type Bytes32, equalBytes, toHex } from '../../crypto/index.ts'
import {
  type GroupBox,
  boxesOf,
  expireGroupItems,
  get,
  lineages,
  moveCarriage,
  noteStillDrained,
  sweepGroup,
  tendGroup,
  wantsCompare,
} from '../../protocol/index.ts'
import { Backoff } from '../backoff.ts'
import type { Timer } from '../clock.ts'
import { type Core, unit } from '../core.ts'
import type { Courier } from '../relays/courier.ts'
import { BoxLane } from './box-lane.ts'

export interface GroupWorkerOptions {
  readonly core: Core
  readonly courier: Courier
  readonly gid: Bytes32
  /** A ticket of one of our own relays. */
  readonly ticket: (serviceKey: Bytes32) => Promise<Uint8Array | undefined>
  /** Service keys of own relays that are reached now. */
  readonly ownRelays: () => readonly Bytes32[]
  readonly onProgress: () => void
}

/** A look at the whole group at least this often. */
const ROUND_MS = 300_000
/** After entries of others: a conversation's next ones, or copies of these, are often on their way. */
const LATER_MS = 50

export class GroupWorker {
  readonly #options: GroupWorkerOptions
  readonly #core: Core
  readonly #gid: Bytes32
  readonly #lanes = new Map<string, BoxLane>()
  readonly #backoff: Backoff
  #running = false
  #again = false
  #timer: Timer | undefined
  #later: Timer | undefined
  #stopped = false
  /** Since when none of these relays is reached, guarded clock. */
  #gone: { readonly relays: string; readonly sinceMs: number } | undefined

  constructor(options: GroupWorkerOptions) {
    this.#options = options
    this.#core = options.core
    this.#gid = options.gid
    this.#backoff = new Backoff(() => unit(options.core.random))
  }

  get active(): boolean {
    const isDue = this.#running || this.#later !== undefined
    return isDue || [...this.#lanes.values()].some((lane) => lane.active)
  }

  /** What keeps the group's messages from its relays, as sentences. */
  get troubles(): readonly string[] {
    const all = [...this.#lanes.values()].flatMap(({ box, trouble, mailbox }) => {
      const why = trouble ?? mailbox.trouble
      return why === '' || !box.writes ? [] : [`relay ${toHex(box.serviceKey).slice(0, 8)}: ${why}`]
    })
    // A relay has a mailbox for each lineage, and one trouble.
    return [...new Set(all)]
  }

  kick(): void {
    if (this.#running) {
      this.#again = true
      return
    }
    if (!this.#stopped && !this.#core.stopping.aborted) void this.#run()
  }

  /** Shortly: what comes until then is looked at in one go, and shown to its user before. */
  kickLater(): void {
    if (this.#stopped || this.#core.stopping.aborted) return
    this.#later ??= this.#core.clock.after(LATER_MS, () => {
      this.#later = undefined
      this.kick()
    })
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#timer?.cancel()
    this.#later?.cancel()
    this.#later = undefined
    await Promise.all([...this.#lanes.values()].map((lane) => lane.stop()))
    this.#lanes.clear()
  }

  /** Resolves when every mailbox was read to its head, or could not be reached. */
  async firstDrain(signal: AbortSignal): Promise<void> {
    await Promise.all([...this.#lanes.values()].map((lane) => lane.firstDrain(signal)))
  }

  /** Once an hour: deletes what is needed no more. */
  async sweep(ownDrainedMs: number): Promise<void> {
    const { ledger, stopping } = this.#core
    for (const { box, atHead } of this.#lanes.values()) {
      if (atHead) await ledger.run((turn) => noteStillDrained(turn, box))
    }
    while (await ledger.run((turn) => sweepGroup(turn, this.#gid, ownDrainedMs))) {
      if (stopping.aborted) return
    }
    this.kick()
  }

  async #run(): Promise<void> {
    this.#running = true
    this.#timer?.cancel()
    let waitMs = ROUND_MS
    try {
      do {
        this.#again = false
        waitMs = await this.#round()
      } while (this.#again && !this.#stopped)
      this.#backoff.reset()
    } catch (error) {
      waitMs = this.#backoff.nextMs()
      if (!this.#core.stopping.aborted) this.#core.log('group', String(error))
    } finally {
      this.#running = false
    }
    if (this.#stopped || this.#core.stopping.aborted) return
    this.#timer = this.#core.clock.after(Math.max(1, waitMs), () => this.kick())
    this.#options.onProgress()
  }

  /** Does what is due; how long until something is. */
  async #round(): Promise<number> {
    const { ledger, guarded } = this.#core
    const gid = this.#gid
    const { again, nextAtMs } = await ledger.run(function* (turn) {
      yield* expireGroupItems(turn, gid)
      return yield* tendGroup(turn, gid)
    })
    if (again) this.#again = true
    await this.#followBoxes()
    for (const lane of this.#lanes.values()) lane.kick()
    const moveAtMs = await this.#moveWhereGone()
    const next = Math.min(nextAtMs ?? Infinity, moveAtMs ?? Infinity)
    return Math.min(ROUND_MS, next - guarded.nowMs())
  }

  /** A relay dropped what was not read, or lost its queue: a member has it. */
  async #compare(): Promise<void> {
    try {
      await this.#core.ledger.run((turn) => wantsCompare(turn, this.#gid))
    } catch (error) {
      if (!this.#core.stopping.aborted) this.#core.log('group', String(error))
    }
  }

  /** Where every relay of the group is gone, looks for others; when to look again. */
  async #moveWhereGone(): Promise<number | undefined> {
    const { ledger, guarded } = this.#core
    const written = [...this.#lanes.values()].filter(({ box }) => box.writes)
    const isGone = written.length > 0 && written.every(({ mailbox }) => !mailbox.open)
    if (!isGone) {
      this.#gone = undefined
      return undefined
    }
    // Others than before are only just being dialled: they are not gone for as long as those were.
    const relays = written.map(({ box }) => toHex(box.serviceKey)).join()
    if (this.#gone?.relays !== relays) this.#gone = { relays, sinceMs: guarded.nowMs() }
    const { sinceMs } = this.#gone
    const usable = this.#options.ownRelays()
    return ledger.run((turn) => moveCarriage(turn, this.#gid, sinceMs, usable))
  }

  async #followBoxes(): Promise<void> {
    const { ledger } = this.#core
    const boxes = await ledger.read(() => boxesOf(this.#gid))
    const wanted = new Set<string>()
    for (const box of boxes) {
      const key = laneKey(box)
      wanted.add(key)
      const before = this.#lanes.get(key)
      if (before !== undefined && sameBox(before.box, box)) continue
      await before?.stop()
      if (this.#stopped) return
      const { gid, lineage } = box
      const keys = await ledger.read(() => get(lineages, { group: gid, opId: lineage }))
      if (keys === undefined) continue
      const fresh = (await ledger.read(() => boxesOf(gid))).find((one) => laneKey(one) === key)
      const lane = new BoxLane({
        core: this.#core,
        courier: this.#options.courier,
        box: fresh ?? box,
        lineageSecret: keys.secret,
        ticket: () => this.#options.ticket(box.serviceKey),
        onProgress: this.#options.onProgress,
        onGap: () => void this.#compare(),
      })
      this.#lanes.set(key, lane)
      lane.start()
    }
    for (const [key, lane] of this.#lanes) {
      if (wanted.has(key)) continue
      this.#lanes.delete(key)
      await lane.stop()
    }
  }
}

function laneKey({ lineage, serviceKey }: GroupBox): string {
  return toHex(lineage) + toHex(serviceKey)
}

/** Whether a lane made for one can go on for the other: its cursor moves by itself. */
function sameBox(a: GroupBox, b: GroupBox): boolean {
  return a.writes === b.writes && equalBytes(a.mailboxId, b.mailboxId)
}
