// Members of a group at its mailbox under random faults: crashes of relay and members, resets, stalls,
// a ring that drops. What a relay signed for is read by everybody, in one order, once, or named as gone.
import { describe, expect, test } from 'vitest'
import { toHex } from '../../crypto/index.ts'
import { type GroupCursor, chainMark } from '../../protocol/index.ts'
import { Member } from '../support/group-member.ts'
import { bytesOf } from '../support/relay-world.ts'
import { relayMachine } from './relay-machine.ts'
import { eachSeed } from './seeds.ts'
import { type Machine, type Program, Simulation } from './simulation.ts'

const NAMES = ['alice', 'bob', 'carol'] as const
const STEPS = 60
const HOUR_MS = 3_600_000

/** What a member's disk would hold: it survives the member. */
class Notes {
  cursor: GroupCursor | undefined
  /** seq -> envId, as it was handed out. */
  readonly read = new Map<number, string>()
  readonly missing = new Set<number>()
  readonly held = new Map<string, number>()
  readonly broken: string[] = []
  member: Member | undefined

  /** Takes over what the member made durable, and checks it. */
  collect(): void {
    const { member } = this
    if (member === undefined) return
    for (const { seq, envId } of member.items.splice(0)) {
      const before = this.read.get(seq)
      if (before !== undefined && before !== toHex(envId)) this.broken.push(`two items at ${seq}`)
      this.read.set(seq, toHex(envId))
    }
    for (const { from, to } of member.missing.splice(0)) {
      for (let seq = from; seq <= to; seq++) this.missing.add(seq)
    }
    this.cursor = member.cursor
    this.broken.push(...member.lies.splice(0))
    if (member.restarts > 0) this.broken.push('it was sent to the front')
  }
}

async function life(seed: string): Promise<{ simulation: Simulation; dropped: number }> {
  const simulation = new Simulation(seed)
  const prng = simulation.seeds.split('group')
  const relay = relayMachine(simulation, 'relay', {
    ip: '10.1.0.1',
    // Small, so that it drops what nobody holds any more.
    limits: { ringBytes: 24 * 640, ringShare: 1, groupHoldS: 3_600 },
  })
  await simulation.settle(relay.machine.start())
  const { serviceKey } = relay.machine.program.service
  const notes = new Map(NAMES.map((name) => [name, new Notes()]))
  const machines = new Map<string, Machine<Program>>()
  for (const [name, note] of notes) {
    const boot = async ({
      clock,
      network,
      random,
    }: Parameters<Parameters<Simulation['machine']>[1]>[0]): Promise<Program> => {
      const member = new Member({
        network,
        clock,
        random: (length) => Uint8Array.from(random(length)),
        name,
        relay: { serviceKey, addresses: [relay.address] },
        cursor: note.cursor,
      })
      note.member = member
      member.mailbox.start()
      return { stop: () => member.stop() }
    }
    machines.set(name, simulation.machine(name, boot))
  }
  const start = async (machine: Machine<Program>): Promise<void> => {
    if (!machine.running) await simulation.settle(machine.start())
  }
  for (const machine of machines.values()) await start(machine)
  let count = 0
  const send = (name: (typeof NAMES)[number]): void => {
    const note = notes.get(name)
    if (note?.member === undefined || machines.get(name)?.running !== true) return
    // Often one that was sent before: a retry that cannot know what became of the first.
    const text = prng.chance(0.3) && count > 0 ? `${prng.integer(1, count)}` : `${++count}`
    note.member.deposit(`${text} of ${name}`).then(
      (outcome) => {
        if (outcome.kind !== 'held') return
        const id = toHex(bytesOf(`inner ${text} of ${name}`))
        const seq = note.held.get(id)
        // Under hold one id has one place; later it may be stored anew.
        if (seq !== undefined && seq > outcome.seq) note.broken.push(`${id} went back`)
        note.held.set(id, outcome.seq)
      },
      () => undefined, // A member that died meanwhile learns of nothing.
    )
  }
  for (let step = 0; step < STEPS; step++) {
    const name = NAMES[prng.integer(0, NAMES.length - 1)] ?? 'alice'
    const machine = machines.get(name)
    if (machine === undefined) break
    const what = prng.integer(0, 11)
    if (what <= 5) for (let i = 0; i < 3; i++) send(name)
    else if (what === 6) {
      notes.get(name)?.collect()
      machine.crash()
      await start(machine)
    } else if (what === 7 && machine.running) await simulation.settle(machine.stop())
    else if (what === 8) {
      relay.machine.crash()
      await simulation.run(prng.integer(0, 5_000))
      await simulation.settle(relay.machine.start())
    } else if (what === 9) simulation.reset(name, 'relay')
    else if (what === 10) simulation.stall('relay', name)
    else simulation.heal()
    await simulation.run(prng.chance(0.2) ? 2 * HOUR_MS : prng.integer(1, 20_000))
    for (const note of notes.values()) note.collect()
    if (prng.chance(0.5)) await start(machine)
  }
  simulation.heal()
  for (const machine of machines.values()) await start(machine)
  const atHead = (): boolean => {
    for (const note of notes.values()) note.collect()
    const places = new Set([...notes.values()].map(({ cursor }) => cursor?.seq))
    return [...notes.values()].every(({ member }) => member?.mailbox.open) && places.size === 1
  }
  await simulation.until(atHead, 12 * HOUR_MS)
  const all = [...notes.values()]
  expect(all.flatMap(({ broken }) => broken)).toEqual([])
  const [first] = all
  const head = first?.cursor?.seq ?? 0
  expect(head).toBeGreaterThan(10)
  const marks = new Set(all.map(({ cursor }) => toHex(chainMark(cursor!.chain))))
  expect(marks.size).toBe(1)
  for (let seq = 1; seq <= head; seq++) {
    const ids = new Set(all.flatMap(({ read }) => read.get(seq) ?? []))
    expect(ids.size, `different items at ${seq}`).toBeLessThanOrEqual(1)
    for (const { read, missing } of all) {
      expect(read.has(seq) || missing.has(seq), `${seq} was skipped unsaid`).toBe(true)
    }
  }
  for (const { held } of all) {
    for (const [id, seq] of held) {
      for (const { read } of all) expect(read.get(seq) ?? id, `what was signed for`).toBe(id)
    }
  }
  const dropped = all.reduce((sum, { missing }) => sum + missing.size, 0)
  for (const machine of machines.values()) await simulation.settle(machine.stop())
  return { simulation, dropped }
}

describe('a group at its mailbox under random faults', () => {
  test('reads what was signed for, in one order, or knows that it is gone', async () => {
    let dropped = 0
    await eachSeed(12, async (seed) => {
      const done = await life(`group ${seed}`)
      dropped += done.dropped
      return done.simulation
    })
    // The ring did drop from under somebody: the other half of the promise was tried as well.
    if (process.env['SOTTO_SIM_SEED'] === undefined) expect(dropped).toBeGreaterThan(0)
  }, 300_000)
})
