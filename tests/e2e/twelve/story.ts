// Many people, two relays, one group, all of them processes of the real program: they join, talk, are
// cut in two halves of which one removes somebody, heal, take the one back, are killed while they talk.
import { setTimeout as sleep } from 'node:timers/promises'
import { Exchange } from './exchange.ts'
import { GROUP, Person } from './person.ts'
import { Relay } from './relay.ts'
import { Talk, isOwed } from './talk.ts'
import { type View, disagreements, look, misdelivered } from './verdict.ts'

const NAMES = 'Alice Bob Carol Dave Erin Frank Grace Heidi Ivan Judy Kim Leo'.split(' ')
/** Until a message or a membership must be everywhere. */
const PATIENCE_MS = 300_000
const POLL_MS = 250

export interface StoryPlan {
  /** An empty folder. */
  readonly root: string
  /** 4 to 12. */
  readonly people: number
  /** Messages of each person in each round of talk. */
  readonly each: number
  readonly tell: (line: string) => void
}

export interface Round {
  readonly step: string
  readonly seconds: number
  readonly result: string
}

export interface StoryFigures {
  readonly rounds: readonly Round[]
  /** What does not hold; [] where all does. */
  readonly faults: readonly string[]
}

export class Story {
  readonly #plan: StoryPlan
  readonly #exchange: Exchange
  readonly #relays: readonly [Relay, Relay]
  readonly #people: Person[] = []
  readonly #talk = new Talk()
  readonly #rounds: Round[] = []
  readonly #faults: string[] = []

  private constructor(plan: StoryPlan, exchange: Exchange) {
    this.#plan = plan
    this.#exchange = exchange
    this.#relays = [
      new Relay('relay-one', plan.root, exchange),
      new Relay('relay-two', plan.root, exchange),
    ]
  }

  /** Plays it all. What is to hold of the figures is up to the caller. */
  static async play(plan: StoryPlan): Promise<StoryFigures> {
    const story = new Story(plan, await Exchange.open())
    try {
      await story.#play()
    } finally {
      story.#exchange.close()
    }
    return { rounds: story.#rounds, faults: story.#faults }
  }

  get #owner(): Person {
    return this.#person(0)
  }

  /** Who is removed: of the half that does not learn of it, reached by its relay alone or directly. */
  get #removed(): Person {
    return this.#person(3)
  }

  get #others(): readonly Person[] {
    return this.#people.filter((person) => person !== this.#removed)
  }

  #person(i: number): Person {
    const person = this.#people[i]
    if (person === undefined) throw new Error(`there is no person ${i}`)
    return person
  }

  /** One half: every other person. The owner is in the first. */
  #half(which: 0 | 1): readonly Person[] {
    return this.#people.filter((_, i) => i % 2 === which)
  }

  async #play(): Promise<void> {
    await this.#step('start', () => this.#start())
    await this.#step('create', () => this.#create())
    await this.#step('join', () => this.#join())
    await this.#step('talk', () => this.#everybodyTalks('first', this.#people))
    await this.#step('partition', () => this.#partition())
    await this.#step('heal', () => this.#heal())
    await this.#step('talk without', () => this.#everybodyTalks('without', this.#others))
    await this.#step('add back', () => this.#addBack())
    await this.#step('kill half', () => this.#killHalf())
    await this.#step('verify', () => this.#verify())
    await this.#step('stop', () => this.#stop())
  }

  async #step(step: string, play: () => Promise<string>): Promise<void> {
    const startedMs = performance.now()
    const result = await play()
    const seconds = (performance.now() - startedMs) / 1000
    this.#rounds.push({ step, seconds, result })
    this.#plan.tell(`${step.padEnd(13)} ${seconds.toFixed(1).padStart(6)} s  ${result}`)
  }

  async #start(): Promise<string> {
    const { root, people } = this.#plan
    await Promise.all(this.#relays.map((relay) => relay.up()))
    const [one, two] = this.#relays.map(({ address }) => address)
    for (const [i, name] of NAMES.slice(0, people).entries()) {
      // Half use one relay, half the other; the owner uses both, so the group is carried by both.
      const relays = [...(i % 2 === 0 ? [one] : []), ...(i % 2 === 1 || i === 0 ? [two] : [])]
      // Of each half some can be reached directly, the others by relays alone.
      const listens = i % 4 < 2
      const at = relays.filter((relay) => relay !== undefined)
      this.#people.push(new Person(name, { root, exchange: this.#exchange, relays: at, listens }))
    }
    await Promise.all(this.#people.map((person) => person.init()))
    await Promise.all(this.#people.map((person) => person.up()))
    return `2 relays, ${people} daemons`
  }

  async #create(): Promise<string> {
    await until(async () => {
      const { relays } = await this.#owner.run('status')
      return (relays as readonly { connected: boolean }[]).every(({ connected }) => connected)
    }, 'the owner reaches its relays')
    const made = await this.#owner.run('group', 'create', GROUP.slice(1))
    const { relays } = await this.#owner.show()
    return `${GROUP} ${(made['group'] as { id: string }).id.slice(0, 8)}, carried by ${relays.length} relays`
  }

  async #join(): Promise<string> {
    const owner = this.#owner
    const words = ['group', 'invite', GROUP, '--reusable']
    const { link } = await owner.run(...words)
    const { link: asking } = await owner.run(...words, '--approve')
    const newcomers = this.#people.slice(1)
    // Every third one waits for an admin's yes.
    const approved = newcomers.filter((_, i) => i % 3 === 2)
    await Promise.all(
      newcomers.map((person) =>
        person.run('add', String(approved.includes(person) ? asking : link)),
      ),
    )
    const asked = (): boolean => {
      const pending = owner.watch.group?.pending ?? []
      return approved.every(({ address }) => pending.some((one) => one.address === address))
    }
    if (!(await owner.watch.until(asked, PATIENCE_MS))) throw new Error('not all ask to join')
    for (const { address } of approved) await owner.run('group', 'approve', GROUP, address)
    await this.#allSee(this.#people, this.#people)
    await owner.run('group', 'role', GROUP, this.#person(2).address, 'admin')
    await owner.run('group', 'role', GROUP, this.#person(1).address, 'admin')
    return `${newcomers.length} by link, ${approved.length} of them approved; 2 made admins`
  }

  async #everybodyTalks(topic: string, people: readonly Person[]): Promise<string> {
    const from = this.#talk.said.length
    await this.#talk.everybody(people, { topic, each: this.#plan.each })
    await this.#allHave(people, from)
    return `${this.#talk.said.length - from} messages, everybody has all`
  }

  async #partition(): Promise<string> {
    const [here, there] = [this.#half(0), this.#half(1)]
    const [one, two] = this.#relays
    const sides = [
      [...here.map(({ name }) => name), one.name],
      [...there.map(({ name }) => name), two.name],
    ]
    // Some connections break, others merely hear nothing any more.
    const severed = this.#exchange.partition(sides, (from, to) =>
      (from.length + to.length) % 2 === 0 ? 'silent' : 'reset',
    )
    const from = this.#talk.said.length
    const { each } = this.#plan
    const removal = this.#owner.run('group', 'remove', GROUP, this.#removed.address)
    // While the one half learns of it, the other, and who was removed, go on in good faith.
    await Promise.all([
      this.#talk.everybody(there, { topic: 'not knowing', each, late: this.#removed }),
      this.#talk.everybody(here, { topic: 'learning', each }),
      removal,
    ])
    await this.#allSee(here, this.#others)
    await this.#talk.everybody(here, { topic: 'knowing', each })
    await this.#allHave(here, from, here)
    await this.#allHave(there, from, there)
    for (const { person, shown } of await look(there)) {
      if (shown.members.length === this.#plan.people) continue
      this.#fail([`the cut let the removal through to ${person.name}`])
    }
    const crossing = this.#exchange.crossing()
    if (crossing > 0) this.#fail([`${crossing} connections cross the cut`])
    const { name } = this.#removed
    return `${severed} connections cut; ${name} removed by one half, unknown to ${there.length} of the other; ${this.#talk.said.length - from} messages`
  }

  async #heal(): Promise<string> {
    this.#exchange.heal()
    const removed = this.#removed
    await this.#allSee(this.#others, this.#others)
    const isOut = (): boolean => removed.watch.group?.state === 'removed'
    if (!(await removed.watch.until(isOut, PATIENCE_MS))) {
      this.#fail([`${removed.name} does not learn that it was removed`])
    }
    await this.#allHave(this.#others, 0)
    const { exitCode } = await removed.attempt('send', GROUP, 'after the removal')
    if (exitCode === 0) this.#fail([`${removed.name} may still send`])
    await this.#judge(this.#others)
    return `${this.#others.length} agree on members, epoch and order; ${removed.name} is out`
  }

  async #addBack(): Promise<string> {
    const { link } = await this.#owner.run('group', 'invite', GROUP)
    const back = this.#removed
    // What was said without it is owed to nobody new: it must not have it now, nor after the add.
    await back.run('add', String(link))
    await this.#allSee(this.#people, this.#people)
    await this.#everybodyTalks('back', this.#people)
    return `${back.name} is in again; everybody talks, it as well`
  }

  async #killHalf(): Promise<string> {
    const { people, each } = this.#plan
    const victims = this.#people.filter((_, i) => i % 4 === 1 || i % 4 === 2)
    const from = this.#talk.said.length
    const talking = this.#talk.everybody(this.#people, { topic: 'killed', each })
    await Promise.race([this.#talk.reaches(from + Math.floor((people * each) / 4)), talking])
    const [relay] = this.#relays
    await Promise.all([...victims.map((person) => person.kill()), relay.kill()])
    const killedAt = this.#talk.said.length - from
    const spared = people - victims.length
    // Those who are left say at least a round of their own while half is gone.
    const goal = Math.min(from + killedAt + spared, from + spared * each)
    await this.#talk.reaches(goal)
    await relay.up()
    await Promise.all(victims.map((person) => person.up()))
    await talking
    await this.#allHave(this.#people, from)
    return `${victims.length} of ${people} and a relay killed at ${killedAt} of ${people * each} messages, ${this.#talk.interrupted} sends interrupted; everybody has all`
  }

  async #verify(): Promise<string> {
    await this.#judge(this.#people)
    const views = await look(this.#people)
    this.#fail(await misdelivered(views, this.#talk.said))
    return `${this.#talk.said.length} messages said, ${this.#faults.length} faults`
  }

  async #stop(): Promise<string> {
    await Promise.all(this.#people.map((person) => person.stop()))
    await Promise.all(this.#relays.map((relay) => relay.stop()))
    return 'all ended'
  }

  /** Waits until all of them see these members. */
  async #allSee(people: readonly Person[], members: readonly Person[]): Promise<void> {
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

  /** Waits until each of them was told of what it is owed of what was said since, by these. */
  async #allHave(
    people: readonly Person[],
    from: number,
    by: readonly Person[] = this.#people,
  ): Promise<void> {
    const since = this.#talk.said
      .slice(from)
      .filter(({ author, late }) => !late && by.includes(author))
    const inTime = await Promise.all(
      people.map((person) => {
        const { texts } = person.watch
        const owed = since.filter((one) => isOwed(one, person) && one.author !== person)
        return person.watch.until(() => owed.every(({ id }) => texts.has(id)), PATIENCE_MS)
      }),
    )
    if (inTime.every(Boolean)) return
    // A text that came after its header is told by no event: what counts is what they read.
    const faults = await misdelivered(await look(people), since)
    this.#fail(faults.filter((fault) => fault.includes(' lacks ')))
  }

  /** One membership, epoch and order, as soon as nothing is under way any more. */
  async #judge(people: readonly Person[]): Promise<void> {
    let views: readonly View[] = []
    let faults: readonly string[] = []
    const settled = async (): Promise<boolean> => {
      views = await look(people)
      faults = disagreements(views, this.#talk.said)
      return faults.length === 0
    }
    await until(settled, 'they agree').catch(() => undefined)
    this.#fail(faults)
  }

  #fail(faults: readonly string[]): void {
    this.#faults.push(...faults)
    for (const fault of faults) this.#plan.tell(`FAULT: ${fault}`)
  }
}

async function until(met: () => Promise<boolean>, what: string): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS
  while (!(await met())) {
    if (performance.now() > endMs) throw new Error(`in vain: ${what}`)
    await sleep(POLL_MS)
  }
}
