// The simulator: the real node and relay code on machines whose clock, network, disk and randomness
// come from one seed. One event at a time, and after each every promise it settled has run.
// Outside it: libp2p, LevelDB, the command line; those have contract suites and tests of their own.
import { type Hash, createHash } from 'node:crypto'
import type { Random } from '../../crypto/index.ts'
import type { Clock } from '../../node/clock.ts'
import { MemoryNetwork } from '../../node/net/memory-network.ts'
import type { Store } from '../../node/store.ts'
import type { Network } from '../../node/transport.ts'
import { FaultyWire } from './faulty-wire.ts'
import { MemoryDisk } from './memory-disk.ts'
import { Prng } from './prng.ts'
import { Life, revocableClock, revocableNetwork, revocableStore } from './revocable.ts'
import { VirtualClock } from './virtual-clock.ts'

/** What a program gets in one of its lives. */
export interface Ports {
  readonly clock: Clock
  readonly network: Network
  readonly random: Random
  /** Opens the store on the machine's disk (or on another disk of it, by name). */
  readonly openStore: (disk?: string) => Promise<Store>
}

/** A program stops in order; a crash asks nobody. */
export interface Program {
  stop(): Promise<void>
}

/** Lines of the trace to print as they come: SOTTO_SIM_PRINT='log|crash' (a pattern). */
const PRINTED = new RegExp(process.env['SOTTO_SIM_PRINT'] ?? '(?!)')

/** Rounds of the event loop with nothing to do before a wait counts as a deadlock. */
const IDLE_ROUNDS = 20
/** Virtual time a wait may take: far beyond any backoff, so that a hang is found. */
const PATIENCE_MS = 7 * 24 * 3600 * 1000

export class Machine<P extends Program = Program> {
  readonly name: string
  /** Added to the wall clock; may be set at any time. */
  skewMs = 0
  readonly #simulation: Simulation
  readonly #disks = new Map<string, MemoryDisk>()
  readonly #boot: (ports: Ports) => Promise<P>
  #life: Life | undefined
  #lives = 0
  #program: P | undefined

  constructor(simulation: Simulation, name: string, boot: (ports: Ports) => Promise<P>) {
    this.#simulation = simulation
    this.name = name
    this.#boot = boot
  }

  get running(): boolean {
    return this.#program !== undefined
  }

  /** The program of the current life. */
  get program(): P {
    if (this.#program === undefined) throw new Error(`${this.name} is not running`)
    return this.#program
  }

  disk(name = 'main'): MemoryDisk {
    let disk = this.#disks.get(name)
    if (disk === undefined) {
      disk = this.#simulation.newDisk(`${this.name}/${name}`)
      this.#disks.set(name, disk)
    }
    return disk
  }

  /** Starts the program; driving the simulation is up to the caller (see Simulation.settle). */
  async start(): Promise<P> {
    if (this.#life !== undefined) throw new Error(`${this.name} runs already`)
    const life = new Life()
    this.#life = life
    this.#lives += 1
    const { clock, network, seeds } = this.#simulation
    const port = revocableClock(
      life,
      clock.port(() => this.skewMs),
    )
    this.#simulation.trace('start', this.name, String(this.#lives))
    const program = await life.promise(() =>
      this.#boot({
        clock: port,
        network: revocableNetwork(life, network.machine(this.name)),
        random: seeds.split(`random/${this.name}/${this.#lives}`).bytes,
        openStore: (disk) =>
          life.promise(async () => revocableStore(life, await this.disk(disk).open(port))),
      }),
    )
    this.#program = program
    return program
  }

  /** Ends the program in order. */
  async stop(): Promise<void> {
    const life = this.#life
    await this.#program?.stop()
    if (this.#life === life) this.#end('stop')
  }

  /** Ends it between two instructions: a power cut, or kill -9 where the disk `keepsAll`. */
  crash(options: { readonly keepsAll?: boolean } = {}): void {
    if (this.#life === undefined) return
    this.#end('crash')
    for (const disk of this.#disks.values()) disk.crash(options)
  }

  #end(how: string): void {
    this.#simulation.trace(how, this.name)
    this.#life?.end()
    this.#life = undefined
    this.#program = undefined
    this.#simulation.network.crash(this.name)
  }
}

export class Simulation {
  readonly seed: string | number
  readonly clock: VirtualClock = new VirtualClock()
  readonly network: MemoryNetwork
  readonly wire: FaultyWire
  /** All randomness: split it by concern. */
  readonly seeds: Prng
  readonly #faults: Prng
  readonly #hash: Hash = createHash('sha256')
  readonly #log: string[] | undefined
  #events = 0

  constructor(seed: string | number, options: { readonly keepTrace?: boolean } = {}) {
    this.seed = seed
    this.seeds = new Prng(seed)
    this.#faults = this.seeds.split('faults')
    this.#log = options.keepTrace === true ? [] : undefined
    this.wire = new FaultyWire(this.seeds.split('wire'), undefined, (from, to, sizeBytes) =>
      this.trace('send', from, to, String(sizeBytes)),
    )
    this.network = new MemoryNetwork(this.clock.port(), this.wire)
  }

  /** Events run so far. */
  get events(): number {
    return this.#events
  }

  machine<P extends Program>(name: string, boot: (ports: Ports) => Promise<P>): Machine<P> {
    return new Machine(this, name, boot)
  }

  newDisk(name: string): MemoryDisk {
    return new MemoryDisk(this.seeds.split(`disk/${name}`), undefined, (batch) => {
      this.trace('disk', name, String(batch.length))
      for (const { key, value } of batch) {
        this.#hash.update(key)
        if (value !== undefined) this.#hash.update(value)
      }
    })
  }

  /** Adds to the trace: what happened, when. */
  trace(...words: readonly string[]): void {
    const line = `${this.clock.elapsedMs.toFixed(3)} ${words.join(' ')}`
    this.#hash.update(line).update('\n')
    this.#log?.push(line)
    if (PRINTED.test(line)) process.stderr.write(`${line}\n`)
  }

  /** SHA-256 over the trace, hex: the same seed and program give the same. */
  get traceHash(): string {
    return this.#hash.copy().digest('hex')
  }

  get lines(): readonly string[] {
    return this.#log ?? []
  }

  async #drain(): Promise<void> {
    // setImmediate comes after every microtask and process.nextTick that is due.
    await new Promise(setImmediate)
  }

  /** Runs the next event and all it settles; false where nothing is left to happen. */
  async step(): Promise<boolean> {
    await this.#drain()
    if (!this.clock.step()) return false
    this.#events += 1
    await this.#drain()
    return true
  }

  /** Lets virtual time pass. */
  async run(ms: number): Promise<void> {
    const endMs = this.clock.elapsedMs + ms
    while (true) {
      await this.#drain()
      const nextMs = this.clock.nextAtMs()
      if (nextMs === undefined || nextMs > endMs) break
      this.clock.step()
      this.#events += 1
    }
    this.clock.skipTo(endMs)
  }

  /** Runs events until `holds`; throws when nothing happens any more or patience ends. */
  async until(holds: () => boolean, patienceMs: number = PATIENCE_MS): Promise<void> {
    const endMs = this.clock.elapsedMs + patienceMs
    let idle = 0
    while (true) {
      await this.#drain()
      if (holds()) return
      if (this.clock.elapsedMs > endMs) throw this.#failure(`not within ${patienceMs} ms`)
      if (this.clock.step()) {
        this.#events += 1
        idle = 0
      } else if (++idle > IDLE_ROUNDS) {
        throw this.#failure('nothing is left to happen')
      }
    }
  }

  /** Runs events until the promise settles. */
  async settle<T>(promise: Promise<T>, patienceMs?: number): Promise<T> {
    let settled = false
    promise.then(
      () => {
        settled = true
      },
      () => {
        settled = true
      },
    )
    await this.until(() => settled, patienceMs)
    return promise
  }

  #failure(what: string): Error {
    return new Error(
      `seed ${this.seed}, ${this.clock.elapsedMs} ms, event ${this.#events}: ${what}`,
    )
  }

  /** Both ways between two groups of machines: connections die, nothing passes until heal. */
  partition(one: readonly string[], other: readonly string[]): void {
    this.trace('partition', one.join(','), other.join(','))
    for (const a of one) {
      for (const b of other) {
        this.wire.cut(a, b)
        this.wire.cut(b, a)
      }
    }
    // Each side gives up when its own keep-alive has had no answer.
    this.network.sever(
      (a, b) => one.includes(a) && other.includes(b),
      () => this.#faults.integer(0, 60_000),
    )
  }

  /** One way only, and connections stay: what is sent waits (a stall; half-open). */
  stall(from: string, to: string): void {
    this.trace('stall', from, to)
    this.wire.cut(from, to)
  }

  /** Breaks the connections between two machines, mid-frame where one was under way. */
  reset(one: string, other: string): void {
    this.trace('reset', one, other)
    this.network.sever(
      (a, b) => a === one && b === other,
      () => this.#faults.integer(0, 200),
    )
  }

  /** Everything passes again; what waited goes on. */
  heal(): void {
    this.trace('heal')
    this.wire.mendAll()
    this.network.pump()
  }
}
