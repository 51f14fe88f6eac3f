// Messages of a group whose key is not here: what finds no room is a doubt, for nothing else shows it.
import { expect, it } from 'vitest'
import { GROUP_HELD_PER_SOURCE_MAX } from '../../../protocol/group-limits.ts'
import { takeGroupMessage } from '../../../protocol/groups/receive.ts'
import { repairState } from '../../../protocol/groups/repair-state.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { TwoDevices } from '../../support/two-devices.ts'

it('one that finds no room of its source is a doubt, and keeps none of another out', () => {
  const world = new TwoDevices('no room')
  const { driver, gid } = world
  const random = seededRandom('messages under no key')
  const takes = (source: number): string => {
    const message = random(512)
    message[0] = 0x21
    const handed = { gid, source: Uint8Array.of(source) }
    return driver.run((turn) => takeGroupMessage(turn, message, handed))
  }
  const doubtSinceMs = () => driver.run(() => repairState(gid)).doubtSinceMs
  for (let i = 0; i < GROUP_HELD_PER_SOURCE_MAX; i++) expect(takes(1)).toBe('held')
  expect(doubtSinceMs()).toBe(0)
  expect(takes(1)).toBe('ignored')
  expect(doubtSinceMs()).toBe(driver.safeNowMs)
  expect(takes(2)).toBe('held')
})
