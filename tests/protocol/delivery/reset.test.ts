import { describe, expect, test } from 'vitest'
import { noble } from '../../../crypto/index.ts'
import { requestReset } from '../../../protocol/delivery/reset.ts'
import {
  directConversation,
  frameOf,
  keptCount,
  markReceiptDue,
  resetFrame,
  sweepDelivery,
} from '../../../protocol/index.ts'
import { forge } from '../../support/forge.ts'
import { MemoryDriver } from '../../support/memory-driver.ts'
import { DAY_MS, Person, acquainted, settle } from '../../support/person.ts'
import { Relay } from '../../support/person-parts.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000

function world(seed: string) {
  const { random } = new MemoryDriver({ seed: `relay ${seed}` })
  const relay = new Relay(random)
  const [alice, bob] = acquainted(seed, { alice: [relay], bob: [relay] })
  return { alice, bob, relay }
}

function advance(people: readonly Person[], ms: number): void {
  for (const person of people) person.driver.advance(ms)
}

function kept(person: Person, of: Person): number {
  return person.driver.run(() => keptCount(of.device))
}

/** Bob is set back to an earlier state; Alice's next message by relay cannot be read. */
function setBack(seed: string) {
  const { alice, bob, relay } = world(seed)
  const before = bob.driver.snapshot()
  for (let i = 0; i < 3; i++) {
    alice.send(bob, `early ${i}`)
    settle([alice, bob])
    bob.send(alice, `reply ${i}`)
    settle([alice, bob])
  }
  bob.driver.restore(before)
  return { alice, bob, relay }
}

describe('what cannot be opened', () => {
  test('is kept once, whichever way and however often it comes, and acknowledged as held', () => {
    const { alice, bob, relay } = setBack('kept once')
    const sent = alice.send(bob, 'unreadable')
    alice.deposit(bob, relay)
    for (let i = 0; i < 3; i++) {
      expect(bob.fetch(relay, { keep: true }).map(({ code }) => code)).toContain('held')
    }
    expect(kept(bob, alice)).toBe(1)
    expect(alice.state(sent)).toBe('relayed')
  })

  test('asks for a reset after a minute, once, and then the entries come by themselves', () => {
    const { alice, bob, relay } = setBack('reset')
    const sent = alice.send(bob, 'unreadable')
    alice.deposit(bob, relay)
    bob.fetch(relay)
    bob.driver.run((turn) => sweepDelivery(turn))
    expect(bob.effects('reset')).toBe(0)
    advance([alice, bob], 2 * MINUTE_MS)
    bob.driver.run((turn) => sweepDelivery(turn))
    expect(bob.effects('reset')).toBe(1)
    bob.take(alice)
    bob.driver.effects = []
    advance([alice, bob], 2 * MINUTE_MS)
    bob.driver.run((turn) => sweepDelivery(turn))
    expect(bob.effects('reset')).toBe(0)
    settle([alice, bob])
    expect(alice.state(sent)).toBe('delivered')
    expect(
      bob
        .texts(alice)
        .filter((text) => text !== '?')
        .toSorted(),
    ).toEqual(['early 0', 'early 1', 'early 2', 'unreadable'])
    expect(bob.outbox(alice)).toEqual([])
  })

  test('is given up after 45 days, and its user told', () => {
    const { alice, bob, relay } = setBack('given up')
    alice.send(bob, 'unreadable')
    alice.deposit(bob, relay)
    bob.fetch(relay)
    advance([alice, bob], 45 * DAY_MS + MINUTE_MS)
    bob.driver.run((turn) => sweepDelivery(turn))
    expect(kept(bob, alice)).toBe(0)
    expect(bob.warnings()).toContain('KEPT_EXPIRED')
  })

  test('trying again leaves what does not open where it is, as old as it was', () => {
    const { alice, bob, relay } = setBack('as old')
    alice.send(bob, 'unreadable')
    alice.deposit(bob, relay)
    bob.fetch(relay)
    for (let day = 0; day < 46; day++) {
      advance([alice, bob], DAY_MS)
      expect(bob.retry(alice)).toBe(false)
    }
    bob.driver.run((turn) => sweepDelivery(turn))
    expect(kept(bob, alice)).toBe(0)
  })
})

describe('resets', () => {
  test('every message of the new session says so until one is answered', () => {
    const { alice, bob, relay } = setBack('every message')
    alice.send(bob, 'unreadable')
    alice.deposit(bob, relay)
    bob.fetch(relay)
    advance([alice, bob], 2 * MINUTE_MS)
    bob.driver.run((turn) => sweepDelivery(turn))
    bob.take(alice)
    bob.send(alice, 'one')
    bob.send(alice, 'two')
    const messages = bob.direct(alice)
    const last = messages.at(-1)
    if (last === undefined) throw new Error('nothing waits')
    // All but the last are lost: the last one is enough.
    alice.receive(last.arrival)
    const sids = new Set(alice.outbox(bob).map(({ message }) => message?.sid.join()))
    expect([...sids].filter((sid) => sid !== undefined)).toEqual([])
  })

  test('three at once, then one an hour', () => {
    const { alice, bob } = world('rate')
    const lose = (): number => {
      bob.driver.effects = []
      bob.driver.run((turn) => requestReset(turn, alice.device, turn.random(16)))
      const count = bob.effects('reset')
      if (count > 0) {
        bob.take(alice)
        settle([alice, bob])
      }
      return count
    }
    expect([lose(), lose(), lose(), lose(), lose()]).toEqual([1, 1, 1, 0, 0])
    advance([alice, bob], HOUR_MS)
    expect([lose(), lose()]).toEqual([1, 0])
    advance([alice, bob], 30 * HOUR_MS)
    expect([lose(), lose(), lose(), lose()]).toEqual([1, 1, 1, 0])
  })

  test('while one is under way, more that cannot be read starts no other', () => {
    const { alice, bob } = world('under way')
    for (let i = 0; i < 20; i++) {
      bob.driver.run((turn) => requestReset(turn, alice.device, turn.random(16)))
    }
    bob.take(alice)
    for (let i = 0; i < 20; i++) {
      bob.driver.run((turn) => requestReset(turn, alice.device, turn.random(16)))
    }
    settle([alice, bob])
    bob.driver.effects = []
    bob.driver.run((turn) => requestReset(turn, alice.device, turn.random(16)))
    expect(bob.effects('reset')).toBe(1)
  })

  test('a reset calls for nothing of another conversation', () => {
    const { alice, bob } = world('other conversation')
    const carol = new Person({ name: 'carol', seed: 'other conversation' })
    carol.add(alice.invite())
    carol.take(alice)
    settle([alice, bob, carol])
    alice.send(carol, 'for carol only')
    alice.send(bob, 'for bob')
    settle([alice, bob, carol])
    const conversation = directConversation(noble, alice.self.account, carol.self.account)
    const positions = [{ conversation, author: undefined, n: 0 }]
    forge(bob, alice, frameOf(resetFrame, { positions, lost: [] }))
    // Neither what carol has nor, for it, what bob has already.
    expect(alice.outbox(bob)).toEqual([])
    expect(bob.texts(alice)).toEqual(['for bob'])
  })

  test('a reset below what was delivered has it encrypted again, under the same ids', () => {
    const { alice, bob } = world('below')
    for (const text of ['one', 'two', 'three']) alice.send(bob, text)
    settle([alice, bob])
    const positions = [{ conversation: undefined, author: undefined, n: 1 }]
    bob.driver.run((turn) => requestReset(turn, alice.device, turn.random(16)))
    forge(bob, alice, frameOf(resetFrame, { positions, lost: [] }))
    expect(alice.outbox(bob).map(({ content }) => content)).toMatchObject([{ n: 2 }, { n: 3 }])
    settle([alice, bob])
    expect(alice.outbox(bob)).toEqual([])
    expect(bob.texts(alice)).toEqual(['one', 'two', 'three'])
  })

  test('the stream answers unknownSession, and the same entry comes in a new session', () => {
    const { alice, bob } = setBack('stream')
    const sent = alice.send(bob, 'again')
    const [first] = alice.direct(bob)
    if (first === undefined) throw new Error('nothing waits')
    const answer = bob.receive(first.arrival)
    expect(answer.code).toBe('unknownSession')
    alice.answered(bob, first.item, answer)
    expect(alice.effects('bundle')).toBeGreaterThan(0)
    settle([alice, bob])
    expect(alice.state(sent)).toBe('delivered')
  })

  test('a late unknownSession does not undo what was encrypted again since', () => {
    const { alice, bob } = setBack('late answer')
    alice.send(bob, 'one')
    alice.send(bob, 'two')
    const flying = alice.direct(bob)
    const answers = flying.map(({ arrival }) => bob.receive(arrival))
    const [one, two] = flying
    if (one === undefined || two === undefined) throw new Error('nothing waits')
    alice.answered(bob, one.item, answers[0] ?? { code: 'busy', detail: 0, malformed: false })
    alice.take(bob)
    const fresh = alice.outbox(bob).map(({ message }) => message?.innerId)
    alice.answered(bob, two.item, answers[1] ?? { code: 'busy', detail: 0, malformed: false })
    expect(alice.outbox(bob).map(({ message }) => message?.innerId)).toEqual(fresh)
    settle([alice, bob])
    expect(bob.texts(alice).filter((text) => text === 'two')).toEqual(['two'])
  })
})

describe('a profile that was set back', () => {
  test('stops sending where a contact holds more of it than it has', () => {
    const { alice, bob } = world('behind')
    const before = alice.driver.snapshot()
    for (let i = 0; i < 3; i++) alice.send(bob, `text ${i}`)
    settle([alice, bob])
    alice.driver.restore(before)
    const conversation = directConversation(noble, alice.self.account, bob.self.account)
    bob.driver.run((turn) => markReceiptDue(turn, alice.device, conversation))
    settle([alice, bob])
    expect(alice.warnings().filter((code) => code === 'PROFILE_BEHIND')).toHaveLength(1)
    expect(() => alice.send(bob, 'more')).toThrow(/copied or restored/)
  })

  test('or another message under a number of its own', () => {
    const { alice, bob } = world('copied')
    const before = alice.driver.snapshot()
    alice.send(bob, 'from the original')
    settle([alice, bob])
    alice.driver.restore(before)
    alice.send(bob, 'from the copy')
    bob.send(alice, 'are you there')
    settle([alice, bob])
    expect(alice.warnings()).toContain('PROFILE_BEHIND')
    expect(() => alice.send(bob, 'more')).toThrow(/copied or restored/)
  })
})
