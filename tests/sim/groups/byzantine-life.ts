// A group of real nodes of whom one lies over the network, in every way that Liar knows, while the
// others talk and change things; at last it is removed, and lies on at the mailboxes it still knows.
// What must hold is what holds of a group without liars, among those who are honest.
import { fromHex } from '../../../crypto/index.ts'
import type { Prng } from '../prng.ts'
import { type Person, World } from '../world.ts'
import { GroupLog, viewOf } from './group-log.ts'
import { type Judged, countOperations, judgeEpochs, judgeViews, lookAll } from './group-oracle.ts'
import { LIES, type Lie, Liar } from './liar.ts'

const MINUTE_MS = 60_000
const LIVENESS_MS = 6 * 60 * MINUTE_MS
const JOIN_MS = 20 * MINUTE_MS
const ALL_READ_MS = 2 * MINUTE_MS

/** What befalls the honest besides, drawn per seed. */
interface Swarm {
  /** Their machines and the relay are cut off from power, and start again. */
  readonly crashes: boolean
  /** Everybody can be dialled, and so listens to gossip; else only the relay is between them. */
  readonly direct: boolean
}

function missing(): never {
  throw new Error('there is no relay')
}

export class ByzantineLife {
  readonly world: World
  readonly liar: Liar
  readonly tally = {
    messages: 0,
    changes: 0,
    epochs: 0,
    lies: 0,
    outside: 0,
    deposited: 0,
    crashes: 0,
  }
  readonly #random: Prng
  readonly #swarm: Swarm
  #log: GroupLog | undefined
  #second: GroupLog | undefined
  #mallory: Person | undefined
  #rotations = 0

  constructor(seed: string | number, options: { readonly keepTrace?: boolean } = {}) {
    this.world = new World(`byzantine ${seed}`, options)
    this.#random = this.world.simulation.seeds.split('byzantine life')
    const swarm = this.world.simulation.seeds.split('swarm')
    this.#swarm = { crashes: swarm.chance(0.6), direct: swarm.chance(0.5) }
    this.liar = new Liar(this.world.simulation.seeds.split('liar'))
  }

  get log(): GroupLog {
    if (this.#log === undefined) throw new Error('there is no group yet')
    return this.#log
  }

  get #other(): GroupLog {
    if (this.#second === undefined) throw new Error('there is no second group yet')
    return this.#second
  }

  get #honest(): readonly Person[] {
    return this.world.people.filter((person) => person !== this.#mallory)
  }

  get #liars(): ReadonlySet<string> {
    return new Set(this.#mallory === undefined ? [] : [this.#mallory.address])
  }

  /** The whole life; what is broken afterwards, [] where all holds. */
  async run(steps = 16): Promise<readonly string[]> {
    await this.#begin()
    for (let i = 0; i < steps; i++) await this.#step()
    await this.#tellRest()
    this.world.simulation.heal()
    const broken = await this.#rest()
    if (broken.length > 0) return broken
    await this.#oust()
    return [...(await this.#rest()), ...this.world.oracle.broken, ...this.world.oracle.watch.reused]
  }

  async #begin(): Promise<void> {
    const { world } = this
    await world.relay()
    const { direct } = this.#swarm
    const alice = await world.person('alice', { direct })
    for (const name of ['bob', 'carol']) await world.person(name, { direct })
    this.#mallory = await world.person('mallory', {
      direct,
      onStart: (core) => {
        this.liar.core = core
      },
    })
    this.#log = await this.#group(alice, 'team')
    this.#second = await this.#group(alice, 'other')
    if (this.#random.chance(0.6)) {
      const { groups } = alice.machine.program.node
      await world.simulation.settle(groups.role(this.log.gid, this.#mallory.address, 'admin'))
    }
  }

  async #group(creator: Person, name: string): Promise<GroupLog> {
    const { simulation, people } = this.world
    await this.world.invite(creator)
    const { groups } = creator.machine.program.node
    const { id } = await simulation.settle(groups.create(name))
    const { link } = await simulation.settle(groups.invite(id, { reusable: true }))
    const log = new GroupLog(id)
    for (const person of people.slice(1)) {
      await simulation.settle(person.machine.program.node.groups.join(link))
    }
    const endMs = simulation.clock.elapsedMs + JOIN_MS
    for (const person of people) {
      while (
        (await simulation.settle(viewOf(person.machine, id)))?.members.length !== people.length
      ) {
        if (simulation.clock.elapsedMs > endMs) throw new Error(`${person.name} never gets in`)
        await simulation.run(200)
      }
    }
    return log
  }

  async #step(): Promise<void> {
    const random = this.#random
    const { simulation } = this.world
    if (random.chance(0.45)) await this.#lie(random.pick(LIES))
    else await this.#act(random.pick(this.#honest))
    if (this.#swarm.crashes && random.chance(0.25)) await this.#crash()
    if (random.chance(0.1)) {
      simulation.partition([random.pick(this.#honest).machine.name], ['relay1'])
    } else if (random.chance(0.3)) simulation.heal()
    await simulation.run(random.integer(0, random.chance(0.2) ? MINUTE_MS : 4_000))
    await simulation.settle(this.log.look())
  }

  /** Somebody's machine, or the relay, at any await. */
  async #crash(): Promise<void> {
    const random = this.#random
    const { simulation, relays } = this.world
    const person = random.pick(this.#honest)
    const isRelay = random.chance(0.2)
    const [relay = missing()] = relays
    const machine = isRelay ? relay.machine : person.machine
    simulation.trace('life', 'crash', machine.name)
    for (let i = random.integer(0, 40); i > 0; i--) await simulation.step()
    machine.crash({ keepsAll: random.chance(0.5) })
    this.tally.crashes += 1
    await simulation.run(random.integer(0, MINUTE_MS))
    if (isRelay) return void (await simulation.settle(relay.machine.start()))
    await this.world.start(person)
  }

  async #lie(lie: Lie): Promise<void> {
    const { simulation, people } = this.world
    const { gid } = this.log
    const told = await simulation.settle(
      this.liar.tell(lie, fromHex(gid), fromHex(this.#other.gid)),
    )
    simulation.trace('lie', lie, told === undefined ? 'not told' : 'told')
    if (told === undefined) return
    this.tally.lies += 1
    if (told.text === undefined) return
    // Whoever has the epoch may read it, as long as somebody honest has the liar for a member.
    const views = await Promise.all(
      this.#honest.map(({ machine }) => simulation.settle(viewOf(machine, gid))),
    )
    const isIn = views.some((view) =>
      view?.members.some(({ address }) => address === this.#mallory?.address),
    )
    const allowed = new Set(isIn ? people.map(({ address }) => address) : [])
    const from = this.#mallory
    if (from === undefined) return
    this.log.said.push({ text: told.text, from, id: undefined, owed: new Set(), allowed })
  }

  /** Every kind of lie is told in every life: by chance one in two would not be. */
  async #tellRest(): Promise<void> {
    const { simulation } = this.world
    for (const lie of LIES) {
      for (let i = 0; i < 4 && (this.liar.counts[lie] ?? 0) === 0; i++) {
        // Some need that the liar is in, or that it has two epochs: after two tries one is made.
        await this.#lie(lie)
        if (i > 1) await this.#rotate()
        await this.#act(this.#random.pick(this.#honest))
        await simulation.run(this.#random.integer(0, 4_000))
        await simulation.settle(this.log.look())
      }
    }
  }

  async #rotate(): Promise<void> {
    const { simulation } = this.world
    const [alice] = this.#honest
    if (alice === undefined) return
    const { groups } = alice.machine.program.node
    this.#rotations += 1
    await simulation.settle(groups.rotate(this.log.gid)).catch(() => undefined)
    await simulation.run(MINUTE_MS)
  }

  #say(person: Person): Promise<void> {
    this.tally.messages += 1
    return this.log.say(person)
  }

  async #act(person: Person): Promise<void> {
    const random = this.#random
    const { simulation } = this.world
    const { gid } = this.log
    const { groups } = person.machine.program.node
    const ignore = (error: unknown): void => simulation.trace('refused', person.name, String(error))
    const view = await simulation.settle(viewOf(person.machine, gid))
    if (view?.state !== 'joined') {
      const [alice] = this.#honest
      if (alice === undefined) return
      const invited = alice.machine.program.node.groups.invite(gid)
      await simulation.settle(invited.then(({ link }) => groups.join(link))).catch(ignore)
      return
    }
    if (random.chance(0.65)) return void this.#say(person).catch(ignore)
    switch (random.integer(0, 2)) {
      case 0:
        return void groups.rename(gid, `team ${random.integer(1, 99)}`).catch(ignore)
      case 1:
        this.#rotations += 1
        return void groups.rotate(gid).catch(ignore)
      default: {
        const { address } = random.pick(this.#honest)
        if (address !== person.address) void groups.remove(gid, address).catch(ignore)
      }
    }
  }

  /** The liar is removed, everybody honest knows, and it goes on. */
  async #oust(): Promise<void> {
    const { simulation } = this.world
    const [alice] = this.#honest
    const mallory = this.#mallory
    if (alice === undefined || mallory === undefined) return
    const { groups } = alice.machine.program.node
    const { gid } = this.log
    await simulation.settle(groups.remove(gid, mallory.address)).catch(() => undefined)
    const [{ machine, address } = missing()] = this.world.relays
    const relay = { serviceKey: machine.program.service.serviceKey, addresses: [address] }
    await simulation.run(ALL_READ_MS)
    for (const lie of [
      'oldEpoch',
      'backdatedRemoval',
      'flood',
      'oldEpoch',
      'missingParent',
    ] as const) {
      const before = this.tally.lies
      await this.#lie(lie)
      this.tally.outside += this.tally.lies - before
      this.tally.deposited += await simulation.settle(
        this.liar.depositAll(simulation.network.machine('courier of mallory'), relay, fromHex(gid)),
      )
      for (const person of this.#honest) {
        const view = await simulation.settle(viewOf(person.machine, this.log.gid))
        if (view?.state === 'joined') await simulation.settle(this.#say(person))
      }
      await simulation.run(5_000)
    }
  }

  async #look(log: GroupLog): Promise<readonly Judged[]> {
    const seen = await lookAll(this.world, log)
    return seen.filter(({ person }) => person !== this.#mallory)
  }

  /** Lets everything come to rest; what does not hold then. */
  async #rest(): Promise<readonly string[]> {
    const { simulation } = this.world
    const endMs = simulation.clock.elapsedMs + LIVENESS_MS
    for (let stepMs = 1_000; ; stepMs = Math.min(10 * MINUTE_MS, stepMs * 2)) {
      const [seen, other] = [await this.#look(this.log), await this.#look(this.#other)]
      const broken = [
        ...judgeViews(this.log, seen, this.#liars),
        ...judgeViews(this.#other, other, this.#liars).map((line) => `other group: ${line}`),
      ]
      if (broken.length === 0) return this.#countOperations(seen)
      if (simulation.clock.elapsedMs > endMs) return broken
      await simulation.run(stepMs)
    }
  }

  /** D6 of what honest members made: a lie that makes an epoch may cost them two. */
  #countOperations(seen: readonly Judged[]): readonly string[] {
    const ops = seen[0]?.ops ?? []
    const liars = ops.filter(({ account }) =>
      this.liar.core?.self.account.every((byte, i) => byte === account[i]),
    )
    const honest = ops.filter((op) => !liars.includes(op))
    const count = countOperations(honest, this.#rotations)
    this.tally.changes = count.changes
    this.tally.epochs = count.epochs
    return judgeEpochs({ ...count, changes: count.changes + this.tally.lies }, 0)
  }
}
