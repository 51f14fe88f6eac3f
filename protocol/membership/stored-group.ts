// The membership of one group in memory, and its operations in the store (SPEC.md §19.7). The store
// is what holds: after a turn that was undone the group is loaded anew.
import {
  type Bytes32,
  type CryptoProvider,
  decodeGroupOp,
  type GroupOp,
  readU64,
  toHex,
} from '../../crypto/index.ts'
import { GROUP_OP_LOAD_ROWS } from '../group-limits.ts'
import { get, range, type Step, type Turn } from '../step.ts'
import { type AddOutcome, GroupDag } from './group-dag.ts'
import { groupOpsTable, groupOpTable } from './tables.ts'

export interface StoredGroup {
  readonly dag: GroupDag
  /** Arrival numbers of stored operations, by id in hex. */
  readonly arrivals: Map<string, number>
}

/** Loads a group: its operations were verified when they came, so signatures are not checked again. */
export function* loadGroup(provider: CryptoProvider, group: Bytes32): Step<StoredGroup> {
  const dag = new GroupDag(provider, group)
  const arrivals = new Map<string, number>()
  let from: Uint8Array | undefined
  for (;;) {
    const query = {
      owner: group,
      limit: GROUP_OP_LOAD_ROWS,
      ...(from === undefined ? {} : { from }),
    }
    const rows = yield* range(groupOpTable, query)
    for (const { order, value } of rows) {
      const op = decodeGroupOp(provider, value)
      arrivals.set(toHex(op.id), readU64(order, 0))
      dag.add(op, 'held')
    }
    const last = rows.at(-1)
    if (last === undefined || rows.length < GROUP_OP_LOAD_ROWS) return { dag, arrivals }
    from = Uint8Array.from([...last.order, 0])
  }
}

/**
 * Takes in an operation that was opened, and stores it if it is accepted or waits; `from` as for
 * {@link GroupDag.add}. What turned out not to be valid, or gave way, leaves the store.
 */
export function* addGroupOp(
  turn: Turn,
  group: StoredGroup,
  op: GroupOp,
  from?: Bytes32 | 'held',
): Step<AddOutcome> {
  const { dag, arrivals } = group
  const outcome = dag.add(op, from)
  for (const { id } of [...outcome.refused, ...outcome.dropped]) {
    const arrival = arrivals.get(toHex(id))
    if (arrival === undefined) continue
    arrivals.delete(toHex(id))
    turn.remove(groupOpTable, { group: dag.groupId, arrival })
  }
  if (outcome.kind === 'accepted' || outcome.kind === 'pending') {
    const row = yield* get(groupOpsTable, dag.groupId)
    const arrival = (row?.arrivals ?? 0) + 1
    arrivals.set(toHex(op.id), arrival)
    turn.put(groupOpTable, { group: dag.groupId, arrival }, op.bytes)
    turn.put(groupOpsTable, dag.groupId, { arrivals: arrival })
  }
  return outcome
}
