import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CryptoError } from '../../../crypto/index.ts'
import {
  absorbRanges,
  addToRanges,
  decodeRanges,
  encodeRanges,
  intersectRanges,
  type NumberRange,
  rangesHave,
  subtractRanges,
  uniteRanges,
} from '../../../protocol/log/ranges.ts'

const numbers = fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 40 })
const setOf = (ns: readonly number[]): readonly NumberRange[] =>
  ns.reduce<readonly NumberRange[]>(addToRanges, [])
const membersOf = (ranges: readonly NumberRange[]): number[] =>
  Array.from({ length: 70 }, (_, n) => n).filter((n) => rangesHave(ranges, n))
const sorted = (ns: Iterable<number>): number[] => [...ns].sort((a, b) => a - b)

describe('ranges', () => {
  it('are sets of numbers: add, unite, subtract', () => {
    fc.assert(
      fc.property(numbers, numbers, (a, b) => {
        expect(membersOf(setOf(a))).toEqual(sorted(a))
        expect(membersOf(uniteRanges(setOf(a), setOf(b)))).toEqual(sorted(new Set([...a, ...b])))
        const rest = a.filter((n) => !b.includes(n))
        expect(membersOf(subtractRanges(setOf(a), setOf(b)))).toEqual(sorted(rest))
        const within = a.filter((n) => n >= 10 && n <= 30)
        expect(membersOf(intersectRanges(setOf(a), [10, 30]))).toEqual(sorted(within))
      }),
    )
  })

  it('have one form: ascending and apart', () => {
    fc.assert(
      fc.property(numbers, (ns) => {
        const ranges = setOf(ns)
        expect(decodeRanges(encodeRanges(ranges), 1, 64)).toEqual(ranges)
      }),
    )
  })

  it('are absorbed by a prefix as far as they touch it', () => {
    expect(
      absorbRanges(3, [
        [4, 5],
        [7, 9],
      ]),
    ).toEqual({ n: 5, above: [[7, 9]] })
    expect(
      absorbRanges(6, [
        [5, 8],
        [10, 10],
      ]),
    ).toEqual({ n: 8, above: [[10, 10]] })
    expect(absorbRanges(0, [[2, 2]])).toEqual({ n: 0, above: [[2, 2]] })
  })

  it('of noise throw ERR_WIRE_MALFORMED or are sound', () => {
    const pair = fc.tuple(fc.nat(20), fc.nat(20))
    fc.assert(
      fc.property(fc.array(pair, { maxLength: 5 }), (pairs) => {
        try {
          const ranges = decodeRanges(pairs, 1, 4)
          expect(setOf(membersOf(ranges))).toEqual(ranges)
        } catch (error) {
          expect(error).toBeInstanceOf(CryptoError)
        }
      }),
    )
  })
})
