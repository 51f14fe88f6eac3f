import { describe, expect, it } from 'vitest'
import { toHex } from '../../crypto/index.ts'
import { pooledRandom } from '../../node/random.ts'

describe('pooled randomness', () => {
  it('hands out arrays of the length asked for, each with memory of its own', () => {
    for (const length of [0, 1, 24, 32, 256, 257, 4_096, 5_000]) {
      const bytes = pooledRandom(length)
      expect(bytes.length).toBe(length)
      expect(bytes.buffer.byteLength).toBe(length)
    }
  })

  it('never hands out a byte twice, across many pages', () => {
    const seen = new Set<string>()
    for (let i = 0; i < 20_000; i++) seen.add(toHex(pooledRandom(8 + (i % 40))))
    expect(seen.size).toBe(20_000)
  })

  it('gives no run of zeros where a page ends', () => {
    for (let i = 0; i < 2_000; i++) {
      const bytes = pooledRandom(200)
      expect(toHex(bytes)).not.toContain('00'.repeat(8))
    }
  })

  it('does not change what it handed out when the caller wipes or fills it', () => {
    const first = pooledRandom(32)
    first.fill(0)
    expect(pooledRandom(32).some((byte) => byte !== 0)).toBe(true)
  })

  it('refuses a length that is none', () => {
    expect(() => pooledRandom(-1)).toThrow(RangeError)
  })
})
