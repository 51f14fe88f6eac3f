// What must hold whatever happened (SPEC.md, promises): the oracle knows what each person sent and
// was shown while it went on, and after heal compares both sides. It never looks into the node: it
// asks the API as a user would, and the disk as a power cut would.
import type { Message, MessageState, NodeEvent } from '../../node/api.ts'
import { NodeError } from '../../node/errors.ts'
import { KeyWatch } from './key-watch.ts'
import {
  type NodeMachine,
  type NodeMachineOptions,
  durableLog,
  nodeMachine,
} from './node-machine.ts'
import type { Simulation } from './simulation.ts'

const RANK: Readonly<Record<MessageState, number>> = {
  queued: 0,
  failed: 1,
  expired: 1,
  relayed: 2,
  delivered: 3,
  read: 4,
}

/** Pending timers of all machines together, per running program: more is a leak. */
const TIMERS_MAX = 400
/** Between two looks at whether all is quiet: longer and longer. */
const LOOK_MAX_MS = 600_000
/** More messages than any run sends in one chat. */
const ALL = 10_000

export interface Person {
  readonly name: string
  readonly machine: NodeMachine
  /** Address, known after the first start. */
  address: string
}

interface Sent {
  readonly from: string
  readonly to: string
  readonly text: string
  /** Undefined: send() never resolved; then it may be there or not. */
  id: string | undefined
}

export class Oracle {
  readonly watch: KeyWatch = new KeyWatch()
  /** Invariants that were broken while it ran. */
  readonly broken: string[] = []
  readonly people: Person[] = []
  readonly #simulation: Simulation
  readonly #sent: Sent[] = []
  readonly #byId = new Map<string, Sent>()
  readonly #states = new Map<string, MessageState>()
  readonly #checks: Promise<void>[] = []
  readonly #gaps = new Set<string>()
  /** Warnings, as `person CODE`. */
  readonly warnings = new Set<string>()
  #texts = 0

  constructor(simulation: Simulation) {
    this.#simulation = simulation
  }

  /** Messages whose send() resolved. */
  get acknowledged(): number {
    return this.#byId.size
  }

  /** Gaps that were named to somebody, as `person: from first-last`. */
  get gaps(): ReadonlySet<string> {
    return this.#gaps
  }

  person(options: Omit<NodeMachineOptions, 'watch' | 'onEvent' | 'onLog'>): Person {
    const { name } = options
    const machine = nodeMachine(this.#simulation, {
      ...options,
      watch: this.watch,
      onEvent: (event) => this.#event(name, event),
      onLog: (scope, text) => this.#log(name, scope, text),
    })
    const person: Person = { name, machine, address: '' }
    this.people.push(person)
    return person
  }

  /** Starts a person's node and drives the simulation until it runs. */
  async start(person: Person): Promise<void> {
    const { node } = await this.#simulation.settle(person.machine.start())
    person.address = node.address
  }

  /** Sends; resolves with the id once send() did. A crash meanwhile leaves it pending for ever. */
  async send(from: Person, to: Person, text?: string): Promise<string> {
    const sent: Sent = {
      from: from.name,
      to: to.name,
      text: text ?? `${from.name} to ${to.name} ${++this.#texts}`,
      id: undefined,
    }
    this.#sent.push(sent)
    const { id, state } = await from.machine.program.node.chats.send(to.address, sent.text)
    sent.id = id
    this.#byId.set(id, sent)
    this.#rose(id, state)
    return id
  }

  #fail(what: string): void {
    this.broken.push(`${this.#simulation.clock.elapsedMs.toFixed(0)} ms: ${what}`)
  }

  #log(name: string, scope: string, text: string): void {
    if (scope === 'events') this.#fail(`${name} was told no more events: ${text}`)
    if (/INTERNAL|TypeError|RangeError|ReferenceError|a reading machine wrote/.test(text)) {
      this.#fail(`${name} logged ${scope}: ${text}`)
    }
  }

  #event(name: string, event: NodeEvent): void {
    if (event.event === 'message:state') this.#rose(event.id, event.state as MessageState)
    if (event.event === 'warning') this.warnings.add(`${name} ${event.code}`)
    if (event.event === 'gap' && event.missing) {
      this.#gaps.add(`${name}: ${event.chat} ${event.first}-${event.last}`)
    }
    // What is said in groups is watched by who drives the group (group-team.ts).
    if (event.event === 'message' && event.message.group !== undefined) return
    if (event.event === 'message' && !event.message.mine) {
      const { text, from } = event.message
      const known = this.#sent.some((one) => one.text === text && one.to === name)
      if (!known) this.#fail(`${name} was shown "${text}" from ${from.name}, which nobody sent`)
    }
  }

  #rose(id: string, state: MessageState): void {
    const before = this.#states.get(id) ?? 'queued'
    // Events come again after a restart, so a lower one is no step back; the API is asked in check().
    if (RANK[state] <= RANK[before]) return
    this.#states.set(id, state)
    if (state === 'delivered' || state === 'read') this.#checks.push(this.#durable(id, state))
  }

  async #durable(id: string, state: string): Promise<void> {
    const to = this.#byId.get(id)?.to
    const person = this.people.find((one) => one.name === to)
    if (person === undefined) return
    if (!(await durableLog(this.#simulation, person.machine)(id))) {
      this.#fail(`${id.slice(0, 8)} is ${state}, and ${person.name}'s disk does not have it`)
    }
  }

  /** Memory bounds, at any time. */
  bounds(): void {
    const running = this.people.filter((one) => one.machine.running).length + 3
    const { pending } = this.#simulation.clock
    if (pending > running * TIMERS_MAX) this.#fail(`${pending} timers are pending`)
  }

  async chat(of: Person, withWhom: Person): Promise<readonly Message[]> {
    const { chats } = of.machine.program.node
    try {
      return await this.#simulation.settle(chats.messages(withWhom.address, { limit: ALL }))
    } catch (error) {
      if (error instanceof NodeError && error.code === 'UNKNOWN_CONTACT') return []
      throw error
    }
  }

  /** Whether everything that was sent is delivered, and nothing waits any more. */
  async quiet(): Promise<boolean> {
    for (const { machine } of this.people) {
      const { waiting } = await this.#simulation.settle(machine.program.node.status())
      if (waiting > 0) return false
    }
    for (const id of this.#byId.keys()) {
      if (RANK[this.#states.get(id) ?? 'queued'] < RANK.delivered) return false
    }
    return true
  }

  /** Lets time pass until all is quiet; throws what stands in the way after `patienceMs`. */
  async untilQuiet(patienceMs: number): Promise<void> {
    const { clock } = this.#simulation
    const endMs = clock.elapsedMs + patienceMs
    let stepMs = 1_000
    while (!(await this.quiet())) {
      this.bounds()
      if (clock.elapsedMs > endMs) throw new Error(`not quiet: ${await this.#obstacles()}`)
      await this.#simulation.run(stepMs)
      stepMs = Math.min(LOOK_MAX_MS, stepMs * 1.3)
    }
  }

  async #obstacles(): Promise<string> {
    const out: string[] = []
    for (const { name, machine } of this.people) {
      const { node } = machine.program
      const { waiting, relays } = await this.#simulation.settle(node.status())
      const contacts = await this.#simulation.settle(node.contacts.list())
      const each = contacts.map(
        (one) =>
          `${one.name} ${one.state} waits ${one.waiting} missing ${one.missing} ${one.problem ?? ''}`,
      )
      const lines = relays.map((one) => (one.connected ? 'connected' : one.trouble))
      out.push(`${name}: waiting ${waiting}; relays ${lines.join('|')}; ${each.join('; ')}`)
    }
    const open = [...this.#byId].filter(
      ([id]) => RANK[this.#states.get(id) ?? 'queued'] < RANK.delivered,
    )
    const named = open.slice(0, 5).map(([id, { text }]) => `${text} ${this.#states.get(id) ?? '?'}`)
    out.push(`${open.length} of ${this.#byId.size} not delivered: ${named.join(', ')}`)
    return [...this.broken, ...out].join('\n  ')
  }

  /** All invariants, once things are quiet. Returns what is broken, [] where all holds. */
  async check(): Promise<readonly string[]> {
    await Promise.all(this.#checks)
    for (const [i, one] of this.people.entries()) {
      for (const other of this.people.slice(i + 1)) await this.#checkPair(one, other)
    }
    for (const reuse of this.watch.reused) this.#fail(`key reuse: ${reuse}`)
    if (this.watch.count === 0) this.#fail('nothing was encrypted')
    this.bounds()
    return this.broken
  }

  async #checkPair(one: Person, other: Person): Promise<void> {
    const here = await this.chat(one, other)
    const there = await this.chat(other, one)
    const ids = here.map(({ id }) => id)
    if (ids.join() !== there.map(({ id }) => id).join()) {
      this.#fail(
        `${one.name} and ${other.name} show ${here.length} and ${there.length} messages, or another order`,
      )
    }
    if (new Set(ids).size !== ids.length) this.#fail(`${one.name} shows a message twice`)
    const pair = [one.name, other.name]
    const sent = this.#sent.filter(({ from, to }) => pair.includes(from) && pair.includes(to))
    for (const { id, text, to } of sent) {
      const where = to === one.name ? here : there
      const count = where.filter((message) => message.text === text).length
      if (count > 1) this.#fail(`"${text}" is shown ${count} times`)
      if (id !== undefined && count === 0) this.#fail(`"${text}" was sent and is lost`)
    }
    for (const [person, shown] of [
      [one, here],
      [other, there],
    ] as const) {
      this.#checkOrder(person, shown)
      for (const message of shown) this.#checkShown(person, message, sent)
      const { missing } = (await this.#contact(person, person === one ? other : one)) ?? {
        missing: 0,
      }
      if (missing > 0) this.#fail(`${person.name} misses ${missing} messages`)
    }
  }

  /** Own messages stand in the order in which they were sent. */
  #checkOrder(person: Person, shown: readonly Message[]): void {
    const mine = shown.filter(({ mine }) => mine).map(({ text }) => text)
    const order = this.#sent.map(({ text }) => text).filter((text) => mine.includes(text))
    const known = mine.filter((text) => order.includes(text))
    if (known.join('\n') !== order.join('\n') && new Set(order).size === order.length) {
      this.#fail(`${person.name}'s messages stand in another order than they were sent in`)
    }
  }

  #checkShown(person: Person, message: Message, sent: readonly Sent[]): void {
    const { id, text, mine, state } = message
    if (!sent.some((one) => one.text === text))
      this.#fail(`${person.name} shows "${text}": nobody sent it`)
    if (message.open) this.#fail(`${person.name} shows "${text}" as open`)
    if (!mine) return
    const highest = this.#states.get(id) ?? 'queued'
    if (RANK[state] < RANK[highest]) this.#fail(`"${text}" went back from ${highest} to ${state}`)
  }

  async #contact(of: Person, withWhom: Person): Promise<{ readonly missing: number } | undefined> {
    try {
      return await this.#simulation.settle(of.machine.program.node.contacts.get(withWhom.address))
    } catch (error) {
      if (error instanceof NodeError && error.code === 'UNKNOWN_CONTACT') return undefined
      throw error
    }
  }
}
