// What came and cannot be opened is not passed over in silence (SPEC.md §20.4, G1).
import { expect, it } from 'vitest'
import { groupView } from '../../../node/messenger/group-views.ts'
import { newGroup } from '../../../protocol/groups/group.ts'
import {
  heldMessages,
  holdMessage,
  releaseMessage,
} from '../../../protocol/groups/held-messages.ts'
import { MemoryDriver } from '../../support/memory-driver.ts'

const GID = new Uint8Array(32).fill(7)

it('a group says how much it holds for want of a key, and stops saying it', () => {
  const driver = new MemoryDriver({ seed: 'held' })
  const fields = {
    gid: GID,
    name: 'team',
    named: false,
    standing: 'joined',
    join: undefined,
  } as const
  const group = driver.run((turn) => newGroup(turn, fields))
  expect(driver.run((turn) => groupView(turn, group))).toMatchObject({ held: 0, missing: 0 })
  for (const [at, size] of [1, 2].entries()) {
    const innerId = new Uint8Array(32).fill(at)
    driver.run((turn) => holdMessage(turn, GID, innerId, new Uint8Array(size)))
  }
  const shown = driver.run((turn) => groupView(turn, group))
  expect(shown).toMatchObject({
    held: 2,
    problem: '2 that came wait for a key: they may be messages',
  })
  driver.run(function* (turn) {
    for (const one of yield* heldMessages(GID, 0, 10)) yield* releaseMessage(turn, GID, one)
  })
  expect(driver.run((turn) => groupView(turn, group))).not.toHaveProperty('problem')
})
