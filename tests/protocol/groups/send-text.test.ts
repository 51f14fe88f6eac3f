// A text for which there is no key yet: under which operation it is written, for that says who was a
// member then, and so who is served it later.
import { describe, expect, it, test } from 'vitest'
import { compareBytes } from '../../../crypto/index.ts'
import { GROUP_OUTBOX_MAX } from '../../../protocol/group-limits.ts'
import {
  dropGroupItem,
  enqueueGroup,
  groupItems,
  groupOutboxSize,
} from '../../../protocol/groups/group-outbox.ts'
import { groupOf } from '../../../protocol/groups/group.ts'
import { takeOperations, takeSeed } from '../../../protocol/groups/intake.ts'
import { sendGroupText } from '../../../protocol/groups/send-text.ts'
import { tendGroup } from '../../../protocol/groups/tend.ts'
import { waitingEntries } from '../../../protocol/groups/waiting-entries.ts'
import { noteHead } from '../../../protocol/log/frontier.ts'
import { readEntry } from '../../../protocol/log/read.ts'
import { bytesOf } from '../../support/entries.ts'
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

describe('where too much waits for the relays of a group', () => {
  const fill = (world: TwoDevices): void =>
    world.driver.run(function* (turn) {
      const message = new Uint8Array(256)
      const item = { gid: world.gid, message, lineage: world.gid, coalesce: undefined }
      for (let i = yield* groupOutboxSize(world.gid); i < GROUP_OUTBOX_MAX; i++) {
        const content = { kind: 'control', frame: 1 } as const
        yield* enqueueGroup(turn, { ...item, content, innerId: bytesOf(`item ${i}`) })
      }
    })
  const say = (world: TwoDevices): unknown =>
    world.driver.run(function* (turn) {
      const group = yield* groupOf(world.gid)
      if (group === undefined) throw new Error('a group')
      return yield* sendGroupText(turn, group, 'waits')
    })
  const waiting = (world: TwoDevices): number =>
    world.driver.run(() => waitingEntries(world.gid, 10)).length

  it('what waits for a key waits on, and nothing else stands still', { timeout: 30_000 }, () => {
    const world = new TwoDevices('full')
    say(world)
    expect(waiting(world)).toBe(1)
    fill(world)
    const { driver, gid, root } = world
    const secret = { secretKind: 'seed', secret: root.seed, lineage: undefined } as const
    driver.run((turn) => takeSeed(turn, gid, root.op.bytes, secret))
    driver.run((turn) => tendGroup(turn, gid))
    expect(waiting(world)).toBe(1)
    // One that leaves makes room, and says so.
    driver.effects.length = 0
    driver.run(function* (turn) {
      const [item] = yield* groupItems(gid, 0, 1)
      if (item !== undefined) yield* dropGroupItem(turn, item)
    })
    expect(driver.effects).toContainEqual({ kind: 'group', gid })
    driver.run((turn) => tendGroup(turn, gid))
    expect(waiting(world)).toBe(0)
  })

  it('one more is refused, also while there is no key', { timeout: 30_000 }, () => {
    const world = new TwoDevices('full of waiting')
    say(world)
    // As many of ours behind the one that waits as there may be.
    world.driver.run((turn) => noteHead(turn, world.gid, turn.self.device, GROUP_OUTBOX_MAX))
    expect(() => say(world)).toThrow('too many messages wait for this group')
  })
})
