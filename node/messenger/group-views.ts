// Groups and their messages as the API shows them.
import { type Bytes32, encodeAddress, equalBytes, toHex } from '../../crypto/index.ts'
import {
  type EntryStanding,
  type EntryView,
  type GroupRecord,
  type Membership,
  type Step,
  type Turn,
  conversationFacts,
  evidence,
  get,
  membershipOf,
  pendingJoins,
  standingIn,
  readPosition,
  sendableEpoch,
  shownState,
  unsentGroupEntries,
} from '../../protocol/index.ts'
import type { Message, Person } from '../api.ts'
import type { Group, GroupJoin, GroupMember, GroupRole } from '../api-groups.ts'
import { gapViews, heldViews } from './group-waits.ts'
import { personAt } from './person-at.ts'
import { contentOf, countNumbers } from './views.ts'

const ROLES: readonly GroupRole[] = ['member', 'admin', 'owner']

function* memberViews(turn: Turn, members: Membership | undefined): Step<readonly GroupMember[]> {
  const views: GroupMember[] = []
  for (const { account, role } of members?.members ?? []) {
    const person = yield* personAt(turn, account)
    const you = equalBytes(account, turn.self.account)
    views.push({ ...person, role: ROLES[role] ?? 'member', you })
  }
  return views
}

function* joinViews(turn: Turn, gid: Bytes32): Step<readonly GroupJoin[]> {
  const views: GroupJoin[] = []
  for (const { account, name, atMs } of yield* pendingJoins(turn, gid)) {
    const person = yield* personAt(turn, account)
    const told = name.trim() === '' ? person.name : name
    views.push({ address: person.address, name: told, at: atMs })
  }
  return views
}

interface Standstill {
  readonly group: GroupRecord
  /** Own messages that wait, and whether there is an epoch to send them in. */
  readonly waiting: number
  readonly sendable: boolean
  /** There is no operation left to change anything by. */
  readonly usedUp: 'group' | 'member' | undefined
  /** Others' that came and do not open. */
  readonly held: number
}

const USED_UP = {
  group: 'the group has used up its operations: make a new one to change anything',
  member:
    'no operation is left for you in the group: others make new keys, and an owner can make you an admin',
} as const

function problemOf({ group, waiting, sendable, usedUp, held }: Standstill): string {
  if (group.problem !== '') return group.problem
  if (group.standing !== 'joined') return ''
  if (usedUp !== undefined) return USED_UP[usedUp]
  if (waiting > 0 && !sendable) return "waiting for the group's key"
  if (held === 0) return ''
  return `${held} that came ${held === 1 ? 'waits' : 'wait'} for a key or an operation: they may be messages`
}

/** A group as it stands. */
export function* groupView(turn: Turn, group: GroupRecord): Step<Group> {
  const { gid, name, standing: state } = group
  const known = gid === undefined ? undefined : yield* membershipOf(turn, gid)
  const members = known?.isKnown === true ? known : undefined
  const facts = gid === undefined ? undefined : yield* conversationFacts(turn, gid)
  const gaps = gid === undefined ? [] : yield* gapViews(turn, gid, members)
  const missing = countNumbers(gaps)
  const waiting = gid === undefined ? 0 : yield* unsentGroupEntries(gid)
  const target =
    members === undefined || state !== 'joined' ? undefined : yield* sendableEpoch(turn, members)
  const waits = gid === undefined ? [] : yield* heldViews(turn, gid, members)
  const held = waits.reduce((sum, { count }) => sum + count, 0)
  const isOut = state === 'joining' || state === 'refused'
  const inviter = isOut ? group.join?.account : undefined
  const problem = problemOf({
    group,
    waiting,
    sendable: target !== undefined,
    usedUp: members?.usedUp('rotate'),
    held,
  })
  return {
    number: group.number,
    id: gid === undefined ? '' : toHex(gid),
    name,
    state,
    role: ROLES[members?.self?.role ?? 0] ?? 'member',
    ...(inviter === undefined ? {} : { invitedBy: yield* personAt(turn, inviter) }),
    members: yield* memberViews(turn, members),
    epoch: target === undefined ? '' : toHex(target.opId).slice(0, 16),
    pending: gid === undefined ? [] : yield* joinViews(turn, gid),
    settings: {
      approval: members?.setting('approval') ?? false,
      membersAdd: members?.setting('membersAdd') ?? false,
    },
    relays: (members?.writtenRelays ?? []).map(({ serviceKey }) => toHex(serviceKey).slice(0, 8)),
    unread: facts?.unread ?? 0,
    waiting,
    missing,
    gaps,
    held,
    waits,
    ...(problem === '' ? {} : { problem }),
  }
}

/** How an entry stands; undefined where its group's operations are not here. */
function* standingOf(
  members: Membership | undefined,
  { id, author, n, op }: EntryView,
): Step<EntryStanding | undefined> {
  if (members === undefined || op === undefined) return undefined
  return yield* standingIn(members, { id, author, n, op })
}

/** Who wrote an entry: by the account that its device was of when it was written. */
function* authorOf(
  turn: Turn,
  members: Membership | undefined,
  author: Bytes32,
  standing: EntryStanding | undefined,
): Step<Person> {
  const account =
    standing !== undefined && 'account' in standing ? standing.account : members?.accountOf(author)
  if (account !== undefined) return yield* personAt(turn, account)
  return { name: 'somebody', address: '' }
}

/** Of what was said while one was no member there is a place in the order, and no text. */
function shownContent(
  turn: Turn,
  members: Membership | undefined,
  entry: EntryView,
): ReturnType<typeof contentOf> {
  const { content, op } = entry
  const isWithheld = content.kind === 'absent' && content.reason === 'notHeld'
  const then = isWithheld && op !== undefined ? members?.dag.viewAfter(op) : undefined
  if (then === undefined || then.member(turn.self.account) !== undefined) return contentOf(entry)
  return { kind: 'absent', text: 'said while you were not in the group' }
}

/** One entry of a group. */
export function* groupMessageView(turn: Turn, group: GroupRecord, entry: EntryView): Step<Message> {
  const gid = entry.conversation
  const members = yield* membershipOf(turn, gid)
  const standing = yield* standingOf(members, entry)
  const from = yield* authorOf(turn, members, entry.author, standing)
  const mine = from.address === encodeAddress(turn.crypto, turn.self.account)
  const row = mine ? yield* get(evidence, entry.id) : undefined
  const shown = row === undefined ? undefined : shownState(row, turn.safeNowMs)
  const { arrival } = yield* readPosition(turn, gid)
  const seen = entry.arrival <= arrival ? ('read' as const) : ('delivered' as const)
  const chat = `#${group.name}`
  const content = shownContent(turn, members, entry)
  const isCut = standing?.kind === 'after-removal' || standing?.kind === 'void-author'
  return {
    id: toHex(entry.id),
    chat,
    group: toHex(gid),
    ...content,
    ...(isCut && content.kind !== 'absent' ? { behindRemoval: true } : {}),
    from,
    to: { name: chat, address: toHex(gid) },
    mine,
    lamport: entry.lamport,
    sentAt: entry.sentAtMs,
    arrivedAt: entry.arrivedAtMs,
    late: entry.late,
    open: entry.open,
    state: mine ? (shown?.state ?? 'queued') : seen,
    relays: shown?.relays ?? 0,
    arrival: entry.arrival,
  }
}
