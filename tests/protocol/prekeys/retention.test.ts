import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { prekeyId } from '../../../crypto/index.ts'
import {
  consumePrekey,
  endSlot,
  findPrekey,
  prekeyFate,
  renewPrekeys,
  sweepPrekeys,
} from '../../../protocol/index.ts'
import { addId, includesId } from '../../../protocol/prekeys/id-ranges.ts'
import { DAY, issue, relay, started } from './prekeys-fixture.ts'

describe('the fate of an old secret', () => {
  const ended = 1_000 * DAY
  const cases: readonly (readonly [string, number, number, string])[] = [
    ['before 45 days, whatever was read', 45 * DAY - 1, 45 * DAY - 1, 'kept'],
    ['at 45 days, read then', 45 * DAY, 45 * DAY, 'done'],
    ['at 60 days, read at 50', 60 * DAY, 50 * DAY, 'done'],
    ['at 60 days, read to the end only before the 45 were over', 60 * DAY, 44 * DAY, 'kept'],
    ['at 89 days, never read', 90 * DAY - 1, -ended, 'kept'],
    ['at 90 days, never read', 90 * DAY, -ended, 'lost'],
    ['at 10 years, read', 3650 * DAY, 3650 * DAY, 'done'],
  ]
  it.each(cases)('%s', (_what, now, drained, fate) => {
    expect(prekeyFate(ended, ended + now, ended + drained)).toBe(fate)
  })

  it('is to be kept while it is on offer, for ever', () => {
    expect(prekeyFate(0, 10_000 * DAY, 10_000 * DAY)).toBe('kept')
  })

  it('is never to be deleted early: not before 45 days, and unread not before 90', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.nat(200), (age, drained) => {
        const fate = prekeyFate(ended, ended + age * DAY, ended + drained * DAY)
        if (age < 45) expect(fate).toBe('kept')
        if (age < 90) expect(fate).not.toBe('lost')
        if (age >= 90) expect(fate).not.toBe('kept')
      }),
    )
  })
})

describe('sweeping', () => {
  it('keeps what a device that was away may still need, until it has read its mailboxes', () => {
    const memory = started()
    memory.nowMs += 7 * DAY
    memory.run((turn) => renewPrekeys(turn))
    const lastRead = memory.nowMs
    memory.nowMs += 50 * DAY
    expect(memory.run((turn) => sweepPrekeys(turn, lastRead))).toEqual({ done: 0, lost: 0 })
    expect(memory.run(() => findPrekey('spk', 1))).toBeInstanceOf(Uint8Array)
    expect(memory.run((turn) => sweepPrekeys(turn, memory.nowMs))).toEqual({ done: 3, lost: 0 })
    expect(memory.run(() => findPrekey('spk', 1))).toBe('unknown')
    expect(memory.run(() => findPrekey('spk', 2))).toBeInstanceOf(Uint8Array)
    expect(memory.changes).toEqual([])
  })

  it('names the loss at the cap', () => {
    const memory = started()
    memory.run((turn) => renewPrekeys(turn, true))
    const lastRead = memory.nowMs
    memory.nowMs += 90 * DAY
    expect(memory.run((turn) => sweepPrekeys(turn, lastRead))).toEqual({ done: 0, lost: 3 })
    expect(memory.changes).toEqual([expect.objectContaining({ code: 'PREKEY_LOST' })])
  })

  it('counts the 45 days of a one-time prekey from its notAfter', () => {
    const memory = started()
    const [opk] = issue(memory, relay, 1)
    memory.nowMs += 105 * DAY - 1
    memory.run((turn) => sweepPrekeys(turn, memory.nowMs))
    expect(memory.run(() => findPrekey('opk', opk?.id ?? 0))).toBeInstanceOf(Uint8Array)
    memory.nowMs += 1
    memory.run((turn) => sweepPrekeys(turn, memory.nowMs))
    expect(memory.run(() => findPrekey('opk', opk?.id ?? 0))).toBe('unknown')
  })

  it('goes through more rows than one page', () => {
    const memory = started()
    issue(memory, relay, 600)
    memory.nowMs += 105 * DAY
    expect(memory.run((turn) => sweepPrekeys(turn, memory.nowMs)).done).toBe(600)
  })

  it('forgets tombstones 90 days after the end of their slot, and whose it was after 180', () => {
    const memory = started()
    const [opk] = issue(memory, relay, 1)
    const id = opk?.id ?? 0
    memory.run((turn) => consumePrekey(turn, 'opk', id))
    memory.run((turn) => endSlot(turn, relay))
    memory.nowMs += 90 * DAY - 1
    memory.run((turn) => sweepPrekeys(turn, memory.nowMs))
    expect(memory.run(() => findPrekey('opk', id))).toBe('consumed')
    memory.nowMs += 1
    memory.run((turn) => sweepPrekeys(turn, memory.nowMs))
    expect(memory.run(() => findPrekey('opk', id))).toBe('unknown')
    memory.nowMs += 90 * DAY
    memory.run((turn) => sweepPrekeys(turn, memory.nowMs))
    expect(issue(memory, relay, 1)[0]?.id).toBe(prekeyId(1, 2))
  })
})

describe('a set of used ids', () => {
  it('holds what was put in, as few ascending ranges', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(30)), (ids) => {
        let ranges: readonly (readonly [number, number])[] = []
        for (const id of ids) ranges = addId(ranges, id)
        const expected = new Set(ids)
        for (let id = 0; id <= 31; id++) expect(includesId(ranges, id)).toBe(expected.has(id))
        for (const [index, range] of ranges.entries()) {
          const before = ranges[index - 1]
          if (before !== undefined) expect(range[0]).toBeGreaterThan(before[1] + 1)
        }
      }),
    )
  })
})
