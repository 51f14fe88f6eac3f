// Sets of entry numbers as ascending, disjoint, inclusive ranges that do not touch. Entry numbers
// start at 1. Used for what is held above a hole, what is missing, and what was seen.
import { type CborArray, type CborValue, FieldReader, malformed } from '../../crypto/index.ts'
import { LAMPORT_MAX } from '../limits.ts'

/** Inclusive on both sides, from <= to. */
export type NumberRange = readonly [from: number, to: number]

/** The set with n added. */
export function addToRanges(ranges: readonly NumberRange[], n: number): readonly NumberRange[] {
  return uniteRanges(ranges, [[n, n]])
}

/** The union of two sets. */
export function uniteRanges(
  a: readonly NumberRange[],
  b: readonly NumberRange[],
): readonly NumberRange[] {
  const sorted = [...a, ...b].sort((x, y) => x[0] - y[0])
  const out: NumberRange[] = []
  for (const [from, to] of sorted) {
    const last = out[out.length - 1]
    if (last !== undefined && from <= last[1] + 1)
      out[out.length - 1] = [last[0], Math.max(last[1], to)]
    else out.push([from, to])
  }
  return out
}

/** What of `a` is not in `b`. */
export function subtractRanges(
  a: readonly NumberRange[],
  b: readonly NumberRange[],
): readonly NumberRange[] {
  let rest: readonly NumberRange[] = a
  for (const [from, to] of b) {
    rest = rest.flatMap((range): readonly NumberRange[] => {
      if (to < range[0] || from > range[1]) return [range]
      const left: NumberRange[] = range[0] < from ? [[range[0], from - 1]] : []
      const right: NumberRange[] = range[1] > to ? [[to + 1, range[1]]] : []
      return [...left, ...right]
    })
  }
  return rest
}

/** What of a set lies within one range. */
export function intersectRanges(
  ranges: readonly NumberRange[],
  [from, to]: NumberRange,
): readonly NumberRange[] {
  return ranges
    .map((range): NumberRange => [Math.max(range[0], from), Math.min(range[1], to)])
    .filter((range) => range[0] <= range[1])
}

export function rangesHave(ranges: readonly NumberRange[], n: number): boolean {
  return ranges.some(([from, to]) => n >= from && n <= to)
}

/**
 * The prefix 1..n that a set and a start make together: from `n`, extended by ranges that touch it.
 * Returns the new end and the ranges that stay above it.
 */
export function absorbRanges(
  n: number,
  ranges: readonly NumberRange[],
): { readonly n: number; readonly above: readonly NumberRange[] } {
  let end = n
  const above: NumberRange[] = []
  for (const [from, to] of ranges) {
    if (from <= end + 1) end = Math.max(end, to)
    else above.push([from, to])
  }
  return { n: end, above }
}

export function encodeRanges(ranges: readonly NumberRange[]): CborArray {
  return ranges.map(([from, to]) => [from, to])
}

/** At most `max` ranges, ascending, apart by at least one number, each within least..2^48. */
export function decodeRanges(
  values: CborArray,
  least: number,
  max: number,
): readonly NumberRange[] {
  if (values.length > max) malformed(`ranges: ${values.length}, at most ${max}`)
  const out: NumberRange[] = []
  let next = least
  for (const value of values) {
    const range = decodeRange(value)
    if (range[0] < next) malformed('ranges: not ascending and apart')
    next = range[1] + 2
    out.push(range)
  }
  return out
}

function decodeRange(value: CborValue): NumberRange {
  const fields = new FieldReader(value, 'range')
  const from = fields.uint('from', LAMPORT_MAX)
  const to = fields.uint('to', LAMPORT_MAX)
  fields.end()
  if (from < 1 || from > to) malformed('range: from is above to')
  return [from, to]
}
