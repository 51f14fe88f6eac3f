import { expect, it } from 'vitest'
import { relayDoubts, scoreDown } from '../../../protocol/index.ts'
import { MemoryDriver } from '../../support/memory-driver.ts'
import { bytesOf } from '../../support/relay-world.ts'

it('a relay that is caught is counted each time, and told of once, in the words of what it did', () => {
  const driver = new MemoryDriver({ seed: 'score' })
  const [honest, lying] = [bytesOf('honest'), bytesOf('lying')]
  for (let i = 0; i < 3; i++) driver.run((turn) => scoreDown(turn, lying, undefined))
  expect(driver.run(() => relayDoubts(lying))).toBe(3)
  expect(driver.run(() => relayDoubts(honest))).toBe(0)
  expect(driver.changes).toMatchObject([
    { kind: 'warning', code: 'RELAY_DOUBTED', text: expect.stringContaining('of a group') },
  ])
})
