// Epochs over stored rows (SPEC.md §20.1, §20.7): what is kept, what is refused, what is gone.
import { describe, expect, it } from 'vitest'
import {
  type Bytes32,
  concat,
  epochAddKey,
  epochChainKey,
  groupRecipientsHash,
  noble,
  toHex,
} from '../../../crypto/index.ts'
import {
  type EpochGrant,
  type KeepRefusal,
  STATE_TABLE_NAMES,
  causalEpochs,
  chains,
  epochs,
  groupSkipped,
  lineages,
  skippedCounts,
} from '../../../protocol/index.ts'
import { nativeCrypto } from '../../../node/native-crypto.ts'
import { GroupWorld, type TestEpoch } from '../../support/epoch-world.ts'
import type { MemoryDriver } from '../../support/memory-driver.ts'

const STATE = [epochs, chains, groupSkipped, lineages] as const

/** Everything durable about keys, as one hex string to search in. */
function stored(driver: MemoryDriver): string {
  const rows = STATE.flatMap((table) => driver.storedBytes(table as typeof epochs))
  return toHex(concat(...rows))
}

function refusalOf(world: GroupWorld, i: number, grant: EpochGrant): KeepRefusal | undefined {
  const before = stored(world.device(i).driver)
  const outcome = world.device(i).keep(grant)
  if (outcome.kind !== 'refused') return undefined
  expect(stored(world.device(i).driver)).toBe(before)
  return outcome.reason
}

describe('keeping an epoch', () => {
  it('lets each recipient write to all others', () => {
    const world = new GroupWorld('everybody', 4)
    const epoch = world.started([0, 1, 2, 3])
    for (const from of world.devices) {
      const message = from.say(epoch, world.group, 'to all')
      for (const to of world.devices) {
        expect(to.receive(message)).toBe(to === from ? 'stale' : 'genuine')
      }
    }
  })

  it('is idempotent', () => {
    const world = new GroupWorld('twice', 2)
    const epoch = world.started([0, 1])
    const message = world.device(0).say(epoch, world.group, 'one')
    expect(world.device(1).receive(message)).toBe('genuine')
    const before = stored(world.device(1).driver)
    expect(world.device(1).keep(world.grant(epoch)).kind).toBe('known')
    expect(stored(world.device(1).driver)).toBe(before)
  })

  it('notices two secrets for one operation, whichever comes first', () => {
    const world = new GroupWorld('two secrets', 2)
    const epoch = world.fresh([0, 1])
    const other = { kind: 'seed' as const, seed: world.random(32) }
    expect(refusalOf(world, 0, world.grant(epoch, other))).toBe('commit')
    expect(world.device(0).keep(world.grant(epoch)).kind).toBe('kept')
    expect(refusalOf(world, 0, world.grant(epoch, other))).toBe('commit')
  })

  it.each([0, 31, 33])('refuses a seed of %i bytes', (length) => {
    const world = new GroupWorld('length', 2)
    const epoch = world.fresh([0, 1])
    const seed = new Uint8Array(length)
    seed.set(epoch.seed.subarray(0, length))
    expect(refusalOf(world, 0, world.grant(epoch, { kind: 'seed', seed }))).toBe('malformed')
    const source = { kind: 'secret' as const, epoch: seed }
    expect(refusalOf(world, 0, world.grant(epoch, source))).toBe('malformed')
  })

  it('refuses a false G that an adder gives to a newcomer, beside a true E', () => {
    const world = new GroupWorld('false G', 3)
    const base = world.started([0, 1])
    const added = world.extend(base, [2])
    const source = { kind: 'secret' as const, epoch: added.secret, lineage: world.random(32) }
    expect(refusalOf(world, 2, world.grant(added, source))).toBe('lineageCommit')
    expect(refusalOf(world, 2, world.grant(added, { ...source, lineage: world.random(31) }))).toBe(
      'malformed',
    )
    const { lineage: _none, ...without } = source
    expect(refusalOf(world, 2, world.grant(added, without))).toBe('noLineage')
    expect(world.device(2).keep(world.grant(added, world.handed(added))).kind).toBe('kept')
  })

  it('refuses a false E beside a true G', () => {
    const world = new GroupWorld('false E', 3)
    const added = world.extend(world.started([0, 1]), [2])
    const source = { ...world.handed(added), epoch: world.random(32) }
    expect(refusalOf(world, 2, world.grant(added, source as never))).toBe('commit')
  })

  it('refuses to be where this device is no recipient, or recipients do not ascend', () => {
    const world = new GroupWorld('recipients', 3)
    const epoch = world.fresh([0, 1])
    expect(refusalOf(world, 2, world.grant(epoch))).toBe('recipients')
    const recipients = epoch.recipients.toReversed()
    expect(refusalOf(world, 0, { ...world.grant(epoch), recipients })).toBe('recipients')
    const twice = [...epoch.recipients, epoch.recipients[1] as Bytes32]
    expect(refusalOf(world, 0, { ...world.grant(epoch), recipients: twice })).toBe('recipients')
  })

  it('refuses to extend what is not held', () => {
    const world = new GroupWorld('no parent', 3)
    const base = world.fresh([0, 1])
    expect(refusalOf(world, 0, world.grant(world.extend(base, [2])))).toBe('noParent')
  })

  it('an add costs one derivation: old members and the newcomer meet in it', () => {
    const world = new GroupWorld('add', 3)
    const base = world.started([0, 1])
    const added = world.extend(base, [2])
    for (const i of [0, 1]) {
      const rows = world.device(i).driver.rows(chains).length
      expect(world.device(i).keep(world.grant(added)).kind).toBe('kept')
      expect(world.device(i).driver.rows(chains).length).toBe(rows)
    }
    world.device(2).keep(world.grant(added, world.handed(added)))
    const message = world.device(0).say(added, world.group, 'welcome')
    expect([1, 2].map((i) => world.device(i).receive(message))).toEqual(['genuine', 'genuine'])
    const answer = world.device(2).say(added, world.group, 'thanks')
    expect([0, 1].map((i) => world.device(i).receive(answer))).toEqual(['genuine', 'genuine'])
  })

  it('a newcomer opens nothing from before', () => {
    const world = new GroupWorld('before', 3)
    const base = world.started([0, 1])
    const before = world.device(0).say(base, world.group, 'among us')
    const added = world.extend(base, [2])
    world.device(2).keep(world.grant(added, world.handed(added)))
    expect(world.device(2).receive(before)).toBe('unknownEpoch')
  })

  it('a removed device opens nothing from after', () => {
    const world = new GroupWorld('after', 3)
    world.started([0, 1, 2])
    const without = world.fresh([0, 1])
    for (const i of [0, 1]) world.device(i).keep(world.grant(without))
    const message = world.device(0).say(without, world.group, 'alone')
    expect(world.device(1).receive(message)).toBe('genuine')
    expect(world.device(2).receive(message)).toBe('unknownEpoch')
    expect(refusalOf(world, 2, world.grant(without))).toBe('recipients')
  })

  it('stores and sends the same bytes with noble and with node:crypto', () => {
    const [a, b] = [noble, nativeCrypto].map((crypto) => {
      const world = new GroupWorld('differential', 3, crypto)
      const base = world.started([0, 1])
      const added = world.extend(base, [2])
      world.device(0).keep(world.grant(added))
      world.device(2).keep(world.grant(added, world.handed(added)))
      const messages = [base, added].map((epoch) => {
        const message = world.device(0).say(epoch, world.group, 'one')
        return [toHex(message), ...world.devices.map((device) => device.receive(message))]
      })
      return { messages, rows: world.devices.map(({ driver }) => stored(driver)) }
    })
    expect(b).toEqual(a)
    expect(a?.messages.map(([, ...receipts]) => receipts)).toEqual([
      ['stale', 'genuine', 'unknownEpoch'],
      ['stale', 'unknownEpoch', 'genuine'],
    ])
  })
})

describe('forward secrecy', () => {
  function chainKeys(world: GroupWorld, epoch: TestEpoch, i: number): string {
    return toHex(epochChainKey(world.crypto, epoch.secret, world.device(i).self.device))
  }

  it('of a fresh epoch: neither seed nor E is stored, and a key that moved is gone', () => {
    const world = new GroupWorld('fresh fs', 2)
    const epoch = world.started([0, 1])
    for (const { driver } of world.devices) {
      expect(stored(driver)).not.toContain(toHex(epoch.seed))
      expect(stored(driver)).not.toContain(toHex(epoch.secret))
      expect(stored(driver)).toContain(chainKeys(world, epoch, 0))
    }
    const message = world.device(0).say(epoch, world.group, 'moves both')
    expect(stored(world.device(0).driver)).not.toContain(chainKeys(world, epoch, 0))
    expect(stored(world.device(1).driver)).toContain(chainKeys(world, epoch, 0))
    world.device(1).receive(message)
    for (const { driver } of world.devices) {
      expect(stored(driver)).not.toContain(chainKeys(world, epoch, 0))
      expect(stored(driver)).toContain(chainKeys(world, epoch, 1))
    }
  })

  it('of a skipped message: its seed is gone once it came', () => {
    const world = new GroupWorld('skipped fs', 2)
    const epoch = world.started([0, 1])
    const [alice, bob] = [world.device(0), world.device(1)]
    const late = alice.say(epoch, world.group, 'late')
    bob.receive(alice.say(epoch, world.group, 'early'))
    const [seed] = bob.driver.rows(groupSkipped)
    expect(bob.driver.rows(skippedCounts)).toEqual([1])
    expect(bob.receive(late)).toBe('genuine')
    expect(stored(bob.driver)).not.toContain(toHex(seed?.seed ?? new Uint8Array(0)))
    expect(bob.driver.rows(skippedCounts)).toEqual([0])
    expect(bob.receive(late)).toBe('stale')
  })

  it('of an epoch that extends another holds only once the add key above is gone: stated', () => {
    const world = new GroupWorld('derived fs', 3)
    const base = world.started([0, 1])
    const added = world.extend(base, [2])
    const alice = world.device(0)
    alice.keep(world.grant(added))
    alice.say(added, world.group, 'moves')
    expect(stored(alice.driver)).toContain(toHex(added.secret))
    expect(stored(alice.driver)).toContain(toHex(epochAddKey(world.crypto, base.secret)))
    const newcomer = world.device(2)
    newcomer.keep(world.grant(added, world.handed(added)))
    expect(stored(newcomer.driver)).not.toContain(toHex(added.secret))
    expect(stored(newcomer.driver)).not.toContain(toHex(epochAddKey(world.crypto, base.secret)))
  })

  it('every table that holds keys is sealed under the key that rotates', () => {
    for (const table of STATE) {
      expect(table.sealing).toBe('state')
      expect(STATE_TABLE_NAMES).toContain(table.name)
    }
  })
})

describe('what a message costs', () => {
  function rowsOf(size: number) {
    const world = new GroupWorld(`cost ${size}`, size)
    const epoch = world.started([0, 1])
    const all = world.keysOf(Array.from({ length: size }, (_, i) => i))
    const large = world.fresh(Array.from({ length: size }, (_, i) => i))
    for (const i of [0, 1]) world.device(i).keep(world.grant({ ...large, recipients: all }))
    expect(epoch.recipients).toHaveLength(2)
    const [alice, bob] = [world.device(0), world.device(1)]
    const written = (device: typeof alice, work: () => void): number => {
      const before = new Map(STATE.map((t) => [t.name, bytesOf(device.driver, t)]))
      work()
      let changed = 0
      for (const table of STATE) {
        const old = new Set(before.get(table.name))
        for (const row of bytesOf(device.driver, table))
          if (!old.has(row)) changed += row.length / 2
      }
      return changed
    }
    let message = new Uint8Array(0)
    const sent = written(
      alice,
      () => (message = new Uint8Array(alice.say(large, world.group, 'x'))),
    )
    const received = written(bob, () => void bob.receive(message))
    const state = STATE.map((table) =>
      bytesOf(bob.driver, table).reduce((sum, row) => sum + row.length / 2, 0),
    )
    return { sent, received, state: state.reduce((a, b) => a + b, 0) }
  }

  function bytesOf(driver: MemoryDriver, table: (typeof STATE)[number]): readonly string[] {
    return driver.storedBytes(table as typeof epochs).map(toHex)
  }

  it('is one row of 69 bytes at the sender and at the receiver, in a group of 2 and of 1 000', () => {
    const [small, large] = [rowsOf(2), rowsOf(1_000)]
    expect([small.sent, small.received]).toEqual([69, 69])
    expect([large.sent, large.received]).toEqual([69, 69])
    const perMember = (large.state - small.state) / 998
    process.stdout.write(
      `stored keys of an epoch: ${perMember.toFixed(1)} B per member and ${small.state} B for two epochs of two\n`,
    )
    expect(perMember).toBeLessThanOrEqual(70)
  })
})

describe('recipients', () => {
  it('are paged, and hashed as operations hash them', () => {
    const world = new GroupWorld('pages', 150)
    const members = Array.from({ length: 150 }, (_, i) => i)
    const epoch = world.fresh(members)
    world.device(7).keep(world.grant(epoch))
    const [record] = world.device(7).driver.rows(epochs)
    if (record === undefined) throw new Error('no epoch')
    const recipients = world.device(7).driver.run(() => causalEpochs.recipients(record))
    expect(recipients.map(toHex)).toEqual(epoch.recipients.map(toHex))
    expect(toHex(record.recipientsHash)).toBe(toHex(groupRecipientsHash(noble, recipients)))
    expect(record.ownIndex).toBe(7)
  })
})
