// The membership of a group at all the operations that are held, as the machines of this folder ask
// for it. Kept between turns, and checked against the store at each use: a turn that was undone, or a
// batch that failed, leaves more in memory than the store has, and then it is loaded anew.
import {
  type Bytes32,
  type GroupOp,
  type GroupOpRef,
  type GroupPayload,
  type GroupRelay,
  type GroupRole,
  GROUP_SETTINGS,
  decodeGroupOp,
  groupRecipientsHash,
  readU64,
  toHex,
  u64,
} from '../../crypto/index.ts'
import { ProtocolError } from '../errors.ts'
import { GROUP_MEMBERS_MAX, GROUP_OP_LOAD_ROWS } from '../group-limits.ts'
import {
  entryStanding,
  type EntryStanding,
  type GroupEntryRef,
  type IsBelowCut,
} from '../membership/entry-standing.ts'
import { GroupDag } from '../membership/group-dag.ts'
import { isEligible } from '../membership/group-epochs.ts'
import type { GroupMember, GroupView } from '../membership/group-view.ts'
import { type StoredGroup, addGroupOp, loadGroup } from '../membership/stored-group.ts'
import { groupOpTable, groupOpsTable } from '../membership/tables.ts'
import { type Step, type Turn, get, range } from '../step.ts'

interface Kept {
  readonly stored: StoredGroup
  /** The last arrival number that is in it. */
  arrivals: number
}

export class Membership {
  readonly gid: Bytes32
  readonly dag: GroupDag
  readonly #turn: Turn

  constructor(turn: Turn, dag: GroupDag) {
    this.#turn = turn
    this.dag = dag
    this.gid = dag.groupId
  }

  get view(): GroupView {
    return this.dag.view()
  }

  /** Whether the operation that created the group is here. */
  get isKnown(): boolean {
    return this.dag.size > 0
  }

  get heads(): readonly GroupOpRef[] {
    return this.dag.heads()
  }

  get highestHead(): Bytes32 {
    const head = this.heads.at(-1)
    if (head === undefined) throw new ProtocolError('ERR_PROTOCOL_STATE', 'a group without heads')
    return head.id
  }

  get settings(): number {
    return this.view.settings
  }

  setting(name: keyof typeof GROUP_SETTINGS): boolean {
    return (this.settings & GROUP_SETTINGS[name]) !== 0
  }

  /** M, ascending. */
  get devices(): readonly Bytes32[] {
    return this.view.devices()
  }

  get devicesHash(): Bytes32 {
    return this.view.devicesHash(this.#turn.crypto)
  }

  recipientsHash(recipients: readonly Bytes32[]): Bytes32 {
    return groupRecipientsHash(this.#turn.crypto, recipients)
  }

  get members(): readonly GroupMember[] {
    return this.view.members()
  }

  /** Our own account; undefined where it is no member. */
  get self(): GroupMember | undefined {
    return this.view.member(this.#turn.self.account)
  }

  get isMember(): boolean {
    return this.view.hasDevice(this.#turn.self.device)
  }

  roleOf(account: Bytes32): GroupRole | undefined {
    return this.view.member(account)?.role
  }

  accountOf(device: Bytes32): Bytes32 | undefined {
    return this.view.accountOf(device)
  }

  /** Whether a device is or was a member's, by any operation that is held. */
  wasDevice(device: Bytes32): boolean {
    return this.dag.history.devices.find(device) !== undefined
  }

  /** What is used up for an operation of ours beside `more` others: of the group's, or of a member's. */
  usedUp(kind: GroupPayload['kind'], more = 0): 'group' | 'member' | undefined {
    return this.dag.usedUp(kind, this.#turn.self, more)
  }

  /** Whether there is an operation of a kind left. */
  allows(kind: GroupPayload['kind'], more = 0): boolean {
    return this.usedUp(kind, more) === undefined
  }

  /** Members that a group can have. */
  get limit(): number {
    return GROUP_MEMBERS_MAX
  }

  get writtenRelays(): readonly GroupRelay[] {
    return this.view.writtenRelays
  }

  /** Relays that are read: the last carriage's, and those of carriages beside it. */
  get readRelays(): readonly GroupRelay[] {
    const found = new Map<string, GroupRelay>()
    for (const relay of [...this.view.writtenRelays, ...this.view.readRelays]) {
      const key = toHex(relay.serviceKey)
      if (!found.has(key)) found.set(key, relay)
    }
    return [...found.values()]
  }

  isVoid(opId: Bytes32): boolean {
    return this.view.isVoid(opId)
  }

  isEligible(opId: Bytes32): boolean {
    return isEligible(this.dag, opId)
  }

  op(id: Bytes32): GroupOp | undefined {
    return this.dag.op(id)
  }

  /** Whether `id` is in the past of `of`. */
  isPast(of: Bytes32, id: Bytes32): boolean {
    const [node, past] = [this.dag.history.find(of), this.dag.history.find(id)]
    return node !== undefined && past !== undefined && node.past.has(past.index)
  }

  standingOf(entry: GroupEntryRef, isBelowCut?: IsBelowCut): EntryStanding {
    return entryStanding(this.dag, entry, isBelowCut)
  }
}

function memoryKey(gid: Bytes32): string {
  return `group ${toHex(gid)}`
}

function* keptOf(turn: Turn, gid: Bytes32): Step<Kept | undefined> {
  const row = yield* get(groupOpsTable, gid)
  if (row === undefined) return undefined
  const kept = turn.memory.get(memoryKey(gid)) as Kept | undefined
  if (kept?.arrivals === row.arrivals) return kept
  if (kept !== undefined && kept.arrivals < row.arrivals) {
    yield* catchUp(turn, kept)
    if (kept.arrivals === row.arrivals) return kept
  }
  const loaded = { stored: yield* loadGroup(turn.crypto, gid), arrivals: row.arrivals }
  turn.memory.set(memoryKey(gid), loaded)
  return loaded
}

/** Takes in what others stored meanwhile. */
function* catchUp(turn: Turn, kept: Kept): Step<void> {
  const { dag, arrivals } = kept.stored
  for (;;) {
    const query = { owner: dag.groupId, from: u64(kept.arrivals + 1), limit: GROUP_OP_LOAD_ROWS }
    const rows = yield* range(groupOpTable, query)
    for (const { order, value } of rows) {
      const op = decodeGroupOp(turn.crypto, value)
      const arrival = readU64(order, 0)
      arrivals.set(toHex(op.id), arrival)
      dag.add(op, 'held')
      kept.arrivals = arrival
    }
    if (rows.length < GROUP_OP_LOAD_ROWS) return
  }
}

/** The group as far as its operations are held; undefined where there are none. */
export function* membershipOf(turn: Turn, gid: Bytes32): Step<Membership | undefined> {
  const kept = yield* keptOf(turn, gid)
  return kept === undefined ? undefined : new Membership(turn, kept.stored.dag)
}

/** The same, for a group that must be there. Throws ERR_PROTOCOL_GROUP. */
export function* knownMembership(turn: Turn, gid: Bytes32): Step<Membership> {
  const members = yield* membershipOf(turn, gid)
  if (members?.isKnown !== true) {
    throw new ProtocolError('ERR_PROTOCOL_GROUP', 'the operations of this group are not here')
  }
  return members
}

/** What a set of operations brought. */
export interface Intake {
  readonly members: Membership
  /** Each after its past. */
  readonly accepted: readonly GroupOp[]
  /** Parents that nobody has brought yet. */
  readonly missing: readonly Bytes32[]
  readonly refused: number
}

/**
 * Takes in operations whose signatures hold, and stores them. `from`: the account that handed them on
 * over a session, or `held` for one's own.
 */
export function* addOperations(
  turn: Turn,
  gid: Bytes32,
  ops: readonly GroupOp[],
  from?: Bytes32 | 'held',
): Step<Intake> {
  const before = yield* keptOf(turn, gid)
  const kept: Kept = before ?? {
    stored: { dag: new GroupDag(turn.crypto, gid), arrivals: new Map() },
    arrivals: 0,
  }
  if (before === undefined) turn.memory.set(memoryKey(gid), kept)
  const { dag } = kept.stored
  const wasUsedUp = dag.usedUp('rotate', turn.self)
  const accepted: GroupOp[] = []
  let refused = 0
  for (const op of ops) {
    const outcome = yield* addGroupOp(turn, kept.stored, op, from)
    kept.arrivals = (yield* get(groupOpsTable, gid))?.arrivals ?? 0
    accepted.push(...outcome.accepted)
    refused += outcome.refused.length
    if (outcome.proofs.length > 0) {
      turn.change({
        kind: 'warning',
        code: 'GROUP_EQUIVOCATION',
        text: 'A member signed two operations under one number: its device was copied, or it lies. Its keys are not used for sending.',
      })
    }
  }
  if (wasUsedUp !== 'group' && dag.usedUp('rotate', turn.self) === 'group') {
    turn.change({
      kind: 'warning',
      code: 'GROUP_USED_UP',
      text: 'A group has used up its operations: its members, names and keys stay as they are, and messages go on. Make a new group to change anything.',
    })
  }
  return { members: new Membership(turn, dag), accepted, missing: dag.missing(), refused }
}
