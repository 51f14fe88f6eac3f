// Where a newcomer's log begins, worked out by others than who added it.
import { describe, expect, it, vi } from 'vitest'
import { nativeCrypto } from '../../../node/native-crypto.ts'
import {
  type GroupBase,
  baseHashOf,
  baseOfAdd,
  groupBase,
} from '../../../protocol/groups/group-base.ts'
import { acceptBase } from '../../../protocol/log/base.ts'
import { CONVERSATION, bytesOf, refOf } from '../../support/entries.ts'
import { MemoryDriver } from '../../support/memory-driver.ts'
import { Writer } from '../../support/writer.ts'

const LOOKS = 8

// As many entries as are looked at take long to write.
vi.mock('../../../protocol/group-limits.ts', async (original) => ({
  ...(await original<object>()),
  ADD_BASE_LOOKS_MAX: 8,
}))

function people(name: string) {
  const driver = new MemoryDriver({ seed: name, crypto: nativeCrypto })
  const writer = (who: string) => new Writer(driver, who)
  return { driver, alice: writer('alice'), bob: writer('bob'), carol: writer('carol') }
}

/** What an add of now would name, and whoever adds would send. */
function adds(driver: MemoryDriver): GroupBase & { readonly baseHash: Uint8Array } {
  return driver.run(function* (turn) {
    const base = yield* groupBase(turn, CONVERSATION)
    return { ...base, baseHash: baseHashOf(turn, base.authors) }
  })
}

function workedOut(
  driver: MemoryDriver,
  named: ReturnType<typeof adds>,
): GroupBase['authors'] | undefined {
  return driver.run((turn) => baseOfAdd(turn, CONVERSATION, named))
}

describe('the base of an add', () => {
  it('is worked out from its heads, without what was said since', () => {
    const { driver, alice, bob, carol } = people('since')
    const one = alice.write()
    bob.write([refOf(one)])
    alice.write()
    const named = adds(driver)
    expect(new Set(named.authors.map(({ n }) => n))).toEqual(new Set([1, 2]))
    const three = bob.write()
    carol.write([refOf(three)])
    alice.write([refOf(three)])
    expect(workedOut(driver, named)).toEqual(named.authors)
  })

  it('has who was silent for longer than anybody looks', () => {
    const { driver, alice, bob, carol } = people('silent')
    const long = carol.write()
    alice.write([refOf(long)])
    for (let i = 0; i < LOOKS; i++) alice.write()
    const named = adds(driver)
    expect(named.authors).toHaveLength(2)
    bob.write([refOf(alice.write())])
    expect(workedOut(driver, named)).toEqual(named.authors)
  })

  it('has those at whose last entries this device began itself', () => {
    const { driver, alice, bob } = people('began')
    const old = { author: bytesOf('who is gone'), n: 7, id: bytesOf('entry'), lamport: 5 }
    const head = { id: bytesOf('head'), lamport: 9 }
    const base = { conversation: CONVERSATION, heads: [head], authors: [old] }
    driver.run((turn) => acceptBase(turn, CONVERSATION, base, { kind: 'member' }))
    alice.write([head])
    const named = adds(driver)
    bob.write()
    expect(workedOut(driver, named)).toEqual(named.authors)
  })

  it('is none where whoever added held something else', () => {
    const { driver, alice, bob } = people('else')
    alice.write()
    const named = adds(driver)
    bob.write()
    const { baseHash } = adds(driver)
    expect(workedOut(driver, { ...named, baseHash })).toBeUndefined()
  })
})
