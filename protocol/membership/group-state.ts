// What a causally closed set of valid operations amounts to (SPEC.md §19.3): accounts, name,
// settings, relays, and which operations are void. Never changed once made.
import { type Bytes32, compareBytes, type GroupRole } from '../../crypto/index.ts'
import {
  type AccountState,
  applyToAccount,
  determiningOp,
  type Ops,
  roleOf,
  STRANGER,
} from './account-state.ts'
import { Bits } from './bits.ts'
import type { KeyNumbers } from './keys.ts'
import { type Authority, compareAuthority, type OpFacts } from './op-node.ts'

/** Operations that set one of the group's properties and that no other of these follows. */
interface Latest {
  readonly names: readonly number[]
  readonly settings: readonly number[]
  readonly carriages: readonly number[]
}

const NOTHING: Latest = { names: [], settings: [], carriages: [] }

/** What follows from members and their lists, computed when asked for. */
interface Membership {
  devices: readonly number[] | undefined
  deviceSet: ReadonlySet<number> | undefined
  recipientsHash: Bytes32 | undefined
  /** Members by device. */
  owners: ReadonlyMap<number, number> | undefined
}

export interface StateSource {
  readonly ops: Ops
  readonly accountKeys: KeyNumbers
  account(account: number): AccountState
  accountNumbers(): Iterable<number>
  readonly latest: Latest
}

/** The member of most authority, if no member is an owner by an operation. */
function seniorOf(source: StateSource): number | undefined {
  let senior: number | undefined
  let highest: Authority | undefined
  for (const account of source.accountNumbers()) {
    const state = source.account(account)
    if (state.grants.length === 0) continue
    if (roleOf(source.ops, state) === 2) return undefined
    const authority = plainAuthority(source, account, state)
    if (highest !== undefined && compareAuthority(highest, authority) < 0) continue
    highest = authority
    senior = account
  }
  return senior
}

function plainAuthority(source: StateSource, account: number, state: AccountState): Authority {
  const { op } = determiningOp(source.ops, state)
  const key = source.accountKeys.key(account)
  return { rank: roleOf(source.ops, state), lamport: op.lamport, op: op.id, account: key }
}

export class GroupState implements StateSource {
  readonly ops: Ops
  readonly accountKeys: KeyNumbers
  readonly latest: Latest
  /** Void operations of the set. */
  readonly void: Bits
  readonly #accounts: ReadonlyMap<number, AccountState>
  readonly #membership: Membership
  /** Undefined until it is asked for; that there is none is an answer. */
  #senior: { readonly account: number | undefined } | undefined

  constructor(parts: {
    readonly ops: Ops
    readonly accountKeys: KeyNumbers
    readonly accounts: ReadonlyMap<number, AccountState>
    readonly latest: Latest
    readonly void: Bits
    readonly membership: Membership | undefined
  }) {
    this.ops = parts.ops
    this.accountKeys = parts.accountKeys
    this.latest = parts.latest
    this.void = parts.void
    this.#accounts = parts.accounts
    this.#membership = parts.membership ?? {
      devices: undefined,
      deviceSet: undefined,
      recipientsHash: undefined,
      owners: undefined,
    }
  }

  static empty(ops: Ops, accountKeys: KeyNumbers): GroupState {
    const accounts = new Map<number, AccountState>()
    return new GroupState({
      ops,
      accountKeys,
      accounts,
      latest: NOTHING,
      void: Bits.NONE,
      membership: undefined,
    })
  }

  get accounts(): ReadonlyMap<number, AccountState> {
    return this.#accounts
  }

  get membership(): Membership {
    return this.#membership
  }

  account(account: number): AccountState {
    return this.#accounts.get(account) ?? STRANGER
  }

  accountNumbers(): Iterable<number> {
    return this.#accounts.keys()
  }

  isMember(account: number): boolean {
    return this.account(account).grants.length > 0
  }

  members(): readonly number[] {
    const members: number[] = []
    for (const [key, { grants }] of this.#accounts) if (grants.length > 0) members.push(key)
    return members
  }

  /** Whether a member's list has this device. */
  hasDevice(account: number, device: number): boolean {
    const { grants, list } = this.account(account)
    return grants.length > 0 && list !== undefined && list.devices.includes(device)
  }

  /** The member whose list has a device; of several the one with the smallest key, for everybody. */
  memberOf(device: number): number | undefined {
    this.#membership.owners ??= this.#ownersOfDevices()
    return this.#membership.owners.get(device)
  }

  #ownersOfDevices(): ReadonlyMap<number, number> {
    const owners = new Map<number, number>()
    for (const account of this.members()) {
      for (const device of this.account(account).list?.devices ?? []) {
        const other = owners.get(device)
        if (other === undefined || this.#isBefore(account, other)) owners.set(device, account)
      }
    }
    return owners
  }

  #isBefore(account: number, other: number): boolean {
    return compareBytes(this.accountKeys.key(account), this.accountKeys.key(other)) < 0
  }

  /** Whether a member is the owner only because there is no other. */
  actsAsOwner(account: number): boolean {
    this.#senior ??= { account: seniorOf(this) }
    return this.#senior.account === account
  }

  role(account: number): GroupRole {
    if (this.actsAsOwner(account)) return 2
    return roleOf(this.ops, this.account(account))
  }

  /** The authority of a member. */
  authority(account: number): Authority {
    const plain = plainAuthority(this, account, this.account(account))
    return this.actsAsOwner(account) ? { ...plain, rank: 2 } : plain
  }

  /** All devices of all members, in the order of their keys. */
  devices(deviceKeys: KeyNumbers): readonly number[] {
    this.#membership.devices ??= deviceKeys.sorted(
      this.members().flatMap((account) => this.account(account).list?.devices ?? []),
    )
    return this.#membership.devices
  }

  deviceSet(deviceKeys: KeyNumbers): ReadonlySet<number> {
    this.#membership.deviceSet ??= new Set(this.devices(deviceKeys))
    return this.#membership.deviceSet
  }
}

/** A state in the making: operations are applied one after another, each after its past. */
export class StateBuilder implements StateSource {
  readonly ops: Ops
  readonly accountKeys: KeyNumbers
  latest: Latest
  readonly #base: GroupState
  readonly #changed = new Map<number, AccountState>()
  #membersChanged = false

  constructor(base: GroupState) {
    this.#base = base
    this.ops = base.ops
    this.accountKeys = base.accountKeys
    this.latest = base.latest
  }

  account(account: number): AccountState {
    return this.#changed.get(account) ?? this.#base.account(account)
  }

  *accountNumbers(): Iterable<number> {
    yield* this.#base.accountNumbers()
    for (const account of this.#changed.keys()) {
      if (!this.#base.accounts.has(account)) yield account
    }
  }

  apply(facts: OpFacts): void {
    for (const account of facts.about) {
      const before = this.account(account)
      const after = applyToAccount(this.ops, before, account, facts)
      if (after !== before) this.#changed.set(account, after)
      if (facts.op.payload.kind !== 'role') this.#membersChanged = true
    }
    this.latest = latestAfter(this.latest, facts)
  }

  /** Who is the owner by the rule for groups without one. */
  senior(): number | undefined {
    return seniorOf(this)
  }

  freeze(voided: Bits): GroupState {
    const { ops, accountKeys, latest } = this
    let { accounts } = this.#base
    if (this.#changed.size > 0) {
      const changed = new Map(accounts)
      for (const [account, state] of this.#changed) changed.set(account, state)
      accounts = changed
    }
    const membership = this.#membersChanged ? undefined : this.#base.membership
    return new GroupState({ ops, accountKeys, accounts, latest, void: voided, membership })
  }
}

function latestAfter(latest: Latest, facts: OpFacts): Latest {
  const { payload } = facts.op
  if (payload.kind !== 'create' && payload.kind !== 'meta' && payload.kind !== 'carriage') {
    return latest
  }
  const last = (before: readonly number[]): readonly number[] => [
    ...before.filter((index) => !facts.past.has(index)),
    facts.index,
  ]
  const { names, settings, carriages } = latest
  if (payload.kind === 'carriage') return { names, settings, carriages: last(carriages) }
  return {
    names: payload.name === undefined ? names : last(names),
    settings: payload.settings === undefined ? settings : last(settings),
    carriages: payload.kind === 'create' ? last(carriages) : carriages,
  }
}
