// Random operations on two or three people with loss, duplication, reordering, replays and crashes;
// after one last exchange everything sent is there, once, and nothing waits.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Arrival, SentEntry, ShownState } from '../../../protocol/index.ts'
import { MemoryDriver } from '../../support/memory-driver.ts'
import { Person, needsBundle, settle } from '../../support/person.ts'
import { Relay } from '../../support/person-parts.ts'

const RANK: Readonly<Record<ShownState, number>> = {
  queued: 0,
  failed: 1,
  expired: 1,
  relayed: 2,
  delivered: 3,
  read: 4,
}

const operation = fc.record({
  kind: fc.constantFrom(
    'send',
    'direct',
    'deposit',
    'fetch',
    'receipts',
    'replay',
    'rollback',
    'wait',
  ),
  from: fc.nat(2),
  to: fc.nat(2),
  relay: fc.nat(1),
  /** Which of the messages are hurt, and how. */
  fate: fc.array(fc.constantFrom('ok', 'lost', 'twice', 'crash', 'unanswered'), {
    minLength: 1,
    maxLength: 4,
  }),
  reversed: fc.boolean(),
})

type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never

class Exchange {
  readonly relays: readonly Relay[]
  readonly people: readonly Person[]
  readonly sent: {
    readonly by: Person
    readonly to: Person
    readonly entry: SentEntry
    text: string
  }[] = []
  readonly #history: { readonly to: Person; readonly arrival: Arrival }[] = []
  readonly #highest = new Map<SentEntry, number>()

  constructor(seed: string, count: number) {
    const { random } = new MemoryDriver({ seed: `relays ${seed}` })
    this.relays = [new Relay(random), new Relay(random)]
    const names = ['alice', 'bob', 'carol'].slice(0, count)
    this.people = names.map((name) => new Person({ name, seed, relays: this.relays }))
    for (const [i, one] of this.people.entries()) {
      for (const other of this.people.slice(i + 1)) {
        other.add(one.invite())
        other.take(one)
        settle([one, other])
      }
    }
  }

  run(op: Operation): void {
    const from = this.people[op.from % this.people.length]
    const to = this.people[op.to % this.people.length]
    if (from === undefined || to === undefined || from === to) return
    const relay = this.relays[op.relay]
    switch (op.kind) {
      case 'send': {
        const text = `${from.name} to ${to.name} ${this.sent.length}`
        this.sent.push({ by: from, to, entry: from.send(to, text), text })
        break
      }
      case 'direct':
        this.#direct(from, to, op)
        break
      case 'deposit':
        if (needsBundle(from, to)) from.take(to)
        if (relay !== undefined) from.deposit(to, relay, { signed: op.fate[0] !== 'lost' })
        break
      case 'fetch':
        if (relay !== undefined) to.fetch(relay, { keep: op.fate[0] === 'twice' })
        break
      case 'receipts':
        from.receipts()
        break
      case 'replay':
        this.#replay(op)
        break
      case 'rollback':
        relay?.lose(from.driver.random)
        break
      case 'wait':
        for (const person of this.people) person.driver.advance(61_000)
        break
    }
    this.checkStates()
  }

  #direct(from: Person, to: Person, op: Operation): void {
    if (needsBundle(from, to)) from.take(to)
    const batch = [...from.direct(to)]
    if (op.reversed) batch.reverse()
    for (const [i, { item, arrival }] of batch.entries()) {
      const fate = op.fate[i % op.fate.length]
      this.#history.push({ to, arrival })
      if (fate === 'lost') continue
      if (fate === 'crash') to.receiveAndCrash(arrival)
      else {
        const answer = to.receive(arrival)
        if (fate === 'twice') expect(to.receive(arrival).code).toBe(answer.code)
        if (fate !== 'unanswered') from.answered(to, item, answer)
      }
    }
  }

  #replay(op: Operation): void {
    const old = this.#history[op.from + 3 * op.to + 9 * op.relay]
    if (old !== undefined) old.to.receive(old.arrival)
  }

  /** A state never goes back. */
  checkStates(): void {
    for (const { by, entry } of this.sent) {
      const rank = RANK[by.state(entry)]
      const before = this.#highest.get(entry) ?? 0
      // A relay that lost its store takes its word back; what a device said stands.
      if (before >= RANK.delivered) expect(rank).toBeGreaterThanOrEqual(before)
      this.#highest.set(entry, rank)
    }
  }
}

function finalCheck(exchange: Exchange): void {
  const { people, sent } = exchange
  settle(people)
  for (const { by, to, entry, text } of sent) {
    expect(by.state(entry), text).toBe('delivered')
    expect(to.texts(by).filter((one) => one === text)).toEqual([text])
  }
  for (const one of people) {
    for (const other of people) {
      if (one === other) continue
      expect(one.outbox(other), `${one.name} to ${other.name}`).toEqual([])
      expect(one.texts(other)).toEqual(other.texts(one))
    }
  }
}

test.each([
  [2, 40],
  [3, 15],
])(
  '%i people lose, repeat, reorder and crash, and end with everything once',
  (count, runs) => {
    fc.assert(
      fc.property(fc.array(operation, { minLength: 8, maxLength: 40 }), fc.nat(), (ops, seed) => {
        const exchange = new Exchange(String(seed), count)
        for (const op of ops) exchange.run(op)
        finalCheck(exchange)
      }),
      { numRuns: runs },
    )
  },
  120_000,
)
