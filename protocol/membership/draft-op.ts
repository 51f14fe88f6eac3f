// Writing an operation (SPEC.md §19.1): cited parents, number and recipients follow from what is
// held, and it is judged before anything is signed. The commitment to its epoch comes in between,
// from the core's hash (§20).
import {
  type Bytes32,
  type CreatePayload,
  type CryptoProvider,
  EMPTY,
  encodeGroupOpCore,
  type GroupOpFields,
  type GroupOpRef,
  groupOpCoreHash,
  type GroupPayload,
  groupRecipientsHash,
} from '../../crypto/index.ts'
import type { GroupFault } from './fault.ts'
import type { GroupDag } from './group-dag.ts'

/** A payload whose recipients are not known yet. */
type Unaddressed<P> = P extends { readonly recipientsHash: Bytes32 } ? Omit<P, 'recipientsHash'> : P
export type DraftPayload = Unaddressed<GroupPayload>

export interface DraftAuthor {
  readonly account: Bytes32
  readonly device: Bytes32
}

export interface OpDraft {
  /** To be signed by `signGroupOp`, with the commitment where it makes an epoch. */
  readonly core: Uint8Array
  readonly coreHash: Bytes32
  /** Devices that get its epoch, ascending; none where it makes none. */
  readonly recipients: readonly Bytes32[]
}

const NO_HASH: Uint8Array = new Uint8Array(32)

function addressed(payload: DraftPayload, recipientsHash: Bytes32): GroupPayload {
  switch (payload.kind) {
    case 'create':
    case 'add':
    case 'remove':
    case 'refresh':
    case 'rotate':
    case 'merge':
      return { ...payload, recipientsHash }
    case 'leave':
    case 'role':
    case 'devices':
    case 'carriage':
    case 'meta':
    case 'unknown':
      return payload
  }
}

/** The first operation of a group: its id is the group's. */
export function draftCreate(
  provider: CryptoProvider,
  author: DraftAuthor,
  payload: Omit<CreatePayload, 'kind' | 'recipientsHash'>,
): OpDraft {
  const recipients = payload.list.devices.map(({ device }) => device)
  const recipientsHash = groupRecipientsHash(provider, recipients)
  const core = encodeGroupOpCore({
    group: NO_HASH,
    parents: [],
    ...author,
    seq: 1,
    payload: { kind: 'create', ...payload, recipientsHash },
  })
  return { core, coreHash: groupOpCoreHash(provider, core), recipients }
}

/**
 * An operation on top of all that is held, or on `parents`. Returns why it would not be valid where it
 * would not.
 */
export function draftOp(
  provider: CryptoProvider,
  dag: GroupDag,
  author: DraftAuthor,
  payload: DraftPayload,
  parents: readonly GroupOpRef[] = dag.nextParents(author.device),
): OpDraft | GroupFault {
  const seq = dag.nextSeq(author.device, parents)
  const fields: GroupOpFields = {
    group: dag.groupId,
    parents,
    account: author.account,
    device: author.device,
    seq,
    payload: addressed(payload, NO_HASH),
  }
  const lamport = 1 + Math.max(...parents.map((parent) => parent.lamport))
  const unsigned = { id: NO_HASH, coreHash: NO_HASH, commit: EMPTY, signature: EMPTY, bytes: EMPTY }
  const judged = dag.judge({ ...fields, ...unsigned, lamport, groupId: dag.groupId })
  if (typeof judged === 'string') return judged
  const { recipients } = judged
  const recipientsHash = groupRecipientsHash(provider, recipients)
  const core = encodeGroupOpCore({ ...fields, payload: addressed(payload, recipientsHash) })
  return { core, coreHash: groupOpCoreHash(provider, core), recipients }
}
