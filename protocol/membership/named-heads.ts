// Which heads are named where not all of them can be (SPEC.md §19.7). Whoever forks makes as many as
// it likes, so none of an account takes the place of another's.
import type { Bytes32 } from '../../crypto/index.ts'
import type { OpHistory } from './history.ts'
import { compareOps, type OpNode } from './op-node.ts'

/** Whether an operation is the last of a device, or above it: its next has to know of that one. */
function isAboveOwn(history: OpHistory, node: OpNode, device: Bytes32): boolean {
  const number = history.devices.find(device)
  const last = number === undefined ? undefined : history.lastOf(number)
  return last !== undefined && (node.index === last || node.past.has(last))
}

/**
 * At most so many heads, the most important first: one above the own last operation, then the highest of
 * each account, those with a rank before those without, then the next of each.
 */
export function namedHeads(history: OpHistory, most: number, own?: Bytes32): readonly OpNode[] {
  const heads = history.heads
    .map((index) => history.at(index))
    .sort((a, b) => compareOps(b.op, a.op))
  if (heads.length <= most) return heads
  const counts = new Map<number, number>()
  const rows = heads.map((node) => {
    const place = counts.get(node.account) ?? 0
    counts.set(node.account, place + 1)
    return { node, place }
  })
  rows.sort((a, b) => a.place - b.place || Number(a.node.isPlain) - Number(b.node.isPlain))
  const order = rows.map(({ node }) => node)
  const first = own === undefined ? undefined : order.find((node) => isAboveOwn(history, node, own))
  const rest = order.filter((node) => node !== first)
  return [...(first === undefined ? [] : [first]), ...rest].slice(0, most)
}
