// How long epochs live (SPEC.md §20.6): the pure decision, and what its sweep leaves in the rows.
import { describe, expect, it } from 'vitest'
import { concat, epochChainKey, toHex } from '../../../crypto/index.ts'
import {
  type RetainedEpoch,
  type RetentionView,
  causalEpochs,
  chains,
  epochs,
  groupSkipped,
  judgeRetention,
  lineages,
  skippedCounts,
} from '../../../protocol/index.ts'
import { epochTags, lineageTags, recipientPages } from '../../../protocol/epochs/epoch-tables.ts'
import { GroupWorld, type TestEpoch } from '../../support/epoch-world.ts'

const DAY = 86_400_000
const NOW = 400 * DAY

function id(name: number): Uint8Array {
  return new Uint8Array(32).fill(name)
}

function epochOf(over: Partial<RetainedEpoch> & { readonly opId: Uint8Array }): RetainedEpoch {
  return {
    lineage: over.opId,
    lamport: 1,
    hasChains: true,
    hasAddKey: false,
    supersededAtMs: 0,
    freshAboveAtMs: 0,
    openGap: false,
    ...over,
  }
}

function judge(epoch: RetainedEpoch, over: Partial<RetentionView> = {}) {
  const view = { safeNowMs: NOW, drainedAtMs: NOW, epochs: [epoch, epochOf({ opId: id(9) })] }
  return judgeRetention({ ...view, ...over })
}

describe('an epoch', () => {
  const since = (days: number, over: Partial<RetainedEpoch> = {}): RetainedEpoch =>
    epochOf({ opId: id(1), supersededAtMs: NOW - days * DAY, ...over })

  it.each([
    ['that nothing superseded stays for ever', epochOf({ opId: id(1) }), NOW, undefined],
    ['stays 14 days', since(13.9), NOW, undefined],
    [
      'goes after 14 days, once the mailboxes were read to their ends since',
      since(14),
      NOW,
      'done',
    ],
    [
      'stays while a mailbox was last read before those 14 days were over',
      since(60),
      NOW - 46.1 * DAY,
      undefined,
    ],
    ['goes once one was read after them', since(60), NOW - 46 * DAY, 'done'],
    ['stays while entries may still come under it', since(60, { openGap: true }), NOW, undefined],
    ['goes at 90 days whatever is open, and says so', since(90, { openGap: true }), NOW, 'cap'],
    ['goes at 90 days whatever was not read, and says so', since(90), 0, 'cap'],
    ['stays while another may still extend it', since(60, { hasAddKey: true }), NOW, undefined],
    [
      'that nothing extends goes at 90 days without loss',
      since(90, { hasAddKey: true }),
      NOW,
      'done',
    ],
    [
      'goes when a fresh epoch took over too',
      since(60, { hasAddKey: true, freshAboveAtMs: NOW - 14 * DAY }),
      NOW,
      'done',
    ],
  ] as const)('%s', (_what, epoch, drainedAtMs, why) => {
    const { drop } = judge(epoch, { drainedAtMs })
    expect(drop).toEqual(why === undefined ? [] : [{ opId: epoch.opId, why }])
  })

  it('is one of 64 with chains: beyond, those superseded longest go, and it is said', () => {
    const many = Array.from({ length: 70 }, (_, i) =>
      epochOf({
        opId: id(i + 1),
        lamport: i,
        supersededAtMs: i < 69 ? NOW - (70 - i) * 3_600_000 : 0,
      }),
    )
    const { drop } = judgeRetention({ safeNowMs: NOW, drainedAtMs: 0, epochs: many })
    expect(drop).toEqual([1, 2, 3, 4, 5, 6].map((name) => ({ opId: id(name), why: 'count' })))
    const lazy = many.map((epoch) => ({ ...epoch, hasChains: false }))
    expect(judgeRetention({ safeNowMs: NOW, drainedAtMs: 0, epochs: lazy }).drop).toEqual([])
  })

  it('leaves its lineage to the others of it, and takes it when it is the last', () => {
    const gone = since(14, { lineage: id(7) })
    expect(judge(gone).dropLineages).toEqual([id(7)])
    const other = epochOf({ opId: id(2), lineage: id(7) })
    expect(judge(gone, { epochs: [gone, other] }).dropLineages).toEqual([])
  })
})

describe('an add key', () => {
  const held = (freshDays: number): RetainedEpoch =>
    epochOf({ opId: id(1), hasAddKey: true, freshAboveAtMs: NOW - freshDays * DAY })

  it('goes 14 days and a reading after a fresh epoch, at 90 days in any case', () => {
    const gone = (days: number, drainedAtMs = NOW): boolean =>
      judge(held(days), { drainedAtMs }).dropAddKeys.length === 1
    expect([gone(13.9), gone(14), gone(60, NOW - 47 * DAY), gone(60, NOW - 46 * DAY)]).toEqual([
      false,
      true,
      false,
      true,
    ])
    expect(gone(90, 0)).toBe(true)
    expect(judge(epochOf({ opId: id(1), hasAddKey: true })).dropAddKeys).toEqual([])
  })
})

describe('the sweep', () => {
  const TABLES = [epochs, chains, groupSkipped, lineages] as const

  function stored(world: GroupWorld, i: number): string {
    const { driver } = world.device(i)
    return toHex(concat(...TABLES.flatMap((table) => driver.storedBytes(table as typeof epochs))))
  }

  function sweep(world: GroupWorld, i: number, drained = true) {
    const { driver } = world.device(i)
    const request = {
      group: world.group,
      drainedAtMs: drained ? driver.safeNowMs : 0,
      openGap: () => false,
      outSinceMs: 0,
    }
    return driver.run((turn) => causalEpochs.sweep(turn, request))
  }

  function supersede(world: GroupWorld, i: number, fresh: boolean, past: TestEpoch): void {
    const { driver } = world.device(i)
    const name = toHex(past.operation.opId)
    driver.run((turn) =>
      causalEpochs.supersede(turn, world.group, { fresh, isPast: (opId) => toHex(opId) === name }),
    )
  }

  it('removes every row of an epoch whose time is over, and leaves the next one', () => {
    const world = new GroupWorld('sweep', 2)
    const [old, next] = [world.started([0, 1]), world.started([0, 1])]
    const bob = world.device(1)
    world.device(0).say(old, world.group, 'never comes')
    expect(bob.receive(world.device(0).say(old, world.group, 'comes'))).toBe('genuine')
    supersede(world, 1, true, old)
    bob.driver.advance(13 * DAY)
    expect(sweep(world, 1).dropped).toEqual([])
    bob.driver.advance(DAY)
    expect(sweep(world, 1, false).dropped).toEqual([])
    expect(sweep(world, 1)).toEqual({
      dropped: [{ opId: old.operation.opId, why: 'done', skipped: 1 }],
      more: false,
    })
    expect(bob.driver.rows(epochs).map(({ opId }) => toHex(opId))).toEqual([
      toHex(next.operation.opId),
    ])
    expect(bob.driver.rows(chains)).toHaveLength(2)
    expect(bob.driver.rows(lineages)).toHaveLength(1)
    expect(bob.driver.rows(epochTags)).toHaveLength(1)
    expect(bob.driver.rows(lineageTags)).toHaveLength(1)
    expect(bob.driver.rows(recipientPages)).toHaveLength(1)
    expect(bob.driver.rows(groupSkipped)).toEqual([])
    expect(bob.driver.rows(skippedCounts)).toEqual([0])
    expect(stored(world, 1)).not.toContain(toHex(old.lineage))
    expect(bob.receive(world.device(0).say(old, world.group, 'too late'))).toBe('unknownEpoch')
    expect(bob.receive(world.device(0).say(next, world.group, 'in time'))).toBe('genuine')
  })

  it('names the seeds that a cap took with it', () => {
    const world = new GroupWorld('cap', 2)
    const old = world.started([0, 1])
    const bob = world.device(1)
    for (let i = 0; i < 4; i++) world.device(0).say(old, world.group, 'lost')
    bob.receive(world.device(0).say(old, world.group, 'comes'))
    supersede(world, 1, true, old)
    bob.driver.advance(90 * DAY)
    expect(sweep(world, 1, false).dropped).toEqual([
      { opId: old.operation.opId, why: 'cap', skipped: 4 },
    ])
  })

  it('writes the chains of what extends an epoch before its add key goes, and E is gone', () => {
    const world = new GroupWorld('settle', 3)
    const base = world.started([0, 1])
    const added = world.extend(base, [2])
    for (const i of [0, 1]) world.device(i).keep(world.grant(added))
    world.device(2).keep(world.grant(added, world.handed(added)))
    const [alice, bob] = [world.device(0), world.device(1)]
    expect(bob.receive(alice.say(added, world.group, 'before'))).toBe('genuine')
    // A fresh epoch on the base, concurrent with the add.
    supersede(world, 1, true, base)
    bob.driver.advance(14 * DAY)
    sweep(world, 1)
    expect(
      bob.driver.rows(epochs).map(({ secret, addKey }) => [secret, addKey !== undefined]),
    ).toEqual([[undefined, true]])
    expect(bob.driver.rows(chains)).toHaveLength(3)
    expect(stored(world, 1)).not.toContain(toHex(added.secret))
    const moved = epochChainKey(world.crypto, added.secret, alice.self.device)
    expect(stored(world, 1)).not.toContain(toHex(moved))
    expect(bob.receive(alice.say(added, world.group, 'after'))).toBe('genuine')
    expect(bob.receive(world.device(2).say(added, world.group, 'the newcomer'))).toBe('genuine')
    expect(alice.receive(bob.say(added, world.group, 'an answer'))).toBe('genuine')
  })

  it('marks what was superseded once, by the first above it', () => {
    const world = new GroupWorld('mark', 2)
    const epoch = world.started([0, 1])
    const { driver } = world.device(0)
    const at = driver.safeNowMs
    supersede(world, 0, false, epoch)
    driver.advance(DAY)
    supersede(world, 0, true, epoch)
    driver.advance(DAY)
    supersede(world, 0, true, epoch)
    const [row] = driver.rows(epochs)
    expect([row?.supersededAtMs, row?.freshAboveAtMs]).toEqual([at, at + DAY])
  })

  it('takes several turns for an epoch with very many skipped seeds', () => {
    const world = new GroupWorld('many', 7)
    const members = Array.from({ length: 7 }, (_, i) => i)
    const epoch = world.started(members)
    const reader = world.device(0)
    for (const i of members.slice(1)) {
      for (let n = 0; n < 800; n++)
        world.device(i).encrypt(world.group, epoch.operation.opId, new Uint8Array(0))
      expect(reader.receive(world.device(i).say(epoch, world.group, 'last'))).toBe('genuine')
    }
    supersede(world, 0, true, epoch)
    reader.driver.advance(14 * DAY)
    expect(sweep(world, 0)).toEqual({ dropped: [], more: true })
    expect(reader.driver.rows(groupSkipped)).toHaveLength(4_800 - 4_096)
    expect(sweep(world, 0).more).toBe(false)
    expect(reader.driver.rows(groupSkipped)).toHaveLength(0)
    expect(reader.driver.rows(chains)).toHaveLength(0)
  })
})
