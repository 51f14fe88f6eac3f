// Rule 12 of SPEC.md §19.2, by the program, by the second implementation and by the slow evaluator: how
// many operations one may have in its past. With small numbers: histories of thousands would take hours.
import * as fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { toHex } from '../../crypto/index.ts'
import { randomHistory } from '../support/group-random.ts'
import { Reference } from '../support/group-reference.ts'
import { Operations } from './second/operations.mjs'

vi.mock('../../protocol/group-limits.ts', async (original) => ({
  ...(await original<object>()),
  GROUP_OPS_MAX: 14,
  GROUP_OPS_HARD_MAX: 18,
  GROUP_PLAIN_OPS_MAX: 2,
  GROUP_PLAIN_OPS_HARD_MAX: 3,
}))
vi.mock('./second/basics.mjs', async (real) => ({
  ...(await real<object>()),
  verify: () => undefined,
}))

const LIMITS = { group: [14, 18], member: [2, 3] } as const

test('three find the same operations beyond the limits, of a group and of a member', () => {
  let beyond = 0
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), (seed) => {
      const { world, ops } = randomHistory(seed, 36)
      const second = new Operations(world.root.id, LIMITS)
      const reference = new Reference(LIMITS)
      for (const op of ops) {
        const isValid = world.dag.has(op.id)
        expect(reference.add(op), op.payload.kind).toBe(isValid)
        let refusal = ''
        try {
          second.take([op.bytes])
        } catch (error) {
          refusal = String(error)
        }
        if (refusal !== '') expect(refusal).toMatch(/not valid by rule|ERR_WIRE_MALFORMED/u)
        expect(second.held.has(toHex(op.id)), op.payload.kind).toBe(isValid)
        if (refusal.includes('rule 12')) beyond++
      }
    }),
    { numRuns: 40 },
  )
  expect(beyond).toBeGreaterThan(40)
})
