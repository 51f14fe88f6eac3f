// The groups of this profile, one record each: what its user calls it, how one stands to it, and, while
// one asks to join, by which link. Membership itself is the fold of the operations (SPEC.md §19).
import { type Bytes16, type Bytes32, EMPTY, GROUP_NAME_MAX_BYTES, u64 } from '../../crypto/index.ts'
import { GROUPS_MAX } from '../group-limits.ts'
import { encodeRecord, orEmpty, readRecord, text, textField } from '../record.ts'
import { type Step, type Table, type Turn, get, range } from '../step.ts'

/**
 * joining: asked, not let in yet. joined. left: by oneself. removed: by somebody else; the history up
 * to then stays. refused: the link was used, expired or turned down.
 */
export type GroupStanding = 'joining' | 'joined' | 'left' | 'removed' | 'refused'

const STANDINGS: readonly GroupStanding[] = ['joining', 'joined', 'left', 'removed', 'refused']

/** How one asked to join. */
export interface JoinLink {
  readonly account: Bytes32
  readonly link: string
  readonly inviteId: Bytes16
  /** 16 random bytes that tell our deposits from another holder's of the same link. */
  readonly claim: Bytes16
  /** The device that made the link, once its card was fetched. */
  readonly device: Bytes32 | undefined
  /** Guarded clock. */
  readonly askedAtMs: number
}

export interface GroupRecord {
  /** Local number, 1, 2, ..: what the list is ordered by, so that no key names a group. */
  readonly number: number
  /** Hash of its first operation; undefined while it was not told. */
  readonly gid: Bytes32 | undefined
  /** Unique among one's own groups, without #. */
  readonly name: string
  /** Its user chose the name: it does not follow the group's. */
  readonly named: boolean
  readonly standing: GroupStanding
  readonly join: JoinLink | undefined
  /**
   * Why it is refused, as a code of the API; "" elsewhere. SAME_GROUP, ALREADY_MEMBER: a link of a
   * group that another record is of; it is not listed.
   */
  readonly problem: string
  readonly addedAtMs: number
}

const groupRows: Table<number, GroupRecord> = {
  name: 'groups',
  sealing: 'value',
  rows: 'few',
  place: (number) => ({ owner: EMPTY, order: u64(number) }),
  encode: (group) =>
    encodeRecord([
      group.number,
      orEmpty(group.gid),
      text(group.name),
      STANDINGS.indexOf(group.standing),
      group.join === undefined
        ? []
        : [
            group.join.account,
            text(group.join.link),
            group.join.inviteId,
            group.join.claim,
            orEmpty(group.join.device),
            group.join.askedAtMs,
          ],
      text(group.problem),
      group.addedAtMs,
      group.named ? 1 : 0,
    ]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'group')
    return {
      number: fields.uint('number'),
      gid: fields.optional('gid', 32),
      name: textField(fields, 'name', GROUP_NAME_MAX_BYTES + 8),
      standing: STANDINGS[fields.uint('standing', STANDINGS.length - 1)] ?? 'left',
      join: decodeJoin(fields.nested('join')),
      problem: textField(fields, 'problem', 64),
      addedAtMs: fields.uint('addedAt'),
      named: fields.flag('named'),
    }
  },
}

function decodeJoin(fields: ReturnType<typeof readRecord>): JoinLink | undefined {
  if (fields.left === 0) return undefined
  return {
    account: fields.bytes('account', 32),
    link: textField(fields, 'link', 256),
    inviteId: fields.bytes('inviteId', 16),
    claim: fields.bytes('claim', 16),
    device: fields.optional('device', 32),
    askedAtMs: fields.uint('askedAt'),
  }
}

/** gid -> number. */
const groupNumbers: Table<Bytes32, number> = {
  name: 'group-numbers',
  sealing: 'value',
  place: (gid) => ({ owner: gid, order: EMPTY }),
  encode: (number) => encodeRecord([number]),
  decode: (bytes) => readRecord(bytes, 'group number').uint('number'),
}

/** The group with this id, if one was ever in it or is about to be. */
export function* groupOf(gid: Bytes32): Step<GroupRecord | undefined> {
  const number = yield* get(groupNumbers, gid)
  return number === undefined ? undefined : yield* get(groupRows, number)
}

export function* groupByNumber(number: number): Step<GroupRecord | undefined> {
  return yield* get(groupRows, number)
}

/** All groups, oldest first. */
export function* allGroups(): Step<readonly GroupRecord[]> {
  const rows = yield* range(groupRows, { owner: EMPTY, limit: GROUPS_MAX })
  return rows.map((row) => row.value)
}

/** Whether a record is a group of its own, and no link of one that is listed already. */
export function isListedGroup({ problem }: GroupRecord): boolean {
  return problem !== 'SAME_GROUP' && problem !== 'ALREADY_MEMBER'
}

/** The highest number that was given out, where its group was taken off the list since. */
const highestNumber: Table<typeof EMPTY, number> = {
  name: 'group-highest',
  sealing: 'value',
  place: () => ({ owner: EMPTY, order: EMPTY }),
  encode: (number) => encodeRecord([number]),
  decode: (bytes) => readRecord(bytes, 'highest group number').uint('number'),
}

/** Takes a group of which nothing was ever read off the list. Its number is not given out again. */
export function* forgetGroup(turn: Turn, { number, gid }: GroupRecord): Step<void> {
  turn.put(highestNumber, EMPTY, yield* lastNumber())
  turn.remove(groupRows, number)
  if (gid !== undefined) turn.remove(groupNumbers, gid)
}

function* lastNumber(): Step<number> {
  const [newest] = yield* range(groupRows, { owner: EMPTY, limit: 1, reverse: true })
  return Math.max(newest?.value.number ?? 0, (yield* get(highestNumber, EMPTY)) ?? 0)
}

/** Writes a group, and says in the change feed that it is another now. */
export function putGroup(turn: Turn, group: GroupRecord): void {
  turn.put(groupRows, group.number, group)
  if (group.gid !== undefined) turn.put(groupNumbers, group.gid, group.number)
  turn.change({ kind: 'group', number: group.number, state: group.standing })
}

/** Says in the change feed that a group is shown otherwise now: a member told its name. */
export function* tellOfGroup(turn: Turn, gid: Bytes32): Step<void> {
  const group = yield* groupOf(gid)
  if (group === undefined) return
  turn.change({ kind: 'group', number: group.number, state: group.standing })
}

/** A record for a group that is new here. */
export function* newGroup(
  turn: Turn,
  fields: Pick<GroupRecord, 'gid' | 'name' | 'named' | 'standing' | 'join'>,
): Step<GroupRecord> {
  const group: GroupRecord = {
    ...fields,
    number: (yield* lastNumber()) + 1,
    problem: '',
    addedAtMs: turn.nowMs,
  }
  putGroup(turn, group)
  return group
}
