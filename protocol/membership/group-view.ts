// A group as it stands after some operations (SPEC.md §19.3): what the rest of the program sees.
import {
  type Bytes32,
  type CryptoProvider,
  equalBytes,
  type GroupOpRef,
  type GroupRelay,
  type GroupRole,
  groupRecipientsHash,
} from '../../crypto/index.ts'
import { determiningOp } from './account-state.ts'
import type { GroupState } from './group-state.ts'
import type { OpHistory } from './history.ts'
import { compareAuthority, compareOps, type OpFacts } from './op-node.ts'

export interface GroupMember {
  readonly account: Bytes32
  readonly role: GroupRole
  /** Listed devices, in the order of their keys. */
  readonly devices: readonly Bytes32[]
  readonly revoked: readonly Bytes32[]
  readonly listVersion: number
  /** Two lists of that version were shown: an alarm. */
  readonly listEquivocation: boolean
  /** The operation that seniority counts from. */
  readonly since: GroupOpRef
}

/** The last by (lamport, opId). */
function lastOf(state: GroupState, indexes: readonly number[]): OpFacts | undefined {
  const facts = indexes.flatMap((index) => state.ops[index] ?? [])
  return facts.sort((a, b) => compareOps(a.op, b.op)).at(-1)
}

export function settingsOf(state: GroupState): number {
  const payload = lastOf(state, state.latest.settings)?.op.payload
  if (payload?.kind !== 'create' && payload?.kind !== 'meta') return 0
  return payload.settings ?? 0
}

function relaysIn(facts: OpFacts | undefined): readonly GroupRelay[] {
  const payload = facts?.op.payload
  return payload?.kind === 'create' || payload?.kind === 'carriage' ? payload.relays : []
}

export class GroupView {
  readonly #history: OpHistory
  readonly #state: GroupState
  #members: readonly GroupMember[] | undefined
  #devices: readonly Bytes32[] | undefined

  constructor(history: OpHistory, state: GroupState) {
    this.#history = history
    this.#state = state
  }

  get name(): string {
    const payload = lastOf(this.#state, this.#state.latest.names)?.op.payload
    if (payload?.kind !== 'create' && payload?.kind !== 'meta') return ''
    return payload.name ?? ''
  }

  /** Bits of {@link GROUP_SETTINGS}. */
  get settings(): number {
    return settingsOf(this.#state)
  }

  /** Relays that carry what this device writes: of the last carriage. */
  get writtenRelays(): readonly GroupRelay[] {
    return relaysIn(lastOf(this.#state, this.#state.latest.carriages))
  }

  /** Relays that are read: of every carriage that no other knew. */
  get readRelays(): readonly GroupRelay[] {
    const { ops, latest } = this.#state
    const all = latest.carriages.flatMap((index) => ops[index] ?? [])
    return all.sort((a, b) => compareOps(b.op, a.op)).flatMap((facts) => relaysIn(facts))
  }

  get memberCount(): number {
    return this.#state.members().length
  }

  /** Members, the greatest authority first. */
  members(): readonly GroupMember[] {
    this.#members ??= this.#state
      .members()
      .map((number) => ({ number, authority: this.#state.authority(number) }))
      .sort((a, b) => compareAuthority(a.authority, b.authority))
      .map(({ number }) => this.#member(number))
    return this.#members
  }

  member(account: Bytes32): GroupMember | undefined {
    const number = this.#history.accounts.find(account)
    return number === undefined || !this.#state.isMember(number) ? undefined : this.#member(number)
  }

  #member(number: number): GroupMember {
    const { devices } = this.#history
    const state = this.#state.account(number)
    const { op } = determiningOp(this.#state.ops, state)
    const keysOf = (numbers: readonly number[] = []): readonly Bytes32[] =>
      devices.sorted(numbers).map((device) => devices.key(device))
    return {
      account: this.#history.accounts.key(number),
      role: this.#state.role(number),
      devices: keysOf(state.list?.devices),
      revoked: keysOf(state.list?.revoked),
      listVersion: state.list?.version ?? 0,
      listEquivocation: (state.list?.hashes.length ?? 0) > 1,
      since: { id: op.id, lamport: op.lamport },
    }
  }

  /** The version of the list held of an account, member or not: 0 where there is none. */
  listVersion(account: Bytes32): number {
    const number = this.#history.accounts.find(account)
    return number === undefined ? 0 : (this.#state.account(number).list?.version ?? 0)
  }

  /** Whether all members are members in another view of the same group too. */
  isWithin(other: GroupView): boolean {
    if (this.#state.membership === other.#state.membership) return true
    return this.#state.members().every((account) => other.#state.isMember(account))
  }

  /** M: all devices of all members, ascending. */
  devices(): readonly Bytes32[] {
    const { devices } = this.#history
    this.#devices ??= this.#state.devices(devices).map((device) => devices.key(device))
    return this.#devices
  }

  /** H(L("g-rcpt") ‖ M). */
  devicesHash(provider: CryptoProvider): Bytes32 {
    const { membership } = this.#state
    membership.recipientsHash ??= groupRecipientsHash(provider, this.devices())
    return membership.recipientsHash
  }

  hasDevice(device: Bytes32): boolean {
    const number = this.#history.devices.find(device)
    return number !== undefined && this.#state.deviceSet(this.#history.devices).has(number)
  }

  /** The member whose list has a device. */
  accountOf(device: Bytes32): Bytes32 | undefined {
    const number = this.#history.devices.find(device)
    if (number === undefined) return undefined
    const account = this.#state.memberOf(number)
    return account === undefined ? undefined : this.#history.accounts.key(account)
  }

  /** Whether an add that stands took somebody in by this invite: H of its id. */
  isInviteUsed(inviteHash: Bytes32): boolean {
    return this.#history.nodes.some(({ index, op: { payload } }) => {
      if (payload.kind !== 'add' || this.#state.void.has(index)) return false
      return payload.newcomers.some(
        (row) => row.inviteHash !== undefined && equalBytes(row.inviteHash, inviteHash),
      )
    })
  }

  /** The same, by its local number. */
  isVoidAt(index: number): boolean {
    return this.#state.void.has(index)
  }

  isVoid(opId: Bytes32): boolean {
    const node = this.#history.find(opId)
    return node !== undefined && this.#state.void.has(node.index)
  }
}
