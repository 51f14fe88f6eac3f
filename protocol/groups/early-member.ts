// A member who is heard before the operation that added it (SPEC.md §21): until it comes it is a stranger,
// and waits in requests like one. What it says about a group of ours is taken all the same, for it
// rests on nothing that its sender is: operations and entries are signed and judged by the membership,
// a secret by the commitment. Left unheard, a key would be lost: it is numbered, and comes once.
import { type Bytes32, CryptoError, decodeGroupOp } from '../../crypto/index.ts'
import { contactOf, putContact } from '../contacts/contact.ts'
import { releaseRequest } from '../contacts/requests.ts'
import { entryFrame } from '../content/entry.ts'
import { groupMembersFrame } from '../content/group-member.ts'
import { groupOpsFrame } from '../content/group-ops.ts'
import { groupSeedFrame } from '../content/group-seed.ts'
import { readFrame } from '../content/kind.ts'
import type { Frame } from '../frames.ts'
import type { Step, Turn } from '../step.ts'
import { groupOf } from './group.ts'

/** Whether a stranger's frame is about a group that one is in, and stands on its own. */
export function* isOfOwnGroup(turn: Turn, frame: Frame): Step<boolean> {
  const gid = groupNamed(turn, frame)
  return gid !== undefined && (yield* groupOf(gid))?.standing === 'joined'
}

function groupNamed(turn: Turn, frame: Frame): Bytes32 | undefined {
  const seed = readFrame(groupSeedFrame, frame)
  if (seed !== undefined) return groupOfOperation(turn, seed.operation)
  const entry = readFrame(entryFrame, frame)
  if (entry !== undefined) return entry.header.conversation
  return (readFrame(groupOpsFrame, frame) ?? readFrame(groupMembersFrame, frame))?.group
}

function groupOfOperation(turn: Turn, bytes: Uint8Array): Bytes32 | undefined {
  try {
    return decodeGroupOp(turn.crypto, bytes).groupId
  } catch (error) {
    if (error instanceof CryptoError) return undefined
    throw error
  }
}

/** Who turned out to be a member, and asked for nothing, waits in requests no more. */
export function* endEarlyRequest(turn: Turn, account: Bytes32): Step<void> {
  const contact = yield* contactOf(account)
  if (contact?.state !== 'request' || contact.requestEntries > 0) return
  putContact(turn, { ...(yield* releaseRequest(turn, contact)), state: 'removed' })
}
