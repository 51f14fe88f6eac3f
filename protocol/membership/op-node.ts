// One valid operation in a group's history, with what is known of it for good: a function of its
// bytes and its past (SPEC.md §19.2).
import {
  type Bytes32,
  compareBytes,
  type DeviceList,
  type GroupOp,
  type GroupRole,
  toHex,
} from '../../crypto/index.ts'
import type { AccountState } from './account-state.ts'
import type { Bits } from './bits.ts'
import type { KeyNumbers } from './keys.ts'

/** Who outranks whom: by rank, then seniority. Strict and total. */
export interface Authority {
  readonly rank: GroupRole
  /** The operation that gave the rank. */
  readonly lamport: number
  readonly op: Bytes32
  readonly account: Bytes32
}

/** A device list as an operation brings it, by local numbers. */
export interface BroughtList {
  readonly account: number
  readonly version: number
  readonly hash: string
  readonly devices: readonly number[]
  readonly revoked: readonly number[]
}

/** What an operation says, before its past is looked at. */
export interface OpFacts {
  readonly op: GroupOp
  /** Place in the order of acceptance: above all of its past. */
  readonly index: number
  readonly parents: readonly number[]
  readonly past: Bits
  readonly account: number
  readonly device: number
  /** Accounts whose membership, role or list it is about. */
  readonly about: readonly number[]
  readonly lists: readonly BroughtList[]
}

export interface OpNode extends OpFacts {
  readonly authority: Authority
  /** The rank it needed. */
  readonly need: GroupRole
  /** Its author's account in state(past). */
  readonly author: AccountState
  /** Its author had no rank: a member, neither admin nor owner. */
  readonly isPlain: boolean
  /** Its author had that rank only because there was no owner. */
  readonly actsAsOwner: boolean
  /** What it takes from others even where they do not know it yet. */
  readonly strong: 'remove' | 'lower' | 'revoke' | undefined
  /** Devices that a list takes out. */
  readonly revokes: readonly number[]
  /** A list that adds no device: it is never void by a removal it did not know. */
  readonly onlyRevokes: boolean
  /** Operations of its past that were void there. */
  readonly voidPast: Bits
  /** Devices that get its epoch, in order; undefined where it makes none. */
  readonly recipients: readonly number[] | undefined
}

/** By (lamport, opId): agrees with causality, and is the same for everybody. */
export function compareOps(
  a: { readonly lamport: number; readonly id: Bytes32 },
  b: { readonly lamport: number; readonly id: Bytes32 },
): number {
  return a.lamport - b.lamport || compareBytes(a.id, b.id)
}

/** Negative where a has the greater authority. */
export function compareAuthority(a: Authority, b: Authority): number {
  return (
    b.rank - a.rank ||
    a.lamport - b.lamport ||
    compareBytes(a.op, b.op) ||
    compareBytes(a.account, b.account)
  )
}

/** Neither knew the other. */
export function areConcurrent(a: OpFacts, b: OpFacts): boolean {
  return a.index !== b.index && !a.past.has(b.index) && !b.past.has(a.index)
}

interface Numbers {
  readonly accounts: KeyNumbers
  readonly devices: KeyNumbers
}

function broughtList(numbers: Numbers, list: DeviceList): BroughtList {
  return {
    account: numbers.accounts.number(list.account),
    version: list.version,
    hash: toHex(list.hash),
    devices: list.devices.map(({ device }) => numbers.devices.number(device)),
    revoked: list.revoked.map((device) => numbers.devices.number(device)),
  }
}

function listsOf(op: GroupOp): readonly DeviceList[] {
  const { payload } = op
  if (payload.kind === 'add') return payload.newcomers.map(({ list }) => list)
  return payload.kind === 'create' || payload.kind === 'devices' ? [payload.list] : []
}

/** Reads an operation's facts; its parents are accepted. */
export function factsOf(
  numbers: Numbers,
  op: GroupOp,
  place: { readonly index: number; readonly parents: readonly number[]; readonly past: Bits },
): OpFacts {
  const { payload } = op
  const account = numbers.accounts.number(op.account)
  const lists = listsOf(op).map((list) => broughtList(numbers, list))
  let about = lists.map((list) => list.account)
  if (payload.kind === 'remove' || payload.kind === 'role') {
    about = [numbers.accounts.number(payload.target)]
  } else if (payload.kind === 'leave') about = [account]
  return { op, ...place, account, device: numbers.devices.number(op.device), about, lists }
}
