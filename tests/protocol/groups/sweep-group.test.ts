// Which keys of a group a device keeps (SPEC.md §20.6): those under which something may still come.
import { describe, expect, it } from 'vitest'
import { epochsOf } from '../../../protocol/index.ts'
import { boxesOf } from '../../../protocol/groups/boxes.ts'
import { groupOf } from '../../../protocol/groups/group.ts'
import { takeOperations, takeSeed } from '../../../protocol/groups/intake.ts'
import { sweepGroup } from '../../../protocol/groups/sweep-group.ts'
import { takeWelcome } from '../../../protocol/groups/take-welcome.ts'
import { lineagesOf } from '../../../protocol/epochs/held-lineages.ts'
import { noteHead } from '../../../protocol/log/frontier.ts'
import { bytesOf } from '../../support/entries.ts'
import { openedFrom } from '../../support/opened-inner.ts'
import { type SeededOp, TwoDevices, listOfSomebody } from '../../support/two-devices.ts'

const DAY_MS = 86_400_000

function takes(world: TwoDevices, ...ops: readonly { readonly bytes: Uint8Array }[]): void {
  const bytes = ops.map((op) => op.bytes)
  world.driver.run((turn) => takeOperations(turn, world.gid, bytes))
}

function seeded(world: TwoDevices, { op, seed }: SeededOp): void {
  const secret = { secretKind: 'seed', secret: seed, lineage: undefined } as const
  world.driver.run((turn) => takeSeed(turn, world.gid, op.bytes, secret))
}

/** All mailboxes having just been read. */
function sweep(world: TwoDevices): void {
  const { driver, gid } = world
  while (driver.run((turn) => sweepGroup(turn, gid, turn.safeNowMs)));
}

function kept(world: TwoDevices): readonly Uint8Array[] {
  return world.driver.run((turn) => epochsOf(turn, world.gid)).map(({ opId }) => opId)
}

describe('the keys of a superseded epoch', () => {
  it('wait for what is missing of its recipients, and of nobody else', () => {
    const world = new TwoDevices('whose gap')
    seeded(world, world.root)
    const carol = listOfSomebody('carol of whose gap')
    const { op: add } = world.add([], carol)
    takes(world, add)
    const rotation = world.write({ kind: 'rotate', ownN: 0 })
    seeded(world, rotation)
    expect(kept(world)).toHaveLength(3)
    const device = carol.devices[0]?.device ?? bytesOf('none')
    world.driver.run((turn) => noteHead(turn, world.gid, device, 3))
    world.driver.advance(14 * DAY_MS)
    sweep(world)
    const left = kept(world)
    expect(left).toHaveLength(2)
    expect(left).toEqual(expect.arrayContaining([add.id, rotation.op.id]))
  })
})

describe('the keys of a group that one is out of', () => {
  it('go two weeks after that, with its mailboxes', () => {
    const world = new TwoDevices('out', 'joining')
    const { driver, gid } = world
    const { op: add, ...secrets } = world.add([])
    const from = openedFrom(bytesOf('account'), bytesOf('device'), bytesOf('transcript'))
    const page = { c: 1, operations: 2, page: 1, pages: 1, authors: [] }
    driver.run((turn) =>
      takeWelcome(turn, from, { ...page, group: gid, addOp: add.id, ...secrets }),
    )
    const relay = { serviceKey: bytesOf('relay'), addresses: ['/ip4/10.0.0.9/tcp/1'] }
    const { op: carriage } = world.write({ kind: 'carriage', relays: [relay] })
    takes(world, world.root.op, add, carriage)
    expect(kept(world)).toHaveLength(1)
    driver.advance(100 * DAY_MS)
    sweep(world)
    expect(kept(world)).toHaveLength(1)
    const target = driver.self.account
    takes(world, world.write({ kind: 'remove', target, cut: [], reason: 0 }).op)
    expect(driver.run(() => groupOf(gid))?.standing).toBe('removed')
    driver.advance(13 * DAY_MS)
    sweep(world)
    expect(kept(world)).toHaveLength(1)
    driver.advance(1 * DAY_MS)
    sweep(world)
    expect(kept(world)).toEqual([])
    expect(driver.run(() => lineagesOf(gid))).toEqual([])
    expect(driver.run(() => boxesOf(gid))).toEqual([])
  })
})
