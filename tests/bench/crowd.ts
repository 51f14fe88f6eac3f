// Whole nodes and a relay in one process, on a clock of their own: each event of it belongs to one
// machine, and so does the CPU time that it costs. What passes between two machines is counted.
import { nativeCrypto } from '../../node/native-crypto.ts'
import { type RunningNode, startNode } from '../../node/create-node.ts'
import { MemoryNetwork } from '../../node/net/memory-network.ts'
import type { Wire } from '../../node/net/memory-stream.ts'
import { joinPeerAddress } from '../../node/net/peer-id.ts'
import { MemoryProfile } from '../../node/profile/memory-profile.ts'
import { pooledRandom } from '../../node/random.ts'
import { startRelayService } from '../../node/relay/relay-service.ts'
import { MemoryStore } from '../../node/store/memory-store.ts'
import { SortedMap } from '../../node/store/sorted-map.ts'
import { type Clock, type Timer, completeClock } from '../../node/clock.ts'
import { EPOCH_MS, VirtualClock } from '../sim/virtual-clock.ts'
import { cpuUs } from './measure.ts'

export const RELAY = 'relay'
const NOBODY = ''
const WIRE_MS = 5
/** Virtual time that a wait may take before it counts as a hang. */
const PATIENCE_MS = 3_600_000
/** Rounds of the event loop with nothing to do before a wait counts as a deadlock. */
const IDLE_ROUNDS = 20

/** What one machine used and sent. */
export interface Use {
  cpuUs: number
  sentBytes: number
}

export interface CrowdMember {
  readonly name: string
  /** Bytes of all records on its disk, sealed, with their keys. */
  readonly storedBytes: () => number
  readonly node: () => RunningNode
  readonly start: () => Promise<RunningNode>
  readonly stop: () => Promise<void>
  /** Drops its disk: it stays away, and a thousand disks do not fit in memory. */
  readonly forget: () => void
}

export class Crowd {
  readonly #clock = new VirtualClock()
  readonly #network: MemoryNetwork
  #uses = new Map<string, Use>()
  /** Whom the next delivery is for: the wire is asked for its delay just before it is timed. */
  #addressee = NOBODY
  #relayAddress = ''
  readonly #relayRows = new SortedMap()

  constructor() {
    const wire: Wire = {
      delayMs: (from, to, sizeBytes) => {
        this.#addressee = to
        this.#useOf(from).sentBytes += sizeBytes
        return WIRE_MS
      },
      loses: () => false,
      pieceBytes: (_from, _to, sizeBytes) => sizeBytes,
    }
    this.#network = new MemoryNetwork(
      this.#port(() => this.#addressee),
      wire,
    )
  }

  #useOf(name: string): Use {
    const known = this.#uses.get(name)
    if (known !== undefined) return known
    const use = { cpuUs: 0, sentBytes: 0 }
    this.#uses.set(name, use)
    return use
  }

  /** A clock whose timers' work is charged to a machine. */
  #port(owner: () => string): Clock {
    return completeClock({
      nowMs: () => Math.round(EPOCH_MS + this.#clock.elapsedMs),
      monotonicMs: () => this.#clock.elapsedMs,
      after: (ms, run): Timer => {
        const name = owner()
        return this.#clock.after(ms, () => {
          this.#running = name
          run()
        })
      },
    })
  }

  #running = NOBODY

  /** One event and all that it settles. */
  async #step(): Promise<boolean> {
    const before = cpuUs()
    this.#running = NOBODY
    const isStep = this.#clock.step()
    // setImmediate comes after every microtask and process.nextTick that is due.
    await new Promise(setImmediate)
    this.#useOf(this.#running).cpuUs += cpuUs() - before
    return isStep
  }

  /** Runs events until the promise settles. */
  async settle<T>(promise: Promise<T>, patienceMs: number = PATIENCE_MS): Promise<T> {
    let settled = false
    const end = (): void => {
      settled = true
    }
    promise.then(end, end)
    const endMs = this.#clock.elapsedMs + patienceMs
    for (let idle = 0; !settled;) {
      idle = (await this.#step()) ? 0 : idle + 1
      if (idle > IDLE_ROUNDS) throw new Error('nothing is left to happen')
      if (this.#clock.elapsedMs > endMs) throw new Error(`not within ${patienceMs} ms`)
    }
    return promise
  }

  /** Lets virtual time pass. */
  async pass(ms: number): Promise<void> {
    const endMs = this.#clock.elapsedMs + ms
    for (;;) {
      await new Promise(setImmediate)
      const nextMs = this.#clock.nextAtMs()
      if (nextMs === undefined || nextMs > endMs) break
      await this.#step()
    }
    this.#clock.skipTo(endMs)
  }

  async until(holds: () => Promise<boolean>, everyMs = 100): Promise<void> {
    const endMs = this.#clock.elapsedMs + PATIENCE_MS
    while (!(await this.settle(holds()))) {
      if (this.#clock.elapsedMs > endMs) throw new Error('what is waited for does not come')
      await this.pass(everyMs)
    }
  }

  /** Work of one machine that no event began: a call of its API. */
  async call<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = cpuUs()
    const promise = work()
    await new Promise(setImmediate)
    this.#useOf(name).cpuUs += cpuUs() - before
    return this.settle(promise)
  }

  /** What each machine used during some work. */
  async during(work: () => Promise<void>): Promise<ReadonlyMap<string, Use>> {
    this.#uses = new Map()
    await work()
    return this.#uses
  }

  get relayStoredBytes(): number {
    return this.#relayRows.sizeBytes
  }

  async relay(): Promise<void> {
    const clock = this.#port(() => RELAY)
    const host = await this.#network.machine(RELAY).createHost({
      seed: pooledRandom(32),
      listen: ['/ip4/10.1.0.1/tcp/4001'],
      role: 'relay',
    })
    await startRelayService({
      host,
      store: new MemoryStore(this.#relayRows),
      clock,
      random: pooledRandom,
      provider: nativeCrypto,
      seeds: { service: pooledRandom(32), process: pooledRandom(32) },
      // Work is there to cost strangers time.
      depositBits: 0,
      openBits: 0,
      lagProbeMs: 0,
    })
    this.#relayAddress = joinPeerAddress(host.addresses()[0] ?? '', host.transportKey)
  }

  member(name: string): CrowdMember {
    let rows = new SortedMap()
    const relays = [this.#relayAddress]
    const clock = this.#port(() => name)
    const profile = new MemoryProfile({
      name,
      relays,
      provider: nativeCrypto,
      random: pooledRandom,
      nowMs: clock.nowMs(),
      openStore: async () => new MemoryStore(rows),
    })
    let running: RunningNode | undefined
    const node = (): RunningNode => {
      if (running === undefined) throw new Error(`${name} does not run`)
      return running
    }
    return {
      name,
      node,
      storedBytes: () => rows.sizeBytes,
      start: async () => {
        running = await this.call(name, () =>
          startNode(
            { dir: name, relays, listen: [], log: (scope, text) => this.note(name, scope, text) },
            {
              network: async () => this.#network.machine(name),
              profile: () => profile.open(),
              provider: nativeCrypto,
              clock,
              random: pooledRandom,
            },
          ),
        )
        return running
      },
      stop: async () => {
        await this.call(name, () => node().close())
        running = undefined
      },
      forget: () => {
        rows = new SortedMap()
      },
    }
  }

  /** What machines log: a node that logs here has met something that it should not. */
  readonly notes: string[] = []

  note(...words: readonly string[]): void {
    this.notes.push(words.join(' '))
  }
}
