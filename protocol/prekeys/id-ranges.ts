// Sets of small numbers as ascending inclusive ranges: which prekeys of a slot were used. They are
// used nearly in order, so a set stays a handful of ranges.

export type IdRange = readonly [from: number, to: number]

export function includesId(ranges: readonly IdRange[], id: number): boolean {
  return ranges.some(([from, to]) => id >= from && id <= to)
}

/** The set with one number more: ranges that touch become one. */
export function addId(ranges: readonly IdRange[], id: number): readonly IdRange[] {
  if (includesId(ranges, id)) return ranges
  let [from, to] = [id, id]
  const others: IdRange[] = []
  for (const range of ranges) {
    if (range[1] === id - 1) from = range[0]
    else if (range[0] === id + 1) to = range[1]
    else others.push(range)
  }
  const range: IdRange = [from, to]
  return [...others, range].toSorted((a, b) => a[0] - b[0])
}
