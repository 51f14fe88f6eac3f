// A signed operation on a group's membership (SPEC.md §19.1): its bytes, hashes and signature. What
// it means, and whether its author may, is decided from the operations it cites (protocol/group).
//
// GroupOp = [core bstr, commit bstr, sig64]
// core = [1, gid32, kind, [[parent opId, lamport]] 0..16, AK, DK, seq, lamport, payload]
import { type Bytes32, type Bytes64, EMPTY, compareBytes, copy, equalBytes } from './bytes.ts'
import { type CborArray, FieldReader, decodeCbor } from './cbor.ts'
import { encodeCbor } from './cbor-encoder.ts'
import { type DeviceList, decodeDeviceList, openDeviceList } from './device-list.ts'
import { CryptoError, malformed } from './errors.ts'
import { encodeGroupPayload, expectAscending, readGroupPayload } from './group-payload-codec.ts'
import { type GroupPayload, groupKindNumber } from './group-payload.ts'
import { sign, verify } from './kdf.ts'
import { label } from './labels.ts'
import {
  GROUP_COMMIT_MAX_BYTES,
  GROUP_KIND_MAX,
  GROUP_LAMPORT_MAX,
  GROUP_OP_MAX_BYTES,
  GROUP_PARENTS_MAX,
} from './limits.ts'
import type { CryptoProvider } from './provider.ts'

/** How an operation names another: its id, and the Lamport timestamp claimed for it. */
export interface GroupOpRef {
  readonly id: Bytes32
  readonly lamport: number
}

export interface GroupOpFields {
  /** The group's id; 32 zeros in the operation that creates it. "g" of the epochs (§20). */
  readonly group: Bytes32
  /** Ascending by id; none in a create. */
  readonly parents: readonly GroupOpRef[]
  /** AK of its author. */
  readonly account: Bytes32
  /** DK of the device that signs it. */
  readonly device: Bytes32
  /** 1 + the highest of this device in its past. */
  readonly seq: number
  readonly payload: GroupPayload
}

export interface GroupOp extends GroupOpFields {
  /** opId = H(L("g-op") ‖ coreHash ‖ commit). */
  readonly id: Bytes32
  /** The group it belongs to: {@link GroupOpFields.group}, or its own id for a create. */
  readonly groupId: Bytes32
  /** 1 + the highest of its parents. */
  readonly lamport: number
  /** H(L("g-op-core") ‖ core): what epochs are derived from. */
  readonly coreHash: Bytes32
  /** Commitment to the epoch: 64 bytes (fresh), 32 (derived) or none. */
  readonly commit: Uint8Array
  readonly signature: Bytes64
  /** The operation as received: what is stored and handed on. */
  readonly bytes: Uint8Array
}

/** Epochs with a seed of their own. */
export function isFreshOp(payload: GroupPayload): boolean {
  const { kind } = payload
  return kind === 'create' || kind === 'remove' || kind === 'rotate' || kind === 'merge'
}

/** Epochs that derive from another. */
export function isDerivedOp(payload: GroupPayload): boolean {
  return payload.kind === 'add' || payload.kind === 'refresh'
}

/** Bytes of the commitment of a known kind; undefined: of an unknown one. */
export function commitLength(payload: GroupPayload): number | undefined {
  if (payload.kind === 'unknown') return undefined
  if (isFreshOp(payload)) return 64
  return isDerivedOp(payload) ? 32 : 0
}

/** 1 + max(0, parents). */
function lamportOf(parents: readonly GroupOpRef[]): number {
  let highest = 0
  for (const { lamport } of parents) highest = Math.max(highest, lamport)
  return highest + 1
}

/** The core's bytes. Parents are put in order, the Lamport timestamp follows from them. */
export function encodeGroupOpCore(fields: GroupOpFields): Uint8Array<ArrayBuffer> {
  const parents = fields.parents.toSorted((a, b) => compareBytes(a.id, b.id))
  return encodeCbor([
    1,
    fields.group,
    groupKindNumber(fields.payload),
    parents.map(({ id, lamport }): CborArray => [id, lamport]),
    fields.account,
    fields.device,
    fields.seq,
    lamportOf(parents),
    encodeGroupPayload(fields.payload),
  ])
}

/** coreHash = H(L("g-op-core") ‖ core): 32 bytes, known before the commitment is. */
export function groupOpCoreHash(
  provider: CryptoProvider,
  core: Uint8Array,
): Uint8Array<ArrayBuffer> {
  return provider.sha256(label('g-op-core'), core)
}

/** opId = H(L("g-op") ‖ coreHash ‖ commit): 32 bytes. */
export function groupOpId(
  provider: CryptoProvider,
  coreHash: Bytes32,
  commit: Uint8Array,
): Uint8Array<ArrayBuffer> {
  return provider.sha256(label('g-op'), coreHash, commit)
}

export interface GroupOpSigner {
  readonly provider: CryptoProvider
  /** Seed of DK. */
  readonly deviceSeed: Bytes32
}

/**
 * Signs an operation: sig = Sign(DK, group-op, opId). `core` is what {@link encodeGroupOpCore} gave,
 * `commit` the commitment to the epoch made from its hash. Read again before it is handed out, so
 * that nothing malformed gets signed into the world; throws what {@link decodeGroupOp} does.
 */
export function signGroupOp(
  signer: GroupOpSigner,
  core: Uint8Array,
  commit: Uint8Array = EMPTY,
): GroupOp {
  const { provider, deviceSeed } = signer
  const id = groupOpId(provider, groupOpCoreHash(provider, core), commit)
  const signature = sign(provider, deviceSeed, 'group-op', id)
  const op = decodeGroupOp(provider, encodeCbor([core, commit, signature]))
  if (!equalBytes(op.device, provider.ed25519PublicKey(deviceSeed))) {
    throw new CryptoError('ERR_CRYPTO_PARAMETER', 'group operation: not the seed of its device')
  }
  return op
}

function readParents(fields: FieldReader): readonly GroupOpRef[] {
  const parents = fields.array('parents', 0, GROUP_PARENTS_MAX).map((value) => {
    const row = new FieldReader(value, 'parent')
    const parent = { id: row.bytes('opId', 32), lamport: row.uint('lamport', GROUP_LAMPORT_MAX) }
    row.end()
    return parent
  })
  expectAscending(
    parents.map(({ id }) => id),
    'parents',
  )
  return parents
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0)
}

/** What a core's own bytes must agree on: kind, parents, group, timestamp. */
function checkShape(fields: GroupOpFields, lamport: number): void {
  const { payload, parents, group, seq } = fields
  const least = payload.kind === 'create' ? 0 : payload.kind === 'merge' ? 2 : 1
  if (parents.length < least) malformed('core.parents: too few for its kind')
  if (payload.kind === 'create' && parents.length > 0) malformed('core.parents: of a create')
  if (isZero(group) !== (payload.kind === 'create')) malformed('core.gid: zeros in a create only')
  if (seq === 0) malformed('core.seq: 0')
  if (lamport !== lamportOf(parents)) malformed('core.lamport: not 1 + max(parents)')
}

function readCore(
  core: Uint8Array,
  readList: (bytes: Uint8Array) => DeviceList,
): GroupOpFields & { readonly lamport: number } {
  const fields = new FieldReader(decodeCbor(core, GROUP_OP_MAX_BYTES), 'core')
  if (fields.uint('version') !== 1) {
    throw new CryptoError('ERR_WIRE_UNSUPPORTED', 'group operation of another version')
  }
  const group = fields.bytes('gid', 32)
  const kind = fields.uint('kind', GROUP_KIND_MAX)
  if (kind === 0) malformed('core.kind: 0')
  const parents = readParents(fields)
  const account = fields.bytes('AK', 32)
  const device = fields.bytes('DK', 32)
  const seq = fields.uint('seq', GROUP_LAMPORT_MAX)
  const lamport = fields.uint('lamport', GROUP_LAMPORT_MAX)
  const payload = readGroupPayload(kind, fields.raw(), readList)
  fields.end()
  const read = { group, parents, account, device, seq, lamport, payload }
  checkShape(read, lamport)
  return read
}

function readGroupOp(
  provider: CryptoProvider,
  bytes: Uint8Array,
  readList: (bytes: Uint8Array) => DeviceList,
): GroupOp {
  const fields = new FieldReader(decodeCbor(bytes, GROUP_OP_MAX_BYTES), 'GroupOp')
  const core = fields.bytes('core', 1, GROUP_OP_MAX_BYTES)
  const commit = fields.bytes('commit', 0, GROUP_COMMIT_MAX_BYTES)
  const signature = fields.bytes('sig', 64)
  fields.end()
  const read = readCore(core, readList)
  const length = commitLength(read.payload)
  if (length !== undefined && commit.length !== length) malformed('GroupOp.commit: wrong length')
  const coreHash = groupOpCoreHash(provider, core)
  const id = groupOpId(provider, coreHash, commit)
  const groupId = read.payload.kind === 'create' ? id : read.group
  return { ...read, id, groupId, coreHash, commit, signature, bytes: copy(bytes) }
}

/**
 * Reads an operation without judging signatures: for bytes that were verified when they came.
 * Throws ERR_WIRE_MALFORMED or ERR_WIRE_UNSUPPORTED.
 */
export function decodeGroupOp(provider: CryptoProvider, bytes: Uint8Array): GroupOp {
  return readGroupOp(provider, bytes, (list) => decodeDeviceList(provider, list))
}

/**
 * Reads and verifies an operation: form, author's key and signature, device lists inside. Throws
 * ERR_WIRE_MALFORMED, ERR_WIRE_UNSUPPORTED, ERR_CRYPTO_KEY or ERR_CRYPTO_UNAUTHENTIC.
 */
export function openGroupOp(provider: CryptoProvider, bytes: Uint8Array): GroupOp {
  const op = readGroupOp(provider, bytes, (list) => openDeviceList(provider, list))
  for (const key of [op.device, op.account]) {
    if (!provider.ed25519KeyAccepted(key)) {
      throw new CryptoError('ERR_CRYPTO_KEY', 'group operation: not an acceptable Ed25519 key')
    }
  }
  if (!verify(provider, op.device, 'group-op', op.id, op.signature)) {
    throw new CryptoError('ERR_CRYPTO_UNAUTHENTIC', 'group operation: the signature does not hold')
  }
  return op
}
