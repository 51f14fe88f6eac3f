// Reading a group's mailbox without believing its relay (SPEC.md §14.8): where to begin, what may come
// next, and whether the head told is the one that was read. Pure: the cursor goes in and comes out.
import { type Bytes8, type Bytes32, type CryptoProvider, equalBytes } from '../../crypto/index.ts'
import { chainMark, extendChain } from './group-chain.ts'
import type { Cursor, SubReply } from './ops-mailbox.ts'

/** How far a reader is; kept in the batch of what it read. */
export interface GroupCursor {
  readonly incarnation: Bytes8
  readonly seq: number
  /** Computed by the reader, never told: 32 bytes. */
  readonly chain: Bytes32
}

/** Sequence numbers, both included. */
export interface SeqSpan {
  readonly from: number
  readonly to: number
}

/** The relay contradicts itself, or what it said before: `reason` is for logs. */
export interface Lie {
  readonly kind: 'lie'
  readonly reason: string
}

export interface ReadingBegun {
  readonly kind: 'begun'
  readonly cursor: GroupCursor
  /** Was there and is not any more: to be had from members. */
  readonly missing: SeqSpan | undefined
}

function lie(reason: string): Lie {
  return { kind: 'lie', reason }
}

/** What goes on the wire of a cursor: 8 bytes of its chain. */
export function wireCursor(cursor: GroupCursor | undefined): Cursor | undefined {
  if (cursor === undefined) return undefined
  return { ...cursor, chain: chainMark(cursor.chain) }
}

/** Where a reader goes on that asked from `cursor` (undefined: from the front) and was told this. */
export function beginReading(cursor: GroupCursor | undefined, told: SubReply): ReadingBegun | Lie {
  const { incarnation, headSeq, trimmedUpTo } = told
  if (trimmedUpTo > headSeq) return lie('it dropped more than it has')
  if (told.trimChain === undefined) return lie('it tells no chain')
  if (cursor !== undefined) {
    if (!equalBytes(cursor.incarnation, incarnation)) return lie('it took a cursor of another life')
    if (cursor.seq > headSeq) return lie('it took a cursor from behind its head')
    const isSame = cursor.seq !== trimmedUpTo || equalBytes(cursor.chain, told.trimChain)
    if (!isSame) return lie('what it dropped is not what was read')
    if (cursor.seq >= trimmedUpTo) return { kind: 'begun', cursor, missing: undefined }
  }
  const front = { incarnation, seq: trimmedUpTo, chain: told.trimChain }
  const from = (cursor?.seq ?? 0) + 1
  const missing = trimmedUpTo >= from ? { from, to: trimmedUpTo } : undefined
  return { kind: 'begun', cursor: front, missing }
}

/**
 * The cursor behind an item. `gap`: others are missing before it; whoever follows pushes asks again
 * from its cursor, and takes it for a lie where they were not dropped meanwhile.
 */
export function passItem(
  provider: CryptoProvider,
  cursor: GroupCursor,
  item: { readonly seq: number; readonly envId: Bytes32 },
): GroupCursor | { readonly kind: 'gap' } | Lie {
  if (item.seq <= cursor.seq) return lie('it hands out again what was read')
  if (item.seq > cursor.seq + 1) return { kind: 'gap' }
  const chain = extendChain(provider, cursor.chain, item.envId)
  return { incarnation: cursor.incarnation, seq: item.seq, chain }
}

/** Whether the head told is the one read. `gap`: the relay has, or had, more than it handed out. */
export function checkHead(
  cursor: GroupCursor,
  told: {
    readonly incarnation: Bytes8
    readonly headSeq: number
    readonly chain: Bytes8 | undefined
  },
): { readonly kind: 'same' } | { readonly kind: 'gap' } | Lie {
  if (!equalBytes(cursor.incarnation, told.incarnation)) return lie('another life without a word')
  if (told.headSeq < cursor.seq) return lie('its head is behind what it handed out')
  if (told.headSeq > cursor.seq) return { kind: 'gap' }
  const isSame = told.chain !== undefined && equalBytes(told.chain, chainMark(cursor.chain))
  return isSame ? { kind: 'same' } : lie('its chain is not the one of what it handed out')
}
