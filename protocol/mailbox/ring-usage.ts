// Bytes of one group's mailbox: all, and of each writer those the relay still answers for. A cache of
// what the marks say. Under hold is counted by the hour, so that memory grows with writers, not rows.
import { toHex } from '../../crypto/index.ts'
import { HOLD_SPAN_S } from './limits.ts'
import type { MarkRecord } from './records.ts'

type RingMark = Pick<MarkRecord, 'share' | 'sizeBytes' | 'holdUntilS'>

/** Until when a row counts as held: the end of the hour in which its hold ends. */
function spanOf(mark: RingMark): number {
  return Math.ceil(mark.holdUntilS / HOLD_SPAN_S)
}

/** Whether a row still counts in its writer's share. */
export function countsAsHeld(mark: RingMark, nowS: number): boolean {
  return spanOf(mark) * HOLD_SPAN_S > nowS
}

function shareKey(mark: Pick<MarkRecord, 'share'>): string {
  return mark.share === undefined ? '' : toHex(mark.share)
}

export class RingUsage {
  #rows = 0
  #bytes = 0
  /** writer -> end of span -> bytes */
  readonly #held = new Map<string, Map<number, number>>()

  get rows(): number {
    return this.#rows
  }

  get bytes(): number {
    return this.#bytes
  }

  add(mark: RingMark): void {
    this.#rows += 1
    this.#count(mark, 1)
  }

  remove(mark: RingMark): void {
    this.#rows -= 1
    this.#count(mark, -1)
  }

  #count(mark: RingMark, sign: 1 | -1): void {
    this.#bytes += sign * mark.sizeBytes
    const key = shareKey(mark)
    const spans = this.#held.get(key) ?? new Map<number, number>()
    const span = spanOf(mark)
    const bytes = (spans.get(span) ?? 0) + sign * mark.sizeBytes
    if (bytes > 0) spans.set(span, bytes)
    else spans.delete(span)
    if (spans.size > 0) this.#held.set(key, spans)
    else this.#held.delete(key)
  }

  /** Bytes of a writer under hold, and when the first of them are not (Unix s; 0: there are none). */
  heldBy(
    mark: Pick<MarkRecord, 'share'>,
    nowS: number,
  ): { readonly bytes: number; readonly nextS: number } {
    let bytes = 0
    let nextS = 0
    for (const [span, size] of this.#held.get(shareKey(mark)) ?? []) {
      const endS = span * HOLD_SPAN_S
      if (endS <= nowS) continue
      bytes += size
      nextS = nextS === 0 ? endS : Math.min(nextS, endS)
    }
    return { bytes, nextS }
  }
}
