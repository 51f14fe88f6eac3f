// People and operations of a group for tests: lists and operations have the right form and no
// signatures, which the membership does not look at; the tests of the bytes sign for real.
import {
  compareBytes,
  type DeviceList,
  decodeDeviceList,
  decodeGroupOp,
  EMPTY,
  encodeCbor,
  encodeGroupOpCore,
  equalBytes,
  type GroupCut,
  type GroupOp,
  type GroupOpFields,
  type GroupOpRef,
  type GroupPayload,
  groupRecipientsHash,
  commitLength,
  u32,
} from '../../crypto/index.ts'
import { nativeCrypto } from '../../node/native-crypto.ts'
import { type DraftPayload, draftCreate, draftOp, GroupDag } from '../../protocol/index.ts'

export const crypto = nativeCrypto
const NO_SIGNATURE = new Uint8Array(64)

/** 32 bytes that follow from words. */
export function hashOf(...words: readonly (string | number)[]): Uint8Array<ArrayBuffer> {
  const bytes = words.map((word) => Uint8Array.from(`${word}|`, (c) => c.charCodeAt(0)))
  return crypto.sha256(...bytes)
}

/** A device list without signatures: for `decodeDeviceList` alone. */
export function fakeList(
  account: Uint8Array,
  version: number,
  devices: readonly Uint8Array[],
  revoked: readonly Uint8Array[] = [],
): DeviceList {
  const certs = devices
    .toSorted(compareBytes)
    .map((device) => [1, device, hashOf('dh', device.join()), NO_SIGNATURE])
  const body = encodeCbor([1, account, version, EMPTY, certs, revoked.toSorted(compareBytes)])
  return decodeDeviceList(crypto, encodeCbor([body, NO_SIGNATURE]))
}

export interface Person {
  readonly name: string
  readonly account: Uint8Array
  readonly device: Uint8Array
  readonly list: DeviceList
}

export function person(name: string, version = 1): Person {
  const account = hashOf('account', name)
  const device = hashOf('device', name, 1)
  return { name, account, device, list: fakeList(account, version, [device]) }
}

/** A further device of a person. */
export function deviceOf(name: string, n: number): Uint8Array {
  return hashOf('device', name, n)
}

/** An operation as bytes have it, with no signature and a commitment of zeros. */
export function unsignedOp(fields: GroupOpFields, salt = 0): GroupOp {
  const core = encodeGroupOpCore(fields)
  const commit = new Uint8Array(commitLength(fields.payload) ?? 0)
  if (commit.length > 0) commit.set(u32(salt))
  return decodeGroupOp(crypto, encodeCbor([core, commit, NO_SIGNATURE]))
}

export function ref(op: GroupOp): GroupOpRef {
  return { id: op.id, lamport: op.lamport }
}

export function cutAt(device: Uint8Array, n: number): GroupCut {
  return { device, n, entry: hashOf('entry', device.join(), n) }
}

export interface WriteOptions {
  /** Cited instead of the heads. */
  readonly on?: readonly GroupOp[]
  /** Written with this device instead of the first. */
  readonly device?: Uint8Array
  readonly seq?: number
  /** Tells forks apart that say the same. */
  readonly salt?: number
}

const NO_HASH = new Uint8Array(32)

/** One group with its creator. `write` signs off on what is valid; `forge` on anything. */
export class GroupWorld {
  readonly root: GroupOp
  readonly dag: GroupDag
  readonly ops: GroupOp[] = []

  constructor(creator: Person, settings = 0, name = 'the group') {
    const draft = draftCreate(crypto, creator, {
      random: hashOf('random', name),
      name,
      settings,
      list: creator.list,
      relays: [],
    })
    this.root = decodeGroupOp(crypto, encodeCbor([draft.core, new Uint8Array(64), NO_SIGNATURE]))
    this.dag = new GroupDag(crypto, this.root.id)
    this.take(this.root)
  }

  take(op: GroupOp): GroupOp {
    const outcome = this.dag.add(op)
    if (outcome.kind !== 'accepted') {
      throw new Error(`not accepted: ${outcome.kind} ${outcome.refused[0]?.fault ?? ''}`)
    }
    this.ops.push(op)
    return op
  }

  /** Writes a valid operation and takes it in. Throws where it would not be valid. */
  write(author: Person, payload: DraftPayload, options: WriteOptions = {}): GroupOp {
    const device = options.device ?? author.device
    const parents = options.on?.map(ref) ?? this.dag.nextParents(device)
    const drafted = draftOp(crypto, this.dag, { account: author.account, device }, payload, parents)
    if (typeof drafted === 'string') throw new Error(`refused: ${drafted}`)
    const length = commitLength({ ...payload } as GroupPayload) ?? 0
    const commit = new Uint8Array(length)
    if (length > 0) commit.set(u32(options.salt ?? 0))
    return this.take(decodeGroupOp(crypto, encodeCbor([drafted.core, commit, NO_SIGNATURE])))
  }

  /** Any operation, valid or not, taken in by nobody. The hash of its recipients is a guess. */
  forge(author: Person, payload: DraftPayload, options: WriteOptions = {}): GroupOp {
    const device = options.device ?? author.device
    const parents = options.on?.map(ref) ?? this.dag.nextParents(device)
    const fields = (recipientsHash: Uint8Array): GroupOpFields => ({
      group: this.root.id,
      parents,
      account: author.account,
      device,
      seq: options.seq ?? this.dag.nextSeq(device, parents),
      payload: { ...payload, recipientsHash } as GroupPayload,
    })
    const guess = this.dag.judge(unsignedOp(fields(NO_HASH)))
    const hash = typeof guess === 'string' ? NO_HASH : groupRecipientsHash(crypto, guess.recipients)
    return unsignedOp(fields(hash), options.salt)
  }

  /** Why an operation would be refused; undefined where it would be accepted. */
  faultOf(op: GroupOp): string | undefined {
    const copy = this.replay(this.ops)
    const outcome = copy.add(op)
    return outcome.kind === 'accepted' ? undefined : (outcome.refused[0]?.fault ?? outcome.kind)
  }

  replay(ops: readonly GroupOp[]): GroupDag {
    const dag = new GroupDag(crypto, this.root.id)
    for (const op of ops) dag.add(op)
    return dag
  }

  /** Adds people with the epoch that the author can extend last. */
  add(author: Person, people: readonly Person[], options: WriteOptions = {}): GroupOp {
    return this.write(
      author,
      addOf(options.on?.[0] ?? this.#epochFor(author, options), people),
      options,
    )
  }

  #epochFor(author: Person, options: WriteOptions): GroupOp {
    const device = options.device ?? author.device
    const found = this.ops
      .toReversed()
      .find((op) =>
        this.dag.history
          .find(op.id)
          ?.recipients?.some((number) => equalBytes(this.dag.history.devices.key(number), device)),
      )
    if (found === undefined) throw new Error('no epoch to extend')
    return found
  }
}

export function addOf(epoch: GroupOp, people: readonly Person[]): DraftPayload {
  return {
    kind: 'add',
    epochOp: epoch.id,
    newcomers: people.map(({ account, list }) => ({ account, list, inviteHash: undefined })),
    heads: [],
    baseHash: hashOf('base'),
  }
}

export function removeOf(target: Person, cut: readonly GroupCut[] = []): DraftPayload {
  return { kind: 'remove', target: target.account, cut, reason: 0 }
}

export function roleOf(target: Person, role: 0 | 1 | 2): DraftPayload {
  return { kind: 'role', target: target.account, role }
}

export function listOf(list: DeviceList, cut: readonly GroupCut[] = []): DraftPayload {
  return { kind: 'devices', list, cut }
}

export const rotate: DraftPayload = { kind: 'rotate', ownN: 0 }
export const leave: DraftPayload = { kind: 'leave', cut: [] }

/** Names of the members among some people, in the order of the people. */
export function membersOf(dag: GroupDag, people: readonly Person[]): readonly string[] {
  const view = dag.view()
  return people.filter(({ account }) => view.member(account) !== undefined).map(({ name }) => name)
}

/** Everything that a group's state says, as text: for comparing replicas. */
export function stateText(dag: GroupDag, ops: readonly GroupOp[]): string {
  const view = dag.view()
  const members = view
    .members()
    .map((member) => [
      hex(member.account),
      member.role,
      member.devices.map(hex),
      member.revoked.map(hex),
      member.listVersion,
      member.listEquivocation,
      hex(member.since.id),
    ])
  const voided = ops
    .filter(({ id }) => view.isVoid(id))
    .map(({ id }) => hex(id))
    .sort()
  const accepted = ops
    .filter(({ id }) => dag.has(id))
    .map(({ id }) => hex(id))
    .sort()
  return JSON.stringify([
    members,
    view.name,
    view.settings,
    view.writtenRelays.length,
    voided,
    accepted,
  ])
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
