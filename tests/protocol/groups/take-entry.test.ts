// Entries of a group from whatever hands them on: what cannot be one is refused before anything is kept.
import { describe, expect, it } from 'vitest'
import { HEADER_MAX_BYTES } from '../../../protocol/limits.ts'
import { GROUP_HELD_MAX_BYTES, GROUP_HELD_PER_SOURCE_MAX } from '../../../protocol/group-limits.ts'
import { takeOperations } from '../../../protocol/groups/intake.ts'
import { knownMembership } from '../../../protocol/groups/membership.ts'
import { openEntriesOf } from '../../../protocol/groups/open-entries.ts'
import { repairState } from '../../../protocol/groups/repair-state.ts'
import { standingIn, takeEntry } from '../../../protocol/groups/take-entry.ts'
import { tendGroup } from '../../../protocol/groups/tend.ts'
import {
  decodeEntry,
  elideEntry,
  encodeEntry,
  type Entry,
  type WireEntry,
} from '../../../protocol/log/entry.ts'
import { encodeHeader } from '../../../protocol/log/header.ts'
import { bytesOf, entryOf } from '../../support/entries.ts'
import { TwoDevices } from '../../support/two-devices.ts'

const UNSEEN = bytesOf('an operation that is on its way')

function written(world: TwoDevices, n: number, op: Uint8Array, text = 'hello'): Entry {
  const { device, deviceSeed } = world.other
  const prev = n === 1 ? undefined : { id: bytesOf(`entry ${n - 1}`), lamport: n - 1 }
  const parts = { conversation: world.gid, author: device, seed: deviceSeed, op, n, prev, text }
  return entryOf(parts)
}

function take(world: TwoDevices, wire: WireEntry): string {
  return world.driver.run(function* (turn) {
    return yield* takeEntry(turn, yield* knownMembership(turn, world.gid), wire)
  })
}

const waiting = (world: TwoDevices): number =>
  world.driver.run(() => openEntriesOf(world.gid)).length

describe('an entry that somebody hands on', () => {
  it('is refused where its header is too long once its body hash is put back', () => {
    const world = new TwoDevices('long header')
    const wire = elideEntry(written(world, 1, world.gid), 'none')
    const rest = [new Uint8Array(HEADER_MAX_BYTES - encodeHeader(wire.header).length - 3)]
    const long = { ...wire, header: { ...wire.header, rest } }
    expect(encodeHeader(long.header)).toHaveLength(HEADER_MAX_BYTES)
    expect(take(world, decodeEntry(encodeEntry(long)))).toBe('refused')
    expect(take(world, wire)).toBe('news')
  })

  it('waits for its operation if its author signed it, and only then', () => {
    const world = new TwoDevices('on its way')
    const entry = elideEntry(written(world, 1, UNSEEN), 'none')
    expect(take(world, { ...entry, signature: bytesOf('forged', 64) })).toBe('refused')
    expect(waiting(world)).toBe(0)
    expect(take(world, entry)).toBe('news')
    expect(waiting(world)).toBe(1)
  })

  it('of an author who fills its room keeps no other author out, and what found none is a doubt', () => {
    const world = new TwoDevices('one fills its room')
    const { driver, gid } = world
    const doubts = () => driver.run(() => repairState(gid)).doubtSinceMs
    for (let n = 1; n <= GROUP_HELD_PER_SOURCE_MAX; n++) {
      expect(take(world, elideEntry(written(world, n, UNSEEN), 'none'))).toBe('news')
    }
    expect(doubts()).toBe(0)
    const one = written(world, GROUP_HELD_PER_SOURCE_MAX + 1, UNSEEN)
    expect(take(world, elideEntry(one, 'none'))).toBe('beyondLimit')
    expect(doubts()).toBeGreaterThan(0)
    const seed = world.other.deviceSeed.map((byte) => byte ^ 1)
    const author = driver.crypto.ed25519PublicKey(seed)
    const parts = { conversation: gid, author, seed, op: UNSEEN, n: 1, prev: undefined }
    const another = entryOf({ ...parts, text: 'hello' })
    expect(take(world, elideEntry(another, 'none'))).toBe('news')
  })

  it('finds no more room than messages do, however long it is', () => {
    const world = new TwoDevices('much waits')
    const text = 'x'.repeat(48_000)
    const author = (i: number) => world.other.deviceSeed.map((byte) => byte ^ i)
    let bytes = 0
    for (let i = 0; i < 4; i++) {
      const seed = author(i)
      const device = world.driver.crypto.ed25519PublicKey(seed)
      for (let n = 1; n <= 64; n++) {
        const prev = n === 1 ? undefined : { id: bytesOf(`${i} ${n - 1}`), lamport: n - 1 }
        const parts = { conversation: world.gid, author: device, seed, op: UNSEEN, n, prev, text }
        const wire = elideEntry(entryOf({ ...parts, crypto: world.driver.crypto }), 'none')
        if (take(world, wire) === 'news') bytes += encodeEntry(wire).length
      }
    }
    expect(bytes).toBeLessThanOrEqual(GROUP_HELD_MAX_BYTES)
  })
})

describe('what waited for an operation', () => {
  it('is judged once that is here, though the batch that judged it was lost', () => {
    const world = new TwoDevices('a full disk')
    const { op } = world.write({ kind: 'rotate', ownN: 0 })
    expect(take(world, elideEntry(written(world, 1, op.id), 'none'))).toBe('news')
    const { driver, gid } = world
    driver.run((turn) => takeOperations(turn, gid, [op.bytes]))
    driver.crash((turn) => tendGroup(turn, gid))
    expect(waiting(world)).toBe(1)
    driver.run((turn) => tendGroup(turn, gid))
    expect(waiting(world)).toBe(0)
  })
})

describe('two entries of one number below the cut of a removal', () => {
  it('are told apart by the chain that ends in the cut, whatever number they have', () => {
    const world = new TwoDevices('forked')
    const { driver, gid, other } = world
    const { device: author } = other
    const first = written(world, 1, gid, 'one')
    const forked = written(world, 1, gid, 'another')
    const prev = { id: first.id, lamport: first.header.lamport }
    const parts = { conversation: gid, author, seed: other.deviceSeed, op: gid, n: 2, prev }
    const second = entryOf({ ...parts, text: 'two' })
    for (const one of [first, forked, second]) take(world, elideEntry(one, 'none'))
    const payload = { kind: 'leave', cut: [{ device: author, n: 2, entry: second.id }] } as const
    const { op: leave } = world.write(payload)
    driver.run((turn) => takeOperations(turn, gid, [leave.bytes]))
    const standing = (one: Entry) =>
      driver.run(function* (turn) {
        const members = yield* knownMembership(turn, gid)
        const { kind } = yield* standingIn(members, { id: one.id, author, n: 1, op: gid })
        return kind
      })
    expect(standing(first)).toBe('stands')
    expect(standing(forked)).toBe('after-removal')
  })
})
