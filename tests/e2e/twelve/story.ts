// Many people, two relays, one group, all of them processes of the real program: they join, talk, are
// cut in two halves of which one removes somebody, heal, take the one back, are killed while they talk.
import { Cast, type CastPlan } from './cast.ts'
import { Judge } from './judge.ts'
import { GROUP, type Person } from './person.ts'
import { Talk } from './talk.ts'
import { PATIENCE_MS, until } from './until.ts'
import { look } from './verdict.ts'

export interface StoryPlan extends CastPlan {
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
  readonly #cast: Cast
  readonly #judge: Judge
  readonly #talk = new Talk()
  readonly #rounds: Round[] = []

  private constructor(plan: StoryPlan, cast: Cast) {
    this.#plan = plan
    this.#cast = cast
    this.#judge = new Judge(plan.tell)
  }

  /** Plays it all. What is to hold of the figures is up to the caller. */
  static async play(plan: StoryPlan): Promise<StoryFigures> {
    const story = new Story(plan, await Cast.gather(plan))
    try {
      await story.#play()
    } finally {
      story.#cast.exchange.close()
    }
    return { rounds: story.#rounds, faults: story.#judge.faults }
  }

  async #play(): Promise<void> {
    await this.#step('start', async () => {
      await this.#cast.start()
      return `2 relays, ${this.#plan.people} daemons`
    })
    await this.#step('create', () => this.#create())
    await this.#step('join', () => this.#join())
    await this.#step('talk', () => this.#everybodyTalks('first', this.#cast.people))
    await this.#step('partition', () => this.#partition())
    await this.#step('heal', () => this.#heal())
    await this.#step('talk without', () => this.#everybodyTalks('without', this.#cast.others))
    await this.#step('add back', () => this.#addBack())
    await this.#step('kill half', () => this.#killHalf())
    await this.#step('verify', () => this.#verify())
    await this.#step('stop', async () => {
      await this.#cast.stop()
      return 'all ended'
    })
  }

  async #step(step: string, play: () => Promise<string>): Promise<void> {
    const startedMs = performance.now()
    const result = await play()
    const seconds = (performance.now() - startedMs) / 1000
    this.#rounds.push({ step, seconds, result })
    this.#plan.tell(`${step.padEnd(13)} ${seconds.toFixed(1).padStart(6)} s  ${result}`)
  }

  async #create(): Promise<string> {
    const { owner } = this.#cast
    const isReached = await until(async () => {
      const { relays } = await owner.run('status')
      return (relays as readonly { connected: boolean }[]).every(({ connected }) => connected)
    })
    if (!isReached) throw new Error('the owner does not reach its relays')
    const made = await owner.run('group', 'create', GROUP.slice(1))
    const { relays } = await owner.show()
    return `${GROUP} ${(made['group'] as { id: string }).id.slice(0, 8)}, carried by ${relays.length} relays`
  }

  async #join(): Promise<string> {
    const { owner, people } = this.#cast
    const words = ['group', 'invite', GROUP, '--reusable']
    const { link } = await owner.run(...words)
    const { link: asking } = await owner.run(...words, '--approve')
    const newcomers = people.slice(1)
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
    await this.#cast.allSee(people, people)
    await owner.run('group', 'role', GROUP, this.#cast.person(2).address, 'admin')
    await owner.run('group', 'role', GROUP, this.#cast.person(1).address, 'admin')
    return `${newcomers.length} by link, ${approved.length} of them approved; 2 made admins`
  }

  async #everybodyTalks(topic: string, people: readonly Person[]): Promise<string> {
    const from = this.#talk.said.length
    await this.#talk.everybody(people, { topic, each: this.#plan.each })
    await this.#judge.allHave(people, this.#talk.said.slice(from))
    return `${this.#talk.said.length - from} messages, everybody has all`
  }

  async #partition(): Promise<string> {
    const { exchange, owner, others, removed, relays } = this.#cast
    const [here, there] = [this.#cast.half(0), this.#cast.half(1)]
    const [one, two] = relays
    const sides = [
      [...here.map(({ name }) => name), one.name],
      [...there.map(({ name }) => name), two.name],
    ]
    // Some connections break, others merely hear nothing any more.
    const severed = exchange.partition(sides, (from, to) =>
      (from.length + to.length) % 2 === 0 ? 'silent' : 'reset',
    )
    const from = this.#talk.said.length
    const { each } = this.#plan
    const removal = owner.run('group', 'remove', GROUP, removed.address)
    // An admin of the other half makes new keys at the same time: two epochs, neither knows the other.
    const rotation = this.#cast.person(1).run('group', 'rotate', GROUP)
    // While the one half learns of it, the other, and who was removed, go on in good faith.
    await Promise.all([
      this.#talk.everybody(there, { topic: 'not knowing', each, late: removed }),
      this.#talk.everybody(here, { topic: 'learning', each }),
      removal,
      rotation,
    ])
    await this.#cast.allSee(here, others)
    await this.#talk.everybody(here, { topic: 'knowing', each })
    const said = this.#talk.said.slice(from)
    for (const side of [here, there]) {
      await this.#judge.allHave(
        side,
        said.filter(({ author }) => side.includes(author)),
      )
    }
    for (const { person, shown } of await look(there)) {
      if (shown.members.length === this.#plan.people) continue
      this.#judge.fail([`the cut let the removal through to ${person.name}`])
    }
    const crossing = exchange.crossing()
    if (crossing > 0) this.#judge.fail([`${crossing} connections cross the cut`])
    return `${severed} connections cut; ${removed.name} removed by one half, unknown to ${there.length} of the other, which makes new keys; ${said.length} messages`
  }

  async #heal(): Promise<string> {
    const cast = this.#cast
    const { others, removed } = cast
    cast.exchange.heal()
    await cast.allSee(others, others)
    const isOut = (): boolean => removed.watch.group?.state === 'removed'
    if (!(await removed.watch.until(isOut, PATIENCE_MS))) {
      this.#judge.fail([`${removed.name} does not learn that it was removed`])
    }
    await this.#judge.allHave(others, this.#talk.said)
    const { exitCode, stderr } = await removed.attempt('send', GROUP, 'after the removal')
    if (exitCode === 0) this.#judge.fail([`${removed.name} may still send`])
    else if (!stderr.includes('"code"'))
      this.#judge.fail([`${removed.name} is told no code: ${stderr}`])
    await this.#judge.allAgree(others, this.#talk.said)
    await this.#judge.hidesLate(cast.half(0), this.#talk.said)
    return `${others.length} agree on members, epoch and order; ${removed.name} is out`
  }

  async #addBack(): Promise<string> {
    const { owner, people, removed: back } = this.#cast
    const { link } = await owner.run('group', 'invite', GROUP)
    // What was said without it is owed to nobody new: it must not have it now, nor after the add.
    await back.run('add', String(link))
    await this.#cast.allSee(people, people)
    await this.#everybodyTalks('back', people)
    return `${back.name} is in again; everybody talks, it as well`
  }

  async #killHalf(): Promise<string> {
    const { each } = this.#plan
    const { people, relays } = this.#cast
    const victims = people.filter((_, i) => i % 4 === 1 || i % 4 === 2)
    const from = this.#talk.said.length
    const talking = this.#talk.everybody(people, { topic: 'killed', each })
    await Promise.race([this.#talk.reaches(from + Math.floor((people.length * each) / 4)), talking])
    const [relay] = relays
    await Promise.all([...victims.map((person) => person.kill()), relay.end('SIGKILL')])
    const killedAt = this.#talk.said.length - from
    const spared = people.length - victims.length
    // Those who are left say at least a round of their own while half is gone.
    const goal = Math.min(from + killedAt + spared, from + spared * each)
    await Promise.race([this.#talk.reaches(goal), talking])
    await relay.up()
    await Promise.all(victims.map((person) => person.up()))
    await talking
    await this.#judge.allHave(people, this.#talk.said.slice(from))
    return `${victims.length} of ${people.length} and a relay killed at ${killedAt} of ${people.length * each} messages, ${this.#talk.interrupted} sends interrupted; everybody has all`
  }

  async #verify(): Promise<string> {
    const { people } = this.#cast
    await this.#judge.allAgree(people, this.#talk.said)
    await this.#judge.nothingAstray(people, this.#talk.said)
    return `${this.#talk.said.length} messages said, ${this.#judge.faults.length} faults`
  }
}
