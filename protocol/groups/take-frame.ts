// Group frames over one-to-one sessions (SPEC.md §21): what a member, or somebody who takes us in, may
// say, and what comes of it. A frame of anybody else changes nothing.
import { type Bytes32, equalBytes } from '../../crypto/index.ts'
import { entryFrame } from '../content/entry.ts'
import { frontierFrame } from '../content/frontier.ts'
import { syncPageFrame } from '../content/sync-page.ts'
import { syncRequestFrame } from '../content/sync-request.ts'
import { groupMembersFrame } from '../content/group-member.ts'
import { groupOpsFrame, opsRequestFrame } from '../content/group-ops.ts'
import { groupSeedFrame } from '../content/group-seed.ts'
import { groupWelcomeFrame } from '../content/group-welcome.ts'
import { type JoinAck, joinAckFrame } from '../content/join-ack.ts'
import { readFrame } from '../content/kind.ts'
import { numberOf } from '../content/registry.ts'
import { seedRequestFrame } from '../content/seed-request.ts'
import type { Brought } from '../delivery/brought.ts'
import { noteReceived } from '../delivery/control.ts'
import { type Frame, frameClass } from '../frames.ts'
import type { Peer } from '../peers/peer.ts'
import type { OpenedInner } from '../session/open-outcome.ts'
import type { Step, Turn } from '../step.ts'
import { continueRecord, failJoin, stopAsking } from './ask.ts'
import { type GroupRecord, allGroups, groupOf, putGroup } from './group.ts'
import { takeOperations, takeSeed } from './intake.ts'
import { heardSource } from './heard-source.ts'
import { learnMembers } from './member-devices.ts'
import { membershipOf } from './membership.ts'
import { answerSeedRequest, serveOperations } from './ops-talk.ts'
import { serveEntries } from './serve-entries.ts'
import { takeSyncFrontier, takeSyncPage } from './sync-group.ts'
import { takeEntry } from './take-entry.ts'
import { takeSeedWelcome, takeWelcome } from './take-welcome.ts'
import { openedOp } from './welcomed.ts'

interface Sender {
  readonly peer: Peer
  readonly opened: OpenedInner
}

const NUMBERED: readonly number[] = [groupSeedFrame.kind, groupWelcomeFrame.kind, joinAckFrame.kind]

/** Applies a group frame; undefined where it is none. */
export function* takeGroupFrame(
  turn: Turn,
  sender: Sender,
  frame: Frame,
): Step<Brought | undefined> {
  if (NUMBERED.includes(frame.kind)) return yield* takeNumbered(turn, sender, frame)
  if (frameClass(frame.kind) === 'numbered') return undefined
  const { device } = sender.peer
  const entry = readFrame(entryFrame, frame)
  if (entry !== undefined) {
    const { conversation } = entry.header
    const members = conversation && (yield* membershipOf(turn, conversation))
    if (members === undefined) return undefined
    return yield* takeEntry(turn, members, entry)
  }
  const ops = readFrame(groupOpsFrame, frame)
  if (ops !== undefined) {
    if ((yield* groupOf(ops.group)) === undefined) return 'nothing'
    yield* takeOperations(turn, ops.group, ops.operations, sender.peer.account)
    return yield* heard(turn, ops.group, device)
  }
  const opsRequest = readFrame(opsRequestFrame, frame)
  if (opsRequest !== undefined) {
    yield* serveOperations(turn, opsRequest.group, device, opsRequest.heads)
    return yield* heard(turn, opsRequest.group, device)
  }
  const seedRequest = readFrame(seedRequestFrame, frame)
  if (seedRequest !== undefined) {
    yield* answerSeedRequest(turn, device, seedRequest)
    return yield* heard(turn, seedRequest.group, device)
  }
  const synced = yield* takeSyncFrame(turn, device, frame)
  if (synced) return 'nothing'
  const rows = readFrame(groupMembersFrame, frame)
  if (rows === undefined) return undefined
  const members = yield* membershipOf(turn, rows.group)
  if (members !== undefined) yield* learnMembers(turn, members, rows)
  return yield* heard(turn, rows.group, device)
}

/** A device said what only members say: it may have what is lacking here. */
function* heard(turn: Turn, gid: Bytes32, device: Bytes32): Step<'nothing'> {
  const members = yield* membershipOf(turn, gid)
  if (members !== undefined) yield* heardSource(turn, members, device)
  return 'nothing'
}

/** Frames that repair a group's log; whether it was one. */
function* takeSyncFrame(turn: Turn, device: Bytes32, frame: Frame): Step<boolean> {
  const request = readFrame(syncRequestFrame, frame)
  if (request !== undefined) return yield* serveEntries(turn, device, request)
  const frontier = readFrame(frontierFrame, frame)
  if (frontier?.conversation !== undefined) {
    const members = yield* membershipOf(turn, frontier.conversation)
    if (members?.accountOf(device) === undefined) return false
    yield* takeSyncFrontier(turn, members, device, frontier)
    yield* heardSource(turn, members, device)
    return true
  }
  const page = readFrame(syncPageFrame, frame)
  return page !== undefined && (yield* takeSyncPage(turn, device, page))
}

function* takeNumbered(turn: Turn, { peer, opened }: Sender, frame: Frame): Step<Brought> {
  if (!(yield* noteReceived(turn, peer.device, numberOf(frame)))) return 'repeat'
  const seed = readFrame(groupSeedFrame, frame)
  if (seed !== undefined) {
    const op = openedOp(turn, seed.operation)
    if (op !== undefined) yield* takeSeedWelcome(turn, opened, op)
    const gid = op?.groupId
    // Accepted over the session of any member: the commitment decides, not the messenger.
    if (gid !== undefined && (yield* groupOf(gid)) !== undefined) {
      yield* takeSeed(turn, gid, seed.operation, seed)
    }
  }
  const ack = readFrame(joinAckFrame, frame)
  if (ack !== undefined) yield* takeJoinAck(turn, opened, ack)
  const welcome = readFrame(groupWelcomeFrame, frame)
  if (welcome !== undefined) yield* takeWelcome(turn, opened, welcome)
  return 'news'
}

/** The answer to a join of ours, from an account that we asked. */
function* takeJoinAck(turn: Turn, { account }: OpenedInner, ack: JoinAck): Step<void> {
  const group = (yield* allGroups()).find(
    ({ join }) =>
      join !== undefined &&
      equalBytes(join.inviteId, ack.inviteId) &&
      equalBytes(join.account, account),
  )
  if (group?.standing !== 'joining') return
  const { state } = ack
  if (state !== 'pending' && state !== 'accepted') {
    return yield* failJoin(turn, group.number, PROBLEMS[state])
  }
  yield* stopAsking(turn, group)
  if (ack.group === undefined) return
  // A welcome, or the seed of an add, that overtook it told another group: the first word counts.
  if (group.gid !== undefined && !equalBytes(group.gid, ack.group)) return
  const known = yield* groupOf(ack.group)
  if (known !== undefined && known.number !== group.number) {
    // It is a group that one was in before: its record goes on.
    return yield* mergeRecords(turn, known, group)
  }
  putGroup(turn, { ...group, gid: ack.group, problem: state === 'pending' ? 'PENDING' : '' })
  turn.effect({ kind: 'group', gid: ack.group })
}

const PROBLEMS = {
  refused: 'REFUSED',
  used: 'INVITE_USED',
  expired: 'INVITE_EXPIRED',
  full: 'GROUP_FULL',
} as const

function* mergeRecords(turn: Turn, known: GroupRecord, asked: GroupRecord): Step<void> {
  if (known.standing === 'joined') return yield* failJoin(turn, asked.number, 'ALREADY_MEMBER')
  yield* continueRecord(turn, known, asked)
}
