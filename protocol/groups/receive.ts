// Whatever a group's mailbox, gossip or a stream brings (SPEC.md §20.4, §21): opened, judged, and
// applied, in one batch with the reader's cursor. What does not open yet is held; what is forged or
// malformed changes nothing.
import { type Bytes32, GROUP_MESSAGE_TYPE, equalBytes, innerId } from '../../crypto/index.ts'
import { markSeen, seenBefore } from '../delivery/seen.ts'
import { causalEpochs } from '../group/group-cipher.ts'
import type { GenuineMessage } from '../group/examine-message.ts'
import type { GroupOpenOutcome } from '../group/open-message.ts'
import type { Entry } from '../log/entry.ts'
import { readHeldEntry } from '../log/read.ts'
import type { Step, Turn } from '../step.ts'
import { groupOf } from './group.ts'
import { heldMessages, holdMessage, releaseMessage } from './held-messages.ts'
import { takeOperations } from './intake.ts'
import { type Membership, membershipOf } from './membership.ts'
import { isForOthers } from './not-for-us.ts'
import { repairState, repairStates } from './repair-state.ts'
import { takeControl } from './take-control.ts'
import { takeRestored } from './take-entry.ts'
import { seeAdding } from './tell-adding.ts'

/**
 * new: it brought something. known: a copy, or nothing new. held: kept until it opens. ignored: of
 * no group here, or no room. bad: no honest member sends it.
 */
export type Taken = 'new' | 'known' | 'held' | 'ignored' | 'bad'

/**
 * Takes a 0x21 or 0x22 message. `gid`: the group whose mailbox or topic it came by, for what does not
 * open; a message says by its tag whose it is.
 */
export function* takeGroupMessage(
  turn: Turn,
  message: Uint8Array,
  gid: Bytes32 | undefined,
): Step<Taken> {
  const id = innerId(turn.crypto, message)
  if ((yield* seenBefore(id)) !== undefined) return 'known'
  const taken =
    message[0] === GROUP_MESSAGE_TYPE
      ? yield* takeMessage(turn, message, id, gid)
      : yield* takeOpsMessage(turn, message, id, gid)
  if (taken === 'new' || taken === 'known') markSeen(turn, id, 'committed')
  if (taken === 'bad') markSeen(turn, id, 'refused')
  return taken
}

function* takeOpsMessage(
  turn: Turn,
  message: Uint8Array,
  id: Bytes32,
  gid: Bytes32 | undefined,
): Step<Taken> {
  const opened = yield* causalEpochs.openOperations(turn, message)
  switch (opened.kind) {
    case 'unknownLineage':
      return yield* hold(turn, gid, id, message)
    case 'unauthentic':
    case 'malformed':
      return 'bad'
    case 'opened': {
      if ((yield* groupOf(opened.group)) === undefined) return 'ignored'
      const { members } = yield* takeOperations(turn, opened.group, opened.operations)
      yield* seeAdding(turn, members, opened.operations)
      return 'new'
    }
  }
}

function* takeMessage(
  turn: Turn,
  message: Uint8Array,
  id: Bytes32,
  gid: Bytes32 | undefined,
): Step<Taken> {
  const opened: GroupOpenOutcome = yield* causalEpochs.open(turn, message)
  switch (opened.kind) {
    case 'unknownEpoch':
      if (gid !== undefined && (yield* isForOthers(turn, gid, opened.tag))) return 'known'
      return yield* hold(turn, gid, id, message)
    case 'held':
      return yield* hold(turn, opened.group, id, message)
    case 'stale':
      return 'known'
    case 'malformed':
    case 'unauthentic':
    case 'unsupported':
      return 'bad'
    case 'candidate':
      break
  }
  // One's own, come back: nothing of it is new.
  if (equalBytes(opened.device, turn.self.device)) return 'known'
  const judged = yield* causalEpochs.examine(turn, opened, isNewEntry)
  switch (judged.kind) {
    case 'duplicate':
      return 'known'
    case 'forged':
    case 'malformed':
      return 'bad'
    case 'genuine':
      return yield* applyGenuine(turn, judged)
  }

  function* isNewEntry(entry: Entry): Step<boolean> {
    const held = yield* readHeldEntry(turn, entry.id)
    return held === undefined || (typeof held.body === 'number' && typeof entry.body !== 'number')
  }
}

function* applyGenuine(turn: Turn, message: GenuineMessage): Step<Taken> {
  const { group, device } = message.candidate
  const members = yield* membershipOf(turn, group)
  if (members === undefined) return 'ignored'
  yield* causalEpochs.commit(turn, message)
  for (const entry of message.entries) yield* takeRestored(turn, members, entry)
  for (const control of message.controls) {
    yield* takeControl(turn, members, device, control)
  }
  return 'new'
}

function* hold(
  turn: Turn,
  gid: Bytes32 | undefined,
  id: Bytes32,
  message: Uint8Array,
): Step<Taken> {
  const group = gid === undefined ? undefined : yield* groupOf(gid)
  if (gid === undefined || group?.standing !== 'joined') return 'ignored'
  if (!(yield* holdMessage(turn, gid, id, message))) return 'ignored'
  const repair = yield* repairState(gid)
  if (!repair.wantsOps) turn.put(repairStates, gid, { ...repair, wantsOps: true, opsAsked: 0 })
  turn.effect({ kind: 'group', gid })
  return 'held'
}

/** Messages tried again in one turn. */
const RETRY_MAX = 128

/** Tries what is held again, from a sequence on; where to go on, or undefined at the end. */
export function* retryHeld(
  turn: Turn,
  members: Membership,
  from: number,
): Step<number | undefined> {
  const { gid } = members
  const rows = yield* heldMessages(gid, from, RETRY_MAX)
  for (const row of rows) {
    const taken = yield* takeGroupMessage(turn, row.message, gid)
    if (taken !== 'held') yield* releaseMessage(turn, gid, row)
  }
  const last = rows.at(-1)
  return last === undefined || rows.length < RETRY_MAX ? undefined : last.sequence + 1
}
