import { describe, expect, test } from 'vitest'
import { noble } from '../../../crypto/index.ts'
import {
  type Receipt,
  type ReceiptAuthor,
  directConversation,
  frameOf,
  markReceiptDue,
  markSeen,
  peers,
  get,
  receiptDelay,
  receiptFrame,
} from '../../../protocol/index.ts'
import { forge } from '../../support/forge.ts'
import { Person, acquainted, settle } from '../../support/person.ts'

function receiptOf(fields: Partial<ReceiptAuthor>, conversation?: Uint8Array, headN = 0): Receipt {
  const author = { author: undefined, n: 0, id8: undefined, held: [], readN: 0, ...fields }
  return {
    r: 99,
    conversations: [{ conversation, headN, authors: [author] }],
    numbered: { c: 0, held: [] },
  }
}

function conversationOf(a: Person, b: Person): Uint8Array {
  return directConversation(noble, a.self.account, b.self.account)
}

describe('receipts that arrive', () => {
  test('a read mark shows all up to it as read, and reading implies delivery', () => {
    const [alice, bob] = acquainted('read')
    const sent = ['one', 'two', 'three'].map((text) => alice.send(bob, text))
    settle([alice, bob])
    const conversation = conversationOf(alice, bob)
    bob.driver.run(function* (turn) {
      yield* markSeen(turn, conversation, 2)
      yield* markReceiptDue(turn, alice.device, conversation)
    })
    settle([alice, bob])
    expect(sent.map((one) => alice.state(one))).toEqual(['read', 'read', 'delivered'])
  })

  test('a receipt says nothing of a conversation that is not its session’s', () => {
    const [alice, bob] = acquainted('foreign')
    const carol = new Person({ name: 'carol', seed: 'foreign' })
    carol.add(alice.invite())
    carol.take(alice)
    settle([alice, bob, carol])
    const sent = alice.send(carol, 'for carol')
    const conversation = conversationOf(alice, carol)
    const id8 = sent.entry.slice(0, 8)
    const changes = alice.driver.changes.length
    forge(bob, alice, frameOf(receiptFrame, receiptOf({ n: 1, id8, readN: 1 }, conversation, 7)))
    expect(alice.state(sent)).toBe('queued')
    expect(alice.evidence(sent).devices).toHaveLength(1)
    const told = alice.driver.changes.slice(changes).map(({ kind }) => kind)
    expect(told).not.toContain('gap')
    forge(bob, alice, frameOf(receiptFrame, receiptOf({ n: 9, id8 }, conversation)))
    expect(alice.warnings()).not.toContain('PROFILE_BEHIND')
  })

  test('ranges above a hole are delivered, the hole is not', () => {
    const [alice, bob] = acquainted('ranges')
    const sent = ['one', 'two', 'three'].map((text) => alice.send(bob, text))
    const [first] = sent
    if (first === undefined) throw new Error('nothing sent')
    const id8 = first.entry.slice(0, 8)
    forge(bob, alice, frameOf(receiptFrame, receiptOf({ n: 1, id8, held: [[3, 3]] })))
    expect(sent.map((one) => alice.state(one))).toEqual(['delivered', 'queued', 'delivered'])
  })

  test('headN above what is held names the lost tail', () => {
    const [alice, bob] = acquainted('tail')
    forge(bob, alice, frameOf(receiptFrame, receiptOf({}, undefined, 3)))
    const gaps = alice.driver.changes.filter(({ kind }) => kind === 'gap')
    expect(gaps).toMatchObject([{ from: 1, to: 3, missing: true }])
  })
})

describe('receipts that are sent', () => {
  test('many messages within two seconds make one', () => {
    const [alice, bob] = acquainted('coalesced')
    for (let i = 0; i < 5; i++) alice.send(bob, `text ${i}`)
    for (const { arrival } of alice.direct(bob)) bob.receive(arrival)
    bob.receipts()
    bob.receipts()
    expect(bob.outbox(alice)).toHaveLength(1)
    alice.send(bob, 'one more')
    const last = alice.direct(bob).at(-1)
    if (last === undefined) throw new Error('nothing waits')
    bob.receive(last.arrival)
    expect(bob.driver.run((turn) => receiptDelay(turn, alice.device))).toBe(2_000)
  })

  test('a newer one takes the place of one that waits', () => {
    const [alice, bob] = acquainted('replaced')
    for (let i = 0; i < 5; i++) {
      alice.send(bob, `text ${i}`)
      const last = alice.direct(bob).at(-1)
      if (last === undefined) throw new Error('nothing waits')
      bob.receive(last.arrival)
      bob.receipts()
      bob.prepare(alice)
      bob.driver.advance(3_000)
    }
    expect(bob.outbox(alice)).toHaveLength(1)
    settle([alice, bob])
    expect(alice.outbox(bob)).toEqual([])
  })

  test('a repeated message repeats it, at most once in ten seconds', () => {
    const [alice, bob] = acquainted('repeat')
    bob.driver.advance(10_000)
    alice.send(bob, 'hello')
    const [message] = alice.direct(bob)
    if (message === undefined) throw new Error('nothing waits')
    bob.receive(message.arrival)
    bob.receipts()
    const count = (): number => {
      const before = bob.driver.run(() => get(peers, alice.device))?.receiptsSent ?? 0
      expect(bob.receive(message.arrival).code).toBe('committed')
      bob.receipts()
      return (bob.driver.run(() => get(peers, alice.device))?.receiptsSent ?? 0) - before
    }
    expect([count(), count(), count()]).toEqual([1, 0, 0])
    bob.driver.advance(10_000)
    expect([count(), count()]).toEqual([1, 0])
    // A wall clock that was set back a year does not silence it.
    bob.driver.nowMs -= 365 * 86_400_000
    expect(count()).toBe(1)
  })

  test('a lost receipt is healed by any later one', () => {
    const [alice, bob] = acquainted('healed')
    const first = alice.send(bob, 'first')
    for (const { arrival } of alice.direct(bob)) bob.receive(arrival)
    bob.receipts()
    // Never carried: the relay took it and lost it.
    const second = alice.send(bob, 'second')
    const last = alice.direct(bob).at(-1)
    if (last === undefined) throw new Error('nothing waits')
    bob.receive(last.arrival)
    bob.driver.advance(3_000)
    bob.receipts()
    const receipt = bob.direct(alice).at(-1)
    if (receipt === undefined) throw new Error('no receipt')
    alice.receive(receipt.arrival)
    expect([alice.state(first), alice.state(second)]).toEqual(['delivered', 'delivered'])
  })
})
