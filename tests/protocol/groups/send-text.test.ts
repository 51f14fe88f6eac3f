// A text for which there is no key yet: under which operation it is written, for that says who was a
// member then, and so who is served it later.
import { expect, test } from 'vitest'
import { compareBytes } from '../../../crypto/index.ts'
import { groupOf } from '../../../protocol/groups/group.ts'
import { takeOperations } from '../../../protocol/groups/intake.ts'
import { sendGroupText } from '../../../protocol/groups/send-text.ts'
import { readEntry } from '../../../protocol/log/read.ts'
import { TwoDevices, listOfSomebody } from '../../support/two-devices.ts'

function opOfText(name: string) {
  const world = new TwoDevices(name)
  const carol = listOfSomebody(`carol of ${name}`)
  const { op: add } = world.add([], carol)
  const on = world.dag.nextParents()
  // Two that know nothing of each other.
  const { op: rotation } = world.write({ kind: 'rotate', ownN: 0 }, on)
  const { op: removal } = world.write(
    { kind: 'remove', target: carol.account, cut: [], reason: 0 },
    on,
  )
  const bytes = [add, rotation, removal].map((op) => op.bytes)
  world.driver.run((turn) => takeOperations(turn, world.gid, bytes))
  const op = world.driver.run(function* (turn) {
    const group = yield* groupOf(world.gid)
    if (group === undefined) throw new Error('a group')
    const { entry } = yield* sendGroupText(turn, group, 'without Carol')
    return (yield* readEntry(turn, entry))?.op
  })
  const isRotationHigher = compareBytes(rotation.id, removal.id) > 0
  return { op, removal: removal.id, isRotationHigher }
}

test('a text that waits for a key stands where nobody is a member who was removed', () => {
  const all = Array.from({ length: 6 }, (_, i) => opOfText(`waits ${i}`))
  for (const { op, removal } of all) expect(op).toEqual(removal)
  expect(new Set(all.map(({ isRotationHigher }) => isRotationHigher)).size).toBe(2)
})
