// Which epoch to send in, and who repairs (SPEC.md §20.8): pure decisions.
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Bytes32,
  compareBytes,
  groupRecipientsHash,
  noble,
  toHex,
} from '../../../crypto/index.ts'
import {
  type RepairView,
  type SendableEpoch,
  answersSeedRequest,
  chooseEpoch,
  chooseSendingEpoch,
  isNewControl,
  missingFrom,
  noteControl,
  repairDelayMs,
  repairsOf,
} from '../../../protocol/index.ts'
import type { ControlWindow } from '../../../protocol/index.ts'
import { GroupWorld } from '../../support/epoch-world.ts'

function key(name: number): Bytes32 {
  const out = new Uint8Array(32)
  new DataView(out.buffer).setUint32(0, name)
  return out
}

function keys(...names: readonly number[]): readonly Bytes32[] {
  return names.map(key).toSorted(compareBytes)
}

function epoch(
  opId: number,
  recipients: readonly Bytes32[],
  over: Partial<SendableEpoch> = {},
): SendableEpoch {
  const usual = { lamport: 1, ownCount: 0, isVoid: false, eligible: true }
  return { opId: key(opId), recipients, ...usual, ...over }
}

const M = keys(1, 2, 3, 4)
const all = (opId: number, over: Partial<SendableEpoch> = {}): SendableEpoch => epoch(opId, M, over)
const few = keys(1, 2, 3)

describe('the epoch to send in', () => {
  it.each([
    [
      'is the one whose recipients are the members',
      [epoch(1, few), all(2)],
      { kind: 'send', opId: key(2) },
    ],
    [
      'of several: the highest timestamp',
      [all(1), all(2, { lamport: 5 }), all(3)],
      { kind: 'send', opId: key(2) },
    ],
    ['then the smallest id', [all(3), all(2), all(4)], { kind: 'send', opId: key(2) }],
    [
      'is never one with a device that is no member',
      [epoch(1, keys(1, 2, 3, 4, 5))],
      { kind: 'wait' },
    ],
    [
      'nor one with as many devices of which one is no member',
      [epoch(1, keys(1, 2, 3, 5))],
      { kind: 'wait' },
    ],
    [
      'is the largest subset, and the missing get it one-to-one',
      [epoch(1, keys(1)), epoch(2, few)],
      { kind: 'topUp', opId: key(2), missing: keys(4) },
    ],
    ['is none whose operation is void', [all(1, { isVoid: true })], { kind: 'wait' }],
    [
      'is none that is not eligible',
      [all(1, { eligible: false }), epoch(2, few)],
      { kind: 'topUp', opId: key(2), missing: keys(4) },
    ],
    ['is none where none is held', [], { kind: 'wait' }],
    [
      'asks for a rotation at 900',
      [all(1, { ownCount: 900 })],
      { kind: 'rotate', otherwise: { kind: 'send', opId: key(1) } },
    ],
    ['not at 899', [all(1, { ownCount: 899 })], { kind: 'send', opId: key(1) }],
    [
      'is not spent: the next one',
      [all(1, { ownCount: 1_000, lamport: 5 }), all(2)],
      { kind: 'send', opId: key(2) },
    ],
    [
      'asks for a rotation and waits where all are spent',
      [all(1, { ownCount: 1_000 })],
      { kind: 'rotate', otherwise: { kind: 'wait' } },
    ],
  ] as const)('%s', (_what, epochs, choice) => {
    expect(chooseEpoch(epochs, M)).toEqual(choice)
  })

  it('tops up 16 devices and not 17', () => {
    const members = Array.from({ length: 40 }, (_, i) => key(i + 1))
    const lacking = (count: number) => epoch(1, members.slice(count))
    expect(chooseEpoch([lacking(16)], members)).toEqual({
      kind: 'topUp',
      opId: key(1),
      missing: members.slice(0, 16),
    })
    expect(chooseEpoch([lacking(17)], members)).toEqual({ kind: 'wait' })
  })

  it('leaves nobody out and lets nobody in, whatever is held', () => {
    const some = fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { minLength: 1 })
    fc.assert(
      fc.property(some, fc.array(some, { maxLength: 6 }), (members, held) => {
        const choice = chooseEpoch(
          held.map((names, i) => epoch(i + 1, keys(...names))),
          keys(...members),
        )
        const opId = 'opId' in choice ? choice.opId : undefined
        if (opId === undefined) {
          const subset = (names: readonly number[]) => names.every((name) => members.includes(name))
          expect(held.some(subset)).toBe(false)
          return
        }
        const names = held[new DataView(opId.buffer).getUint32(0) - 1] ?? []
        const reached = [...keys(...names), ...(choice.kind === 'topUp' ? choice.missing : [])]
        expect(reached.map(toHex).toSorted()).toEqual(
          keys(...members)
            .map(toHex)
            .toSorted(),
        )
      }),
    )
  })

  it('says which members an epoch lacks, and nothing for one with somebody else', () => {
    expect(missingFrom(keys(2, 3), M)).toEqual(keys(1, 4))
    expect(missingFrom(M, M)).toEqual([])
    expect(missingFrom([], M)).toEqual(M)
    expect(missingFrom(keys(2, 9), M)).toBeUndefined()
    expect(missingFrom(keys(0, 1), M)).toBeUndefined()
  })

  it('is found in the rows, with the recipients read only where none matches', () => {
    const world = new GroupWorld('choice', 5)
    const [small, base] = [world.started([0, 1, 2]), world.started([0, 1, 2, 3])]
    const choose = (members: readonly number[]) => {
      const view = {
        group: world.group,
        members: world.keysOf(members),
        membersHash: groupRecipientsHash(noble, world.keysOf(members)),
        judge: () => ({ isVoid: false, eligible: true }),
      }
      return world.device(0).driver.run((turn) => chooseSendingEpoch(turn, view))
    }
    expect(choose([0, 1, 2, 3])).toEqual({ kind: 'send', opId: base.operation.opId })
    expect(choose([0, 1, 2])).toEqual({ kind: 'send', opId: small.operation.opId })
    expect(choose([0, 1, 2, 3, 4])).toEqual({
      kind: 'topUp',
      opId: base.operation.opId,
      missing: world.keysOf([4]),
    })
    expect(choose([0, 1, 4])).toEqual({ kind: 'wait' })
  })
})

describe('repair', () => {
  const calm: RepairView = {
    nowMs: 1_000_000_000,
    delayMs: 700,
    missingSeeds: [],
    owed: [],
    noUsableSinceMs: undefined,
    withinMembers: undefined,
    subsetSinceMs: undefined,
    missingMembers: [],
    heads: 1,
    departureSinceMs: undefined,
    freshSeenMs: 1_000_000_000,
    entriesSinceFresh: 0,
    rotationDueSinceMs: undefined,
    lastRefreshMs: 0,
    mergesMs: [],
  }
  const at = calm.nowMs
  const repairs = (over: Partial<RepairView>) => repairsOf({ ...calm, ...over })

  it('is nothing while all is well, however many heads there are (R6)', () => {
    expect(repairs({ heads: 5 })).toEqual([])
  })

  it('R1 asks the author at once, then two others after 10 s, 20 s, .. a day, without end', () => {
    const seed = { opId: key(1), sinceMs: at - 5, asks: 0, askedAtMs: 0 }
    expect(repairs({ missingSeeds: [seed] })).toEqual([
      { kind: 'askAuthor', opId: key(1), atMs: at - 5 },
    ])
    const waits = [1, 2, 3, 14, 15, 99].map((asks) => {
      const [repair] = repairs({ missingSeeds: [{ ...seed, asks, askedAtMs: at }] })
      expect(repair).toMatchObject({ kind: 'askOthers', opId: key(1), round: asks - 1 })
      return (repair?.atMs ?? 0) - at
    })
    expect(waits).toEqual([10_000, 20_000, 40_000, 81_920_000, 86_400_000, 86_400_000])
  })

  it('R1 refreshes who asked for what is wiped: its author at once, others after their delay', () => {
    const owed = [
      { device: key(5), sinceMs: at, isAuthor: false },
      { device: key(4), sinceMs: at + 100, isAuthor: false },
    ]
    const extend = { kind: 'refresh', extend: key(7), devices: keys(4, 5) }
    const withinMembers = key(7)
    expect(repairs({ owed, withinMembers })).toEqual([{ ...extend, atMs: at + 700 }])
    const own = owed.map((one) => ({ ...one, isAuthor: true }))
    expect(repairs({ owed: own, withinMembers })).toEqual([{ ...extend, atMs: at }])
    expect(repairs({ owed })).toEqual([])
  })

  it('R2 refreshes who holds an epoch of members only, else merges, on one head rotates', () => {
    const stuck = { noUsableSinceMs: at, missingMembers: keys(4, 5) }
    expect(repairs({ ...stuck, withinMembers: key(7) })).toEqual([
      { kind: 'refresh', extend: key(7), devices: keys(4, 5), atMs: at + 30_700 },
    ])
    expect(repairs({ ...stuck, heads: 2 })).toEqual([{ kind: 'merge', atMs: at + 30_700 }])
    expect(repairs(stuck)).toEqual([{ kind: 'rotate', atMs: at + 30_700 }])
  })

  it('R3 refreshes the missing, 16 at a time', () => {
    const missingMembers = Array.from({ length: 20 }, (_, i) => key(i))
    const [first] = repairs({ subsetSinceMs: at, withinMembers: key(7), missingMembers })
    expect(first).toEqual({
      kind: 'refresh',
      extend: key(7),
      devices: missingMembers.slice(0, 16),
      atMs: at + 30_700,
    })
  })

  it('R4 rotates after a departure; R5 an epoch of 7 days in use, or of 10 000 entries', () => {
    expect(repairs({ departureSinceMs: at - 5 })).toEqual([{ kind: 'rotate', atMs: at + 695 }])
    const week = 7 * 86_400_000
    const old = { freshSeenMs: at - week - 1, entriesSinceFresh: 1 }
    expect(repairs(old)).toEqual([{ kind: 'rotate', atMs: at + 700 }])
    expect(repairs({ ...old, rotationDueSinceMs: at - 500 })).toEqual([
      { kind: 'rotate', atMs: at + 200 },
    ])
    expect(repairs({ ...old, entriesSinceFresh: 0 })).toEqual([])
    expect(repairs({ ...old, freshSeenMs: at - week })).toEqual([])
    expect(repairs({ entriesSinceFresh: 10_000 })).toEqual([])
    expect(repairs({ entriesSinceFresh: 10_001 })).toEqual([{ kind: 'rotate', atMs: at + 700 }])
  })

  it('R7 bounds what one device does: a refresh in 2 s, three merges an hour, an answer in 10 min', () => {
    const stuck = { noUsableSinceMs: at - 60_000, missingMembers: keys(4) }
    expect(repairs({ ...stuck, withinMembers: key(7), lastRefreshMs: at })).toMatchObject([
      { kind: 'refresh', atMs: at + 2_000 },
    ])
    const mergesMs = [at - 100, at - 3_000_000, at - 200]
    expect(repairs({ ...stuck, heads: 2, mergesMs })).toMatchObject([{ atMs: at + 600_000 }])
    expect(repairs({ ...stuck, heads: 2, mergesMs: mergesMs.slice(1) })).toMatchObject([
      { atMs: at - 29_300 },
    ])
    expect(answersSeedRequest(undefined, at)).toBe(true)
    expect(answersSeedRequest(at - 599_999, at)).toBe(false)
    expect(answersSeedRequest(at - 600_000, at)).toBe(true)
  })

  it('comes in an order: half a second a rank, a minute at most, up to half a second beside', () => {
    expect([0, 1, 120, 5_000].map((rank) => repairDelayMs(rank, 0))).toEqual([
      0, 500, 60_000, 60_000,
    ])
    expect(repairDelayMs(2, 0.999)).toBe(1_499)
  })
})

describe('numbers of control objects', () => {
  it('count once each, in any order, and not at all where they are too old to tell', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 80 }), (numbers) => {
        let window: ControlWindow | undefined
        const seen = new Set<number>()
        let highest = 0
        for (const r of numbers) {
          const wanted = r > highest || (!seen.has(r) && highest - r < 64)
          expect(isNewControl(window, r)).toBe(wanted)
          window = noteControl(window, r)
          if (highest - r < 64) seen.add(r)
          highest = Math.max(highest, r)
          expect(isNewControl(window, r)).toBe(false)
        }
      }),
    )
  })
})
