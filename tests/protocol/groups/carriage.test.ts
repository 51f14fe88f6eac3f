// How far a group's mailbox was read, as it is kept (SPEC.md §14.8, §21.6).
import { beforeEach, describe, expect, it } from 'vitest'
import type { Step } from '../../../protocol/index.ts'
import { DRAINED_NOTED_MS } from '../../../protocol/group-limits.ts'
import { type BoxCursor, boxAt, putBox } from '../../../protocol/groups/boxes.ts'
import {
  noteGroupDrained,
  noteGroupRead,
  takeGroupItem,
} from '../../../protocol/groups/carriage.ts'
import { MemoryDriver } from '../../support/memory-driver.ts'

const bytes = (length: number, of: number): Uint8Array => new Uint8Array(length).fill(of)
const KEY = { gid: bytes(32, 1), lineage: bytes(32, 2), serviceKey: bytes(32, 3) }
const QUEUE = bytes(8, 4)

const cursorAt = (seq: number, incarnation = QUEUE): BoxCursor => ({
  incarnation,
  seq,
  chain: bytes(32, seq),
})
/** Of nobody's: judged once, and known from then on. */
const item = (of: number) => ({ env: bytes(600, of), capId: undefined })

let driver: MemoryDriver
const run = <T>(machine: () => Step<T>): T => driver.run(machine)
const box = () => run(() => boxAt(KEY))
const take = (of: number, cursor: BoxCursor) =>
  driver.run(function* (turn) {
    const taken = yield* takeGroupItem(turn, KEY, item(of))
    yield* noteGroupRead(turn, KEY, cursor, taken !== 'known')
    return taken
  })
const drained = (cursor: BoxCursor): void =>
  driver.run((turn) => noteGroupDrained(turn, KEY, cursor))

beforeEach(() => {
  driver = new MemoryDriver({ seed: 'carriage' })
  driver.run(function* (turn) {
    putBox(turn, {
      ...KEY,
      addresses: [],
      mailboxId: bytes(16, 5),
      writes: true,
      ours: true,
      cursor: undefined,
      drainedAtMs: 0,
      closedAtMs: 0,
    })
  })
  take(8, cursorAt(1))
  drained(cursorAt(1))
})

describe('the cursor of a group mailbox', () => {
  it('is kept with what a page brought', () => {
    expect(take(9, cursorAt(2))).not.toBe('known')
    expect(box()?.cursor).toEqual(cursorAt(2))
  })

  it('stays where it was for copies, until that it was read is noted again', () => {
    expect(take(8, cursorAt(2))).toBe('known')
    drained(cursorAt(2))
    expect(box()?.cursor).toEqual(cursorAt(1))
    driver.advance(DRAINED_NOTED_MS)
    drained(cursorAt(2))
    expect(box()).toMatchObject({ cursor: cursorAt(2), drainedAtMs: driver.safeNowMs })
  })

  it('moves at once to another queue, also where that brings only copies', () => {
    const other = cursorAt(1, bytes(8, 6))
    expect(take(8, other)).toBe('known')
    expect(box()?.cursor).toEqual(other)
    const third = cursorAt(0, bytes(8, 7))
    drained(third)
    expect(box()?.cursor).toEqual(third)
  })
})
