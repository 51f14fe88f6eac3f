// What a log asks for (SPEC.md §10.2): numbers that are missing by their author's own word, ids that
// open entries cite, and texts that a damaged disk lost.
import { type Bytes32, equalBytes, toHex } from '../../crypto/index.ts'
import type { SyncRange } from '../content/sync-request.ts'
import { SYNC_IDS_MAX, SYNC_RANGES_MAX } from '../limits.ts'
import { type Step, type Turn, get, range } from '../step.ts'
import { type Gap, gapsOf } from './frontier.ts'
import { citedBy } from './header.ts'
import { lostEntries, openIndex, orderRef, rootTable } from './tables.ts'
import { heldEntry, heldIn } from './working.ts'

export interface Wanted {
  /** Newest first, of each author in turn, at most 32. */
  readonly ranges: readonly SyncRange[]
  /** At most 64. */
  readonly ids: readonly Bytes32[]
}

/** Open entries whose citations are looked at. */
const OPEN_SCAN = 64

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
 * Numbers that are missing, given up or not, newest first, and ids: of what the disk lost, and those that
 * open entries cite.
 */
export function* wantedOf(turn: Turn, conversation: Bytes32): Step<Wanted> {
  const gaps = yield* gapsOf(turn, conversation)
  const ranges = inTurn(gaps.toReversed()).slice(0, SYNC_RANGES_MAX)
  const lost = yield* range(lostEntries, { owner: conversation, limit: SYNC_IDS_MAX })
  const ids: Bytes32[] = lost.map(({ order }) => order)
  const rows = yield* range(openIndex, { owner: conversation, limit: OPEN_SCAN, reverse: true })
  for (const { order } of rows) {
    const entry = yield* heldEntry(orderRef(order).id)
    for (const ref of entry === undefined ? [] : citedBy(entry.header)) {
      if (ids.length >= SYNC_IDS_MAX) break
      if (ids.some((id) => equalBytes(id, ref.id))) continue
      if ((yield* heldIn(conversation, ref.id)) !== undefined) continue
      if ((yield* get(rootTable, { conversation, id: ref.id })) !== undefined) continue
      ids.push(ref.id)
    }
  }
  return { ranges, ids }
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
