// What is kept beside the store follows from the operations that are in it, not from how many there are.
import { expect, it } from 'vitest'
import { keepGroupEpoch } from '../../../protocol/groups/grants.ts'
import { takeOperations } from '../../../protocol/groups/intake.ts'
import { knownMembership } from '../../../protocol/groups/membership.ts'
import { mendFacts } from '../../../protocol/groups/mend-facts.ts'
import type { Step, Turn } from '../../../protocol/step.ts'
import { type SeededOp, TwoDevices } from '../../support/two-devices.ts'

it('of an operation whose batch was lost nothing is kept, though another one takes its place', () => {
  const world = new TwoDevices('another in its place')
  const { driver, gid, root } = world
  const on = world.dag.nextParents()
  const lost = world.write({ kind: 'rotate', ownN: 0 }, on)
  const came = world.write({ kind: 'rotate', ownN: 1 }, on)
  driver.run(function* (turn) {
    const source = { kind: 'seed', seed: root.seed } as const
    yield* keepGroupEpoch(turn, yield* knownMembership(turn, gid), root.op.id, source)
  })
  function* newest(turn: Turn, { op }: SeededOp): Step<Uint8Array | undefined> {
    yield* takeOperations(turn, gid, [op.bytes])
    return (yield* mendFacts(turn, yield* knownMembership(turn, gid))).fresh
  }
  expect(driver.crash((turn) => newest(turn, lost))).toEqual(lost.op.id)
  expect(driver.run((turn) => newest(turn, came))).toEqual(came.op.id)
})
