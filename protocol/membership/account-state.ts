// What a set of operations says about one account: whether it is a member, its role, its devices
// (SPEC.md §19.3). Operations are folded in with everything of their past before them.
import type { GroupRole } from '../../crypto/index.ts'
import { compareOps, type BroughtList, type OpFacts } from './op-node.ts'

export interface HeldList {
  readonly version: number
  readonly hashes: readonly string[]
  /** Operations that brought a list of this version. */
  readonly ops: readonly number[]
  readonly devices: readonly number[]
  readonly revoked: readonly number[]
}

export interface AccountState {
  /** Grants that no removal knew: a member has one or more. */
  readonly grants: readonly number[]
  /** Operations on its role after a current grant that no other of these follows. */
  readonly roles: readonly number[]
  readonly list: HeldList | undefined
}

export const STRANGER: AccountState = { grants: [], roles: [], list: undefined }

/** Operations by local number. */
export type Ops = readonly OpFacts[]

function factsAt(ops: Ops, index: number): OpFacts {
  const facts = ops[index]
  if (facts === undefined) throw new RangeError(`no operation has the number ${index}`)
  return facts
}

function sameList(held: HeldList, list: BroughtList, index: number): HeldList {
  const ops = [...held.ops, index]
  if (held.hashes.includes(list.hash)) return { ...held, ops }
  // Two lists of one version: only what both say is trusted.
  return {
    version: held.version,
    hashes: [...held.hashes, list.hash],
    ops,
    devices: held.devices.filter((device) => list.devices.includes(device)),
    revoked: [...new Set([...held.revoked, ...list.revoked])],
  }
}

function withList(held: HeldList | undefined, list: BroughtList, index: number): HeldList {
  if (held !== undefined && held.version > list.version) return held
  if (held !== undefined && held.version === list.version) return sameList(held, list, index)
  const { version, hash, devices, revoked } = list
  return { version, hashes: [hash], ops: [index], devices, revoked }
}

function withoutKnownGrants(ops: Ops, state: AccountState, facts: OpFacts): AccountState {
  const grants = state.grants.filter((grant) => !facts.past.has(grant))
  const roles = state.roles.filter((role) =>
    grants.some((grant) => factsAt(ops, role).past.has(grant)),
  )
  return { ...state, grants, roles }
}

/** The state of an account after one more operation that is about it. */
export function applyToAccount(
  ops: Ops,
  state: AccountState,
  account: number,
  facts: OpFacts,
): AccountState {
  const { index, past } = facts
  switch (facts.op.payload.kind) {
    case 'create':
    case 'add': {
      const list = facts.lists.find((brought) => brought.account === account)
      if (list === undefined) return state
      return { ...state, grants: [...state.grants, index], list: withList(state.list, list, index) }
    }
    case 'remove':
    case 'leave':
      return withoutKnownGrants(ops, state, facts)
    case 'role': {
      if (!state.grants.some((grant) => past.has(grant))) return state
      return { ...state, roles: [...state.roles.filter((role) => !past.has(role)), index] }
    }
    case 'devices': {
      const [list] = facts.lists
      return list === undefined ? state : { ...state, list: withList(state.list, list, index) }
    }
    case 'rotate':
    case 'merge':
    case 'refresh':
    case 'carriage':
    case 'meta':
    case 'unknown':
      return state
  }
}

function roleGiven(ops: Ops, index: number): GroupRole {
  const { payload } = factsAt(ops, index).op
  return payload.kind === 'role' ? payload.role : 0
}

/** The role of a member, the rule for groups without an owner left aside. */
export function roleOf(ops: Ops, state: AccountState): GroupRole {
  if (state.roles.length > 0) {
    return Math.min(...state.roles.map((role) => roleGiven(ops, role))) as GroupRole
  }
  return state.grants.some((grant) => factsAt(ops, grant).op.payload.kind === 'create') ? 2 : 0
}

/** Operations that give a member its role: those on the role that are lowest, else its grants. */
export function roleGivers(ops: Ops, state: AccountState): readonly number[] {
  if (state.roles.length === 0) return state.grants
  const role = roleOf(ops, state)
  return state.roles.filter((index) => roleGiven(ops, index) === role)
}

/** The operation that a member's seniority counts from. */
export function determiningOp(ops: Ops, state: AccountState): OpFacts {
  const givers = roleGivers(ops, state).map((index) => factsAt(ops, index))
  const [first] = givers.sort((a, b) => compareOps(a.op, b.op))
  if (first === undefined) throw new RangeError('an account that is no member has no seniority')
  return first
}
