// What a log asks for (SPEC.md §10.2): numbers that are missing by their author's own word, ids that
// open entries cite, and texts that a damaged disk lost.
import { type Bytes32, equalBytes, toHex } from '../../crypto/index.ts'
import type { SyncRange } from '../content/sync-request.ts'
import { SYNC_IDS_MAX, SYNC_LOOKS_MAX, SYNC_RANGES_MAX } from '../limits.ts'
import { type Step, type Turn, get, range } from '../step.ts'
import { type Gap, gapsOf } from './frontier.ts'
import { citedBy } from './header.ts'
import { lostEntries, openIndex, orderRef, rootTable } from './tables.ts'
import { heldIn, walk } from './working.ts'

export interface Wanted {
  /** Newest first, of each author in turn, at most 32. */
  readonly ranges: readonly SyncRange[]
  /** At most 64. */
  readonly ids: readonly Bytes32[]
}

/** The first of each author, then the second of each: who has many holes keeps nobody's waiting. */
function inTurn(gaps: readonly Gap[]): readonly SyncRange[] {
  const counts = new Map<string, number>()
  return gaps
    .map(({ author, from, to }) => {
      const round = counts.get(toHex(author)) ?? 0
      counts.set(toHex(author), round + 1)
      return { round, wanted: { author, from, to } }
    })
    .sort((a, b) => a.round - b.round)
    .map(({ wanted }) => wanted)
}

/**
 * Numbers that are missing, newest first, before those that were given up, and ids: of what the disk
 * lost, and those that open entries rest on.
 */
export function* wantedOf(turn: Turn, conversation: Bytes32): Step<Wanted> {
  const gaps = (yield* gapsOf(turn, conversation)).toReversed()
  const gone = gaps.filter(({ irretrievable }) => irretrievable)
  const missing = gaps.filter(({ irretrievable }) => !irretrievable)
  const ranges = [...inTurn(missing), ...inTurn(gone)].slice(0, SYNC_RANGES_MAX)
  const lost = yield* range(lostEntries, { owner: conversation, limit: SYNC_IDS_MAX })
  const ids = lost.map(({ order }) => order)
  const cited = yield* citedAndMissing(conversation, SYNC_IDS_MAX)
  ids.push(...cited.filter((id) => !ids.some((one) => equalBytes(one, id))))
  return { ranges, ids: ids.slice(0, SYNC_IDS_MAX) }
}

/**
 * Ids that open entries rest on. Of each author in turn one is looked up, from its lowest open entry
 * on and down what that cites: so who cites much that never comes keeps nobody's from being found.
 */
function* citedAndMissing(conversation: Bytes32, limit: number): Step<readonly Bytes32[]> {
  const next = new Map<string, Bytes32[]>()
  for (const { order, value } of (yield* walk(openIndex, conversation)).toReversed()) {
    const { id } = orderRef(order)
    const before = next.get(toHex(value))
    if (before === undefined) next.set(toHex(value), [id])
    else before.push(id)
  }
  const looked = new Set<string>()
  const missing: Bytes32[] = []
  while (next.size > 0) {
    for (const [author, stack] of next) {
      const id = stack.pop()
      if (id === undefined) next.delete(author)
      if (id === undefined || looked.has(toHex(id))) continue
      if (looked.size >= SYNC_LOOKS_MAX || missing.length >= limit) return missing
      looked.add(toHex(id))
      const held = yield* heldIn(conversation, id)
      if (held?.row.open === true) stack.push(...citedBy(held.header).map((ref) => ref.id))
      if (held !== undefined) continue
      if ((yield* get(rootTable, { conversation, id })) === undefined) missing.push(id)
    }
  }
  return missing
}

/**
 * What the author at the other end of a one-to-one conversation is asked for: its own numbers, and
 * what the disk lost of its entries and ours.
 */
export function* wantedFrom(turn: Turn, conversation: Bytes32, author: Bytes32): Step<Wanted> {
  const gaps = (yield* gapsOf(turn, conversation)).filter(
    (gap) => !gap.irretrievable && equalBytes(gap.author, author),
  )
  const ranges = gaps.toReversed().slice(0, SYNC_RANGES_MAX)
  const lost = yield* range(lostEntries, { owner: conversation, limit: SYNC_IDS_MAX })
  const ids = lost
    .filter(({ value }) => [author, turn.self.device].some((one) => equalBytes(one, value)))
    .map(({ order }) => order)
  return { ranges: ranges.map(({ from, to }) => ({ author, from, to })), ids }
}
