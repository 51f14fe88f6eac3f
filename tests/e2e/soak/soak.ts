// A few people who talk for hours, in a group and each with a neighbour, over two relays, all of them
// processes of the real program. Every so often somebody, or one of the relays, ends and comes back.
// Nothing may be lost, stand twice, or in another order; and who never ended may not grow.
import { EventEmitter, once, setMaxListeners } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { RelayProcess } from '../relay-process.ts'
import { Person } from './person.ts'
import { type Growth, type Vitals, growth, sizeOf, vitalsOf } from './vitals.ts'

const GROUP = '#soak'
const NAMES = 'Alice Bob Carol Dave Erin Frank Grace Heidi Ivan Judy Kim Leo'.split(' ')
/** Who is never ended, and so is watched for growth: the first two, and the first relay. */
const STEADY = 2
const PATIENCE_MS = 300_000

export interface SoakPlan {
  /** An empty folder. */
  readonly root: string
  /** 3 to 12. */
  readonly people: number
  /** Talk ends after so long, and so many ends. */
  readonly ms: number
  readonly leastEnds: number
  /** Between two messages of one person to one chat. */
  readonly pauseMs: number
  /** Between two ends. */
  readonly churnMs: number
  readonly sampleMs: number
  readonly tell: (line: string) => void
}

export interface SoakSteady {
  readonly name: string
  readonly memory: Growth
  /** Open sockets and other descriptors, at rest before and after all the talk. */
  readonly sockets: readonly [number, number]
  readonly files: readonly [number, number]
}

export interface SoakFigures {
  readonly messages: number
  /** Ends and starts. */
  readonly ends: number
  /** [] where the system does not tell. */
  readonly steady: readonly SoakSteady[]
  /** Bytes that a profile holds on its disk for each message in it. */
  readonly bytesPerMessage: number
  /** What does not hold; [] where all does. */
  readonly faults: readonly string[]
}

/** What was said in one chat, and who has it. */
interface Chat {
  readonly people: readonly Person[]
  /** What it is called by one of them. */
  readonly nameFor: (person: Person) => string
  readonly said: string[]
}

export class Soak {
  readonly #plan: SoakPlan
  readonly #relays: readonly [RelayProcess, RelayProcess]
  readonly #people: readonly Person[]
  readonly #chats: readonly Chat[]
  readonly #vitals = new Map<string, Vitals[]>()
  readonly #over = new AbortController()
  readonly #churned = new EventEmitter()
  #ends = 0

  private constructor(plan: SoakPlan, relays: readonly [RelayProcess, RelayProcess]) {
    this.#plan = plan
    this.#relays = relays
    const [one, two] = relays
    this.#people = NAMES.slice(0, plan.people).map((name, i) => {
      // The owner of the group uses both relays, so that both carry it.
      const own = [...(i % 2 === 0 ? [one] : []), ...(i % 2 === 1 || i === 0 ? [two] : [])]
      const at = { root: plan.root, relays: own.map(({ address }) => address) }
      return new Person(name, { ...at, listens: i % 3 !== 2 })
    })
    const pairs = this.#people.map((person, i) => {
      const other = this.#people[(i + 1) % this.#people.length] ?? person
      const nameFor = (one: Person): string => (one === person ? other : person).name
      return { people: [person, other], nameFor, said: [] }
    })
    this.#chats = [{ people: this.#people, nameFor: () => GROUP, said: [] }, ...pairs]
  }

  /** Lives through it all. What is to hold of the figures is up to the caller. */
  static async live(plan: SoakPlan): Promise<SoakFigures> {
    const at = (name: string): RelayProcess => new RelayProcess(join(plan.root, name))
    const relays = [at('relay-one'), at('relay-two')] as const
    await Promise.all(relays.map((relay) => relay.up()))
    return new Soak(plan, relays).#live()
  }

  async #live(): Promise<SoakFigures> {
    await this.#meet()
    this.#plan.tell(`${this.#people.length} people in a group, and each with a neighbour; 2 relays`)
    const atRest = await this.#sample()
    const signal = this.#over.signal
    setMaxListeners(0, signal)
    try {
      await Promise.all([
        ...this.#chats.flatMap((chat) => chat.people.map((one) => this.#talk(chat, one))),
        this.#every(this.#plan.churnMs, signal, () => this.#churn()),
        this.#every(this.#plan.sampleMs, signal, () => this.#note()),
        this.#timeIsOver(),
      ])
    } finally {
      this.#over.abort()
    }
    this.#plan.tell(`${this.#messages} messages said, ${this.#ends} times somebody ended`)
    const faults = [...(await this.#arrivals()), ...(await this.#disorder())]
    const steady = this.#steady(atRest, await this.#sample())
    const [first] = this.#people
    const bytes = first === undefined ? 0 : await sizeOf(first.dir)
    const held = this.#chats.filter(({ people }) => first !== undefined && people.includes(first))
    const count = held.reduce((sum, { said }) => sum + said.length, 0)
    for (const person of this.#people) await person.end('SIGTERM')
    for (const relay of this.#relays) await relay.end('SIGTERM')
    const bytesPerMessage = bytes / Math.max(1, count)
    return { messages: this.#messages, ends: this.#ends, steady, bytesPerMessage, faults }
  }

  get #messages(): number {
    return this.#chats.reduce((sum, { said }) => sum + said.length, 0)
  }

  /** Everybody in a group, and a contact of the next. */
  async #meet(): Promise<void> {
    await Promise.all(this.#people.map((person) => person.init()))
    await Promise.all(this.#people.map((person) => person.up()))
    const [owner, ...others] = this.#people
    if (owner === undefined) throw new Error('nobody is there')
    for (const [i, person] of this.#people.entries()) {
      const next = this.#people[(i + 1) % this.#people.length] ?? owner
      const { link } = await next.ask((node) => node.invites.create())
      await person.ask((node) => node.contacts.add(link, { name: next.name }))
      const { id } = await person.ask((node) => node.chats.send(next.name, 'hello'))
      await person.ask((node) => node.chats.waitFor(id, 'delivered', { timeoutMs: PATIENCE_MS }))
    }
    await owner.ask((node) => node.groups.create(GROUP.slice(1)))
    const { link } = await owner.ask((node) => node.groups.invite(GROUP, { reusable: true }))
    for (const person of others) await person.ask((node) => node.groups.join(link))
    await Promise.all(this.#people.map((person) => this.#sees(person)))
  }

  async #sees(person: Person): Promise<void> {
    const signal = AbortSignal.timeout(PATIENCE_MS)
    await person.ask(async (node) => {
      for await (const event of node.events.since(0, { signal })) {
        if (event.event !== 'group') continue
        if (event.group.members.length === this.#people.length) return
      }
      throw new Error(`${person.name} does not see all members`)
    })
  }

  async #timeIsOver(): Promise<void> {
    const { ms, leastEnds } = this.#plan
    if (!(await passes(ms, this.#over.signal))) return
    while (this.#ends < leastEnds) await once(this.#churned, 'end')
    this.#over.abort()
  }

  async #every(ms: number, signal: AbortSignal, act: () => Promise<void>): Promise<void> {
    while (await passes(ms, signal)) await act()
  }

  async #talk(chat: Chat, person: Person): Promise<void> {
    await this.#every(this.#plan.pauseMs, this.#over.signal, async () => {
      const text = `${person.name} to ${chat.people.length}: ${chat.said.length}`
      chat.said.push(text)
      await person.say(chat.nameFor(person), text)
    })
  }

  /** Somebody ends, each in turn, each second time by kill -9; every third time it is a relay. */
  async #churn(): Promise<void> {
    const turn = this.#ends
    const signal = turn % 2 === 0 ? 'SIGKILL' : 'SIGTERM'
    const victims = this.#people.slice(STEADY)
    const victim = turn % 3 === 2 ? this.#relays[1] : victims[turn % victims.length]
    await victim?.end(signal)
    await victim?.up()
    this.#ends += 1
    this.#churned.emit('end')
  }

  #watched(): readonly { readonly name: string; readonly pid: number | undefined }[] {
    return [...this.#people.slice(0, STEADY), { name: 'relay one', pid: this.#relays[0].pid }]
  }

  async #sample(): Promise<ReadonlyMap<string, Vitals>> {
    const now = new Map<string, Vitals>()
    for (const { name, pid } of this.#watched()) {
      const vitals = pid === undefined ? undefined : await vitalsOf(pid)
      if (vitals !== undefined) now.set(name, vitals)
    }
    return now
  }

  async #note(): Promise<void> {
    const told: string[] = []
    for (const [name, vitals] of await this.#sample()) {
      const all = this.#vitals.get(name) ?? []
      this.#vitals.set(name, [...all, vitals])
      told.push(`${name} ${(vitals.rssBytes / 2 ** 20).toFixed(0)} MiB, ${vitals.sockets} sockets`)
    }
    this.#plan.tell([`${this.#messages} messages`, ...told].join('; '))
  }

  #steady(
    before: ReadonlyMap<string, Vitals>,
    after: ReadonlyMap<string, Vitals>,
  ): readonly SoakSteady[] {
    return [...this.#vitals].flatMap(([name, all]) => {
      const [from, to] = [before.get(name), after.get(name)]
      if (from === undefined || to === undefined) return []
      const sockets = [from.sockets, to.sockets] as const
      return [{ name, memory: growth(all), sockets, files: [from.files, to.files] as const }]
    })
  }

  /** Waits until the feeds told of everything; who lacks what. */
  async #arrivals(): Promise<readonly string[]> {
    const faults = this.#people.map(async (person) => {
      const owed = this.#chats
        .filter(({ people }) => people.includes(person))
        .flatMap(({ said }) => said)
        .filter((text) => !text.startsWith(`${person.name} `))
      const lacking = await person.lacks(owed, PATIENCE_MS)
      if (lacking.length === 0) return []
      return [`${person.name} was not told of ${lacking.length}, "${lacking[0]}" the first`]
    })
    return (await Promise.all(faults)).flat()
  }

  /** Each text once, and the same order everywhere. */
  async #disorder(): Promise<readonly string[]> {
    const faults: string[] = []
    for (const { people, nameFor, said } of this.#chats) {
      const orders: string[] = []
      for (const person of people) {
        const read = (await person.read(nameFor(person))).filter((text) => text !== 'hello')
        const there = new Set(read)
        const lost = said.filter((text) => !there.has(text))
        const chat = `${person.name} in ${nameFor(person)}`
        if (lost.length > 0) faults.push(`${chat} lacks ${lost.length}, "${lost[0]}" the first`)
        if (there.size < read.length) faults.push(`${chat} has ${read.length - there.size} twice`)
        if (there.size > said.length) faults.push(`${chat} has what nobody said`)
        orders.push(read.join('\n'))
      }
      if (new Set(orders).size > 1) {
        faults.push(`${people.map(({ name }) => name).join(', ')} see different orders`)
      }
    }
    return faults
  }
}

/** false where it was over before. */
async function passes(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await sleep(ms, undefined, { signal })
    return true
  } catch {
    return false
  }
}
