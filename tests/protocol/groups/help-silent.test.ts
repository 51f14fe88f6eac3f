// How many members welcome one who does not answer: each waits twice as long as the one before.
import { expect, test } from 'vitest'
import { groupRepairRank } from '../../../crypto/index.ts'
import { nativeCrypto } from '../../../node/native-crypto.ts'
import { RecentMemory } from '../../../node/ledger/memory.ts'
import { type Ranked, helpRank } from '../../../protocol/groups/help-rank.ts'
import { helpDelayMs } from '../../../protocol/groups/help-silent.ts'
import { GROUP_MEMBERS_MAX, WELCOME_HELP_END_MS } from '../../../protocol/group-limits.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

test('the first helps after a minute, few in a day, and never all', () => {
  const delays = Array.from({ length: GROUP_MEMBERS_MAX }, (_, rank) => helpDelayMs(rank))
  expect(delays.slice(0, 4)).toEqual([1, 2, 4, 8].map((minutes) => minutes * MINUTE_MS))
  expect(new Set(delays).size).toBe(GROUP_MEMBERS_MAX)
  expect(delays.filter((delayMs) => delayMs <= DAY_MS)).toHaveLength(11)
  expect(delays.filter((delayMs) => delayMs <= WELCOME_HELP_END_MS)).toHaveLength(73)
})

test('whose turn it is, is worked out once for each device, and again after a change of the group', () => {
  const key = (i: number): Uint8Array<ArrayBuffer> => new Uint8Array(32).fill(i)
  let hashes = 0
  const crypto = {
    ...nativeCrypto,
    sha256: (...parts: readonly Uint8Array[]) => {
      hashes += 1
      return nativeCrypto.sha256(...parts)
    },
  }
  const turn = { crypto, memory: new RecentMemory(), self: { device: key(1) } }
  const stamps = new Map([40, 41].map((devices) => [devices, {}]))
  const of = (devices: number): Ranked => ({
    gid: key(200),
    devices: Array.from({ length: devices }, (_, i) => key(i)),
    dag: { stamp: stamps.get(devices) ?? {} },
  })
  const rank = (devices: number, device: number): number =>
    helpRank(turn as unknown as Parameters<typeof helpRank>[0], of(devices), key(device))
  const expected = (devices: number, device: number): number => {
    const others = of(devices).devices.filter((_, i) => i !== device)
    return groupRepairRank(nativeCrypto, key(device), key(1), others)
  }
  for (const [devices, device] of [
    [40, 7],
    [40, 8],
    [41, 7],
  ] as const) {
    hashes = 0
    expect(rank(devices, device)).toBe(expected(devices, device))
    expect(hashes).toBe(devices)
    expect(rank(devices, device)).toBe(expected(devices, device))
    expect(hashes).toBe(devices)
  }
})
