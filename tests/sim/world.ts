// People, relays and an oracle in one simulation: what scenarios and the random workload begin with.
import { type Person, Oracle } from './oracle.ts'
import type { NodeMachineOptions } from './node-machine.ts'
import { type RelayMachine, relayMachine } from './relay-machine.ts'
import { Simulation } from './simulation.ts'

const MINUTE_MS = 60_000

export type { Person } from './oracle.ts'
export type { RelayMachine } from './relay-machine.ts'

export class World {
  readonly simulation: Simulation
  readonly oracle: Oracle
  readonly relays: RelayMachine[] = []

  constructor(seed: string | number, options: { readonly keepTrace?: boolean } = {}) {
    this.simulation = new Simulation(seed, options)
    this.oracle = new Oracle(this.simulation)
  }

  get people(): readonly Person[] {
    return this.oracle.people
  }

  /** Starts a relay. */
  async relay(
    name = `relay${this.relays.length + 1}`,
    options: { readonly depositBits?: number } = {},
  ): Promise<RelayMachine> {
    const ip = `10.1.0.${this.relays.length + 1}`
    const relay = relayMachine(this.simulation, name, { ip, ...options })
    this.relays.push(relay)
    await this.simulation.settle(relay.machine.start())
    return relay
  }

  /** Starts a person, with every relay there is unless told; `direct`: can be dialled. */
  async person(
    name: string,
    options: Pick<NodeMachineOptions, 'relays' | 'tamper' | 'onStart' | 'phrase'> & {
      readonly direct?: boolean
    } = {},
  ): Promise<Person> {
    const person = this.oracle.person({
      name,
      ...(options.tamper === undefined ? {} : { tamper: options.tamper }),
      ...(options.onStart === undefined ? {} : { onStart: options.onStart }),
      ...(options.phrase === undefined ? {} : { phrase: options.phrase }),
      relays: options.relays ?? this.relays.map(({ address }) => address),
      listen: options.direct === true ? [`/ip4/10.2.0.${this.people.length + 1}/tcp/4001`] : [],
    })
    await this.oracle.start(person)
    return person
  }

  /** Stops in order. */
  stop(person: Person): Promise<void> {
    return this.simulation.settle(person.machine.stop())
  }

  start(person: Person): Promise<void> {
    return this.oracle.start(person)
  }

  /** Lets the node of a person make an invite; waits until one can be made. */
  async invite(person: Person, reusable = false): Promise<string> {
    const { node } = person.machine.program
    const usable = async (): Promise<boolean> => {
      const { relays, listening } = await node.status()
      return listening.length > 0 || relays.some(({ connected }) => connected)
    }
    while (!(await this.simulation.settle(usable()))) await this.simulation.run(100)
    return (await this.simulation.settle(node.invites.create({ reusable }))).link
  }

  /** One adds the other by a link, and both wait until they are connected as contacts. */
  async introduce(inviter: Person, invitee: Person): Promise<void> {
    const link = await this.invite(inviter)
    const { contacts } = invitee.machine.program.node
    await this.simulation.settle(contacts.add(link, { name: inviter.name }))
    await this.untilReady(inviter, invitee)
  }

  async untilReady(one: Person, other: Person): Promise<void> {
    const ready = async (of: Person, whom: Person): Promise<boolean> => {
      const all = await of.machine.program.node.contacts.list()
      return all.some(({ address, state }) => address === whom.address && state === 'ready')
    }
    const endMs = this.simulation.clock.elapsedMs + 30 * MINUTE_MS
    for (;;) {
      const both = Promise.all([ready(one, other), ready(other, one)])
      if ((await this.simulation.settle(both)).every(Boolean)) return
      if (this.simulation.clock.elapsedMs > endMs) {
        throw new Error(`${one.name} and ${other.name} do not become contacts`)
      }
      await this.simulation.run(100)
    }
  }

  send(from: Person, to: Person, text?: string): Promise<string> {
    return this.simulation.settle(this.oracle.send(from, to, text))
  }

  async sendMany(from: Person, to: Person, count: number): Promise<readonly string[]> {
    const ids: Promise<string>[] = []
    for (let i = 0; i < count; i++) ids.push(this.oracle.send(from, to))
    return this.simulation.settle(Promise.all(ids))
  }

  /** Waits until all is delivered, then checks every invariant; [] where all holds. */
  async settled(patienceMs = 30 * MINUTE_MS): Promise<readonly string[]> {
    await this.oracle.untilQuiet(patienceMs)
    return this.oracle.check()
  }
}
