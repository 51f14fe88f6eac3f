// V12: how many operations there may be in the past of one (SPEC.md §19.2). What members without a
// rank wrote counts for themselves alone, so that nobody without one can use up a group.
import {
  GROUP_PLAIN_OPS_HARD_MAX,
  GROUP_PLAIN_OPS_MAX,
  GROUP_OPS_HARD_MAX,
  GROUP_OPS_MAX,
} from '../group-limits.ts'
import type { Bits } from './bits.ts'
import type { OpHistory } from './history.ts'

/** Kinds that stay allowed when a group has used up its operations. */
const ALWAYS_ALLOWED: ReadonlySet<string> = new Set([
  'remove',
  'leave',
  'rotate',
  'refresh',
  'devices',
  'merge',
])

/** Operations of others than members without a rank, below one of a kind. */
function pastLimit(kind: string): number {
  return ALWAYS_ALLOWED.has(kind) ? GROUP_OPS_HARD_MAX : GROUP_OPS_MAX
}

/** Operations that a member wrote without a rank, below another of a kind. */
export function memberPastLimit(kind: string): number {
  return kind === 'leave' || kind === 'devices' ? GROUP_PLAIN_OPS_HARD_MAX : GROUP_PLAIN_OPS_MAX
}

/** Below fewer operations than these, whose they are makes no difference. */
export function leastLimit(kind: string): number {
  return Math.min(pastLimit(kind), memberPastLimit(kind))
}

export interface PastOf {
  readonly kind: string
  readonly past: Bits
  /** Of an author without a rank. */
  readonly plainAuthor: number | undefined
}

/** What is used up below an operation and `more` others: of the group, or of its author alone. */
export function usedUp(
  history: OpHistory,
  { kind, past, plainAuthor }: PastOf,
  more = 0,
): 'group' | 'member' | undefined {
  if (history.hasRanked(past, pastLimit(kind) - more)) return 'group'
  if (plainAuthor === undefined) return undefined
  return history.hasPlain(past, plainAuthor, memberPastLimit(kind) - more) ? 'member' : undefined
}
