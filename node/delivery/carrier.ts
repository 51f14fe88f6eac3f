// Gets what waits to where it belongs: for each device its direct stream and each of its mailboxes,
// in order on each path (SPEC.md §10). Holds nothing that a restart would miss: the outbox is the
// truth, this only works on it.
import { type Bytes32, type Mailbox, toHex } from '../../crypto/index.ts'
import {
  DIRECT_HEAD_START_MS,
  DIRECT_RECENT_MS,
  DOUBTED_RELAY_DELAY_MS,
  type OutboxHead,
  type Peer,
  type RankedMailbox,
  type Step,
  peers,
  get,
  prepareOutbox,
  rankMailboxes,
  outboxHead,
  waitingDevices,
} from '../../protocol/index.ts'
import type { Timer } from '../clock.ts'
import type { Core } from '../core.ts'
import type { DirectService } from '../direct/direct-service.ts'
import type { Courier } from '../relays/courier.ts'
import { Signal } from '../signal.ts'
import { DepositLane } from './deposit-lane.ts'
import { DirectLane } from './direct-lane.ts'

/** Wait after a turn that the Ledger refused. */
const RETRY_MS = 1_000

interface Destination {
  readonly device: Bytes32
  readonly direct: DirectLane
  readonly deposits: Map<string, DepositLane>
  directOkMs: number
  working: number
  /** Until another attempt, where the Ledger refused a turn. */
  retry: Timer | undefined
}

interface Standing {
  readonly peer: Peer | undefined
  readonly head: OutboxHead
}

function* standingOf(device: Bytes32): Step<Standing> {
  return { peer: yield* get(peers, device), head: yield* outboxHead(device) }
}

export class Carrier {
  readonly #core: Core
  readonly #direct: DirectService
  readonly #courier: Courier
  readonly #destinations = new Map<string, Destination>()
  readonly #changed = new Signal()

  constructor(core: Core, direct: DirectService, courier: Courier) {
    this.#core = core
    this.#direct = direct
    this.#courier = courier
  }

  /** Takes up whatever waited when the node was last stopped. */
  async start(): Promise<void> {
    for (const device of await this.#core.ledger.read(() => waitingDevices.all())) this.kick(device)
  }

  /** Something waits for a device, or may move again. */
  kick(device: Bytes32): void {
    void this.#work(this.#destination(device))
  }

  /** A device showed itself: its back-offs are over. */
  heard(device: Bytes32): void {
    const destination = this.#destination(device)
    for (const lane of destination.deposits.values()) lane.wake()
    this.kick(device)
  }

  /** What stands in the way of a device's mail, by relay. */
  troubles(device: Bytes32): readonly { readonly serviceKey: string; readonly why: string }[] {
    const lanes = this.#destinations.get(toHex(device))?.deposits ?? new Map<string, DepositLane>()
    return [...lanes].flatMap(([serviceKey, lane]) =>
      lane.trouble === undefined ? [] : [{ serviceKey, why: lane.trouble }],
    )
  }

  /** Resolves when every path either has nothing to do or waits for another attempt. */
  async settled(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && [...this.#destinations.values()].some((one) => this.#isActive(one))) {
      await this.#changed.next(signal)
    }
  }

  stop(): void {
    for (const { deposits, retry } of this.#destinations.values()) {
      retry?.cancel()
      for (const lane of deposits.values()) lane.stop()
    }
    this.#changed.raise()
  }

  #isActive(destination: Destination): boolean {
    if (destination.working > 0 || destination.direct.active) return true
    return [...destination.deposits.values()].some((lane) => lane.active)
  }

  #destination(device: Bytes32): Destination {
    const key = toHex(device)
    let destination = this.#destinations.get(key)
    if (destination === undefined) {
      const made: Destination = {
        device,
        direct: new DirectLane(this.#core, device, (alive) => {
          if (alive) made.directOkMs = this.#core.clock.monotonicMs()
          this.#changed.raise()
        }),
        deposits: new Map(),
        directOkMs: Number.NEGATIVE_INFINITY,
        working: 0,
        retry: undefined,
      }
      destination = made
      this.#destinations.set(key, made)
    }
    return destination
  }

  async #work(destination: Destination): Promise<void> {
    const { ledger, stopping } = this.#core
    // What a disk without room cannot note is not begun: recovery takes everything up.
    if (stopping.aborted || !ledger.writable) return
    destination.working += 1
    try {
      const { device } = destination
      const { peer, head } = await this.#prepareAll(device)
      if (peer === undefined || head.items === 0) return
      const recent = this.#core.clock.monotonicMs() - destination.directOkMs < DIRECT_RECENT_MS
      const link = this.#direct.openLink(device)
      if (link !== undefined) void this.#overLink(destination, link)
      else void this.#dial(destination)
      const headStartMs = link !== undefined || recent ? DIRECT_HEAD_START_MS : 0
      const ranked = await ledger.read(() => rankMailboxes(peer.endpoints.mailboxes))
      this.#depositAll(destination, ranked, peer, headStartMs)
    } catch (error) {
      if (stopping.aborted) return
      this.#core.log('carrier', String(error))
      // Too many turns wait, perhaps: nobody else comes back to what waits here.
      destination.retry?.cancel()
      destination.retry = this.#core.clock.after(RETRY_MS, () => this.kick(destination.device))
    } finally {
      destination.working -= 1
      this.#changed.raise()
    }
  }

  /** Encrypts what waits for a device and can be; where its outbox stands then. */
  async #prepareAll(device: Bytes32): Promise<Standing> {
    for (;;) {
      const standing = await this.#core.ledger.read(() => standingOf(device))
      const { prepared, next } = standing.head
      if (prepared >= next - 1) return standing
      const blocked = await this.#core.ledger.run((turn) => prepareOutbox(turn, device))
      if (blocked !== undefined) return this.#core.ledger.read(() => standingOf(device))
    }
  }

  async #overLink(
    destination: Destination,
    link: NonNullable<ReturnType<DirectService['openLink']>>,
  ): Promise<void> {
    try {
      await destination.direct.run(link)
    } catch (error) {
      if (!this.#core.stopping.aborted) this.#core.log('carrier', `direct: ${String(error)}`)
    } finally {
      this.#changed.raise()
    }
  }

  async #dial(destination: Destination): Promise<void> {
    destination.working += 1
    try {
      const link = await this.#direct.connect(destination.device)
      if (link !== undefined) await this.#overLink(destination, link)
    } catch (error) {
      if (!this.#core.stopping.aborted) this.#core.log('carrier', `dial: ${String(error)}`)
    } finally {
      destination.working -= 1
      this.#changed.raise()
    }
  }

  #depositAll(
    destination: Destination,
    ranked: readonly RankedMailbox[],
    { invite }: Peer,
    headStartMs: number,
  ): void {
    const fewest = ranked[0]?.doubts ?? 0
    for (const { mailbox, doubts } of ranked) {
      const lane = this.#lane(destination, mailbox)
      lane.update(mailbox, invite)
      // The copy that is awaited is to be that of a relay which kept its word.
      const waitMs = doubts > fewest ? Math.max(headStartMs, DOUBTED_RELAY_DELAY_MS) : headStartMs
      if (waitMs === 0) {
        lane.kick()
        continue
      }
      destination.working += 1
      const done = (): void => {
        destination.working -= 1
        lane.kick()
        this.#changed.raise()
      }
      // The direct path goes first; what it has not delivered by then goes to the relays too.
      this.#core.clock.after(waitMs, done)
    }
  }

  #lane(destination: Destination, mailbox: Mailbox): DepositLane {
    const key = toHex(mailbox.serviceKey)
    let lane = destination.deposits.get(key)
    if (lane === undefined) {
      lane = new DepositLane({
        core: this.#core,
        courier: this.#courier,
        device: destination.device,
        mailbox,
        onProgress: () => this.#changed.raise(),
      })
      destination.deposits.set(key, lane)
    }
    return lane
  }
}
