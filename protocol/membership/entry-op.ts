// The operation that an entry is written under (SPEC.md §21): what says who was a member then, for
// whoever judges the entry, and for whoever serves it to others later.
import type { Bytes32 } from '../../crypto/index.ts'
import type { GroupDag } from './group-dag.ts'

/**
 * The epoch's operation where the epoch has everybody; else a head at which the devices it lacks are
 * members, for at the epoch's own operation they were not: nobody would serve them the body. Of
 * several such heads the highest, and the highest of all where no single one has them all. But never a
 * head at which somebody is a member who is none any more, as where a removal and another's new keys
 * knew nothing of each other: whoever is taken back would be served what was said without it.
 */
export function entryOp(dag: GroupDag, epochOp: Bytes32, missing: readonly Bytes32[]): Bytes32 {
  if (missing.length === 0) return epochOp
  const now = dag.view()
  const heads = dag.heads().flatMap(({ id }) => {
    const view = dag.viewAfter(id)
    const isOpen = view?.members().every(({ account }) => now.member(account) !== undefined)
    return view !== undefined && isOpen === true ? [{ id, view }] : []
  })
  const covering = heads.findLast(({ view }) => missing.every((device) => view.hasDevice(device)))
  return (covering ?? heads.at(-1))?.id ?? epochOp
}
