// Handing operations on (SPEC.md §19.7): what somebody with these heads does not have, in an order in
// which each follows its past.
import type { Bytes32, GroupOp } from '../../crypto/index.ts'
import type { GroupDag } from './group-dag.ts'
import { Bits } from './bits.ts'

export interface ServedOps {
  /** Each after its past. */
  readonly ops: readonly GroupOp[]
  /** There are more: ask again with the heads that these make. */
  readonly more: boolean
}

/** Bytes of CBOR that an operation costs inside an array. */
function costOf(op: GroupOp): number {
  return op.bytes.length + 5
}

/**
 * By (lamport, opId); but what an account made many of and nobody goes on from comes last: who has no
 * room for it is to get everything else all the same.
 */
function inTurn({ history }: GroupDag): readonly number[] {
  const { ordered } = history
  const spare = history.spare()
  if (spare.size === 0) return ordered
  return [
    ...ordered.filter((index) => !spare.has(index)),
    ...ordered.filter((index) => spare.has(index)),
  ]
}

/**
 * Operations above some heads, at most so many bytes, but one at least. Heads that are not held here
 * say nothing. `within`: only these operations and their past, for one who was removed by them.
 */
export function opsSince(
  dag: GroupDag,
  heads: readonly Bytes32[],
  options: { readonly maxBytes: number; readonly within?: readonly Bytes32[] },
): ServedOps {
  const indexes = (ids: readonly Bytes32[]): number[] =>
    ids.flatMap((id) => dag.history.find(id)?.index ?? [])
  const held = dag.history.closure(indexes(heads))
  const allowed =
    options.within === undefined ? undefined : dag.history.closure(indexes(options.within))
  const ops: GroupOp[] = []
  let left = options.maxBytes
  for (const index of inTurn(dag)) {
    if (held.has(index) || allowed?.has(index) === false) continue
    const { op } = dag.history.at(index)
    left -= costOf(op)
    if (left < 0 && ops.length > 0) return { ops, more: true }
    ops.push(op)
  }
  return { ops, more: false }
}

/** How many operations are above some heads. */
export function countOpsSince(dag: GroupDag, heads: readonly Bytes32[]): number {
  const known = heads.flatMap((id) => dag.history.find(id)?.index ?? [])
  const held = known.length === 0 ? Bits.NONE : dag.history.closure(known)
  return dag.size - held.size
}
