// Where a conversation begins for this device, and what is given up as irretrievable (SPEC.md §8).
// Both make roots: ids that count as closed without being held. They decide what this device cites,
// never what is valid or where it stands, so that two devices' roots cannot make their orders differ.
import { type Bytes32, concat, EMPTY, equalBytes, toHex, u64 } from '../../crypto/index.ts'
import type { Base, BaseAuthor } from '../content/base.ts'
import { BASE_LAMPORT_MAX, ROOT_DISTANCE_MAX, WALK_PAGE_ROWS } from '../limits.ts'
import { range, type Step, type Turn } from '../step.ts'
import { closeEntries, isBelowBase, isRoot, raiseTop, releaseWaiters } from './closure.ts'
import { firstAt, missingOf } from './frontier.ts'
import type { EntryRef } from './header.ts'
import { absorbRanges, subtractRanges } from './ranges.ts'
import { type EntrySource, standingOf } from './source.ts'
import { authorOwner } from './row-codec.ts'
import { headIndex, numberIndex, rootTable, type WaitRow, waitTable } from './tables.ts'
import {
  authorOf,
  type HeldEntry,
  heldIn,
  openWorking,
  orderAfter,
  saveWorking,
  setAuthor,
  walk,
  type Working,
} from './working.ts'

export type BaseOutcome =
  | {
      readonly kind: 'accepted'
      /** Entries that were open and are closed now. */
      readonly closed: readonly Bytes32[]
      /** Authors whose rows this source cannot vouch for: left out. */
      readonly ignored: readonly Bytes32[]
    }
  /** A timestamp in it is above 2^47: nothing was written. */
  | { readonly kind: 'refused' }

/**
 * Takes a base from a session: rows of its own device, labelled ones of other devices of its
 * account, and all from an own device. A lower base than the one known changes nothing.
 */
export function* acceptBase(
  turn: Turn,
  conversation: Bytes32,
  base: Base,
  source: EntrySource,
): Step<BaseOutcome> {
  const lamports = [...base.heads, ...base.authors].map(({ lamport }) => lamport)
  if (lamports.some((lamport) => lamport > BASE_LAMPORT_MAX)) return { kind: 'refused' }
  const working = yield* openWorking(conversation)
  const ready: HeldEntry[] = []
  const ignored: Bytes32[] = []
  for (const head of base.heads) {
    // A head that is known was put among the heads then, and may have been cited since.
    if (yield* isKnown(working, head)) continue
    ready.push(...(yield* addRoot(turn, working, head)))
    turn.put(headIndex, { conversation, ...head }, EMPTY)
    raiseTop(working, head)
  }
  for (const row of base.authors) {
    const standing = standingOf(source, row.author, turn.self.device)
    if (standing === 'no' || standing === 'cited') ignored.push(row.author)
    else ready.push(...(yield* raiseBase(turn, working, row)))
  }
  const closed = yield* closeEntries(turn, working, distinct(ready))
  saveWorking(turn, working)
  return { kind: 'accepted', closed: closed.map(({ id }) => id), ignored }
}

function* isKnown(working: Working, ref: EntryRef): Step<boolean> {
  if (yield* isRoot(working, ref)) return true
  const held = yield* heldIn(working.conversation, ref.id)
  return held !== undefined && (!held.row.open || held.header.lamport !== ref.lamport)
}

function distinct(entries: readonly HeldEntry[]): readonly HeldEntry[] {
  return [...new Map(entries.map((entry) => [toHex(entry.id), entry])).values()]
}

/** Puts a root; returns the entries that may close: what waited for it, and itself if it is held. */
function* addRoot(turn: Turn, working: Working, ref: EntryRef): Step<readonly HeldEntry[]> {
  const { conversation } = working
  if (yield* isKnown(working, ref)) return []
  const held = yield* heldIn(conversation, ref.id)
  turn.put(rootTable, { conversation, id: ref.id }, ref.lamport)
  working.row = { ...working.row, roots: working.row.roots + 1 }
  if (held !== undefined) return [held]
  return yield* releaseWaiters(turn, working, ref)
}

function* raiseBase(turn: Turn, working: Working, base: BaseAuthor): Step<readonly HeldEntry[]> {
  const { conversation } = working
  const { author: key, n, id, lamport } = base
  const before = yield* authorOf(working, key)
  if (n <= before.baseN || n <= before.n) return []
  const baseRef = { id, lamport }
  const { n: end, above } = absorbRanges(
    n,
    before.above.filter(([, to]) => to > n),
  )
  const last = end === n ? baseRef : ((yield* firstAt(conversation, key, end)) ?? baseRef)
  const row = { ...before, baseN: n, baseRef, n: end, last, above }
  setAuthor(working, row)
  for (const [from, to] of subtractRanges(missingOf(before), missingOf(row))) {
    turn.change({ kind: 'gap', conversation, author: key, from, to, missing: false })
  }
  const ready = [...(yield* addRoot(turn, working, baseRef))]
  // What was open below it is history now.
  let from: Uint8Array | undefined
  while (row.open > 0) {
    const query = { owner: authorOwner({ conversation, author: key }), to: u64(n + 1) }
    const page = yield* range(numberIndex, {
      ...query,
      limit: WALK_PAGE_ROWS,
      ...(from === undefined ? {} : { from }),
    })
    for (const sibling of page.flatMap(({ value }) => value.ids)) {
      const held = yield* heldIn(conversation, sibling)
      if (held !== undefined && held.row.open && isBelowBase(row, held.header)) ready.push(held)
    }
    const last = page[page.length - 1]
    if (last === undefined || page.length < WALK_PAGE_ROWS) break
    from = orderAfter(last.order)
  }
  return ready
}

export type GiveUpOutcome =
  | { readonly kind: 'root'; readonly closed: readonly Bytes32[] }
  /** Held, or not cited, or not cited well enough: what cites it stays open. */
  | { readonly kind: 'kept' }

/**
 * A missing id that nobody has, as all who may have it said, becomes a root with its cited timestamp, if entries of
 * two authors or its own author cite it so, and the timestamp is at most 2^20 above our highest
 * closed one.
 */
export function* giveUp(turn: Turn, conversation: Bytes32, id: Bytes32): Step<GiveUpOutcome> {
  if ((yield* heldIn(conversation, id)) !== undefined) return { kind: 'kept' }
  const waiting = yield* walk(waitTable, concat(conversation, id))
  const working = yield* openWorking(conversation)
  const highest = (working.row.top?.lamport ?? 0) + ROOT_DISTANCE_MAX
  const lamport = vouchedLamport(
    waiting.map(({ value }) => value),
    highest,
  )
  if (lamport === undefined) return { kind: 'kept' }
  const ready = yield* addRoot(turn, working, { id, lamport })
  const closed = yield* closeEntries(turn, working, ready)
  saveWorking(turn, working)
  return { kind: 'root', closed: closed.map((entry) => entry.id) }
}

/** The least timestamp that two authors, or the entry's own, say the missing entry has. */
function vouchedLamport(claims: readonly WaitRow[], highest: number): number | undefined {
  const vouched = claims.filter(
    (claim) =>
      claim.lamport <= highest &&
      (claim.prev ||
        claims.some(
          (other) => other.lamport === claim.lamport && !equalBytes(other.author, claim.author),
        )),
  )
  return vouched.length === 0 ? undefined : Math.min(...vouched.map(({ lamport }) => lamport))
}
