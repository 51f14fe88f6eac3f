import { describe, expect, test } from 'vitest'
import { Prng } from './prng.ts'

describe('Prng', () => {
  test('gives the same for the same seed, another for another', () => {
    const take = (seed: string): number[] => {
      const prng = new Prng(seed)
      return Array.from({ length: 100 }, () => prng.u32())
    }
    expect(take('a')).toEqual(take('a'))
    expect(take('a')).not.toEqual(take('b'))
  })

  test('a split stream does not depend on what others drew', () => {
    const first = new Prng(1)
    const second = new Prng(1)
    for (let i = 0; i < 10; i++) second.u32()
    second.split('other').u32()
    expect(first.split('disk').bytes(33)).toEqual(second.split('disk').bytes(33))
    expect(first.split('disk').u32()).not.toBe(first.split('net').u32())
  })

  test('integers cover both ends and are even', () => {
    const prng = new Prng('dice')
    const counts = new Map<number, number>()
    for (let i = 0; i < 60_000; i++) {
      const face = prng.integer(1, 6)
      counts.set(face, (counts.get(face) ?? 0) + 1)
    }
    expect(new Set(counts.keys())).toEqual(new Set([1, 2, 3, 4, 5, 6]))
    for (const count of counts.values()) expect(Math.abs(count - 10_000)).toBeLessThan(500)
  })
})
