// A group in the simulation: who is in it by each one's own view, who said what and to whom it was
// said, and what must hold of it in the end.
import type { Group } from '../../node/api-groups.ts'
import type { Message } from '../../node/api.ts'
import { type Person, World } from './world.ts'

const ALL = 10_000

interface Said {
  readonly id: string
  readonly text: string
  /** Addresses of who was a member as the sender knew it. */
  readonly to: readonly string[]
}

export class Team {
  readonly world: World
  /** Its name when it is made; later what it is called by. */
  name: string
  readonly said: Said[] = []
  #texts = 0

  constructor(world: World, name = 'team') {
    this.world = world
    this.name = name
  }

  /** Creates the group; its creator's relays are the people's relays. */
  async create(person: Person, options: { readonly approval?: boolean } = {}): Promise<Group> {
    await this.#connected(person)
    const { groups } = person.machine.program.node
    return this.world.simulation.settle(groups.create(this.name, options))
  }

  async #connected(person: Person): Promise<void> {
    const { simulation } = this.world
    for (;;) {
      const { relays } = await simulation.settle(person.machine.program.node.status())
      if (relays.some(({ connected }) => connected)) return
      await simulation.run(100)
    }
  }

  async link(person: Person): Promise<string> {
    const { groups } = person.machine.program.node
    const made = groups.invite(`#${this.name}`, { reusable: true })
    return (await this.world.simulation.settle(made)).link
  }

  /** Joins by a link, and waits until it is in. */
  async join(person: Person, link: string): Promise<void> {
    const { groups } = person.machine.program.node
    await this.world.simulation.settle(groups.join(link))
    await this.until(person, (one) => one.state === 'joined')
  }

  /** The first creates the group, the others join by one link; until each sees all. */
  async gather(
    people: readonly [Person, ...(readonly Person[])],
  ): Promise<{ readonly id: string; readonly link: string }> {
    const [first, ...others] = people
    const { id } = await this.create(first)
    const link = await this.link(first)
    for (const person of others) await this.join(person, link)
    for (const person of people) {
      await this.until(person, ({ members }) => members.length === people.length)
    }
    return { id, link }
  }

  async view(person: Person): Promise<Group | undefined> {
    const all = await this.world.simulation.settle(person.machine.program.node.groups.list())
    return all.find(({ state }) => state !== 'refused')
  }

  async until(
    person: Person,
    wanted: (group: Group) => boolean,
    patienceMs = 600_000,
  ): Promise<void> {
    const { simulation } = this.world
    const endMs = simulation.clock.elapsedMs + patienceMs
    for (;;) {
      const group = await this.view(person)
      if (group !== undefined && wanted(group)) return
      if (simulation.clock.elapsedMs > endMs) {
        throw new Error(`${person.name} waits in vain: ${JSON.stringify(group)}`)
      }
      await simulation.run(500)
    }
  }

  /** Says something; what the sender believes to be the members then may read it. */
  async say(person: Person): Promise<string> {
    const { node } = person.machine.program
    const text = `${person.name} ${++this.#texts}`
    const { simulation } = this.world
    const group = await this.view(person)
    const { id } = await simulation.settle(node.chats.send(`#${this.name}`, text))
    this.said.push({ id, text, to: (group?.members ?? []).map(({ address }) => address) })
    return text
  }

  async read(person: Person): Promise<readonly Message[]> {
    const { chats } = person.machine.program.node
    return this.world.simulation.settle(chats.messages(`#${this.name}`, { limit: ALL }))
  }

  /** What is not as it must be among these people; [] where all holds. */
  async faults(people: readonly Person[]): Promise<readonly string[]> {
    const faults: string[] = []
    const views: { readonly person: Person; readonly members: string; readonly order: string }[] =
      []
    for (const person of people) {
      const group = await this.view(person)
      const messages = await this.read(person)
      const ids = new Set(messages.map(({ id }) => id))
      for (const { id, text, to } of this.said) {
        const isOwed = to.includes(person.address)
        if (isOwed && !ids.has(id)) faults.push(`${person.name} lacks "${text}"`)
        if (!isOwed && messages.some((one) => one.id === id && one.kind === 'text')) {
          faults.push(`${person.name} reads "${text}", which was not said to it`)
        }
      }
      if (group?.state !== 'joined') continue
      if (group.missing > 0) faults.push(`${person.name} misses ${group.missing} messages`)
      const members = group.members.map(({ address, role }) => `${address} ${role}`).sort()
      const shared = this.said.filter(({ to }) =>
        people.every(({ address }) => to.includes(address)),
      )
      const order = messages.filter(({ id }) => shared.some((one) => one.id === id))
      views.push({
        person,
        members: members.join(),
        order: order.map(({ id }) => id.slice(0, 8)).join(),
      })
    }
    const [first] = views
    for (const one of views) {
      if (first === undefined) continue
      if (one.members !== first.members) {
        faults.push(`${one.person.name} and ${first.person.name} see other members`)
      }
      if (one.order !== first.order) {
        faults.push(`${one.person.name} and ${first.person.name} see another order`)
      }
    }
    return faults
  }

  /** Lets time pass until nothing is wrong, or patience is over; what is wrong then. */
  async settled(people: readonly Person[], patienceMs = 1_800_000): Promise<readonly string[]> {
    const { simulation } = this.world
    const endMs = simulation.clock.elapsedMs + patienceMs
    for (let stepMs = 1_000; ; stepMs = Math.min(60_000, stepMs * 2)) {
      const faults = await this.faults(people)
      if (faults.length === 0 || simulation.clock.elapsedMs > endMs) {
        return [...faults, ...this.world.oracle.broken]
      }
      await simulation.run(stepMs)
    }
  }
}

/** Alice, Bob and Carol in a group, with one relay; whoever is first made it. */
export async function teamOfThree(seed: string, options: { readonly keepTrace?: boolean } = {}) {
  const world = new World(seed, options)
  const relay = await world.relay()
  const alice = await world.person('alice')
  const bob = await world.person('bob')
  const carol = await world.person('carol')
  const team = new Team(world)
  await team.gather([alice, bob, carol])
  return { world, simulation: world.simulation, relay, alice, bob, carol, team }
}
