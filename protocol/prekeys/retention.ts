// How long a prekey's secret outlives its offer (SPEC.md §4). A card lives 14 days and an envelope
// 30, so 45 days after its end nobody can still deposit under it; but what was deposited may still
// wait. So time alone deletes nothing before the cap: the mailboxes must have been read to their
// ends after those 45 days.
import { PREKEY_CAP_MS, PREKEY_KEEP_MS } from '../limits.ts'

export type PrekeyFate =
  | 'kept'
  /** Its time is over and nothing that waits can need it. */
  | 'done'
  /** The cap is reached although a mailbox was not read to its end: what waits there is lost. */
  | 'lost'

/**
 * What becomes of a secret. `endsAtMs`: since when nobody should start with it, 0 while on offer.
 * `drainedAtMs`: the latest time by which every listed mailbox had been read to its end, the oldest
 * of their last such times; a device without mailboxes passes the present.
 */
export function prekeyFate(endsAtMs: number, safeNowMs: number, drainedAtMs: number): PrekeyFate {
  if (endsAtMs === 0) return 'kept'
  const unusableMs = endsAtMs + PREKEY_KEEP_MS
  if (safeNowMs >= unusableMs && drainedAtMs >= unusableMs) return 'done'
  return safeNowMs >= endsAtMs + PREKEY_CAP_MS ? 'lost' : 'kept'
}
