// The membership of a group, by the second implementation and by the program: which operations of a
// random history are valid, which are void, who is a member, in what role, with which devices.
import * as fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { toHex } from '../../crypto/index.ts'
import { entryStanding } from '../../protocol/index.ts'
import { randomHistory } from '../support/group-random.ts'
import { deviceOf } from '../support/group-world.ts'
import { devicesOf } from './second/membership.mjs'
import { Operations } from './second/operations.mjs'

// The histories are not signed: what is judged is their meaning.
vi.mock('./second/basics.mjs', async (real) => ({
  ...(await real<object>()),
  verify: () => undefined,
}))

const compare = (a: string, b: string): number => Number(a > b) - Number(a < b)
const take = (operations: Operations, op: Uint8Array): void => {
  try {
    operations.take([op])
  } catch (error) {
    // Anything but this would be a defect of the second implementation.
    expect(String(error)).toMatch(/not valid by rule|ERR_WIRE_MALFORMED/u)
  }
}

/** How the program calls what the second implementation finds of an entry (SPEC.md §19.5). */
const STANDINGS: Readonly<Record<string, string>> = {
  open: 'unknown',
  invalid: 'invalid',
  valid: 'stands',
  hidden: 'void-author',
  after: 'after-removal',
}

test('both find the same in any history, of operations and of entries', () => {
  let refused = 0
  let voided = 0
  const standings = new Map<string, number>()
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), (seed) => {
      const { world, ops, people } = randomHistory(seed, 24)
      const second = new Operations(world.root.id)
      for (const op of ops) {
        take(second, op.bytes)
        const isValid = second.held.has(toHex(op.id))
        expect(isValid, op.payload.kind).toBe(world.dag.has(op.id))
        if (!isValid) refused++
      }
      const view = world.dag.view()
      const { isVoid, members, settings } = second.now
      for (const op of world.ops) expect(isVoid.has(toHex(op.id))).toBe(view.isVoid(op.id))
      expect(
        devicesOf(second.now)
          .map(({ key }) => key)
          .toSorted(compare),
      ).toEqual(view.devices().map(toHex))
      voided += isVoid.size
      expect(settings).toBe(view.settings)
      const found = people.flatMap(({ account }) => {
        const member = view.member(account)
        return member === undefined ? [] : [[toHex(account), member.role] as const]
      })
      for (const { id: op } of world.ops) {
        for (const { name } of people) {
          const entry = { id: op, author: deviceOf(name, 1 + (seed % 2)), n: 1, op }
          const standing = STANDINGS[second.judgeEntry(entry, () => false)] ?? ''
          expect(standing).toBe(entryStanding(world.dag, entry).kind)
          standings.set(standing, (standings.get(standing) ?? 0) + 1)
        }
      }
      expect(new Map([...members].map(([ak, { role }]) => [ak, role]))).toEqual(new Map(found))
    }),
    { numRuns: 40, examples: [[990956381]] },
  )
  expect(refused).toBeGreaterThan(100)
  expect(voided).toBeGreaterThan(30)
  for (const often of ['stands', 'invalid', 'after-removal'])
    expect(standings.get(often)).toBeGreaterThan(20)
})
