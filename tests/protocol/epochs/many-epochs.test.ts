// Epochs of a group that grew by one at a time (SPEC.md §20.7): one for each member that was added.
// All are found, each opens what was said in it, and none costs more than who came to it.
import { describe, expect, it } from 'vitest'
import { equalBytes, toHex } from '../../../crypto/index.ts'
import { NO_MEMORY, causalEpochs, chains, epochs, recipientsOf } from '../../../protocol/index.ts'
import { nativeCrypto } from '../../../node/native-crypto.ts'
import { addedRecipients, recipientPages } from '../../../protocol/epochs/epoch-tables.ts'
import { chooseSendingEpoch } from '../../../protocol/epochs/sending-epoch.ts'
import { EPOCH_SWEEP_ROWS, RECIPIENTS_CHAIN_MAX } from '../../../protocol/group-limits.ts'
import { GroupWorld, type TestEpoch } from '../../support/epoch-world.ts'

const DAY = 86_400_000

/** A group of two that took in the others one by one; the first device holds every epoch. */
function grown(seed: string, size: number): { world: GroupWorld; all: readonly TestEpoch[] } {
  const world = new GroupWorld(seed, size, nativeCrypto)
  const all = [world.started([0, 1])]
  for (let i = 2; i < size; i++) {
    const next = world.extend(all[all.length - 1] ?? world.fresh([0]), [i])
    for (const one of [0, 1]) world.device(one).keep(world.grant(next))
    world.device(i).keep(world.grant(next, world.handed(next)))
    all.push(next)
  }
  return { world, all }
}

function sweep(world: GroupWorld, open: readonly TestEpoch[] = []) {
  const { driver } = world.device(0)
  return driver.run((turn) =>
    causalEpochs.sweep(turn, {
      group: world.group,
      drainedAtMs: driver.safeNowMs,
      openGap: (opId) => open.some(({ operation }) => equalBytes(operation.opId, opId)),
      outSinceMs: 0,
    }),
  )
}

/** A fresh epoch above all of these. */
function takeOver(world: GroupWorld): void {
  world
    .device(0)
    .driver.run((turn) =>
      causalEpochs.supersede(turn, world.group, { fresh: true, isPast: () => true }),
    )
}

describe('a group that grew by one at a time', () => {
  it('keeps of each epoch who came to it, and all of them once in a while', () => {
    const { world, all } = grown('grown', 80)
    const { driver } = world.device(0)
    const held = driver.run((turn) => causalEpochs.held(turn, world.group))
    expect(held).toHaveLength(79)
    for (const { operation, recipients } of all) {
      const epoch = held.find(({ opId }) => equalBytes(opId, operation.opId))
      if (epoch === undefined) throw new Error('an epoch is not held')
      expect(driver.run(() => recipientsOf(epoch)).map(toHex)).toEqual(recipients.map(toHex))
    }
    // One page of the first, one of the 34th, two of the 67th: it has more than 64.
    expect(driver.rows(recipientPages)).toHaveLength(4)
    expect(driver.rows(addedRecipients)).toHaveLength(79 - 3)
    const lengths = driver.rows(addedRecipients).map(({ length }) => length)
    expect(Math.max(...lengths)).toBe(RECIPIENTS_CHAIN_MAX)
  })

  it('hears everybody in each of them', () => {
    const { world, all } = grown('heard', 40)
    for (const [at, epoch] of all.entries()) {
      const text = world.device(at + 1).say(epoch, world.group, `said in ${at}`)
      expect(world.device(0).receive(text)).toBe('genuine')
    }
  })

  it('finds the last of 1 100 epochs', () => {
    const world = new GroupWorld('many', 2, nativeCrypto)
    let last = world.started([0, 1])
    for (let i = 0; i < 1_100; i++) {
      last = world.extend(last, [])
      world.device(0).keep(world.grant(last))
    }
    const { driver } = world.device(0)
    driver.memory = NO_MEMORY
    const members = world.keysOf([0, 1])
    const { recipientsHash } = world.grant(last)
    const choice = driver.run((turn) =>
      chooseSendingEpoch(turn, {
        group: world.group,
        members,
        membersHash: recipientsHash,
        judge: () => ({ isVoid: false, eligible: true }),
      }),
    )
    expect(choice).toEqual({ kind: 'send', opId: last.operation.opId })
  })

  it('keeps an epoch whole that stays when what it extends goes', () => {
    const { world, all } = grown('stays', 40)
    const stays = all[20]
    if (stays === undefined) throw new Error('no such epoch')
    const reader = world.device(0)
    takeOver(world)
    reader.driver.advance(15 * DAY)
    while (sweep(world, [stays]).more);
    const [left, ...more] = reader.driver.rows(epochs)
    expect([left?.opId, more]).toEqual([stays.operation.opId, []])
    expect(reader.driver.rows(addedRecipients)).toEqual([])
    for (let i = 1; i <= 21; i++) {
      world.device(i).keep(world.grant(stays, world.handed(stays)))
      expect(reader.receive(world.device(i).say(stays, world.group, `from ${i}`))).toBe('genuine')
    }
  })

  it('forgets them some rows at a time', () => {
    const world = new GroupWorld('rows', 120, nativeCrypto)
    const members = Array.from({ length: 120 }, (_, i) => i)
    const reader = world.device(0)
    for (let i = 0; i < 40; i++) reader.keep(world.grant(world.fresh(members)))
    const before = reader.driver.rows(chains).length
    expect(before).toBe(40 * 120)
    takeOver(world)
    reader.driver.advance(15 * DAY)
    expect(sweep(world)).toMatchObject({ more: true })
    const left = reader.driver.rows(chains).length
    expect(before - left).toBeLessThan(EPOCH_SWEEP_ROWS + 120)
    expect(left).toBeGreaterThan(0)
    expect(sweep(world).more).toBe(false)
    for (const table of [epochs, chains, recipientPages]) {
      expect(reader.driver.rows(table as typeof epochs)).toEqual([])
    }
  })
})
