// What senders, receivers and servers of a group ask of its membership.
import { describe, expect, it } from 'vitest'
import { compareBytes, type GroupOp, toHex } from '../../../crypto/index.ts'
import {
  addGroupOp,
  compareRecipients,
  countOpsSince,
  deviceIndex,
  type DraftPayload,
  earnedSpan,
  entryStanding,
  GroupDag,
  groupEpoch,
  groupEpochs,
  isEligible,
  loadGroup,
  opsSince,
} from '../../../protocol/index.ts'
import {
  addOf,
  crypto,
  cutAt,
  deviceOf,
  fakeList,
  GroupWorld,
  hashOf,
  leave,
  listOf,
  type Person,
  person,
  removeOf,
  roleOf,
  rotate,
  stateText,
} from '../../support/group-world.ts'
import { MemoryDriver } from '../../support/memory-driver.ts'

const alice = person('alice')
const bob = person('bob')
const carol = person('carol')
const dave = person('dave')

function group(...others: readonly Person[]): GroupWorld {
  const world = new GroupWorld(alice)
  world.add(alice, others)
  return world
}

function top(world: GroupWorld): GroupOp {
  const last = world.ops.at(-1)
  if (last === undefined) throw new Error('an operation')
  return last
}

const sorted = (keys: readonly Uint8Array[]): readonly string[] =>
  keys.toSorted(compareBytes).map(toHex)

describe('epochs', () => {
  it('go to the devices of members, ascending, and no more to one who was removed', () => {
    const world = group(bob, carol)
    const removal = world.write(alice, removeOf(bob))
    const recipients = groupEpoch(world.dag, removal.id)?.recipients() ?? []
    expect(recipients.map(toHex)).toEqual(sorted([alice.device, carol.device]))
    expect(recipients.map((key) => deviceIndex(world.dag, removal.id, key))).toEqual([0, 1])
    expect(deviceIndex(world.dag, removal.id, bob.device)).toBeUndefined()
    expect(world.dag.view().devices().map(toHex)).toEqual(recipients.map(toHex))
  })

  it('derived ones go to those of the epoch they extend and to whom they are for', () => {
    const world = group(bob)
    const [root, add] = world.ops
    const second = deviceOf('bob', 2)
    world.write(bob, listOf(fakeList(bob.account, 2, [bob.device, second])))
    if (root === undefined || add === undefined) throw new Error('operations')
    const refresh = world.write(alice, { kind: 'refresh', epochOp: add.id, devices: [second] })
    const fresh = world.write(bob, rotate)
    const onRoot = world.write(alice, addOf(root, [carol]))
    const of = (op: GroupOp): readonly string[] =>
      (groupEpoch(world.dag, op.id)?.recipients() ?? []).map(toHex)
    expect(of(refresh)).toEqual(sorted([alice.device, bob.device, second]))
    expect(of(onRoot)).toEqual(sorted([alice.device, carol.device]))
    const lineages = [add, refresh, fresh, onRoot].map(
      (op) => groupEpoch(world.dag, op.id)?.lineage,
    )
    expect(lineages).toEqual([root.id, root.id, fresh.id, root.id])
    expect(groupEpoch(world.dag, refresh.id)).toMatchObject({ isFresh: false, extends: add.id })
    expect(compareRecipients(world.dag, fresh.id)).toEqual({
      within: true,
      missing: [carol.device],
    })
    world.write(alice, removeOf(bob))
    expect(compareRecipients(world.dag, fresh.id)?.within).toBe(false)
    const order = [...groupEpochs(world.dag)].map(({ op }) => op.lamport)
    expect(order).toEqual(order.toSorted((a, b) => b - a))
    expect(groupEpoch(world.dag, world.write(alice, leave).id)).toBeUndefined()
  })

  it('of one who makes epoch after epoch are not chosen, of others they are', () => {
    const world = group(bob, ...Array.from({ length: 60 }, (_, i) => person(`p${i}`)).slice(0, 14))
    const crowd = Array.from({ length: 60 }, (_, i) => person(`q${i}`))
    for (let at = 0; at < 48; at += 16) world.add(alice, crowd.slice(at, at + 16))
    const made = Array.from({ length: 6 }, () => world.write(bob, rotate))
    // 64 devices: three in its past are too few to matter, the fifth has four.
    expect(made.map(({ id }) => isEligible(world.dag, id))).toEqual([
      true,
      true,
      true,
      true,
      false,
      false,
    ])
    expect(isEligible(world.dag, world.write(alice, rotate).id)).toBe(true)
    for (let i = 0; i < 32; i++)
      world.write(alice, { kind: 'meta', name: 'x', settings: undefined })
    expect(isEligible(world.dag, world.write(bob, rotate).id)).toBe(true)
  })

  it('of a small group may follow each other more often, by its size', () => {
    const world = group(bob)
    const made = Array.from({ length: 34 }, () => world.write(bob, rotate))
    // ceil(64 / 2) = 32 of the last 32.
    expect(made.every(({ id }) => isEligible(world.dag, id))).toBe(true)
  })

  it('are earned by entries, of which no more count than are held', () => {
    const crowd = Array.from({ length: 63 }, (_, i) => person(`p${i}`))
    const world = new GroupWorld(alice)
    for (let at = 0; at < 63; at += 16) world.add(alice, crowd.slice(at, at + 16))
    const [bot = alice] = crowd
    const made = Array.from({ length: 8 }, (_, i) =>
      world.write(bot, { kind: 'rotate', ownN: 512 * (i + 1) }),
    )
    const last = made.at(-1)
    if (last === undefined) throw new Error('a rotation')
    expect(earnedSpan(world.dag, last.id)).toEqual({ before: 512 * 7, now: 512 * 8 })
    expect(isEligible(world.dag, last.id)).toBe(true)
    expect(isEligible(world.dag, last.id, { heldN: () => 4_096 })).toBe(true)
    expect(isEligible(world.dag, last.id, { heldN: () => 1_000 })).toBe(false)
  })
})

describe('an entry', () => {
  const entry = (author: Uint8Array, op: GroupOp, n = 1) => ({
    id: hashOf('entry', author.join(), n),
    author,
    n,
    op: op.id,
  })

  it('stands where its device was a member’s, is open where its operation is not here', () => {
    const world = group(bob)
    const kindOf = (author: Uint8Array, op: GroupOp): string =>
      entryStanding(world.dag, entry(author, op)).kind
    const before = top(world)
    expect(kindOf(bob.device, before)).toBe('stands')
    expect(kindOf(bob.device, world.root)).toBe('invalid')
    expect(kindOf(deviceOf('bob', 2), before)).toBe('invalid')
    expect(kindOf(carol.device, before)).toBe('invalid')
    const unseen = world.forge(alice, rotate)
    expect(kindOf(bob.device, unseen)).toBe('unknown')
  })

  it('of one who was removed stands up to the cut, and only on the chain that ends there', () => {
    const world = group(bob)
    const before = top(world)
    const removal = world.write(alice, removeOf(bob, [cutAt(bob.device, 3)]))
    const kinds = [1, 3, 4].map((n) => entryStanding(world.dag, entry(bob.device, before, n)).kind)
    expect(kinds).toEqual(['stands', 'stands', 'after-removal'])
    const fork = { ...entry(bob.device, before, 3), id: hashOf('fork') }
    expect(entryStanding(world.dag, fork)).toEqual({
      kind: 'after-removal',
      account: bob.account,
      removal: removal.id,
    })
    const below = entry(bob.device, before, 2)
    expect(entryStanding(world.dag, below, () => false).kind).toBe('after-removal')
    expect(entryStanding(world.dag, entry(bob.device, removal, 5)).kind).toBe('invalid')
  })

  it('of a device that two accounts list is of one of them, whichever was taken in first', () => {
    const shared = { device: bob.device, list: fakeList(carol.account, 1, [bob.device]) }
    const world = group(dave)
    world.write(alice, roleOf(dave, 1))
    const [, epoch = world.root] = world.ops
    const before = top(world)
    world.write(alice, addOf(epoch, [bob]), { on: [before] })
    world.write(dave, addOf(epoch, [{ ...carol, ...shared }]), { on: [before] })
    const both = world.write(alice, rotate)
    world.write(alice, removeOf(bob))
    const [first, second] = world.ops.slice(-4)
    const otherwise = world.replay(
      world.ops.map((op) => (op === first ? second : op === second ? first : op) ?? op),
    )
    const text = entry(bob.device, both)
    expect(entryStanding(otherwise, text)).toEqual(entryStanding(world.dag, text))
    expect(otherwise.view().accountOf(bob.device)).toEqual(world.dag.view().accountOf(bob.device))
    const then = (dag: GroupDag) => dag.viewAfter(both.id)?.accountOf(bob.device)
    expect(then(otherwise)).toEqual(then(world.dag))
  })

  it('of one who is back stands again, and what he wrote between does not', () => {
    const world = group(bob)
    const before = top(world)
    const removal = world.write(alice, removeOf(bob))
    const back = world.write(alice, addOf(removal, [bob]))
    expect(entryStanding(world.dag, entry(bob.device, before, 4)).kind).toBe('after-removal')
    expect(entryStanding(world.dag, entry(bob.device, back, 5)).kind).toBe('stands')
  })

  it('is judged by the cut that lets more stand, of several; a later list raises it', () => {
    const second = deviceOf('bob', 2)
    const world = group({ ...bob, list: fakeList(bob.account, 1, [bob.device, second]) }, carol)
    world.write(alice, roleOf(carol, 1))
    const before = top(world)
    const revoking = fakeList(bob.account, 2, [bob.device], [second])
    const kindOf = (n: number): string => entryStanding(world.dag, entry(second, before, n)).kind
    expect(kindOf(9)).toBe('stands')
    world.write(bob, listOf(revoking, [cutAt(second, 4)]), { on: [before] })
    expect([4, 5, 8].map(kindOf)).toEqual(['stands', 'after-removal', 'after-removal'])
    world.write(carol, removeOf(bob, [cutAt(second, 6)]), { on: [before] })
    expect([5, 6, 7].map(kindOf)).toEqual(['stands', 'stands', 'after-removal'])
    const other = group({ ...bob, list: fakeList(bob.account, 1, [bob.device, second]) }, carol)
    const there = top(other)
    other.write(bob, listOf(revoking, [cutAt(second, 4)]))
    other.write(carol, listOf(revoking, [cutAt(second, 7)]))
    expect(entryStanding(other.dag, entry(second, there, 7)).kind).toBe('stands')
  })

  it('of a device that a later list has again stands', () => {
    const second = deviceOf('bob', 2)
    const world = group({ ...bob, list: fakeList(bob.account, 1, [bob.device, second]) })
    const before = top(world)
    world.write(bob, listOf(fakeList(bob.account, 2, [bob.device], [second])))
    const again = world.write(bob, listOf(fakeList(bob.account, 3, [bob.device, second])))
    expect(entryStanding(world.dag, entry(second, again, 2)).kind).toBe('stands')
    expect(entryStanding(world.dag, entry(second, before, 2)).kind).toBe('after-removal')
  })

  it('of one whom nobody could add is labelled', () => {
    const world = group(bob)
    world.write(alice, roleOf(bob, 1))
    const before = top(world)
    const [, epoch = before] = world.ops
    world.write(alice, removeOf(bob), { on: [before] })
    const add = world.write(bob, addOf(epoch, [dave]), { on: [before] })
    expect(entryStanding(world.dag, entry(dave.device, add)).kind).toBe('void-author')
  })
})

describe('an invite', () => {
  it('is used by an add that stands, not by one that is void', () => {
    const world = group(bob)
    world.write(alice, roleOf(bob, 1))
    const before = top(world)
    const [, epoch = before] = world.ops
    const joining = (who: Person, invite: string): DraftPayload => ({
      kind: 'add',
      epochOp: epoch.id,
      newcomers: [{ account: who.account, list: who.list, inviteHash: hashOf(invite) }],
      heads: [],
      baseHash: hashOf('base'),
    })
    world.write(alice, removeOf(bob), { on: [before] })
    world.write(bob, joining(dave, 'his'), { on: [before] })
    world.write(alice, joining(carol, 'hers'))
    const used = ['hers', 'his', 'other'].map((invite) =>
      world.dag.view().isInviteUsed(hashOf(invite)),
    )
    expect(used).toEqual([true, false, false])
  })
})

describe('operations handed on', () => {
  it('are those above the asker’s heads, each after its past, page by page', () => {
    const world = group(bob)
    const before = top(world)
    const left = world.write(alice, rotate, { on: [before] })
    world.write(bob, rotate, { on: [before] })
    for (let i = 0; i < 20; i++) world.write(alice, rotate)
    const dag = new GroupDag(crypto, world.root.id)
    let rounds = 0
    let heads: readonly Uint8Array[] = []
    for (let more = true; more; rounds++) {
      const page = opsSince(world.dag, heads, { maxBytes: 1_500 })
      for (const op of page.ops) expect(dag.add(op).kind).toBe('accepted')
      heads = dag.heads().map(({ id }) => id)
      more = page.more
    }
    expect(rounds).toBeGreaterThan(3)
    expect(stateText(dag, world.ops)).toBe(stateText(world.dag, world.ops))
    expect(opsSince(world.dag, [left.id], { maxBytes: 1e6 }).ops).toHaveLength(21)
    expect(countOpsSince(world.dag, [left.id])).toBe(21)
    expect(opsSince(world.dag, [hashOf('elsewhere')], { maxBytes: 1e6 }).ops).toHaveLength(24)
  })

  it('end at the removal for one who was removed', () => {
    const world = group(bob)
    const removal = world.write(alice, removeOf(bob))
    world.write(alice, rotate)
    const { ops } = opsSince(world.dag, [], { maxBytes: 1e6, within: [removal.id] })
    expect(ops.at(-1)?.id).toEqual(removal.id)
    expect(ops).toHaveLength(3)
  })

  it('with more bytes than a page come one at a time', () => {
    const world = group(bob)
    expect(opsSince(world.dag, [], { maxBytes: 1 })).toEqual({ ops: [world.root], more: true })
  })
})

describe('a stored group', () => {
  it('is what it was when it is loaded again, waiting operations included', () => {
    const world = group(bob, carol)
    const driver = new MemoryDriver({ seed: 'stored group', crypto })
    const later = world.write(alice, rotate)
    world.write(bob, rotate)
    const [a, b, , d] = world.ops
    if (a === undefined || b === undefined || d === undefined) throw new Error('operations')
    const bad = world.forge(bob, removeOf(carol))
    const load = () => driver.run(() => loadGroup(crypto, world.root.id))
    const stored = load()
    for (const op of [a, b, d, bad]) driver.run((turn) => addGroupOp(turn, stored, op))
    const again = load()
    expect([again.dag.size, again.dag.pendingSize]).toEqual([2, 2])
    const outcome = driver.run((turn) => addGroupOp(turn, again, later))
    expect(outcome.accepted).toHaveLength(2)
    expect(outcome.refused.map(({ id }) => id)).toEqual([bad.id])
    expect(stateText(load().dag, world.ops)).toBe(stateText(world.dag, world.ops))
    expect(load().arrivals.size).toBe(world.ops.length)
  })
})
