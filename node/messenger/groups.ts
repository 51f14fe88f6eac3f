// Groups, for the API.
import { type Bytes32, equalBytes } from '../../crypto/index.ts'
import {
  type GroupRecord,
  type Membership,
  type Step,
  type Turn,
  addToGroup,
  allGroups,
  allInvites,
  approveJoin,
  askToJoin,
  createGroup,
  createInvite,
  giveRole,
  joinedMembership,
  leaveGroup,
  pendingJoins,
  rejectJoin,
  removeFromGroup,
  renameGroup,
  rereadGroup,
  rotateGroup,
} from '../../protocol/index.ts'
import type { CallOptions, Invite } from '../api.ts'
import type { Group, GroupRole, Groups } from '../api-groups.ts'
import type { Core } from '../core.ts'
import { NodeError } from '../errors.ts'
import { makeCall } from './calls.ts'
import { groupView } from './group-views.ts'
import { personAt } from './person-at.ts'
import {
  INVITE_LIFE_MS,
  type InviteHooks,
  checkInviteLife,
  invitePlace,
  inviteView,
} from './people.ts'
import { resolveWhich } from './which.ts'
import { resolveWho } from './who.ts'

const RANKS: Readonly<Record<GroupRole, 0 | 1 | 2>> = { member: 0, admin: 1, owner: 2 }

/** A member, or somebody who waits, by the name shown, the address or a prefix of it. */
function* resolveIn(
  turn: Turn,
  accounts: readonly Bytes32[],
  who: string,
  where: string,
): Step<Bytes32> {
  const wanted = who.trim()
  const folded = wanted.toLowerCase().replaceAll('-', '')
  const found: { readonly account: Bytes32; readonly name: string; readonly exact: boolean }[] = []
  for (const account of accounts) {
    const { name, address } = yield* personAt(turn, account)
    const exact = name === wanted || address === folded
    const prefix = folded.length >= PREFIX_MIN_CHARS && address.startsWith(folded)
    if (exact || prefix) found.push({ account, name, exact })
  }
  const exact = found.filter((one) => one.exact)
  const [only, second] = exact.length > 0 ? exact : found
  if (only !== undefined && second === undefined) return only.account
  if (only !== undefined) {
    throw new NodeError('AMBIGUOUS_CONTACT', `"${who.slice(0, 80)}" may be several people`, {
      hint: 'Give the address, or more of it.',
    })
  }
  throw new NodeError('NOT_MEMBER', `"${who.slice(0, 80)}" is not ${where}`, {
    hint: 'See who is there: sotto group show',
  })
}

const PREFIX_MIN_CHARS = 4

export function makeGroups(core: Core, hooks: InviteHooks): Groups {
  const { ledger } = core
  const call = makeCall(core)

  /** Runs a machine on a group and shows what became of it. */
  const change = (
    options: CallOptions | undefined,
    which: string,
    machine: (turn: Turn, group: GroupRecord) => Step<void>,
  ): Promise<Group> =>
    call(options, () =>
      ledger.run(function* (turn) {
        const group = yield* resolveWhich(which)
        yield* machine(turn, group)
        return yield* groupView(turn, yield* rereadGroup(group))
      }),
    )

  /** The same, about one of its members. */
  const changeMember = (
    options: CallOptions | undefined,
    which: string,
    who: string,
    machine: (turn: Turn, group: GroupRecord, account: Bytes32) => Step<void>,
  ): Promise<Group> =>
    change(options, which, function* (turn, group) {
      const members: Membership = yield* joinedMembership(turn, group)
      const accounts = members.members.map(({ account }) => account)
      yield* machine(turn, group, yield* resolveIn(turn, accounts, who, 'in the group'))
    })

  const changeWaiting = (
    options: CallOptions | undefined,
    which: string,
    who: string,
    machine: (turn: Turn, group: GroupRecord, account: Bytes32) => Step<void>,
  ): Promise<Group> =>
    change(options, which, function* (turn, group) {
      const { gid } = yield* joinedMembership(turn, group)
      const accounts = (yield* pendingJoins(turn, gid)).map(({ account }) => account)
      yield* machine(turn, group, yield* resolveIn(turn, accounts, who, 'waiting to be let in'))
    })

  function* invite(
    turn: Turn,
    which: string,
    options: { readonly reusable: boolean; readonly approve: boolean; readonly lifeMs: number },
  ): Step<Invite> {
    const group = yield* resolveWhich(which)
    const members = yield* joinedMembership(turn, group)
    const role = members.self?.role ?? 0
    if (role === 0 && !members.setting('membersAdd') && !members.setting('approval')) {
      throw new NodeError('NOT_ADMIN', 'only admins invite to this group', {
        hint: 'Ask an admin to invite, or to make you one.',
      })
    }
    if (members.members.length >= members.limit) {
      throw new NodeError('GROUP_FULL', `the group has ${members.limit} members already`)
    }
    const { reusable, approve, lifeMs } = options
    const expiresAtS = Math.floor((core.clock.nowMs() + lifeMs) / 1000)
    const place = yield* invitePlace()
    const { gid } = members
    const made = yield* createInvite(turn, {
      ...place,
      reusable,
      expiresAtS,
      group: { gid, approve },
    })
    const found = (yield* allInvites()).find((one) => equalBytes(one.inviteId, made.inviteId))
    if (found === undefined) throw new NodeError('INTERNAL', 'the invite was not kept')
    return yield* inviteView(turn, found)
  }

  return {
    create: (name, options = {}) =>
      call(options, async () => {
        await hooks.reachable(options.signal)
        const { approval = false, membersAdd = false } = options
        return ledger.run(function* (turn) {
          return yield* groupView(turn, yield* createGroup(turn, name, { approval, membersAdd }))
        })
      }),
    list: (options) =>
      call(options, () =>
        ledger.read(function* (turn) {
          const views: Group[] = []
          for (const group of yield* allGroups()) {
            if (group.problem !== 'SAME_GROUP') views.push(yield* groupView(turn, group))
          }
          return views
        }),
      ),
    get: (which, options) =>
      call(options, () =>
        ledger.read(function* (turn) {
          return yield* groupView(turn, yield* resolveWhich(which))
        }),
      ),
    invite: (which, options = {}) =>
      call(options, async () => {
        const lifeMs = checkInviteLife(options.expiresInMs ?? INVITE_LIFE_MS)
        const { reusable = false, approve = false } = options
        await hooks.reachable(options.signal)
        const made = await ledger.run((turn) => invite(turn, which, { reusable, approve, lifeMs }))
        await hooks.publish()
        return made
      }),
    join: (link, options = {}) =>
      call(options, () =>
        ledger.run(function* (turn) {
          return yield* groupView(turn, yield* askToJoin(turn, link.trim(), options.name))
        }),
      ),
    add: (which, who, options) =>
      change(options, which, function* (turn, group) {
        const { account } = yield* resolveWho(turn.crypto, who)
        yield* addToGroup(turn, group, account)
      }),
    approve: (which, who, options) => changeWaiting(options, which, who, approveJoin),
    reject: (which, who, options) => changeWaiting(options, which, who, rejectJoin),
    remove: (which, who, options) => changeMember(options, which, who, removeFromGroup),
    role: (which, who, role, options) =>
      changeMember(options, which, who, (turn, group, account) =>
        giveRole(turn, group, account, RANKS[role]),
      ),
    rename: (which, name, options) =>
      change(options, which, (turn, group) => renameGroup(turn, group, name)),
    leave: (which, options) => change(options, which, leaveGroup),
    rotate: (which, options) => change(options, which, rotateGroup),
  }
}
