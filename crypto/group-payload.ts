// What the kinds of group operations say (SPEC.md §19.1): one payload per kind.
import type { Bytes32 } from './bytes.ts'
import type { CborValue } from './cbor-encoder.ts'
import type { DeviceList } from './device-list.ts'

/** Kinds on the wire. */
export const GROUP_KINDS = {
  create: 1,
  add: 2,
  remove: 3,
  leave: 4,
  role: 5,
  rotate: 6,
  refresh: 7,
  devices: 8,
  carriage: 9,
  meta: 10,
  merge: 11,
} as const

/** Bits of a group's settings. */
export const GROUP_SETTINGS = {
  /** Joins by link need an admin's approval. */
  approval: 1,
  /** Every member may add. */
  membersAdd: 2,
  /** Members tell each other their transport keys. */
  transportKeys: 4,
} as const

/** 0 member, 1 admin, 2 owner. */
export type GroupRole = 0 | 1 | 2

/** `[serviceKey32, [addr] 1..4]` */
export interface GroupRelay {
  readonly serviceKey: Bytes32
  readonly addresses: readonly string[]
}

/** `[DK, n, entryId]`: the last entry of a device that stands, n >= 1. */
export interface GroupCut {
  readonly device: Bytes32
  readonly n: number
  readonly entry: Bytes32
}

/** `[AK, DeviceList, inviteHash|""]` */
export interface GroupNewcomer {
  readonly account: Bytes32
  readonly list: DeviceList
  /** H of the invite's id, where it came by a link. */
  readonly inviteHash: Bytes32 | undefined
}

/** `[entryId, lamport]` */
export interface GroupBaseHead {
  readonly id: Bytes32
  readonly lamport: number
}

export interface CreatePayload {
  readonly kind: 'create'
  readonly random: Bytes32
  readonly name: string
  readonly settings: number
  readonly list: DeviceList
  readonly relays: readonly GroupRelay[]
  readonly recipientsHash: Bytes32
}

export interface AddPayload {
  readonly kind: 'add'
  /** The epoch it extends. */
  readonly epochOp: Bytes32
  /** Ascending by account. */
  readonly newcomers: readonly GroupNewcomer[]
  /** Ascending by id. */
  readonly heads: readonly GroupBaseHead[]
  readonly baseHash: Bytes32
  readonly recipientsHash: Bytes32
}

export interface RemovePayload {
  readonly kind: 'remove'
  readonly target: Bytes32
  /** Ascending by device. */
  readonly cut: readonly GroupCut[]
  readonly reason: number
  readonly recipientsHash: Bytes32
}

export interface LeavePayload {
  readonly kind: 'leave'
  readonly cut: readonly GroupCut[]
}

export interface RolePayload {
  readonly kind: 'role'
  readonly target: Bytes32
  readonly role: GroupRole
}

/** Both make a fresh epoch; a merge has two parents or more. */
export interface RotatePayload {
  readonly kind: 'rotate' | 'merge'
  /** The number of the author's last entry in this group. */
  readonly ownN: number
  readonly recipientsHash: Bytes32
}

export interface RefreshPayload {
  readonly kind: 'refresh'
  readonly epochOp: Bytes32
  /** Ascending. */
  readonly devices: readonly Bytes32[]
  readonly recipientsHash: Bytes32
}

export interface DevicesPayload {
  readonly kind: 'devices'
  readonly list: DeviceList
  readonly cut: readonly GroupCut[]
}

export interface CarriagePayload {
  readonly kind: 'carriage'
  readonly relays: readonly GroupRelay[]
}

export interface MetaPayload {
  readonly kind: 'meta'
  /** Undefined: as it was. */
  readonly name: string | undefined
  readonly settings: number | undefined
}

/** A kind that this build does not know: no effect, but part of the history. */
export interface UnknownPayload {
  readonly kind: 'unknown'
  readonly number: number
  readonly value: CborValue
}

export type GroupPayload =
  | CreatePayload
  | AddPayload
  | RemovePayload
  | LeavePayload
  | RolePayload
  | RotatePayload
  | RefreshPayload
  | DevicesPayload
  | CarriagePayload
  | MetaPayload
  | UnknownPayload

/** The kind as the wire has it. */
export function groupKindNumber(payload: GroupPayload): number {
  return payload.kind === 'unknown' ? payload.number : GROUP_KINDS[payload.kind]
}
