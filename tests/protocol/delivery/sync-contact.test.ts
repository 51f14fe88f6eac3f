// What a damaged disk lost of a contact's messages is asked for again and comes back (SPEC.md §10.2,
// §11): whatever rows of the log are gone, in the order and the number it had before.
import { describe, expect, test } from 'vitest'
import type { Bytes32 } from '../../../crypto/index.ts'
import {
  type Step,
  type SyncRequest,
  type Turn,
  blockContact,
  contactOf,
  conversationFacts,
  conversationFrontier,
  decodeFrames,
  directConversation,
  findLostEntries,
  gapsOf,
  readFrame,
  startAnew,
  sweepDelivery,
  syncPageFrame,
} from '../../../protocol/index.ts'
import { serveContact } from '../../../protocol/delivery/serve-contact.ts'
import { authorIndex, authorTable } from '../../../protocol/log/author-table.ts'
import { conversationTable } from '../../../protocol/log/conversation-table.ts'
import {
  arrivalIndex,
  bodyTable,
  entryTable,
  headIndex,
  numberIndex,
  orderIndex,
} from '../../../protocol/log/tables.ts'
import { firstAt } from '../../../protocol/log/frontier.ts'
import { readArrivals } from '../../../protocol/log/read.ts'
import { markSeen } from '../../../protocol/log/seen.ts'
import { Person, acquainted, settle } from '../../support/person.ts'

const WAIT_MS = 61_000

/** Alice and Bob, who wrote three each, in turns; Alice has read all. */
function talked(seed: string): readonly [alice: Person, bob: Person] {
  const [alice, bob] = acquainted(seed)
  for (let i = 1; i <= 3; i++) {
    bob.send(alice, `bob ${i}`)
    settle([alice, bob])
    alice.send(bob, `alice ${i}`)
    settle([alice, bob])
  }
  const conversation = conversationOf(alice, bob)
  alice.driver.run((turn) => markSeen(turn, conversation, 6))
  return [alice, bob]
}

const ALL = ['bob 1', 'alice 1', 'bob 2', 'alice 2', 'bob 3', 'alice 3']

function conversationOf(one: Person, other: Person): Bytes32 {
  return directConversation(one.driver.crypto, one.self.account, other.self.account)
}

function idAt(one: Person, conversation: Bytes32, author: Bytes32, n: number): Bytes32 {
  const ref = one.driver.run(() => firstAt(conversation, author, n))
  if (ref === undefined) throw new Error(`nothing at ${n}`)
  return ref.id
}

/** Repairs, lets a minute pass, and lets both talk until nothing moves. */
function repairAndMeet(alice: Person, bob: Person): void {
  alice.driver.run((turn) => startAnew(turn))
  for (let round = 0; round < 3; round++) {
    alice.driver.advance(WAIT_MS)
    bob.driver.advance(WAIT_MS)
    alice.driver.run((turn) => sweepDelivery(turn))
    bob.driver.run((turn) => sweepDelivery(turn))
    settle([alice, bob])
  }
}

interface Lost {
  readonly conversation: Bytes32
  readonly bob: Bytes32
  /** Bob's second entry, and Alice's. */
  readonly id: Bytes32
  readonly own: Bytes32
}

type Loss = (turn: Turn, lost: Lost) => Step<void>

const FORGETFUL = 'everything of the conversation but its entries'

const LOSSES: Readonly<Record<string, Loss>> = {
  *'the text of one'(turn, { conversation, id }) {
    turn.remove(bodyTable, { conversation, id })
  },
  *'the header of one'(turn, { id }) {
    turn.remove(entryTable, id)
  },
  *'all of one'(turn, { conversation, bob, id }) {
    turn.remove(bodyTable, { conversation, id })
    turn.remove(entryTable, id)
    turn.remove(numberIndex, { conversation, author: bob, n: 2 })
    turn.remove(orderIndex, { conversation, id, lamport: 3 })
    turn.remove(arrivalIndex, { conversation, arrival: 3 })
  },
  *'the text of one of her own'(turn, { conversation, own }) {
    turn.remove(bodyTable, { conversation, id: own })
  },
  *'the header of one of her own'(turn, { own }) {
    turn.remove(entryTable, own)
  },
  *'all but the number of one of her own'(turn, { conversation, own }) {
    turn.remove(bodyTable, { conversation, id: own })
    turn.remove(entryTable, own)
    turn.remove(orderIndex, { conversation, id: own, lamport: 4 })
    turn.remove(arrivalIndex, { conversation, arrival: 4 })
  },
  *'its number'(turn, { conversation, bob }) {
    turn.remove(numberIndex, { conversation, author: bob, n: 2 })
  },
  *'its place in the order'(turn, { conversation, id }) {
    turn.remove(orderIndex, { conversation, id, lamport: 3 })
  },
  *'its arrival'(turn, { conversation }) {
    turn.remove(arrivalIndex, { conversation, arrival: 3 })
  },
  *'what is known of its author'(turn, { conversation, bob }) {
    turn.remove(authorTable, { conversation, author: bob })
  },
  *'the list of authors'(turn, { conversation }) {
    turn.remove(authorIndex, { conversation, index: 0 })
    turn.remove(authorIndex, { conversation, index: 1 })
  },
  *'the row of the conversation'(turn, { conversation }) {
    turn.remove(conversationTable, conversation)
  },
  *'the heads'(turn, { conversation }) {
    const { heads } = yield* conversationFrontier(turn, conversation)
    for (const head of heads) turn.remove(headIndex, { conversation, ...head })
  },
  *[FORGETFUL](turn, { conversation, bob }) {
    for (const author of [turn.self.device, bob]) {
      turn.remove(authorTable, { conversation, author })
      for (let n = 1; n <= 3; n++) turn.remove(numberIndex, { conversation, author, n })
    }
    for (const index of [0, 1]) turn.remove(authorIndex, { conversation, index })
    turn.remove(conversationTable, conversation)
  },
}

describe('a disk that lost', () => {
  test.each(Object.entries(LOSSES))('%s has it again after the next exchange', (what, lose) => {
    const [alice, bob] = talked('losses')
    const conversation = conversationOf(alice, bob)
    const id = idAt(alice, conversation, bob.device, 2)
    const own = idAt(alice, conversation, alice.device, 2)
    const lost = { conversation, bob: bob.device, id, own }
    expect(alice.texts(bob)).toEqual(ALL)
    alice.driver.run((turn) => lose(turn, lost))
    repairAndMeet(alice, bob)
    expect(alice.texts(bob)).toEqual(ALL)
    expect(alice.driver.run((turn) => gapsOf(turn, conversation))).toEqual([])
    const arrivals = alice.driver.run((turn) =>
      readArrivals(turn, { conversation, afterArrival: 0, limit: 100 }),
    )
    expect(new Set(arrivals.map(({ id }) => id.join())).size).toBe(6)
    expect(arrivals.length).toBe(6)
    const facts = alice.driver.run((turn) => conversationFacts(turn, conversation))
    const unread = arrivals.filter(
      ({ author, arrival }) => author.join() === bob.device.join() && arrival > 6,
    )
    // Where nothing tells any more what she saw, all of Bob's count as unread.
    expect(facts?.unread).toBe(what === FORGETFUL ? 3 : unread.length)
    expect(alice.driver.run((turn) => findLostEntries(turn))).toEqual([])
    // Both go on, and neither takes the other for a copy.
    alice.send(bob, 'alice 4')
    bob.send(alice, 'bob 4')
    settle([alice, bob])
    expect(alice.texts(bob)).toEqual(bob.texts(alice))
    expect([...alice.texts(bob)].sort()).toEqual([...ALL, 'alice 4', 'bob 4'].sort())
    expect([...alice.warnings(), ...bob.warnings()]).toEqual([])
  })
})

test('an own entry whose number and id are gone is named once, and nothing is written twice', () => {
  const [alice, bob] = talked('own')
  const conversation = conversationOf(alice, bob)
  const own = idAt(alice, conversation, alice.device, 2)
  alice.driver.run(function* (turn) {
    turn.remove(entryTable, own)
    turn.remove(numberIndex, { conversation, author: alice.device, n: 2 })
    turn.remove(arrivalIndex, { conversation, arrival: 4 })
  })
  expect(alice.driver.run((turn) => findLostEntries(turn))).toMatchObject([
    { chat: 'bob', mine: true, headers: 1, bodies: 0 },
  ])
  repairAndMeet(alice, bob)
  expect(alice.driver.run((turn) => findLostEntries(turn))).toEqual([])
  expect(alice.texts(bob)).toEqual(ALL.filter((text) => text !== 'alice 2'))
  alice.send(bob, 'alice 4')
  settle([alice, bob])
  expect(bob.texts(alice)).toEqual([...ALL, 'alice 4'])
  expect([...alice.warnings(), ...bob.warnings()]).toEqual([])
})

test('what its author has no more is named as gone, and asked for no longer', () => {
  const [alice, bob] = talked('gone')
  const conversation = conversationOf(alice, bob)
  const id = idAt(alice, conversation, bob.device, 2)
  // Both lost it.
  for (const one of [alice, bob]) {
    one.driver.run(function* (turn) {
      turn.remove(entryTable, id)
      turn.remove(numberIndex, { conversation, author: bob.device, n: 2 })
    })
  }
  repairAndMeet(alice, bob)
  expect(alice.texts(bob)).not.toContain('bob 2')
  expect(alice.driver.run((turn) => gapsOf(turn, conversation))).toEqual([
    { author: bob.device, from: 2, to: 2, irretrievable: true },
  ])
  // The next looks ask for nothing.
  for (let look = 0; look < 3; look++) {
    alice.driver.advance(3_600_000)
    alice.driver.run((turn) => sweepDelivery(turn))
    expect(alice.outbox(bob)).toEqual([])
  }
})

test('a contact is served what we wrote in our conversation, and nothing else', () => {
  const [alice, bob] = talked('served')
  const conversation = conversationOf(alice, bob)
  let pages = 0
  const ask = (question: Partial<SyncRequest>): number => {
    const request = { req: 7, conversation: undefined, ranges: [], ids: [], ...question }
    bob.driver.run(function* (turn) {
      const contact = yield* contactOf(alice.self.account)
      if (contact === undefined) throw new Error('no contact')
      yield* serveContact(turn, contact, alice.device, request)
    })
    const frames = bob
      .outbox(alice)
      .flatMap(({ content }) =>
        content.kind === 'notice' ? decodeFrames(content.frames, 'ratchet') : [],
      )
    settle([alice, bob])
    const found = frames.flatMap((frame) => readFrame(syncPageFrame, frame) ?? [])
    pages += found.length
    return found.reduce((sum, { entries }) => sum + entries.length, 0)
  }
  const all = (author: Bytes32): SyncRequest['ranges'] => [{ author, from: 1, to: 3 }]
  expect(ask({ ranges: all(bob.device) })).toBe(3)
  expect(ask({ ranges: all(alice.device) })).toBe(0)
  expect(ask({ ids: [idAt(bob, conversation, bob.device, 2)] })).toBe(1)
  expect(ask({ ids: [idAt(bob, conversation, alice.device, 2)] })).toBe(1)
  expect(ask({ conversation, ranges: all(bob.device) })).toBe(3)
  expect(ask({ conversation: new Uint8Array(32), ranges: all(bob.device) })).toBe(0)
  // Nor by an id that it may have learnt: what we wrote to others is none of its.
  const carol = new Person({ name: 'carol', seed: 'served' })
  carol.add(bob.invite(), 'bob')
  carol.take(bob)
  settle([bob, carol])
  expect(ask({ ids: [bob.send(carol, 'for carol').entry] })).toBe(0)
  // A page counts as a full one: a flood of questions is not answered for long.
  for (let i = 0; i < 200; i++) ask({ ids: [idAt(bob, conversation, bob.device, 2)] })
  bob.driver.safeNowMs = Math.ceil(bob.driver.safeNowMs / 60_000) * 60_000
  let answered = 0
  pages = 0
  for (let i = 0; i < 200; i++) {
    const at = bob.driver.safeNowMs
    answered += ask({ ids: [idAt(bob, conversation, bob.device, 2)] })
    bob.driver.safeNowMs = at
  }
  expect(answered).toBe(157)
  // Nor with an empty page.
  expect(pages).toBe(157)
  bob.driver.run((turn) => blockContact(turn, alice.self.account, true))
  bob.driver.advance(60_000)
  expect(ask({ ranges: all(bob.device) })).toBe(0)
})

test('pages of another question, or that nobody asked for, change nothing', () => {
  const [alice, bob] = talked('unasked')
  const conversation = conversationOf(alice, bob)
  const id = idAt(alice, conversation, bob.device, 2)
  alice.driver.run(function* (turn) {
    turn.remove(bodyTable, { conversation, id })
  })
  alice.driver.run((turn) => startAnew(turn))
  bob.driver.run(function* (turn) {
    const contact = yield* contactOf(alice.self.account)
    if (contact === undefined) throw new Error('no contact')
    const ranges = [{ author: bob.device, from: 1, to: 3 }]
    yield* serveContact(turn, contact, alice.device, {
      req: 9,
      conversation: undefined,
      ranges,
      ids: [],
    })
  })
  settle([alice, bob])
  expect(alice.texts(bob)).not.toContain('bob 2')
  repairAndMeet(alice, bob)
  expect(alice.texts(bob)).toEqual(ALL)
})
