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
  isListedGroup,
  joinedMembership,
  leaveGroup,
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
import {
  INVITE_LIFE_MS,
  type InviteHooks,
  checkInviteLife,
  invitePlace,
  inviteView,
} from './people.ts'
import { FULL_HINT } from './translate.ts'
import { resolveWhich } from './which.ts'
import { contactToAdd, memberNamed, waitingNamed } from './whom.ts'

const RANKS: Readonly<Record<GroupRole, 0 | 1 | 2>> = { member: 0, admin: 1, owner: 2 }

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
        const group = yield* resolveWhich(turn, which)
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
      yield* machine(turn, group, yield* memberNamed(turn, group, members, who))
    })

  const changeWaiting = (
    options: CallOptions | undefined,
    which: string,
    who: string,
    machine: (turn: Turn, group: GroupRecord, account: Bytes32) => Step<void>,
  ): Promise<Group> =>
    change(options, which, function* (turn, group) {
      const members = yield* joinedMembership(turn, group)
      yield* machine(turn, group, yield* waitingNamed(turn, group, members, who))
    })

  function* invite(
    turn: Turn,
    which: string,
    options: {
      readonly reusable: boolean
      readonly approve: boolean
      readonly lifeMs: number
      readonly reached: readonly Bytes32[]
    },
  ): Step<Invite> {
    const group = yield* resolveWhich(turn, which)
    const members = yield* joinedMembership(turn, group)
    const role = members.self?.role ?? 0
    if (role === 0 && !members.setting('membersAdd') && !members.setting('approval')) {
      throw new NodeError('NOT_ADMIN', 'only admins invite to this group', {
        hint: 'Ask an admin to invite, or to make you one.',
      })
    }
    if (members.members.length >= members.limit) {
      throw new NodeError('GROUP_FULL', `the group has ${members.limit} members already`, {
        hint: FULL_HINT,
      })
    }
    const { reusable, approve, lifeMs, reached } = options
    const expiresAtS = Math.floor((core.clock.nowMs() + lifeMs) / 1000)
    const place = yield* invitePlace(reached)
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
            if (isListedGroup(group)) views.push(yield* groupView(turn, group))
          }
          return views
        }),
      ),
    get: (which, options) =>
      call(options, () =>
        ledger.read(function* (turn) {
          return yield* groupView(turn, yield* resolveWhich(turn, which))
        }),
      ),
    invite: (which, options = {}) =>
      call(options, async () => {
        const lifeMs = checkInviteLife(options.expiresInMs ?? INVITE_LIFE_MS)
        const { reusable = false, approve = false } = options
        const reached = await hooks.reachable(options.signal)
        const wanted = { reusable, approve, lifeMs, reached }
        const made = await ledger.run((turn) => invite(turn, which, wanted))
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
        yield* addToGroup(turn, group, yield* contactToAdd(turn, group, who))
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
