import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toHex } from '../../../crypto/index.ts'
import { GroupDag } from '../../../protocol/index.ts'
import { crypto, stateText } from '../../support/group-world.ts'
import { numbersFrom, randomHistory } from '../../support/group-random.ts'
import { Reference } from '../../support/group-reference.ts'

const SEED = fc.integer({ min: 0, max: 2 ** 31 - 1 })

function shuffled<T>(values: readonly T[], seed: number): readonly T[] {
  const next = numbersFrom(seed)
  const out = [...values]
  for (let i = out.length - 1; i > 0; i--) {
    const j = next(i + 1)
    const [a, b] = [out[i], out[j]]
    if (a !== undefined && b !== undefined) [out[i], out[j]] = [b, a]
  }
  return out
}

describe('the membership of a group', () => {
  it('is the same in whatever order operations come, and however often', () => {
    fc.assert(
      fc.property(SEED, SEED, (seed, order) => {
        const { world, ops } = randomHistory(seed, 24)
        const other = new GroupDag(crypto, world.root.id)
        for (const op of shuffled([...ops, ...ops], order)) other.add(op)
        expect(stateText(other, ops)).toBe(stateText(world.dag, ops))
        expect(other.pendingSize).toBe(0)
      }),
      { numRuns: 40 },
    )
  })

  it('is what a slow evaluator finds that knows the rules alone', () => {
    let voided = 0
    let accepted = 0
    fc.assert(
      fc.property(SEED, (seed) => {
        const { world, ops, people } = randomHistory(seed, 24)
        const reference = new Reference()
        for (const op of ops) {
          expect(reference.add(op), op.payload.kind).toBe(world.dag.has(op.id))
        }
        const all = new Set(reference.valid.keys())
        const dead = reference.state(all)
        const view = world.dag.view()
        const state = reference.fold([...all].filter((id) => !dead.has(id)))
        accepted += all.size
        voided += dead.size
        for (const op of reference.valid.values()) {
          expect(view.isVoid(op.id)).toBe(dead.has(toHex(op.id)))
        }
        expect(view.devices().map(toHex)).toEqual(reference.devices(state))
        expect(view.settings).toBe(reference.settings(state))
        const members = reference.members(state)
        for (const { account } of people) {
          const key = toHex(account)
          const member = view.member(account)
          expect(member !== undefined).toBe(members.includes(key))
          if (member !== undefined) expect(member.role).toBe(reference.role(state, key))
        }
      }),
      // In the named one a member acts by seniority alone, and another is senior in the end.
      { numRuns: 40, examples: [[990956381]] },
    )
    // A history in which nothing is at odds would show nothing.
    expect(accepted).toBeGreaterThan(400)
    expect(voided).toBeGreaterThan(30)
  })

  it('decides each operation once, in work of operations times removals', () => {
    fc.assert(
      fc.property(SEED, (seed) => {
        const { world, ops } = randomHistory(seed, 40)
        const dag = new GroupDag(crypto, world.root.id)
        for (const op of ops) {
          const before = { ...dag.work }
          dag.add(op)
          dag.view()
          const strong = dag.history.nodes.filter((node) => node.strong !== undefined).length
          // At most the past of one operation, and the heads, are decided anew.
          const states = 2
          expect(dag.work.decided - before.decided).toBeLessThanOrEqual(states * strong)
          const bound = states * dag.size * Math.max(1, strong)
          expect(dag.work.judged - before.judged).toBeLessThanOrEqual(bound)
        }
      }),
      { numRuns: 40 },
    )
  })

  it('changes by one operation alone where that one knows all others', () => {
    fc.assert(
      fc.property(SEED, (seed) => {
        const { world, ops, people } = randomHistory(seed, 20)
        const before = stateText(world.dag, ops)
        const members = world.dag.view().members()
        const [first] = members
        const author = people.find((one) => first && toHex(one.account) === toHex(first.account))
        const device = first?.devices[0]
        if (author === undefined || device === undefined) return
        const heads = world.dag.heads()
        const parents = world.dag.nextParents()
        if (parents.length !== heads.length) return
        const work = { ...world.dag.work }
        world.write(author, { kind: 'meta', name: 'the group', settings: undefined }, { device })
        world.dag.view()
        expect(world.dag.work).toEqual(work)
        const rename = (text: string): string => text.replaceAll(/"(?:name \d|the group)"/g, '""')
        expect(rename(stateText(world.dag, ops))).toBe(rename(before))
      }),
      { numRuns: 40 },
    )
  })
})
