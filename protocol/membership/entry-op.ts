// The operation that an entry is written under (SPEC.md §21): what says who was a member then, for
// whoever judges the entry, and for whoever serves it to others later.
import type { Bytes32 } from '../../crypto/index.ts'
import type { GroupDag } from './group-dag.ts'
import type { GroupView } from './group-view.ts'
import { compareOps } from './op-node.ts'

interface OpenHead {
  readonly id: Bytes32
  readonly view: GroupView
}

/**
 * Heads at which nobody is a member who is none any more, ascending; of those alone that the next
 * operation would cite, for a member can make thousands, and each is looked at. A removal and another's
 * new keys may know nothing of each other: under the keys, whoever was removed is a member, and once
 * taken back would be served what was said without it.
 */
function openHeads(dag: GroupDag): readonly OpenHead[] {
  const now = dag.view()
  return dag
    .nextParents()
    .toSorted(compareOps)
    .flatMap(({ id }) => {
      const view = dag.viewAfter(id)
      return view?.isWithin(now) === true ? [{ id, view }] : []
    })
}

/**
 * The epoch's operation where the epoch has everybody, and nobody is a member there who is none any more:
 * the epoch may never have had it. Else an open head at which the devices that the epoch lacks are
 * members, for at the epoch's own operation they were not: nobody would serve them the body. Of several
 * such heads the highest, the highest of all where no single one has them all, and the epoch's operation
 * where there is none.
 */
export function entryOp(dag: GroupDag, epochOp: Bytes32, missing: readonly Bytes32[]): Bytes32 {
  if (missing.length === 0 && dag.viewAfter(epochOp)?.isWithin(dag.view()) === true) return epochOp
  const heads = openHeads(dag)
  const covering = heads.findLast(({ view }) => missing.every((device) => view.hasDevice(device)))
  return (covering ?? heads.at(-1))?.id ?? epochOp
}

/** For an entry that no epoch can carry yet: the highest open head; undefined where there is none. */
export function waitingOp(dag: GroupDag): Bytes32 | undefined {
  return openHeads(dag).at(-1)?.id
}
