// How many members welcome one who does not answer: each waits twice as long as the one before.
import { expect, test } from 'vitest'
import { helpDelayMs } from '../../../protocol/groups/help-silent.ts'
import { GROUP_MEMBERS_MAX, WELCOME_HELP_END_MS } from '../../../protocol/group/limits.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

test('the first helps after a minute, few in a day, and never all', () => {
  const delays = Array.from({ length: GROUP_MEMBERS_MAX }, (_, rank) => helpDelayMs(rank))
  expect(delays.slice(0, 4)).toEqual([1, 2, 4, 8].map((minutes) => minutes * MINUTE_MS))
  expect(new Set(delays).size).toBe(GROUP_MEMBERS_MAX)
  expect(delays.filter((delayMs) => delayMs <= DAY_MS)).toHaveLength(11)
  expect(delays.filter((delayMs) => delayMs <= WELCOME_HELP_END_MS)).toHaveLength(73)
})
