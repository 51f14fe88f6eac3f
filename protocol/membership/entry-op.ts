// The operation that an entry is written under (SPEC.md §21): what says who was a member then, for
// whoever judges the entry, and for whoever serves it to others later.
import type { Bytes32 } from '../../crypto/index.ts'
import type { GroupDag } from './group-dag.ts'

/**
 * The epoch's operation where the epoch has everybody; else a head at which the devices it lacks are
 * members, for at the epoch's own operation they were not: nobody would serve them the body. Of
 * several such heads the highest, and the highest of all where no single one has them all.
 */
export function entryOp(dag: GroupDag, epochOp: Bytes32, missing: readonly Bytes32[]): Bytes32 {
  if (missing.length === 0) return epochOp
  const heads = dag.heads().toReversed()
  const covering = heads.find(({ id }) => {
    const view = dag.viewAfter(id)
    return missing.every((device) => view?.hasDevice(device) === true)
  })
  return (covering ?? heads[0])?.id ?? epochOp
}
