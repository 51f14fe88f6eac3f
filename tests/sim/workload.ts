// A random life from one seed: people who write to each other while machines crash, relays lie and
// the network breaks; then everything heals, and the oracle looks (SPEC.md, promises).
import type { Prng } from './prng.ts'
import { QUICK_DISK } from './memory-disk.ts'
import { type Person, type RelayMachine, World } from './world.ts'

const DAY_MS = 86_400_000
const YEARS_MS = 10 * 365 * DAY_MS
/** What was broken heals within this, of virtual time: several times the longest back-off. */
const LIVENESS_MS = 2 * DAY_MS

/** Faults of a run, each drawn per seed: a subset at a time shows more than all at once. */
interface Swarm {
  readonly crashes: boolean
  readonly partitions: boolean
  readonly stalls: boolean
  readonly resets: boolean
  readonly disks: boolean
  readonly restores: boolean
  readonly liar: boolean
  readonly clocks: boolean
  readonly absences: boolean
  readonly direct: boolean
}

function swarmOf(random: Prng): Swarm {
  return {
    crashes: random.chance(0.8),
    partitions: random.chance(0.5),
    stalls: random.chance(0.3),
    resets: random.chance(0.5),
    disks: random.chance(0.3),
    restores: random.chance(0.25),
    liar: random.chance(0.25),
    clocks: random.chance(0.2),
    absences: random.chance(0.1),
    direct: random.chance(0.5),
  }
}

export interface Tally {
  sends: number
  crashes: number
  faults: Record<string, number>
}

export class Workload {
  readonly world: World
  readonly tally: Tally = { sends: 0, crashes: 0, faults: {} }
  readonly swarm: Swarm
  readonly #random: Prng
  readonly #copies = new Map<RelayMachine, ReturnType<RelayMachine['copy']>>()

  constructor(seed: string | number, options: { readonly keepTrace?: boolean } = {}) {
    this.world = new World(seed, options)
    this.#random = this.world.simulation.seeds.split('workload')
    this.swarm = swarmOf(this.world.simulation.seeds.split('swarm'))
  }

  /** The whole life; what is broken afterwards, [] where all holds. */
  async run(steps = 30): Promise<readonly string[]> {
    await this.#begin()
    for (let i = 0; i < steps; i++) {
      await this.#step()
      await this.#pass()
    }
    await this.#heal()
    return this.world.settled(LIVENESS_MS)
  }

  async #begin(): Promise<void> {
    const { world } = this
    const random = this.#random
    const relays = random.integer(1, 2)
    for (let i = 0; i < (this.swarm.liar ? 2 : relays); i++) await world.relay()
    const direct = this.swarm.direct
    const names = random.chance(0.3) ? ['alice', 'bob', 'carol'] : ['alice', 'bob']
    for (const name of names) await world.person(name, { direct: direct && random.chance(0.7) })
    for (const [i, one] of world.people.entries()) {
      for (const other of world.people.slice(i + 1)) await world.introduce(one, other)
    }
  }

  #note(fault: string): void {
    const { faults } = this.tally
    faults[fault] = (faults[fault] ?? 0) + 1
  }

  async #step(): Promise<void> {
    const random = this.#random
    if (random.chance(0.65)) return this.#write()
    const kinds = [
      ...(this.swarm.crashes ? ['crash', 'crash', 'relay-crash'] : []),
      ...(this.swarm.partitions ? ['partition', 'partition'] : []),
      ...(this.swarm.stalls ? ['stall'] : []),
      ...(this.swarm.resets ? ['reset'] : []),
      ...(this.swarm.disks ? ['disk-full', 'disk-slow'] : []),
      ...(this.swarm.restores ? ['copy', 'restore'] : []),
      ...(this.swarm.liar ? ['lie'] : []),
      ...(this.swarm.clocks ? ['clock'] : []),
      ...(this.swarm.absences ? ['absence'] : []),
      'restart',
      'heal',
    ]
    await this.#fault(random.pick(kinds))
  }

  async #write(): Promise<void> {
    const { world } = this
    const random = this.#random
    const from = random.pick(world.people)
    const to = random.pick(world.people.filter((one) => one !== from))
    const count = random.chance(0.1) ? random.integer(10, 40) : random.integer(1, 4)
    for (let i = 0; i < count; i++) {
      if (!from.machine.running) return
      // Not awaited: a crash may come first. A full disk refuses, which is an answer.
      world.oracle.send(from, to).then(
        () => {
          this.tally.sends += 1
        },
        (error: unknown) => world.simulation.trace('refused', from.name, String(error)),
      )
    }
  }

  async #fault(kind: string): Promise<void> {
    const { simulation, relays, people } = this.world
    const random = this.#random
    const names = [...people.map(({ name }) => name), ...relays.map((one) => one.machine.name)]
    const one = random.pick(names)
    const other = random.pick(names.filter((name) => name !== one))
    const person = random.pick(people)
    const relay = random.pick(relays)
    this.#note(kind)
    switch (kind) {
      case 'crash':
        return this.#crash(person)
      case 'relay-crash':
        relay.machine.crash({ keepsAll: random.chance(0.5) })
        await this.#pass()
        return void (await simulation.settle(relay.machine.start()))
      case 'restart':
        await this.world.stop(person)
        await this.#pass()
        return this.#start(person)
      case 'partition':
        return simulation.partition([one], [other])
      case 'stall':
        return simulation.stall(one, other)
      case 'reset':
        return simulation.reset(one, other)
      case 'heal':
        return simulation.heal()
      case 'disk-full': {
        const disk = person.machine.disk()
        const capacityBytes = disk.sizeBytes + random.integer(0, 20_000)
        disk.settings = { ...QUICK_DISK, capacityBytes }
        return
      }
      case 'disk-slow':
        person.machine.disk().settings = { ...QUICK_DISK, syncMs: [5, 200], slowSyncChance: 0.05 }
        return
      case 'copy':
        this.#copies.set(relay, relay.copy())
        return
      case 'restore':
        return this.#restore(relay)
      case 'lie':
        return this.#lie()
      case 'clock':
        person.machine.skewMs = random.pick([-YEARS_MS, YEARS_MS, -DAY_MS, DAY_MS, 0])
        return
      case 'absence':
        return this.#absence(person)
    }
  }

  async #crash(person: Person): Promise<void> {
    const random = this.#random
    for (let i = random.integer(0, 30); i > 0; i--) await this.world.simulation.step()
    person.machine.crash({ keepsAll: random.chance(0.5) })
    this.tally.crashes += 1
    await this.#pass()
    await this.#start(person)
  }

  /** A node does not start on a full disk, so somebody made room. */
  #start(person: Person): Promise<void> {
    person.machine.disk().settings = QUICK_DISK
    return this.world.start(person)
  }

  async #restore(relay: RelayMachine): Promise<void> {
    const copy = this.#copies.get(relay)
    if (copy === undefined) return
    await this.world.simulation.settle(relay.machine.stop())
    relay.restore(copy)
    if (this.#random.chance(0.5)) await relay.markRestored()
    await this.world.simulation.settle(relay.machine.start())
  }

  /** Only the first relay lies: one honest path must be enough. */
  #lie(): void {
    const [liar] = this.world.relays
    if (liar === undefined) return
    const random = this.#random
    liar.lies.drops = random.chance(0.5)
    liar.lies.withholds = random.chance(0.3)
    liar.lies.replays = random.chance(0.3)
  }

  /**
   * A month in which nobody is there, so that relays delete what they hold. The relays too stand
   * still: a month of their upkeep takes long, and shows nothing that its end does not.
   */
  async #absence(person: Person): Promise<void> {
    const { simulation, relays, people } = this.world
    await this.world.stop(person)
    await this.#write()
    await this.#pass()
    for (const one of people) if (one.machine.running) await this.world.stop(one)
    for (const { machine } of relays) await simulation.settle(machine.stop())
    await simulation.run(31 * DAY_MS)
    for (const { machine } of relays) await simulation.settle(machine.start())
    for (const one of people) await this.#start(one)
  }

  #pass(): Promise<void> {
    const random = this.#random
    return this.world.simulation.run(random.integer(0, random.chance(0.2) ? 60_000 : 2_000))
  }

  async #heal(): Promise<void> {
    const { simulation, relays, people } = this.world
    simulation.heal()
    for (const { lies } of relays)
      Object.assign(lies, { drops: false, withholds: false, replays: false })
    for (const person of people) {
      person.machine.disk().settings = QUICK_DISK
      person.machine.skewMs = 0
      if (!person.machine.running) await this.world.start(person)
    }
    for (const { machine } of relays) {
      if (!machine.running) await simulation.settle(machine.start())
    }
  }
}
