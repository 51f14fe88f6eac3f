// Messages of epochs that this device was never a recipient of, in a mailbox that it reads: from before
// it was added, or from between a removal and an add-back. No key for them will ever come, so they are
// not held.
import { type Bytes8, type Bytes32, epochTag, toHex } from '../../crypto/index.ts'
import { deviceIndex, groupEpochs } from '../group/group-epochs.ts'
import { lineagesOf } from '../group/held-lineages.ts'
import type { Step, Turn } from '../step.ts'
import { membershipOf } from './membership.ts'

interface Known {
  /** Operations and lineages that the tags were made from. */
  readonly of: string
  readonly tags: ReadonlySet<string>
}

/** Whether the tag is of an epoch whose operation is known and leaves this device out. */
export function* isForOthers(turn: Turn, gid: Bytes32, tag: Bytes8): Step<boolean> {
  const members = yield* membershipOf(turn, gid)
  if (members?.isKnown !== true) return false
  const { dag } = members
  const held = yield* lineagesOf(gid)
  const of = `${dag.size} ${held.length}`
  const key = `for others ${toHex(gid)}`
  const before = turn.memory.get(key) as Known | undefined
  if (before?.of === of) return before.tags.has(toHex(tag))
  const tags = new Set<string>()
  const tagKeys = new Map(held.map(({ opId, tagKey }) => [toHex(opId), tagKey]))
  for (const { op, lineage } of groupEpochs(dag)) {
    const tagKey = tagKeys.get(toHex(lineage))
    if (tagKey === undefined || deviceIndex(dag, op.id, turn.self.device) !== undefined) continue
    tags.add(toHex(epochTag(turn.crypto, tagKey, op.id)))
  }
  turn.memory.set(key, { of, tags })
  return tags.has(toHex(tag))
}
