// Where a group's log begins for who is added (SPEC.md §21.3): what its adder held then. Others work it
// out again from the heads that the add names; its hash there tells whether they are right, so nobody
// can hide by a base what was said after the add.
import { type Bytes32, compareBytes, equalBytes, groupBaseHash, toHex } from '../../crypto/index.ts'
import type { BaseAuthor } from '../content/base.ts'
import { ADD_BASE_LOOKS_MAX } from '../group-limits.ts'
import { PARENTS_MAX } from '../limits.ts'
import {
  type AuthorFrontier,
  type ConversationFrontier,
  conversationFrontier,
} from '../log/frontier.ts'
import { type EntryRef, citedBy } from '../log/header.ts'
import { heldIn } from '../log/working.ts'
import type { Step, Turn } from '../step.ts'

/** Where the log stands for whoever joins now. */
export interface GroupBase {
  readonly heads: readonly EntryRef[]
  readonly authors: readonly BaseAuthor[]
}

/** What an add says of its base. */
interface NamedBase {
  readonly heads: readonly EntryRef[]
  readonly baseHash: Bytes32
}

/** What is held of every author that ever wrote, ascending by device. */
export function* groupBase(turn: Turn, gid: Bytes32): Step<GroupBase> {
  const { heads } = yield* conversationFrontier(turn, gid)
  const kept = heads.slice(0, PARENTS_MAX).toSorted((a, b) => compareBytes(a.id, b.id))
  const authors = (yield* heldAuthors(turn, gid)).flatMap(lastOf)
  return { heads: kept, authors: ascending(authors) }
}

export function baseHashOf(turn: Turn, authors: readonly BaseAuthor[]): Bytes32 {
  return groupBaseHash(
    turn.crypto,
    authors.map(({ author, ...row }) => ({ device: author, ...row })),
  )
}

/**
 * The base of an add, as its author had it: the last entry of each author that the add's heads rest on.
 * undefined where that is not what its author held.
 */
export function* baseOfAdd(
  turn: Turn,
  gid: Bytes32,
  { heads, baseHash }: NamedBase,
): Step<readonly BaseAuthor[] | undefined> {
  const all = yield* heldAuthors(turn, gid)
  const { found, floor } = yield* lastInPast(gid, heads, all.length)
  const authors = all.flatMap((author) => {
    const reached = found.get(toHex(author.author))
    if (reached !== undefined) return [reached]
    // What this device began at is older, and so is what lies deeper than was looked.
    const isOlder = author.n === author.baseN || (author.last?.lamport ?? 0) < floor
    return isOlder ? lastOf(author) : []
  })
  const base = ascending(authors)
  return equalBytes(baseHashOf(turn, base), baseHash) ? base : undefined
}

function* heldAuthors(turn: Turn, gid: Bytes32): Step<readonly AuthorFrontier[]> {
  const authors: AuthorFrontier[] = []
  for (let from: number | undefined = 0; from !== undefined;) {
    const page: ConversationFrontier = yield* conversationFrontier(turn, gid, from)
    authors.push(...page.authors)
    from = page.next
  }
  return authors
}

function lastOf({ author, n, last }: AuthorFrontier): readonly BaseAuthor[] {
  return last === undefined || n === 0 ? [] : [{ author, n, ...last }]
}

function ascending(authors: readonly BaseAuthor[]): readonly BaseAuthor[] {
  return authors.toSorted((a, b) => compareBytes(a.author, b.author))
}

interface Past {
  /** Of each author the highest. */
  readonly found: ReadonlyMap<string, BaseAuthor>
  /** Nothing below it was looked at; 0: all was. */
  readonly floor: number
}

/** From the heads down, the highest first: so of each author the last entry is met first. */
function* lastInPast(
  conversation: Bytes32,
  heads: readonly EntryRef[],
  authors: number,
): Step<Past> {
  const found = new Map<string, BaseAuthor>()
  const looked = new Set<string>()
  const queue = heads.toSorted((a, b) => a.lamport - b.lamport)
  while (found.size < authors) {
    const ref = queue.pop()
    if (ref === undefined) return { found, floor: 0 }
    if (looked.has(toHex(ref.id))) continue
    if (looked.size >= ADD_BASE_LOOKS_MAX) return { found, floor: ref.lamport }
    looked.add(toHex(ref.id))
    const header = (yield* heldIn(conversation, ref.id))?.header
    if (header === undefined) continue
    const { author, n, lamport } = header
    if (!found.has(toHex(author))) found.set(toHex(author), { author, n, id: ref.id, lamport })
    for (const cited of citedBy(header)) {
      queue.splice(queue.findLastIndex((one) => one.lamport <= cited.lamport) + 1, 0, cited)
    }
  }
  return { found, floor: 0 }
}
