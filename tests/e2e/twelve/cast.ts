// Who plays: people over two relays, each a process of its own, half of them using each relay.
import { Exchange } from './exchange.ts'
import { Person } from './person.ts'
import { Relay } from './relay.ts'
import { PATIENCE_MS } from './until.ts'

const NAMES = 'Alice Bob Carol Dave Erin Frank Grace Heidi Ivan Judy Kim Leo'.split(' ')

export interface CastPlan {
  /** An empty folder. */
  readonly root: string
  /** 4 to 12. */
  readonly people: number
}

export class Cast {
  readonly exchange: Exchange
  readonly relays: readonly [Relay, Relay]
  readonly people: Person[] = []
  readonly #plan: CastPlan

  private constructor(plan: CastPlan, exchange: Exchange) {
    this.#plan = plan
    this.exchange = exchange
    this.relays = [
      new Relay('relay-one', plan.root, exchange),
      new Relay('relay-two', plan.root, exchange),
    ]
  }

  static async gather(plan: CastPlan): Promise<Cast> {
    return new Cast(plan, await Exchange.open())
  }

  /** Uses both relays: so both carry the group. */
  get owner(): Person {
    return this.person(0)
  }

  /** Who is removed: of the half that does not learn of it. */
  get removed(): Person {
    return this.person(3)
  }

  /** All but who is removed. */
  get others(): readonly Person[] {
    return this.people.filter((person) => person !== this.removed)
  }

  /** By place, from 0. */
  person(i: number): Person {
    const person = this.people[i]
    if (person === undefined) throw new Error(`there is no person ${i}`)
    return person
  }

  /** One half: every other person. The owner is in the first. */
  half(which: 0 | 1): readonly Person[] {
    return this.people.filter((_, i) => i % 2 === which)
  }

  /** Starts the relays, makes everybody's profile, starts the daemons. */
  async start(): Promise<void> {
    const { root, people } = this.#plan
    await Promise.all(this.relays.map((relay) => relay.up()))
    const [one, two] = this.relays.map(({ address }) => address)
    for (const [i, name] of NAMES.slice(0, people).entries()) {
      // Half use one relay, half the other; the owner uses both, so the group is carried by both.
      const relays = [...(i % 2 === 0 ? [one] : []), ...(i % 2 === 1 || i === 0 ? [two] : [])]
      // Of each half some can be reached directly, the others by relays alone.
      const listens = i % 4 < 2
      const at = relays.filter((relay) => relay !== undefined)
      this.people.push(new Person(name, { root, exchange: this.exchange, relays: at, listens }))
    }
    await Promise.all(this.people.map((person) => person.init()))
    await Promise.all(this.people.map((person) => person.up()))
  }

  /** Ends all as their users would. */
  async stop(): Promise<void> {
    await Promise.all(this.people.map((person) => person.stop()))
    await Promise.all(this.relays.map((relay) => relay.end('SIGTERM')))
  }

  /** Waits until all of them see these members. */
  async allSee(people: readonly Person[], members: readonly Person[]): Promise<void> {
    const wanted = members
      .map(({ address }) => address)
      .sort()
      .join()
    await Promise.all(
      people.map(async ({ name, watch }) => {
        const seen = (): string =>
          (watch.group?.members ?? [])
            .map(({ address }) => address)
            .sort()
            .join()
        const inTime = await watch.until(
          () => watch.group?.state === 'joined' && seen() === wanted,
          PATIENCE_MS,
        )
        if (!inTime) {
          const group = watch.group
          throw new Error(
            `${name} is ${group?.state} and sees ${group?.members.length} members, not ${members.length}`,
          )
        }
      }),
    )
  }
}
