// Rows and bytes of one mailbox, by lane and by share: a cache of what its marks say, rebuilt by
// one scan of them (SPEC.md §14.1). Never written; thrown away with every batch that failed.
import { type Bytes16, toHex } from '../../crypto/index.ts'
import { LANE_GROUP } from '../relay/capability.ts'
import { type Step, range } from '../step.ts'
import { SCAN_PAGE } from './limits.ts'
import type { MailboxRecord, MarkRecord } from './records.ts'
import { RingUsage } from './ring-usage.ts'
import { marks } from './tables.ts'

export interface Usage {
  rows: number
  bytes: number
}

const LANES = 3

/** Map key of a share; the rows of strangers share the empty one. */
function shareKey(mark: Pick<MarkRecord, 'share'>): string {
  return mark.share === undefined ? '' : toHex(mark.share)
}

export class MailboxCounters {
  /** The last sequence number given, or one that no row can have yet. */
  headSeq: number
  /** Rows of the group lane. */
  readonly ring: RingUsage = new RingUsage()
  readonly #lanes: Usage[] = Array.from({ length: LANES }, () => ({ rows: 0, bytes: 0 }))
  readonly #shares = new Map<string, Usage>()
  readonly #acked = new Map<string, number>()

  constructor(headSeq: number) {
    this.headSeq = headSeq
  }

  lane(lane: number): Readonly<Usage> {
    return this.#lanes[lane] ?? { rows: 0, bytes: 0 }
  }

  share(mark: Pick<MarkRecord, 'share'>): Readonly<Usage> {
    return this.#shares.get(shareKey(mark)) ?? { rows: 0, bytes: 0 }
  }

  acked(mark: Pick<MarkRecord, 'share'>): number {
    return this.#acked.get(shareKey(mark)) ?? 0
  }

  /**
   * Whether a share that got one more acknowledged mark now has too many. Said again with every
   * fortieth part more: what was to go for it may have been put off.
   */
  isCrowded(mark: Pick<MarkRecord, 'share'>, most: number): boolean {
    const over = this.acked(mark) - most
    return over > 0 && (over - 1) % Math.ceil(most / 40) === 0
  }

  /** A mark came to be. */
  add(mark: MarkRecord): void {
    if (mark.lane === LANE_GROUP) this.ring.add(mark)
    else if (mark.held) this.#hold(mark, 1)
    else this.#count(mark, 1)
  }

  /** A mark and its row, if any, went. */
  remove(mark: MarkRecord): void {
    if (mark.lane === LANE_GROUP) this.ring.remove(mark)
    else if (mark.held) this.#hold(mark, -1)
    else this.#count(mark, -1)
  }

  #hold(mark: MarkRecord, sign: 1 | -1): void {
    const key = shareKey(mark)
    const share = this.#shares.get(key) ?? { rows: 0, bytes: 0 }
    for (const usage of [this.#lanes[mark.lane], share]) {
      if (usage === undefined) continue
      usage.rows += sign
      usage.bytes += sign * mark.sizeBytes
    }
    if (share.rows > 0) this.#shares.set(key, share)
    else this.#shares.delete(key)
  }

  #count(mark: MarkRecord, sign: 1 | -1): void {
    const key = shareKey(mark)
    const count = (this.#acked.get(key) ?? 0) + sign
    if (count > 0) this.#acked.set(key, count)
    else this.#acked.delete(key)
  }
}

/** Reads the counters of a mailbox from its marks, in pages. */
export function* countMarks(mailboxId: Bytes16, record: MailboxRecord): Step<MailboxCounters> {
  const counters = new MailboxCounters(record.seqHigh)
  let from: Uint8Array | undefined
  for (;;) {
    const page = yield* range(marks, {
      owner: mailboxId,
      ...(from === undefined ? {} : { from }),
      limit: SCAN_PAGE,
    })
    for (const { value } of page) counters.add(value)
    const last = page[page.length - 1]
    if (last === undefined || page.length < SCAN_PAGE) return counters
    from = Uint8Array.from([...last.order, 0])
  }
}
