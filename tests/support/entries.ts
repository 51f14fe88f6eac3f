// Entries for tests: deterministic bytes, and headers that are valid unless told otherwise.
import {
  concat,
  type CryptoProvider,
  encodeText,
  noble,
  sign,
  toHex,
  u32,
} from '../../crypto/index.ts'
import { textContent } from '../../protocol/content/text.ts'
import { type Entry, type EntryBody, hashBody, hashHeader } from '../../protocol/log/entry.ts'
import {
  encodeHeader,
  type EntryHeader,
  type EntryRef,
  lamportAfter,
} from '../../protocol/log/header.ts'

const crypto: CryptoProvider = noble

/** `length` bytes that a name determines. */
export function bytesOf(name: string, length = 32): Uint8Array<ArrayBuffer> {
  const blocks: Uint8Array[] = []
  for (let i = 0; i * 32 < length; i++) blocks.push(crypto.sha256(encodeText(name), u32(i)))
  return concat(...blocks).slice(0, length)
}

export const SENT_AT_MS = 1_790_000_000_000

export interface EntryParts {
  readonly conversation?: Uint8Array
  readonly author: Uint8Array
  readonly prev?: EntryRef | undefined
  readonly n: number
  readonly parents?: readonly EntryRef[]
  readonly text?: string
  readonly kind?: number
  readonly version?: number
  readonly op?: Uint8Array
  /** Signs where given: groups. */
  readonly seed?: Uint8Array
  /** noble where left out. */
  readonly crypto?: CryptoProvider
}

export const CONVERSATION = bytesOf('conversation')

export function bodyOf(text: string): EntryBody {
  const bytes = textContent.encode({ text, replyTo: undefined })
  return { salt: bytesOf(`salt ${text}`, 16), bytes }
}

/** A whole entry; Lamport timestamp and hashes follow from the parts. */
export function entryOf(parts: EntryParts): Entry {
  const provider = parts.crypto ?? crypto
  const body = bodyOf(parts.text ?? 'hello')
  const parents = [...(parts.parents ?? [])].sort((a, b) => Buffer.compare(a.id, b.id))
  const header: EntryHeader = {
    version: parts.version ?? 1,
    conversation: parts.conversation ?? CONVERSATION,
    op: parts.op,
    author: parts.author,
    n: parts.n,
    prev: parts.prev,
    parents,
    lamport: lamportAfter(parts.prev, parents),
    kind: parts.kind ?? 1,
    sentAtMs: SENT_AT_MS,
    bodyHash: hashBody(provider, body),
    rest: [],
  }
  const headerBytes = encodeHeader(header)
  const id = hashHeader(provider, headerBytes)
  const signature =
    parts.seed === undefined ? undefined : sign(provider, parts.seed, 'group-entry', id)
  return { id, header, headerBytes, body, signature }
}

export function refOf(entry: Entry): EntryRef {
  return { id: entry.id, lamport: entry.header.lamport }
}

/** `length` entries of an author, each on the last. */
export function chain(author: Uint8Array, length: number, from?: Entry): Entry[] {
  const out: Entry[] = []
  let last = from
  for (let i = 0; i < length; i++) {
    const n = (last?.header.n ?? 0) + 1
    const prev = last === undefined ? undefined : refOf(last)
    last = entryOf({ author, n, prev, text: `${toHex(author).slice(0, 4)} ${n}` })
    out.push(last)
  }
  return out
}
