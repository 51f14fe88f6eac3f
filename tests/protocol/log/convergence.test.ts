// All replicas that hold the same entries show the same order and the same closed set, whatever the
// order of arrival, duplicates, missing parents, forks, inflation and false pairs (SPEC.md §8).
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toHex } from '../../../crypto/index.ts'
import { compareOrder, type Entry } from '../../../protocol/log/entry.ts'
import { citedBy, type EntryRef } from '../../../protocol/log/header.ts'
import { bytesOf, entryOf, refOf } from '../../support/entries.ts'
import { Replica } from '../../support/replica.ts'

interface Instruction {
  readonly author: number
  readonly picks: readonly number[]
  readonly act: 'honest' | 'fork' | 'inflate' | 'falsePair' | 'falsePrev' | 'hidden'
}

const instruction: fc.Arbitrary<Instruction> = fc.record({
  author: fc.nat(4),
  picks: fc.array(fc.nat(1000), { maxLength: 3 }),
  act: fc.oneof(
    { weight: 8, arbitrary: fc.constant<Instruction['act']>('honest') },
    {
      weight: 4,
      arbitrary: fc.constantFrom<Instruction['act'][]>(
        'fork',
        'inflate',
        'falsePair',
        'falsePrev',
        'hidden',
      ),
    },
  ),
})

interface Written {
  readonly entry: Entry
  readonly hidden: boolean
}

/** Plays instructions into entries; hidden ones are written and cited, and reach no replica. */
function write(instructions: readonly Instruction[]): readonly Written[] {
  const written: Written[] = []
  for (const [at, { author: index, picks, act }] of instructions.entries()) {
    const author = bytesOf(`author ${index}`)
    const own = written.filter(({ entry }) => entry.header.author.every((b, i) => b === author[i]))
    const last = own[own.length - (act === 'fork' && own.length > 1 ? 2 : 1)]?.entry
    const prev = last === undefined ? undefined : refOf(last)
    const parents = new Map<string, EntryRef>()
    for (const pick of picks) {
      const cited = written[pick % Math.max(1, written.length)]?.entry
      if (cited !== undefined && cited !== last) parents.set(toHex(cited.id), refOf(cited))
    }
    const raise = (ref: EntryRef): EntryRef => ({ id: ref.id, lamport: ref.lamport + 2 ** 30 })
    const [first] = parents.values()
    if (act === 'falsePair' && first !== undefined) parents.set(toHex(first.id), raise(first))
    if (act === 'inflate') {
      const ref = { id: bytesOf(`invented ${at}`), lamport: 2 ** 48 - 1 - at }
      parents.set(toHex(ref.id), ref)
    }
    const entry = entryOf({
      author,
      n: (last?.header.n ?? 0) + 1,
      prev: act === 'falsePrev' && prev !== undefined ? raise(prev) : prev,
      parents: [...parents.values()],
      text: `text ${at}`,
    })
    if (entry.header.lamport > 2 ** 48) continue
    written.push({ entry, hidden: act === 'hidden' })
  }
  return written
}

/** What must be closed, by the definition alone. */
function closedByDefinition(entries: readonly Entry[]): ReadonlySet<string> {
  const held = new Map(entries.map((entry) => [toHex(entry.id), entry]))
  const closed = new Set<string>()
  // In writing order every ancestor comes first.
  for (const entry of entries) {
    const stands = citedBy(entry.header).every(
      (ref) => closed.has(toHex(ref.id)) && held.get(toHex(ref.id))?.header.lamport === ref.lamport,
    )
    if (stands) closed.add(toHex(entry.id))
  }
  return closed
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const out = [...items]
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    const [a, b] = [out[i], out[j]]
    if (a !== undefined && b !== undefined) [out[i], out[j]] = [b, a]
  }
  return out
}

function mulberry(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** At most eight siblings: beyond that what is kept depends on arrival, by a stated limit. */
function withinForkLimit(entries: readonly Entry[]): boolean {
  const counts = new Map<string, number>()
  for (const { header } of entries) {
    const key = `${toHex(header.author)} ${header.n}`
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return [...counts.values()].every((count) => count <= 8)
}

function stateOf(replica: Replica) {
  const views = replica.ordered()
  const frontiers = replica.frontiers()
  return {
    closed: views.filter((view) => !view.open).map((view) => toHex(view.id)),
    open: views.filter((view) => view.open).map((view) => toHex(view.id)),
    flagged: views.filter((view) => view.flagged).map((view) => toHex(view.id)),
    forked: views.filter((view) => view.forked).length,
    heads: frontiers.heads.map((head) => toHex(head.id)).sort(),
    authors: frontiers.authors
      .map(({ author, n, held, missing }) => JSON.stringify([toHex(author), n, held, missing]))
      .sort(),
    gaps: replica
      .gaps()
      .map((gap) => `${toHex(gap.author)} ${gap.from} ${gap.to}`)
      .sort(),
  }
}

describe('convergence', () => {
  it('shows the same order and the same closed set on all replicas', () => {
    fc.assert(
      fc.property(
        fc.array(instruction, { minLength: 2, maxLength: 40 }),
        fc.nat(2 ** 31 - 1),
        (instructions, seed) => {
          const written = write(instructions)
          const entries = written.filter(({ hidden }) => !hidden).map(({ entry }) => entry)
          fc.pre(withinForkLimit(entries))
          const random = mulberry(seed)
          const states = [0, 1, 2].map((index) => {
            const replica = new Replica(`replica ${index}`)
            const arrivals = index === 0 ? entries : shuffled(entries, random)
            for (const entry of arrivals) {
              replica.accept(entry)
              if (random() < 0.3) {
                const again = arrivals[Math.floor(random() * arrivals.length)]
                if (again !== undefined) replica.accept(again)
              }
            }
            return stateOf(replica)
          })
          expect(states[1]).toEqual(states[0])
          expect(states[2]).toEqual(states[0])
          const expected = closedByDefinition(entries)
          const inOrder = entries
            .filter(({ id }) => expected.has(toHex(id)))
            .map(refOf)
            .sort(compareOrder)
          expect(states[0]?.closed).toEqual(inOrder.map(({ id }) => toHex(id)))
        },
      ),
      { numRuns: 60 },
    )
  })

  it('changes nothing when any accept is repeated after a crash', () => {
    fc.assert(
      fc.property(fc.array(instruction, { minLength: 1, maxLength: 20 }), (instructions) => {
        const entries = write(instructions).map(({ entry }) => entry)
        fc.pre(withinForkLimit(entries))
        const replica = new Replica('crash')
        for (const entry of [...entries].reverse()) replica.accept(entry)
        const before = JSON.stringify([stateOf(replica), replica.driver.changes.length])
        for (const entry of entries) {
          expect(replica.accept(entry)).toMatchObject({ kind: 'duplicate', healed: false })
        }
        expect(JSON.stringify([stateOf(replica), replica.driver.changes.length])).toBe(before)
      }),
      { numRuns: 40 },
    )
  })
})
