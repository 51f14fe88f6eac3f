import { describe, expect, it } from 'vitest'
import { noble, toHex, verify } from '../../../crypto/index.ts'
import { frontierFrame } from '../../../protocol/content/frontier.ts'
import { acceptEntry } from '../../../protocol/log/accept.ts'
import { appendEntry } from '../../../protocol/log/append.ts'
import { compareOrder, decodeEntry, elideEntry, type Entry } from '../../../protocol/log/entry.ts'
import { conversationFrontier } from '../../../protocol/log/frontier.ts'
import { readNumbers, readOrdered } from '../../../protocol/log/read.ts'
import { frontierFrameOf, receiptAuthorOf } from '../../../protocol/log/statements.ts'
import type { Step, Turn } from '../../../protocol/step.ts'
import { bytesOf, chain, CONVERSATION, entryOf, refOf, SENT_AT_MS } from '../../support/entries.ts'
import { fromDevice, Replica } from '../../support/replica.ts'

/** Runs a machine and counts its loads. */
function* counted<T>(step: Step<T>): Step<readonly [T, number]> {
  let loads = 0
  let next = step.next()
  while (!next.done) {
    loads++
    next = step.next(yield next.value)
  }
  return [next.value, loads]
}

/** A turn that counts its writes. */
function countingTurn(turn: Turn): readonly [Turn, () => number] {
  let writes = 0
  const counting: Turn = {
    ...turn,
    nowMs: turn.nowMs,
    safeNowMs: turn.safeNowMs,
    self: turn.self,
    random: turn.random,
    crypto: turn.crypto,
    memory: turn.memory,
    put: (table, key, value) => {
      writes++
      turn.put(table, key, value)
    },
    remove: (table, key) => {
      writes++
      turn.remove(table, key)
    },
    effect: (effect) => turn.effect(effect),
    change: (change) => turn.change(change),
  }
  return [counting, () => writes]
}

describe('an appended entry', () => {
  it('is the next of its author, above everything closed, and known to its own sync', () => {
    const alice = new Replica('alice')
    const first = alice.append('one')
    const second = alice.append('two')
    expect([first.n, second.n, first.lamport, second.lamport]).toEqual([1, 2, 1, 2])
    expect(second.header.prev).toEqual({ id: first.id, lamport: 1 })
    expect(second.header.parents).toEqual([])
    const bob = new Replica('bob')
    const wire = decodeEntry(second.entryBytes)
    const take = (entry: typeof wire) =>
      bob.driver.run((turn) =>
        acceptEntry(turn, {
          conversation: CONVERSATION,
          entry,
          source: fromDevice(alice.device),
        }),
      )
    expect(take(wire)).toMatchObject({ kind: 'open', id: second.id })
    expect(take(elideEntry(first.entry, 'session'))).toMatchObject({
      kind: 'closed',
      closed: [first.id, second.id],
    })
    const numbers = { conversation: CONVERSATION, author: alice.device, from: 1, to: 9, limit: 9 }
    expect(bob.driver.run((turn) => readNumbers(turn, numbers)).map(({ n }) => n)).toEqual([2, 1])
  })

  it('is not unread, and is seen by who wrote it', () => {
    const alice = new Replica('alice')
    alice.append('one')
    expect(alice.frontier(alice.device)).toMatchObject({ n: 1, readN: 1 })
    const [late] = chain(bytesOf('bob'), 1)
    if (late === undefined) throw new Error('no entry')
    const landsAbove = compareOrder(refOf(late), refOf(alice.append('two').entry)) < 0
    expect(landsAbove).toBe(true)
    expect(alice.accept(late)).toMatchObject({ late: true })
  })

  it('of a group is signed over its id', () => {
    const alice = new Replica('alice')
    const request = {
      conversation: CONVERSATION,
      op: bytesOf('op'),
      kind: 1,
      body: Uint8Array.of(0x82, 0x41, 0x61, 0x40),
      sentAtMs: SENT_AT_MS,
    }
    const { id, entry } = alice.driver.run((turn) => appendEntry(turn, request))
    const signature = entry.signature ?? new Uint8Array(0)
    expect(verify(noble, alice.device, 'group-entry', id, signature)).toBe(true)
  })

  it('is refused with a code when it fits no message, or has no valid kind', () => {
    const alice = new Replica('alice')
    const append = (kind: number, sizeBytes: number) =>
      alice.driver.run((turn) =>
        appendEntry(turn, {
          conversation: CONVERSATION,
          op: undefined,
          kind,
          body: new Uint8Array(sizeBytes),
          sentAtMs: SENT_AT_MS,
        }),
      )
    expect(() => append(1, 64_001)).toThrow(
      expect.objectContaining({ code: 'ERR_PROTOCOL_TOO_LARGE' }),
    )
    for (const kind of [0, 0x1000]) {
      expect(() => append(kind, 1)).toThrow(expect.objectContaining({ code: 'ERR_PROTOCOL_STATE' }))
    }
    expect(alice.ordered()).toEqual([])
  })
})

describe('the parents of an entry', () => {
  const heads = Array.from({ length: 40 }, (_, i) =>
    entryOf({ author: bytesOf(`writer ${i}`), n: 1, text: `head ${i}` }),
  )
  const parentsOf = (name: string): readonly string[] => {
    const replica = new Replica(name)
    for (const head of heads) replica.accept(head)
    return replica.append('x').header.parents.map(({ id }) => toHex(id))
  }

  it('are the highest head and fifteen more that differ from device to device', () => {
    const [alice, bob] = [parentsOf('alice'), parentsOf('bob')]
    const highest = toHex(heads.map(refOf).sort(compareOrder)[39]?.id ?? bytesOf('none'))
    expect(alice).toHaveLength(16)
    expect(alice).toContain(highest)
    expect(bob).toContain(highest)
    expect(alice).not.toEqual(bob)
    expect(alice).toEqual([...alice].sort())
  })

  it('keep the heads of many writers at once from piling up', () => {
    const writers = Array.from({ length: 18 }, (_, i) => new Replica(`writer ${i}`))
    for (let round = 0; round < 2; round++) {
      const written = writers.map((writer) => writer.append(`round ${round}`).entry)
      for (const writer of writers) {
        for (const entry of written) {
          if (toHex(entry.header.author) !== toHex(writer.device)) writer.accept(entry)
        }
      }
    }
    const left = writers.map((writer) => writer.frontiers().heads.length)
    // All of one round cite every head of the round before: only the last round's are left.
    expect(new Set(left)).toEqual(new Set([18]))
  })
})

describe('the cost of the next entry of an author', () => {
  it('does not grow with the log: loads and rows stay the same', () => {
    const alice = new Replica('alice')
    const bob = bytesOf('bob')
    const costs: (readonly [number, number])[] = []
    let prev: Entry | undefined
    let parent = alice.append('start').entry
    for (let n = 1; n <= 120; n++) {
      const entry: Entry = entryOf({
        author: bob,
        n,
        prev: prev === undefined ? undefined : refOf(prev),
        parents: [refOf(parent)],
        text: `text ${n}`,
      })
      const cost = alice.driver.run(function* (turn): Step<readonly [number, number]> {
        const [counting, writes] = countingTurn(turn)
        const request = {
          conversation: CONVERSATION,
          entry: elideEntry(entry, 'session'),
          source: fromDevice(bob),
        }
        const [outcome, loads] = yield* counted(acceptEntry(counting, request))
        expect(outcome.kind).toBe('closed')
        return [loads, writes()]
      })
      costs.push(cost)
      prev = entry
      parent = alice.append(`answer ${n}`).entry
    }
    expect(costs[119]).toEqual(costs[1])
    // number, conversation, author, prev, one parent, waiters; entry, body, number, arrival, order,
    // head, two heads less, author, conversation
    expect(costs[119]).toEqual([6, 10])
  })
})

describe('statements of what is held', () => {
  it('say the same as the log, and leave out what does not fit', () => {
    const alice = new Replica('alice')
    const bob = bytesOf('bob')
    for (const entry of chain(bob, 100)) if (entry.header.n % 2 === 1) alice.accept(entry)
    const frontier = alice.driver.run((turn) => conversationFrontier(turn, CONVERSATION))
    const [author] = frontier.authors
    if (author === undefined) throw new Error('no author')
    const row = receiptAuthorOf(author, bob, true)
    expect(row).toMatchObject({ author: undefined, n: 1, readN: 0 })
    expect(row.held).toHaveLength(32)
    expect(row.held[0]).toEqual([3, 3])
    const frame = frontierFrameOf(undefined, frontier)
    expect(frame.authors[0]?.missing).toHaveLength(32)
    expect(frame.authors[0]?.missing.at(-1)).toEqual([98, 98])
    expect(frontierFrame.decode(frontierFrame.encode(frame))).toEqual(frame)
  })

  it('come in parts for more than 256 authors', () => {
    const alice = new Replica('alice')
    for (let i = 0; i < 260; i++) alice.accept(entryOf({ author: bytesOf(`a ${i}`), n: 1 }))
    const part = (from: number) =>
      alice.driver.run((turn) => conversationFrontier(turn, CONVERSATION, from))
    expect(part(0).authors).toHaveLength(256)
    expect(part(part(0).next ?? 0).authors).toHaveLength(4)
    expect(part(256).next).toBeUndefined()
  })
})

describe('reading in order', () => {
  it('pages both ways, and shows open entries where the end is', () => {
    const alice = new Replica('alice')
    const entries = chain(bytesOf('bob'), 10)
    for (const entry of entries) alice.accept(entry)
    const open = entryOf({
      author: bytesOf('carol'),
      n: 1,
      parents: [{ id: bytesOf('missing'), lamport: 1 }],
    })
    alice.accept(open)
    const read = (query: { before?: Entry; after?: Entry; limit: number }) =>
      alice.driver
        .run((turn) =>
          readOrdered(turn, {
            conversation: CONVERSATION,
            limit: query.limit,
            ...(query.before === undefined ? {} : { before: refOf(query.before) }),
            ...(query.after === undefined ? {} : { after: refOf(query.after) }),
          }),
        )
        .map((view) => (view.open ? 'open' : view.n))
    expect(read({ limit: 3 })).toEqual([8, 9, 10, 'open'])
    const [first, , third, , , , , eighth] = entries
    if (!first || !third || !eighth) throw new Error('no entries')
    expect(read({ before: eighth, limit: 3 })).toEqual([5, 6, 7])
    expect(read({ after: third, limit: 3 })).toEqual([4, 5, 6])
    expect(read({ after: eighth, limit: 9 })).toEqual([9, 10, 'open'])
    expect(read({ before: first, limit: 9 })).toEqual([])
  })
})
