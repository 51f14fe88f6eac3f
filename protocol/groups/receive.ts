// Whatever a group's mailbox, gossip or a stream brings (SPEC.md §20.4, §21): opened, judged, and
// applied, in one batch with the reader's cursor. What does not open yet is held; what is forged or
// malformed changes nothing.
import { type Bytes32, GROUP_MESSAGE_TYPE, equalBytes, innerId } from '../../crypto/index.ts'
import { markSeen, seenBefore } from '../delivery/seen.ts'
import { causalEpochs } from '../epochs/group-cipher.ts'
import type { GenuineMessage } from '../epochs/examine-message.ts'
import type { GroupOpenOutcome } from '../epochs/open-message.ts'
import type { Entry } from '../log/entry.ts'
import { readHeldEntry } from '../log/read.ts'
import type { Step, Turn } from '../step.ts'
import { groupOf } from './group.ts'
import { heldMessages, holdMessage, releaseMessage } from './held-messages.ts'
import { isPassedOver, releaseBelow } from './passed-over.ts'
import { takeOperations } from './intake.ts'
import { type Membership, membershipOf } from './membership.ts'
import { noteDoubt, repairState, repairStates } from './repair-state.ts'
import { takeControl } from './take-control.ts'
import { originOf, taggedEpoch } from './tagged-epoch.ts'
import { takeRestored } from './take-entry.ts'
import { seeAdding } from './tell-adding.ts'

/**
 * new: it brought something. known: a copy, or nothing new. held: kept until it opens. ignored: of
 * no group here, or no room. bad: no honest member sends it.
 */
export type Taken = 'new' | 'known' | 'held' | 'ignored' | 'bad'

/** How a message came. A message says by its tag whose it is: this is for what does not open. */
export interface Handed {
  /** The group whose mailbox or topic it came by. */
  readonly gid: Bytes32 | undefined
  /** Who handed it in, 1 to 32 bytes: what is held is bounded for each. */
  readonly source: Uint8Array
}

interface Arrived extends Handed {
  readonly innerId: Bytes32
  readonly message: Uint8Array
}

/** Takes a 0x21 or 0x22 message. */
export function* takeGroupMessage(turn: Turn, message: Uint8Array, handed: Handed): Step<Taken> {
  const id = innerId(turn.crypto, message)
  if ((yield* seenBefore(id)) !== undefined) return 'known'
  const taken =
    message[0] === GROUP_MESSAGE_TYPE
      ? yield* takeMessage(turn, { ...handed, message, innerId: id })
      : yield* takeOpsMessage(turn, { ...handed, message, innerId: id })
  if (taken === 'new' || taken === 'known') markSeen(turn, id, 'committed')
  if (taken === 'bad') markSeen(turn, id, 'refused')
  return taken
}

function* takeOpsMessage(turn: Turn, arrived: Arrived): Step<Taken> {
  const opened = yield* causalEpochs.openOperations(turn, arrived.message)
  switch (opened.kind) {
    case 'unknownLineage':
      return yield* hold(turn, arrived)
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

function* takeMessage(turn: Turn, arrived: Arrived): Step<Taken> {
  const { gid } = arrived
  const opened: GroupOpenOutcome = yield* causalEpochs.open(turn, arrived.message)
  switch (opened.kind) {
    case 'unknownEpoch': {
      const tagged = gid && (yield* taggedEpoch(turn, gid, opened.tag))
      // No key for it will ever come.
      if (tagged?.isOurs === false) return 'known'
      return yield* hold(turn, arrived)
    }
    case 'held':
      return yield* hold(turn, { ...arrived, gid: opened.group })
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
    if (control.kind !== 'frontier') continue
    // It told in later keys how far it wrote: what is missing of that is a gap, and has a number.
    yield* releaseBelow(turn, members, device, message.candidate.opId)
  }
  return 'new'
}

function* hold(turn: Turn, { gid, ...one }: Arrived): Step<Taken> {
  const group = gid === undefined ? undefined : yield* groupOf(gid)
  if (gid === undefined || group?.standing !== 'joined') return 'ignored'
  const origin = yield* originOf(turn, gid, one.message)
  const holding = yield* holdMessage(turn, gid, { ...one, origin })
  // No room, or of keys that the group went on from: what it brings is asked for as entries.
  const isPassed = holding === 'kept' && origin && (yield* isPassedOver(turn, gid, origin))
  if (holding === 'full' || isPassed === true) yield* noteDoubt(turn, gid)
  const repair = yield* repairState(gid)
  if (origin === undefined && !repair.wantsOps) {
    turn.put(repairStates, gid, { ...repair, wantsOps: true, opsAsked: 0 })
  }
  turn.effect({ kind: 'group', gid })
  return holding === 'full' ? 'ignored' : 'held'
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
    const taken = yield* takeGroupMessage(turn, row.message, { gid, source: row.source })
    if (taken !== 'held') yield* releaseMessage(turn, gid, row)
  }
  const last = rows.at(-1)
  return last === undefined || rows.length < RETRY_MAX ? undefined : last.sequence + 1
}
