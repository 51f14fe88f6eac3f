// The slow form of a group's life: real nodes and relays on virtual machines. People create, join,
// add, remove, take back, give roles, rename, leave, rotate and talk, while machines crash, relays go
// and come, disks fill up, clocks jump and the network breaks; then everything heals.
import type { GroupRole } from '../../../node/api-groups.ts'
import { QUICK_DISK } from '../memory-disk.ts'
import type { Prng } from '../prng.ts'
import { type Person, World } from '../world.ts'
import { GroupLog, viewOf } from './group-log.ts'
import { type Judged, countOperations, judgeEpochs, judgeViews, lookAll } from './group-oracle.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
const YEARS_MS = 10 * 365 * DAY_MS
/** What was broken heals within this, of virtual time. */
const LIVENESS_MS = 12 * 60 * MINUTE_MS
/** D7: from reaching an honest holder to being able to send. */
const KEYLESS_MAX_MS = 2 * MINUTE_MS
/** After the last heal each machine is connected with its relays again within this. */
const RECONNECT_MS = 3 * MINUTE_MS
const LOOK_MS = 15_000
const JOIN_MS = 20 * MINUTE_MS
const NAMES = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank']

/** Faults of a life, each drawn per seed: a subset at a time shows more than all at once. */
interface Swarm {
  readonly crashes: boolean
  readonly partitions: boolean
  readonly relays: boolean
  readonly disks: boolean
  readonly clocks: boolean
  readonly direct: boolean
}

export interface GroupTally {
  messages: number
  crashes: number
  healed: number
  /** What people wanted and got. */
  wanted: Record<string, number>
  rotations: number
  changes: number
  epochs: number
}

export class GroupLife {
  readonly world: World
  readonly tally: GroupTally = {
    messages: 0,
    crashes: 0,
    healed: 0,
    wanted: {},
    rotations: 0,
    changes: 0,
    epochs: 0,
  }
  readonly #random: Prng
  readonly #swarm: Swarm
  readonly #broken: string[] = []
  #log: GroupLog | undefined
  #parted = false

  constructor(seed: string | number, options: { readonly keepTrace?: boolean } = {}) {
    this.world = new World(`group ${seed}`, options)
    const { seeds } = this.world.simulation
    this.#random = seeds.split('group life')
    const swarm = seeds.split('swarm')
    this.#swarm = {
      crashes: swarm.chance(0.7),
      partitions: swarm.chance(0.7),
      relays: swarm.chance(0.3),
      disks: swarm.chance(0.2),
      clocks: swarm.chance(0.2),
      direct: swarm.chance(0.4),
    }
  }

  get log(): GroupLog {
    if (this.#log === undefined) throw new Error('there is no group yet')
    return this.#log
  }

  /** The whole life; what is broken afterwards, [] where all holds. */
  async run(steps = 30): Promise<readonly string[]> {
    await this.#begin()
    for (let i = 0; i < steps; i++) {
      await this.#step()
      await this.#pass()
    }
    await this.#heal()
    return this.judge()
  }

  #note(...words: readonly string[]): void {
    this.world.simulation.trace('life', ...words)
  }

  async #begin(): Promise<void> {
    const { world } = this
    const random = this.#random
    for (let i = random.integer(1, 2); i > 0; i--) await world.relay()
    for (const name of NAMES.slice(0, random.integer(3, 6))) {
      await world.person(name, { direct: this.#swarm.direct && random.chance(0.7) })
    }
    const [creator, ...others] = world.people
    if (creator === undefined) return
    if (random.chance(0.5)) {
      for (const other of others.slice(0, 2)) await world.introduce(creator, other)
    }
    await world.invite(creator)
    const { groups } = creator.machine.program.node
    const { id } = await world.simulation.settle(groups.create('team'))
    this.#log = new GroupLog(id)
    const { link } = await world.simulation.settle(groups.invite(id, { reusable: true }))
    const first = others.slice(0, random.integer(2, others.length))
    for (const person of first) {
      await world.simulation.settle(person.machine.program.node.groups.join(link))
    }
    for (const person of first) await this.#untilIn(person)
  }

  async #untilIn(person: Person): Promise<void> {
    const { simulation } = this.world
    const endMs = simulation.clock.elapsedMs + JOIN_MS
    for (;;) {
      const view = await simulation.settle(viewOf(person.machine, this.log.gid))
      if (view?.state === 'joined') return
      if (simulation.clock.elapsedMs > endMs) throw new Error(`${person.name} never gets in`)
      await simulation.run(200)
    }
  }

  async #step(): Promise<void> {
    const random = this.#random
    const kinds = [
      ...(this.#swarm.crashes ? ['crash', 'crash', 'restart'] : []),
      ...(this.#swarm.partitions ? ['partition', 'partition', 'heal'] : []),
      ...(this.#swarm.relays ? ['relay'] : []),
      ...(this.#swarm.disks ? ['full'] : []),
      ...(this.#swarm.clocks ? ['clock'] : []),
      'heal',
    ]
    if (random.chance(0.25)) return this.#fault(random.pick(kinds))
    const up = this.world.people.filter(({ machine }) => machine.running)
    if (up.length > 0) return this.#act(random.pick(up))
  }

  /** Not awaited: a crash may come first. A refusal is an answer. */
  #want(what: string, person: Person, done: Promise<unknown>): void {
    this.#note(what, person.name)
    done.then(
      () => {
        const { wanted } = this.tally
        wanted[what] = (wanted[what] ?? 0) + 1
        if (what === 'rotate') this.tally.rotations += 1
        if (what === 'say') this.tally.messages += 1
      },
      (error: unknown) => this.#note('refused', what, person.name, String(error)),
    )
  }

  async #act(person: Person): Promise<void> {
    const random = this.#random
    const { simulation, people } = this.world
    const { gid } = this.log
    const { groups } = person.machine.program.node
    const view = await simulation.settle(viewOf(person.machine, gid))
    if (view?.state !== 'joined') return this.#comeIn(person)
    if (random.chance(0.55)) {
      for (let i = random.integer(1, 3); i > 0; i--) {
        this.#want('say', person, this.log.say(person))
      }
      return
    }
    const { address } = random.pick(people)
    switch (random.integer(0, 9)) {
      case 0:
      case 1:
      case 2:
        return this.#want('remove', person, groups.remove(gid, address))
      case 3:
      case 4: {
        const role = random.pick<GroupRole>(['member', 'admin', 'admin', 'owner'])
        return this.#want('role', person, groups.role(gid, address, role))
      }
      case 5:
        return this.#want('rename', person, groups.rename(gid, `team ${random.integer(1, 99)}`))
      case 6:
        if (random.chance(0.5)) return
        return this.#want('leave', person, groups.leave(gid))
      case 7:
        return this.#want('rotate', person, groups.rotate(gid))
      default:
        return this.#want('add', person, groups.add(gid, address))
    }
  }

  /** Somebody who is outside asks an admin for a link, by whatever way people do. */
  async #comeIn(person: Person): Promise<void> {
    const { simulation, people } = this.world
    const { gid } = this.log
    const admins: Person[] = []
    for (const other of people) {
      if (!other.machine.running || other === person) continue
      const view = await simulation.settle(viewOf(other.machine, gid))
      if (view?.state === 'joined' && view.role !== 'member') admins.push(other)
    }
    if (admins.length === 0) return
    const admin = this.#random.pick(admins)
    const asked = async (): Promise<void> => {
      const { link } = await admin.machine.program.node.groups.invite(gid)
      if (person.machine.running) await person.machine.program.node.groups.join(link)
    }
    this.#want('join', person, asked())
  }

  async #fault(kind: string): Promise<void> {
    const { simulation, people, relays } = this.world
    const random = this.#random
    const person = random.pick(people)
    const { machine } = person
    this.#note(kind, person.name)
    switch (kind) {
      case 'crash': {
        for (let i = random.integer(0, 40); i > 0; i--) await simulation.step()
        machine.crash({ keepsAll: random.chance(0.5) })
        this.tally.crashes += 1
        await this.#pass()
        return this.#start(person)
      }
      case 'restart':
        if (machine.running) await this.world.stop(person)
        await simulation.run(random.integer(0, 10 * MINUTE_MS))
        return this.#start(person)
      case 'partition': {
        const machines = [...people, ...relays.map((relay) => relay.machine)]
        const side = machines.map(({ name }) => name).filter(() => random.chance(0.4))
        const other = machines.map(({ name }) => name).filter((name) => !side.includes(name))
        if (side.length === 0 || other.length === 0) return
        this.#parted = true
        return simulation.partition(side, other)
      }
      case 'heal':
        return this.#mend()
      case 'relay': {
        const relay = random.pick(relays).machine
        relay.crash({ keepsAll: random.chance(0.5) })
        await simulation.run(random.integer(0, 2 * MINUTE_MS))
        return void (await simulation.settle(relay.start()))
      }
      case 'full': {
        const disk = machine.disk()
        const capacityBytes = disk.sizeBytes + random.integer(0, 20_000)
        disk.settings = { ...QUICK_DISK, capacityBytes }
        return
      }
      case 'clock':
        machine.skewMs = random.pick([-YEARS_MS, YEARS_MS, -DAY_MS, DAY_MS, 0])
    }
  }

  #mend(): void {
    if (this.#parted) this.tally.healed += 1
    this.#parted = false
    this.world.simulation.heal()
  }

  /** A node does not start on a full disk, so somebody made room. */
  async #start(person: Person): Promise<void> {
    person.machine.disk().settings = QUICK_DISK
    if (!person.machine.running) await this.world.start(person)
  }

  async #pass(): Promise<void> {
    const random = this.#random
    const { simulation } = this.world
    await simulation.run(random.integer(0, random.chance(0.2) ? MINUTE_MS : 2_000))
    await simulation.settle(this.log.look())
  }

  async #heal(): Promise<void> {
    this.#mend()
    for (const person of this.world.people) {
      person.machine.skewMs = 0
      await this.#start(person)
    }
  }

  /** D7: nobody who is in is without a key for long, once everything is connected. */
  async #watchKeys(): Promise<void> {
    const { simulation, people } = this.world
    const since = new Map<string, number>()
    await simulation.run(RECONNECT_MS)
    for (let ms = 0; ms < 3 * KEYLESS_MAX_MS; ms += LOOK_MS) {
      await simulation.run(LOOK_MS)
      for (const { name, machine } of people) {
        const view = await simulation.settle(viewOf(machine, this.log.gid))
        if (view?.state !== 'joined' || view.epoch !== '') since.delete(name)
        else if (!since.has(name)) since.set(name, ms)
        if (ms - (since.get(name) ?? ms) <= KEYLESS_MAX_MS) continue
        this.#broken.push(`D7 ${name} has no key to send with for two minutes`)
        since.delete(name)
      }
    }
  }

  /** Lets things come to rest, lets everybody speak once more, and says what does not hold. */
  async judge(): Promise<readonly string[]> {
    const { simulation, people, oracle } = this.world
    await this.#watchKeys()
    let { broken, seen } = await this.#untilQuiet()
    if (broken.length === 0) {
      for (const person of people) {
        const view = await simulation.settle(viewOf(person.machine, this.log.gid))
        if (view?.state === 'joined') await simulation.settle(this.log.say(person))
      }
      ;({ broken, seen } = await this.#untilQuiet())
    }
    this.#countOperations(seen)
    return [...this.#broken, ...broken, ...oracle.broken, ...oracle.watch.reused]
  }

  async #untilQuiet(): Promise<{
    readonly broken: readonly string[]
    readonly seen: readonly Judged[]
  }> {
    const { simulation } = this.world
    const endMs = simulation.clock.elapsedMs + LIVENESS_MS
    for (let stepMs = 1_000; ; stepMs = Math.min(10 * MINUTE_MS, stepMs * 2)) {
      const seen = await lookAll(this.world, this.log)
      const broken = judgeViews(this.log, seen)
      if (broken.length === 0 || simulation.clock.elapsedMs > endMs) return { broken, seen }
      await simulation.run(stepMs)
    }
  }

  /** D6: no storm of epochs. */
  #countOperations(seen: readonly Judged[]): void {
    const { tally } = this
    const most = seen.toSorted((a, b) => b.ops.length - a.ops.length)[0]
    const count = countOperations(most?.ops ?? [], tally.rotations)
    tally.changes = count.changes
    tally.epochs = count.epochs
    this.#broken.push(...judgeEpochs(count, tally.healed))
  }
}
