// Attacks and accidents that the log of SPEC.md §8 has to survive, each as it would happen.
import { describe, expect, it } from 'vitest'
import { equalBytes, noble, toHex } from '../../../crypto/index.ts'
import { acceptEntry } from '../../../protocol/log/accept.ts'
import { acceptBase, giveUp } from '../../../protocol/log/base.ts'
import { elideEntry, encodeEntry, decodeEntry, type Entry } from '../../../protocol/log/entry.ts'
import { markLost, noteHead } from '../../../protocol/log/frontier.ts'
import { citedBy, decodeHeader } from '../../../protocol/log/header.ts'
import {
  conversationFacts,
  entryWireForm,
  proofsOf,
  readArrivals,
} from '../../../protocol/log/read.ts'
import { eraseBody, markSeen, readPosition } from '../../../protocol/log/seen.ts'
import { conversationTable } from '../../../protocol/log/conversation-table.ts'
import { OPEN_PER_CONVERSATION_MAX } from '../../../protocol/limits.ts'
import { get } from '../../../protocol/step.ts'
import { bodyTable, entryTable } from '../../../protocol/log/tables.ts'
import { bytesOf, chain, CONVERSATION, entryOf, refOf } from '../../support/entries.ts'
import { fromDevice, Replica } from '../../support/replica.ts'

const bob = bytesOf('bob')
const carol = bytesOf('carol')
const mallory = bytesOf('mallory')

function accept(replica: Replica, entries: readonly Entry[]): void {
  for (const entry of entries) replica.accept(entry)
}

describe('an inflated timestamp', () => {
  const inflated = entryOf({
    author: mallory,
    n: 1,
    parents: [{ id: bytesOf('invented'), lamport: 2 ** 48 - 1 }],
  })

  it('on an invented parent is shown open, and does not stop anybody from writing', () => {
    const alice = new Replica('alice')
    accept(alice, chain(bob, 2))
    expect(alice.accept(inflated)).toMatchObject({ kind: 'open', missing: [bytesOf('invented')] })
    const written = alice.append('still here')
    expect(written.lamport).toBe(3)
    expect(citedBy(written.header).map(({ id }) => toHex(id))).not.toContain(toHex(inflated.id))
    expect(alice.ordered().map((view) => view.open)).toEqual([false, false, false, true])
  })

  it('on a real parent is a proof, in whichever order the two arrive', () => {
    const [real] = chain(bob, 1)
    if (real === undefined) throw new Error('no entry')
    const parents = [{ id: real.id, lamport: 2 ** 48 - 1 }]
    const liar = entryOf({ author: mallory, n: 1, parents })
    for (const order of [
      [real, liar],
      [liar, real],
    ]) {
      const alice = new Replica('alice')
      accept(alice, order)
      expect(alice.view(liar.id)).toMatchObject({ open: true, flagged: true })
      expect(alice.driver.run((turn) => proofsOf(turn, CONVERSATION))).toEqual([
        { kind: 'contradiction', first: liar.id, second: real.id },
      ])
      expect(alice.append('on').lamport).toBe(2)
    }
  })

  it('above 2^48 is not valid at all', () => {
    const parents = [{ id: bytesOf('p'), lamport: 2 ** 48 }]
    const beyond = encodeEntry(elideEntry(entryOf({ author: mallory, n: 1, parents }), 'none'))
    expect(() => decodeEntry(beyond)).toThrow(
      expect.objectContaining({ code: 'ERR_WIRE_MALFORMED' }),
    )
  })

  it('through a prev of somebody else is flagged', () => {
    const [other] = chain(bob, 1)
    if (other === undefined) throw new Error('no entry')
    const stolen = entryOf({ author: mallory, n: 2, prev: refOf(other) })
    const alice = new Replica('alice')
    accept(alice, [other, stolen])
    expect(alice.view(stolen.id)).toMatchObject({ open: true, flagged: true })
  })
})

describe('a parent that nobody has any more', () => {
  const gone = { id: bytesOf('gone'), lamport: 5 }
  const byBob = entryOf({ author: bob, n: 1, parents: [gone] })
  const byCarol = entryOf({ author: carol, n: 1, parents: [gone] })

  it('closes as a root when two authors cite it, and what waited closes with it', () => {
    const alice = new Replica('alice')
    accept(alice, [byBob, byCarol])
    const outcome = alice.driver.run((turn) => giveUp(turn, CONVERSATION, gone.id))
    expect(outcome).toMatchObject({ kind: 'root' })
    expect(alice.ordered().map((view) => view.open)).toEqual([false, false])
    expect(alice.append('on').lamport).toBe(7)
  })

  it('stays missing on the word of one author that is not its own', () => {
    const alice = new Replica('alice')
    accept(alice, [byBob])
    expect(alice.driver.run((turn) => giveUp(turn, CONVERSATION, gone.id))).toEqual({
      kind: 'kept',
    })
  })

  it('closes on the word of its own author, whose prev it is', () => {
    const alice = new Replica('alice')
    const [, second, third] = chain(bob, 3)
    if (second === undefined || third === undefined) throw new Error('no entries')
    accept(alice, [third])
    const outcome = alice.driver.run((turn) => giveUp(turn, CONVERSATION, second.id))
    expect(outcome).toEqual({ kind: 'root', closed: [third.id] })
  })

  it('stays missing when its timestamp is too far above ours', () => {
    const far = { id: bytesOf('far'), lamport: 2 ** 20 + 1 }
    const alice = new Replica('alice')
    accept(alice, [
      entryOf({ author: bob, n: 1, parents: [far] }),
      entryOf({ author: carol, n: 1, parents: [far] }),
    ])
    expect(alice.driver.run((turn) => giveUp(turn, CONVERSATION, far.id))).toEqual({ kind: 'kept' })
  })

  it('is named as irretrievable, not as missing', () => {
    const alice = new Replica('alice')
    const [first, , third] = chain(bob, 3)
    if (first === undefined || third === undefined) throw new Error('no entries')
    accept(alice, [first, third])
    alice.driver.run((turn) => markLost(turn, CONVERSATION, bob, [1, 9]))
    expect(alice.gaps()).toEqual([{ author: bob, from: 2, to: 2, irretrievable: true }])
    // What was given up may still come.
    const [, second] = chain(bob, 2)
    if (second === undefined) throw new Error('no entry')
    expect(alice.accept(second)).toMatchObject({ closed: [second.id, third.id] })
    expect(alice.gaps()).toEqual([])
  })
})

describe('a newcomer', () => {
  const history = chain(bob, 50)
  const last = history[49]
  const next = last && entryOf({ author: bob, n: 51, prev: refOf(last) })

  it('with a base sees no gap, closes what comes after it, and cites its heads', () => {
    if (last === undefined || next === undefined) throw new Error('no entries')
    const dave = new Replica('dave')
    const row = { author: bob, n: 50, id: last.id, lamport: 50 }
    const base = { conversation: undefined, heads: [refOf(last)], authors: [row] }
    const take = () =>
      dave.driver.run((turn) => acceptBase(turn, CONVERSATION, base, fromDevice(bob)))
    expect(take()).toEqual({ kind: 'accepted', closed: [], ignored: [] })
    expect(dave.append('hi').header.parents).toEqual([refOf(last)])
    expect(dave.accept(next)).toMatchObject({ kind: 'closed' })
    expect(dave.gaps()).toEqual([])
    const heads = dave.frontiers().heads
    take()
    expect(dave.frontiers().heads).toEqual(heads)
  })

  it('whose base comes after the entries sees the gap heal and the open entry close', () => {
    if (last === undefined || next === undefined) throw new Error('no entries')
    const dave = new Replica('dave')
    expect(dave.accept(next)).toMatchObject({ kind: 'open' })
    expect(dave.gaps()).toEqual([{ author: bob, from: 1, to: 50, irretrievable: false }])
    const row = { author: bob, n: 50, id: last.id, lamport: 50 }
    const base = { conversation: undefined, heads: [refOf(last)], authors: [row] }
    const outcome = dave.driver.run((turn) => acceptBase(turn, CONVERSATION, base, fromDevice(bob)))
    expect(outcome).toMatchObject({ closed: [next.id] })
    expect(dave.gaps()).toEqual([])
    expect(dave.driver.changes).toContainEqual({
      kind: 'gap',
      conversation: CONVERSATION,
      author: bob,
      from: 1,
      to: 50,
      missing: false,
    })
    expect(dave.frontier(bob)).toMatchObject({ n: 51, baseN: 50, last: refOf(next) })
  })

  it('is not given a base for devices that its source cannot vouch for', () => {
    const dave = new Replica('dave')
    const row = { author: carol, n: 9, id: bytesOf('x'), lamport: 9 }
    const base = { conversation: undefined, heads: [], authors: [row] }
    const outcome = dave.driver.run((turn) => acceptBase(turn, CONVERSATION, base, fromDevice(bob)))
    expect(outcome).toMatchObject({ ignored: [carol] })
    expect(dave.frontier(carol)).toBeUndefined()
  })

  it('refuses a base that would use up the timestamps', () => {
    const dave = new Replica('dave')
    const heads = [{ id: bytesOf('x'), lamport: 2 ** 48 - 1 }]
    const base = { conversation: undefined, heads, authors: [] }
    const take = dave.driver.run((turn) => acceptBase(turn, CONVERSATION, base, fromDevice(bob)))
    expect(take).toEqual({ kind: 'refused' })
    expect(dave.append('on').lamport).toBe(1)
  })
})

describe('an erased body', () => {
  it('leaves a header whose id still verifies, that heals the gap elsewhere and closes children', () => {
    const alice = new Replica('alice')
    const [first, second] = chain(bob, 2)
    if (first === undefined || second === undefined) throw new Error('no entries')
    accept(alice, [first, second])
    alice.driver.run((turn) => eraseBody(turn, first.id, 'erased'))
    expect(alice.view(first.id)?.content).toEqual({ kind: 'absent', reason: 'erased' })

    const wire = alice.driver.run((turn) => entryWireForm(turn, first.id, { elide: 'none' }))
    if (wire === undefined) throw new Error('not held')
    const newcomer = new Replica('newcomer')
    accept(newcomer, [second])
    expect(newcomer.gaps()).toHaveLength(1)
    const outcome = newcomer.driver.run((turn) =>
      acceptEntry(turn, {
        conversation: CONVERSATION,
        entry: decodeEntry(encodeEntry(wire)),
        source: fromDevice(bob),
      }),
    )
    expect(outcome).toMatchObject({ kind: 'closed', id: first.id, closed: [first.id, second.id] })
    expect(newcomer.gaps()).toEqual([])
    expect(newcomer.view(first.id)?.content).toEqual({ kind: 'absent', reason: 'erased' })
  })

  it('does not come back by sync, and one that was merely not held does', () => {
    const alice = new Replica('alice')
    const [first, second] = chain(bob, 2)
    if (first === undefined || second === undefined) throw new Error('no entries')
    accept(alice, [first, { ...second, body: 5 }])
    alice.driver.run((turn) => eraseBody(turn, first.id, 'expired'))
    expect(alice.accept(first)).toMatchObject({ kind: 'duplicate', healed: false })
    expect(alice.accept(second)).toMatchObject({ kind: 'duplicate', healed: true })
    const contents = alice.ordered().map((view) => view.content.kind)
    expect(contents).toEqual(['absent', 'text'])
  })

  it('destroys the only copy of the bytes', () => {
    const alice = new Replica('alice')
    const { id } = alice.append('secret')
    const kept = () =>
      [...alice.driver.storedBytes(bodyTable), ...alice.driver.storedBytes(entryTable)].some(
        (bytes) => Buffer.from(bytes).includes('secret'),
      )
    expect(kept()).toBe(true)
    alice.driver.run((turn) => eraseBody(turn, id, 'withdrawn'))
    expect(kept()).toBe(false)
  })
})

describe('an entry beyond a removal cut', () => {
  it('stays in the graph as a header, so that honest replies to it close', () => {
    const [cut] = chain(mallory, 1)
    if (cut === undefined) throw new Error('no entry')
    const reply = entryOf({ author: carol, n: 1, parents: [refOf(cut)] })
    const alice = new Replica('alice')
    accept(alice, [reply, { ...cut, body: 4 }])
    expect(alice.view(reply.id)?.open).toBe(false)
    expect(alice.view(cut.id)?.content).toEqual({ kind: 'absent', reason: 'beyondCut' })
  })
})

describe('a flood of open entries', () => {
  it.each([
    ['in a group', 1_000, true],
    ['of two people', 5_000, false],
  ])('shuts out its author, and nobody else', (_, most, isGroup) => {
    const alice = new Replica('alice')
    const seed = bytesOf('seed of mallory')
    const author = isGroup ? noble.ed25519PublicKey(seed) : mallory
    const where = isGroup ? { op: bytesOf('operation'), seed } : {}
    const flood = Array.from({ length: most + 1 }, (_, i) =>
      entryOf({
        ...where,
        author,
        n: i + 2,
        prev: { id: bytesOf(`nothing ${i}`), lamport: i + 1 },
      }),
    )
    const outcomes = flood.map((entry) =>
      isGroup ? alice.accept(entry, { kind: 'member' }) : alice.accept(entry),
    )
    expect(outcomes.slice(0, most).every(({ kind }) => kind === 'open')).toBe(true)
    expect(outcomes[most]).toMatchObject({ kind: 'beyondLimit', limit: 'openPerAuthor' })
    const [, second] = chain(bob, 2)
    if (second === undefined) throw new Error('no entry')
    expect(alice.accept(second)).toMatchObject({ kind: 'open' })
  })

  it('of many authors leaves room for ten entries of each other one, and no more', () => {
    const alice = new Replica('alice')
    accept(alice, chain(carol, 1))
    alice.driver.run(function* (turn) {
      const row = yield* get(conversationTable, CONVERSATION)
      if (row === undefined) throw new Error('no conversation')
      turn.put(conversationTable, CONVERSATION, { ...row, open: OPEN_PER_CONVERSATION_MAX })
    })
    const outcomes = chain(bob, 12)
      .slice(1)
      .toReversed()
      .map((entry) => alice.accept(entry))
    expect(outcomes.slice(0, 10).map(({ kind }) => kind)).toEqual(Array(10).fill('open'))
    expect(outcomes[10]).toMatchObject({ kind: 'beyondLimit', limit: 'openPerConversation' })
  })
})

describe('gaps', () => {
  it('are named on the author’s own entry, told once, and told when they heal', () => {
    const alice = new Replica('alice')
    const entries = chain(bob, 4)
    const [first, second, third, fourth] = entries
    if (!first || !second || !third || !fourth) throw new Error('no entries')
    accept(alice, [first, fourth])
    const gap = { kind: 'gap', conversation: CONVERSATION, author: bob }
    const told = () => alice.driver.changes.filter((change) => change.kind === 'gap')
    expect(told()).toEqual([{ ...gap, from: 2, to: 3, missing: true }])
    expect(alice.frontier(bob)).toMatchObject({ n: 1, held: [[4, 4]], missing: [[2, 3]] })
    accept(alice, [third, second])
    expect(told().slice(1)).toEqual([
      { ...gap, from: 3, to: 3, missing: false },
      { ...gap, from: 2, to: 2, missing: false },
    ])
    expect(alice.frontier(bob)).toMatchObject({ n: 4, held: [], last: refOf(fourth) })
  })

  it('show the loss of a tail by the head in the author’s receipt', () => {
    const alice = new Replica('alice')
    accept(alice, chain(bob, 2))
    const note = () => alice.driver.run((turn) => noteHead(turn, CONVERSATION, bob, 5))
    expect(note()).toEqual([[3, 5]])
    const told = alice.driver.changes.length
    expect(note()).toEqual([[3, 5]])
    expect(alice.driver.changes).toHaveLength(told)
    accept(alice, chain(bob, 5).slice(2))
    expect(alice.gaps()).toEqual([])
  })
})

describe('an author who was away for long', () => {
  it('is unread by arrival, and pointed at as late above what was seen', () => {
    const alice = new Replica('alice')
    const talk = chain(bob, 5)
    accept(alice, talk)
    const seen = alice.driver.run((turn) => markSeen(turn, CONVERSATION, 5))
    expect(seen).toBe(0)
    const [old] = chain(carol, 1)
    if (old === undefined) throw new Error('no entry')
    expect(alice.accept(old)).toMatchObject({ kind: 'closed', late: true, arrival: 6 })
    const position = () => alice.driver.run((turn) => readPosition(turn, CONVERSATION))
    expect(position()).toEqual({ arrival: 5, unread: 1 })
    const query = { conversation: CONVERSATION, afterArrival: 5, limit: 10 }
    const unread = alice.driver.run((turn) => readArrivals(turn, query))
    expect(unread.map(({ id, late }) => [toHex(id), late])).toEqual([[toHex(old.id), true]])
    // It stands among the first, although it came last.
    const at = alice.ordered().findIndex(({ id }) => equalBytes(id, old.id))
    expect(at).toBeLessThan(2)
    expect(alice.frontier(carol)?.readN).toBe(0)
    alice.driver.run((turn) => markSeen(turn, CONVERSATION, 6))
    expect(alice.frontier(carol)?.readN).toBe(1)
    expect(position()).toEqual({ arrival: 6, unread: 0 })
  })

  it('gives an open entry no read position until it closes', () => {
    const alice = new Replica('alice')
    const [first, second] = chain(bob, 2)
    if (first === undefined || second === undefined) throw new Error('no entries')
    accept(alice, [second])
    alice.driver.run((turn) => markSeen(turn, CONVERSATION, 1))
    accept(alice, [first])
    expect(alice.frontier(bob)).toMatchObject({ n: 2, readN: 0 })
    alice.driver.run((turn) => markSeen(turn, CONVERSATION, 2))
    expect(alice.frontier(bob)?.readN).toBe(2)
  })
})

describe('a crash', () => {
  it('before the batch leaves nothing; the same accept afterwards is the first', () => {
    const alice = new Replica('alice')
    const [entry] = chain(bob, 1)
    if (entry === undefined) throw new Error('no entry')
    const request = {
      conversation: CONVERSATION,
      entry: elideEntry(entry, 'session'),
      source: fromDevice(bob),
    }
    alice.driver.crash((turn) => acceptEntry(turn, request))
    expect(alice.ordered()).toEqual([])
    expect(alice.driver.run((turn) => acceptEntry(turn, request))).toMatchObject({
      kind: 'closed',
      arrival: 1,
    })
    expect(alice.driver.run((turn) => acceptEntry(turn, request))).toMatchObject({
      kind: 'duplicate',
    })
  })
})

describe('what this version does not know', () => {
  it('is stored, counted and shown as such, by kind and by version, extra fields included', () => {
    const alice = new Replica('alice')
    const first = entryOf({ author: bob, n: 1, kind: 0x0ff0 })
    const second = entryOf({ author: bob, n: 2, prev: refOf(first), version: 2 })
    accept(alice, [first, second])
    const contents = alice.ordered().map((view) => view.content)
    expect(contents).toEqual([
      { kind: 'unknown', entryKind: 0x0ff0, version: 1 },
      { kind: 'unknown', entryKind: 1, version: 2 },
    ])
    const facts = alice.driver.run((turn) => conversationFacts(turn, CONVERSATION))
    expect(facts).toMatchObject({ entries: 2, unknown: 2, unread: 2 })
    const wire = alice.driver.run((turn) => entryWireForm(turn, second.id, { elide: 'session' }))
    expect(wire && encodeEntry(wire)).toEqual(encodeEntry(elideEntry(second, 'session')))
    expect(decodeHeader(second.headerBytes).version).toBe(2)
  })
})
