// The header of an entry (SPEC.md §8): what the log is made of, what ids are hashes of, what lives
// for ever. Whether it is valid is decided here from its own bytes; nothing held and no clock enters.
//
// header = [1, conv32, op32|"", author DK32, n, prev [id32, lamport]|[], parents [[id32, lamport]] <=16,
//           lamport, kind, sentAt, bodyHash32] +
import {
  type Bytes32,
  type CborArray,
  type CborValue,
  compareBytes,
  decodeCbor,
  EMPTY,
  encodeCbor,
  equalBytes,
  FieldReader,
  malformed,
} from '../../crypto/index.ts'
import { ENTRY_KIND_MAX, HEADER_MAX_BYTES, LAMPORT_MAX, PARENTS_MAX } from '../limits.ts'

/** How an entry names another: the hash of its header, and the Lamport timestamp claimed for it. */
export interface EntryRef {
  readonly id: Bytes32
  readonly lamport: number
}

export interface EntryHeader {
  /** 1; above it the eleven fields keep their meaning and the kind counts as unknown. */
  readonly version: number
  readonly conversation: Bytes32
  /** The membership operation it was written under: groups only. */
  readonly op: Bytes32 | undefined
  /** DK of the device that wrote it. */
  readonly author: Bytes32
  /** 1, 2, .. per author and conversation, without a hole. */
  readonly n: number
  /** The author's entry n - 1; undefined for n = 1. */
  readonly prev: EntryRef | undefined
  /** Ascending by id. */
  readonly parents: readonly EntryRef[]
  readonly lamport: number
  readonly kind: number
  /** The author's wall clock, Unix ms: shown, never relied on. */
  readonly sentAtMs: number
  readonly bodyHash: Bytes32
  /** Fields of later versions: kept, hashed, not interpreted. */
  readonly rest: CborArray
}

/** A header as it travels: `""` stands for what its carrier says already. */
export interface ElidedHeader extends Omit<EntryHeader, 'conversation' | 'author' | 'bodyHash'> {
  readonly conversation: Bytes32 | undefined
  readonly author: Bytes32 | undefined
  readonly bodyHash: Bytes32 | undefined
}

/** Bytes of a header; undefined fields are written as `""`. */
export function encodeHeader(header: ElidedHeader): Uint8Array<ArrayBuffer> {
  return encodeCbor([
    header.version,
    header.conversation ?? EMPTY,
    header.op ?? EMPTY,
    header.author ?? EMPTY,
    header.n,
    header.prev === undefined ? [] : encodeRef(header.prev),
    header.parents.map(encodeRef),
    header.lamport,
    header.kind,
    header.sentAtMs,
    header.bodyHash ?? EMPTY,
    ...header.rest,
  ])
}

function encodeRef(ref: EntryRef): CborArray {
  return [ref.id, ref.lamport]
}

/** Decodes a valid header, elided or whole. Throws ERR_WIRE_MALFORMED. */
export function decodeElidedHeader(bytes: Uint8Array): ElidedHeader {
  const fields = new FieldReader(decodeCbor(bytes, HEADER_MAX_BYTES), 'header')
  const version = fields.uint('version')
  if (version < 1) malformed('header: version 0')
  const header = {
    version,
    conversation: fields.optional('conv', 32),
    op: fields.optional('op', 32),
    author: fields.optional('author', 32),
    n: fields.uint('n', LAMPORT_MAX),
    prev: decodePrev(fields.array('prev', 0, 2)),
    parents: fields.array('parents', 0, PARENTS_MAX).map((value) => decodeRef(value, 'parent')),
    lamport: fields.uint('lamport', LAMPORT_MAX),
    kind: fields.uint('kind', ENTRY_KIND_MAX),
    sentAtMs: fields.uint('sentAt', LAMPORT_MAX),
    bodyHash: fields.optional('bodyHash', 32),
    rest: takeRest(fields),
  }
  const fault = headerFault(header)
  if (fault !== undefined) malformed(`header: ${fault}`)
  return header
}

/** Decodes a whole header: nothing is elided. Throws ERR_WIRE_MALFORMED. */
export function decodeHeader(bytes: Uint8Array): EntryHeader {
  const { conversation, author, bodyHash, ...header } = decodeElidedHeader(bytes)
  if (conversation === undefined || author === undefined || bodyHash === undefined) {
    malformed('header: a field is elided')
  }
  return { ...header, conversation, author, bodyHash }
}

function takeRest(fields: FieldReader): CborArray {
  const rest: CborValue[] = []
  while (fields.left > 0) rest.push(fields.raw())
  return rest
}

function decodePrev(value: CborArray): EntryRef | undefined {
  return value.length === 0 ? undefined : decodeRef(value, 'prev')
}

/** [id32, lamport], exactly. */
export function decodeRef(value: CborValue, what: string): EntryRef {
  const fields = new FieldReader(value, what)
  const ref = { id: fields.bytes('id', 32), lamport: fields.uint('lamport', LAMPORT_MAX) }
  fields.end()
  return ref
}

type Causal = Pick<EntryHeader, 'n' | 'prev' | 'parents' | 'lamport' | 'kind'>

/** Why a header is not valid, from its own bytes alone; undefined if it is. */
export function headerFault(header: Causal): string | undefined {
  if (header.n < 1) return 'n is 0'
  if (header.kind < 1) return 'kind is 0'
  if ((header.n === 1) !== (header.prev === undefined)) return 'prev is there iff n > 1'
  let last: Uint8Array = EMPTY
  for (const parent of header.parents) {
    if (compareBytes(parent.id, last) <= 0) return 'parents are not ascending by id'
    if (header.prev !== undefined && equalBytes(parent.id, header.prev.id))
      return 'prev is a parent'
    last = parent.id
  }
  if (header.lamport !== lamportAfter(header.prev, header.parents)) {
    return 'lamport is not 1 + max(prev, parents)'
  }
  if (header.lamport > LAMPORT_MAX) return 'lamport is above 2^48'
  return undefined
}

/** 1 + max(0, prev, parents): the Lamport timestamp of an entry that cites these. */
export function lamportAfter(prev: EntryRef | undefined, parents: readonly EntryRef[]): number {
  let highest = prev?.lamport ?? 0
  for (const parent of parents) highest = Math.max(highest, parent.lamport)
  return highest + 1
}

/** What a header cites: prev, then its parents. */
export function citedBy(header: Pick<EntryHeader, 'prev' | 'parents'>): readonly EntryRef[] {
  return header.prev === undefined ? header.parents : [header.prev, ...header.parents]
}
