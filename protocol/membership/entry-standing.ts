// How an entry of a group's log stands to its membership (SPEC.md §19.5): whether its author was a
// member when it was written, and whether a removal that its author did not know cuts it off.
import { type Bytes32, equalBytes, type GroupCut } from '../../crypto/index.ts'
import { Bits } from './bits.ts'
import type { GroupDag } from './group-dag.ts'
import type { OpNode } from './op-node.ts'

/** What an entry's header says of it. */
export interface GroupEntryRef {
  readonly id: Bytes32
  /** DK of its author. */
  readonly author: Bytes32
  readonly n: number
  /** The operation it was written under. */
  readonly op: Bytes32
}

export type EntryStanding =
  /** Its operation is not here: the entry stays open. */
  | { readonly kind: 'unknown' }
  /** Its author was no member's device there: not an entry of this group. */
  | { readonly kind: 'invalid' }
  | { readonly kind: 'stands'; readonly account: Bytes32 }
  /** Its author was added by an operation that is void: labelled, not shown. */
  | { readonly kind: 'void-author'; readonly account: Bytes32 }
  /** Beyond the cut of a removal: the header counts, the body is shown to nobody. */
  | { readonly kind: 'after-removal'; readonly account: Bytes32; readonly removal: Bytes32 }

/** Whether an entry lies on the chain of `prev` that ends in the entry a cut names. */
export type IsBelowCut = (entry: GroupEntryRef, cut: GroupCut) => boolean

/** What an entry with a number below a cut's is held to be: the log knows the chain. */
const NUMBER_ALONE: IsBelowCut = () => true

function cutOf({ payload }: OpNode['op']): readonly GroupCut[] {
  return 'cut' in payload ? payload.cut : []
}

interface Looked {
  readonly dag: GroupDag
  readonly entry: GroupEntryRef
  readonly device: number
  readonly account: number
  /** past(op) and op. */
  readonly seen: Bits
}

/** Whether an operation about the author's account ends what its device may write. */
function covers({ device }: Looked, node: OpNode): boolean {
  const { kind } = node.op.payload
  if (kind === 'remove' || kind === 'leave') return true
  return kind === 'devices' && node.revokes.includes(device)
}

/** Whether what the entry had seen gives its author back what a removal took. */
function isRestored({ dag, device, account, seen }: Looked, removal: OpNode): boolean {
  const version = removal.op.payload.kind === 'devices' ? removal.lists[0]?.version : undefined
  return dag.history.about(account).some((node) => {
    if (!seen.has(node.index) || removal.past.has(node.index)) return false
    const list = node.lists.find((brought) => brought.account === account)
    if (list === undefined) return false
    // A revoked device is back by a later list only; a removed account by a grant.
    if (version !== undefined) return list.version > version && list.devices.includes(device)
    return node.op.payload.kind !== 'devices'
  })
}

function isWithinCut(looked: Looked, removal: OpNode, isBelowCut: IsBelowCut): boolean {
  const { entry } = looked
  const cut = cutOf(removal.op).find(({ device }) => equalBytes(device, entry.author))
  if (cut === undefined || entry.n > cut.n) return false
  if (entry.n === cut.n) return equalBytes(entry.id, cut.entry)
  return isBelowCut(entry, cut)
}

function hasStandingGrant({ dag, account, seen }: Looked, isVoid: (node: OpNode) => boolean) {
  return dag.history.about(account).some((node) => {
    const { kind } = node.op.payload
    if (kind !== 'create' && kind !== 'add') return false
    return seen.has(node.index) && !isVoid(node)
  })
}

/**
 * How an entry stands at the heads. `isBelowCut` answers for entries with a smaller number than a
 * cut's; without it the number alone decides.
 */
export function entryStanding(
  dag: GroupDag,
  entry: GroupEntryRef,
  isBelowCut: IsBelowCut = NUMBER_ALONE,
): EntryStanding {
  const { history } = dag
  const op = history.find(entry.op)
  if (op === undefined) return { kind: 'unknown' }
  const device = history.devices.find(entry.author)
  const then = history.stateOf([op.index])
  const account = device === undefined ? undefined : then.memberOf(device)
  if (device === undefined || account === undefined) return { kind: 'invalid' }
  const looked = { dag, entry, device, account, seen: Bits.union([op.past], [op.index]) }
  const key = history.accounts.key(account)
  const now = history.stateOf(history.heads)
  if (!hasStandingGrant(looked, (node) => now.void.has(node.index))) {
    return { kind: 'void-author', account: key }
  }
  const removals = history
    .about(account)
    .filter(
      (node) => !now.void.has(node.index) && covers(looked, node) && !isRestored(looked, node),
    )
  const [first] = removals
  if (first === undefined) return { kind: 'stands', account: key }
  // Of several cuts the one that lets more stand wins.
  if (removals.some((removal) => isWithinCut(looked, removal, isBelowCut))) {
    return { kind: 'stands', account: key }
  }
  return { kind: 'after-removal', account: key, removal: first.op.id }
}
