import { describe, expect, it } from 'vitest'
import { type Table, type Turn, get, range } from '../../protocol/index.ts'
import { decodeText, encodeText, u64 } from '../../crypto/index.ts'
import { MemoryDriver } from './memory-driver.ts'

const notes: Table<readonly [owner: string, at: number], string> = {
  name: 'notes',
  sealing: 'value',
  place: ([owner, at]) => ({ owner: encodeText(owner), order: u64(at) }),
  encode: encodeText,
  decode: (bytes) => decodeText(bytes) ?? '',
}

function writer(...rows: readonly (readonly [string, number, string])[]) {
  return function* (turn: Turn) {
    for (const [owner, at, text] of rows) turn.put(notes, [owner, at], text)
    return yield* get(notes, ['ann', 1])
  }
}

describe('memory driver', () => {
  it('shows a turn its own writes, and later turns what was committed', () => {
    const driver = new MemoryDriver({ seed: 'driver' })
    expect(driver.run(writer(['ann', 1, 'one']))).toBe('one')
    expect(
      driver.run(function* () {
        return yield* get(notes, ['ann', 1])
      }),
    ).toBe('one')
  })

  it('ranges one owner in order, both ways, within bounds, without what was removed', () => {
    const driver = new MemoryDriver({ seed: 'driver' })
    driver.run(writer(['ann', 3, 'c'], ['ann', 1, 'a'], ['bob', 2, 'x'], ['ann', 2, 'b']))
    const texts = driver.run(function* (turn) {
      turn.remove(notes, ['ann', 2])
      turn.put(notes, ['ann', 4], 'd')
      const owner = encodeText('ann')
      const up = yield* range(notes, { owner, limit: 10 })
      const down = yield* range(notes, { owner, limit: 2, reverse: true })
      const part = yield* range(notes, { owner, from: u64(3), to: u64(4), limit: 10 })
      return [up, down, part].map((rows) => rows.map((row) => row.value).join(''))
    })
    expect(texts).toEqual(['acd', 'dc', 'c'])
  })

  it('undoes a turn that throws, and one that is lost, effects and changes included', () => {
    const driver = new MemoryDriver({ seed: 'driver' })
    const failing = function* (turn: Turn) {
      turn.put(notes, ['ann', 1], 'lost')
      turn.effect({ kind: 'publish' })
      yield* get(notes, ['ann', 1])
      throw new Error('undo')
    }
    expect(() => driver.run(failing)).toThrow('undo')
    driver.crash(writer(['ann', 1, 'lost']))
    expect(driver.rows(notes)).toEqual([])
    expect(driver.effects).toEqual([])
  })

  it('comes back to a snapshot', () => {
    const driver = new MemoryDriver({ seed: 'driver' })
    driver.run(writer(['ann', 1, 'old']))
    const before = driver.snapshot()
    driver.run(writer(['ann', 1, 'new'], ['', 1, 'unowned']))
    driver.restore(before)
    expect(driver.rows(notes)).toEqual(['old'])
  })
})
