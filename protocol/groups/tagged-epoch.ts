// What the tag in front of a message says of one that does not open: the operation of its epoch, where
// that is here and the lineage's keys are held. Of an epoch that this device was never a recipient of,
// from before it was added, or from between a removal and an add-back, no key will ever come.
import {
  type Bytes8,
  type Bytes32,
  CryptoError,
  GROUP_MESSAGE_TYPE,
  type GroupMessage,
  decodeGroupMessage,
  epochTag,
  openGroupHeader,
  toHex,
} from '../../crypto/index.ts'
import { deviceIndex, groupEpoch, groupEpochs } from '../membership/group-epochs.ts'
import { lineagesOf } from '../epochs/held-lineages.ts'
import type { Step, Turn } from '../step.ts'
import { membershipOf } from './membership.ts'

interface TaggedEpoch {
  readonly opId: Bytes32
  readonly headerKey: Bytes32
  /** This device is among its recipients. */
  readonly isOurs: boolean
}

interface Known {
  /** Of the operations that the tags were made from. */
  readonly stamp: object
  readonly lineages: number
  readonly tags: ReadonlyMap<string, TaggedEpoch>
}

/** The epoch of a tag, whether or not its secret is held. */
export function* taggedEpoch(turn: Turn, gid: Bytes32, tag: Bytes8): Step<TaggedEpoch | undefined> {
  const members = yield* membershipOf(turn, gid)
  if (members?.isKnown !== true) return undefined
  const { dag } = members
  const held = yield* lineagesOf(gid)
  const { stamp } = dag
  const key = `tagged epochs ${toHex(gid)}`
  const before = turn.memory.get(key) as Known | undefined
  if (before?.stamp === stamp && before.lineages === held.length) return before.tags.get(toHex(tag))
  const tags = new Map<string, TaggedEpoch>()
  const keys = new Map(held.map((one) => [toHex(one.opId), one]))
  for (const { op, lineage } of groupEpochs(dag)) {
    const found = keys.get(toHex(lineage))
    if (found === undefined) continue
    const isOurs = deviceIndex(dag, op.id, turn.self.device) !== undefined
    const one = { opId: op.id, headerKey: found.headerKey, isOurs }
    tags.set(toHex(epochTag(turn.crypto, found.tagKey, op.id)), one)
  }
  turn.memory.set(key, { stamp, lineages: held.length, tags })
  return tags.get(toHex(tag))
}

/** Whose message it is by its header, which any member could have written. */
export interface HeldOrigin {
  readonly opId: Bytes32
  readonly device: Bytes32
  /** Its place in that device's chain of the epoch. */
  readonly ctr: number
}

/** What can be said of a message that does not open; undefined where its epoch is not known. */
export function* originOf(
  turn: Turn,
  gid: Bytes32,
  bytes: Uint8Array,
): Step<HeldOrigin | undefined> {
  if (bytes[0] !== GROUP_MESSAGE_TYPE) return undefined
  let message: GroupMessage
  try {
    message = decodeGroupMessage(bytes)
  } catch (error) {
    if (error instanceof CryptoError) return undefined
    throw error
  }
  const tagged = yield* taggedEpoch(turn, gid, message.epochTag)
  const members = yield* membershipOf(turn, gid)
  if (tagged === undefined || members === undefined) return undefined
  const header = openGroupHeader(turn.crypto, tagged.headerKey, message)
  const device = header && groupEpoch(members.dag, tagged.opId)?.recipients()[header.devIdx]
  if (header === undefined || device === undefined) return undefined
  return { opId: tagged.opId, device, ctr: header.ctr }
}
