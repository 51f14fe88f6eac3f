// Which operations make epochs, for whom, and whether an epoch is fit for sending (SPEC.md §19.6):
// what a sender asks of the membership.
import { type Bytes32, type GroupOp, isFreshOp } from '../../crypto/index.ts'
import {
  GROUP_EARNED_ENTRIES,
  GROUP_FRESH_BUDGET,
  GROUP_FRESH_MIN,
  GROUP_FRESH_WINDOW,
} from '../group-limits.ts'
import type { GroupDag } from './group-dag.ts'
import type { OpNode } from './op-node.ts'

export interface GroupEpoch {
  readonly op: GroupOp
  /** It has a seed of its own; else it derives from {@link extends}. */
  readonly isFresh: boolean
  /** The epoch that a derived one extends. */
  readonly extends: Bytes32 | undefined
  /** The fresh operation whose G it uses: itself, or the last one below. */
  readonly lineage: Bytes32
  /** The operation is void at the heads. */
  readonly isVoid: boolean
  readonly recipientCount: number
  /** Devices that get it, ascending: a device's place is its devIdx. */
  readonly recipients: () => readonly Bytes32[]
}

function extendedBy(node: OpNode): Bytes32 | undefined {
  const { payload } = node.op
  return payload.kind === 'add' || payload.kind === 'refresh' ? payload.epochOp : undefined
}

function epochAt(dag: GroupDag, node: OpNode): GroupEpoch | undefined {
  const { recipients, op } = node
  if (recipients === undefined) return undefined
  const { devices } = dag.history
  return {
    op,
    isFresh: isFreshOp(op.payload),
    extends: extendedBy(node),
    lineage: dag.history.lineageOf(node.index).op.id,
    isVoid: dag.view().isVoidAt(node.index),
    recipientCount: recipients.length,
    recipients: () => recipients.map((device) => devices.key(device)),
  }
}

/** The epoch that an operation makes; undefined where it makes none or is not held. */
export function groupEpoch(dag: GroupDag, opId: Bytes32): GroupEpoch | undefined {
  const node = dag.history.find(opId)
  return node === undefined ? undefined : epochAt(dag, node)
}

/** All epochs, the last by (lamport, opId) first. */
export function* groupEpochs(dag: GroupDag): Iterable<GroupEpoch> {
  const { history } = dag
  for (let at = history.ordered.length - 1; at >= 0; at--) {
    const epoch = epochAt(dag, history.at(history.ordered[at] ?? 0))
    if (epoch !== undefined) yield epoch
  }
}

/** Operations whose epochs extend that of another. */
export function extendingOps(dag: GroupDag, opId: Bytes32): readonly GroupOp[] {
  const node = dag.history.find(opId)
  return node === undefined ? [] : dag.history.extending(node.index).map(({ op }) => op)
}

/** devIdx: the place of a device among the recipients of an epoch. */
export function deviceIndex(dag: GroupDag, opId: Bytes32, device: Bytes32): number | undefined {
  const number = dag.history.devices.find(device)
  const at = number === undefined ? -1 : dag.history.find(opId)?.recipients?.indexOf(number)
  return at === undefined || at < 0 ? undefined : at
}

/**
 * How an epoch's recipients lie to M, the devices of the members at the heads: `within` where none is
 * outside of M, and who of M is missing from it.
 */
export function compareRecipients(
  dag: GroupDag,
  opId: Bytes32,
): { readonly within: boolean; readonly missing: readonly Bytes32[] } | undefined {
  const recipients = dag.history.find(opId)?.recipients
  if (recipients === undefined) return undefined
  const { devices } = dag.history
  const state = dag.history.stateOf(dag.history.heads)
  const members = state.deviceSet(devices)
  const within = recipients.every((device) => members.has(device))
  const held = new Set(recipients)
  const missing = state.devices(devices).filter((device) => !held.has(device))
  return { within, missing: missing.map((device) => devices.key(device)) }
}

function ownN(node: OpNode | undefined): number {
  const payload = node?.op.payload
  return payload?.kind === 'rotate' || payload?.kind === 'merge' ? payload.ownN : 0
}

function isRotation(node: OpNode): boolean {
  const { kind } = node.op.payload
  return kind === 'rotate' || kind === 'merge'
}

/** The last rotation or merge of a device below an operation of its own. */
function rotationBefore(dag: GroupDag, node: OpNode): OpNode | undefined {
  for (let seq = node.op.seq - 1; seq > 0; seq--) {
    for (const index of dag.history.withSeq(node.device, seq)) {
      const other = dag.history.at(index)
      if (isRotation(other) && node.past.has(index)) return other
    }
  }
  return undefined
}

/**
 * How many entries a device had written when it made a rotation or merge, and at the one before: the
 * later one is earned from 512 between them.
 */
export function earnedSpan(
  dag: GroupDag,
  opId: Bytes32,
): { readonly before: number; readonly now: number } | undefined {
  const node = dag.history.find(opId)
  if (node === undefined || !isRotation(node)) return undefined
  return { before: ownN(rotationBefore(dag, node)), now: ownN(node) }
}

export interface EligibleOptions {
  /** How many entries of a device are held. What it claims beyond them earns nothing yet. */
  readonly heldN?: (device: Bytes32) => number
}

/**
 * Whether an epoch is one to send in (S6): its author is not one who makes epoch after epoch, nor a
 * device that signed two operations with one number. Only the sender's choice; receivers open any
 * epoch they have.
 */
export function isEligible(dag: GroupDag, opId: Bytes32, options: EligibleOptions = {}): boolean {
  const node = dag.history.find(opId)
  if (node?.recipients === undefined) return false
  if (dag.isEquivocator(node.op.device)) return false
  const budget = Math.ceil(GROUP_FRESH_BUDGET / Math.max(1, node.recipients.length))
  const most = Math.max(GROUP_FRESH_MIN, budget)
  let seen = 0
  let fresh = 0
  const { ordered } = dag.history
  for (let at = ordered.length - 1; at >= 0 && seen < GROUP_FRESH_WINDOW; at--) {
    const other = dag.history.at(ordered[at] ?? 0)
    if (!node.past.has(other.index)) continue
    seen++
    if (other.account !== node.account || !isRotation(other)) continue
    if (!isEarned(dag, other, options)) fresh++
  }
  return fresh <= most
}

function isEarned(dag: GroupDag, node: OpNode, { heldN }: EligibleOptions): boolean {
  if (heldN !== undefined && ownN(node) > heldN(node.op.device)) return false
  return ownN(node) - ownN(rotationBefore(dag, node)) >= GROUP_EARNED_ENTRIES
}
