// What is held, as receipts and frontiers say it: both are partial statements, so what does not fit
// one is said by another (SPEC.md §10).
import { type Bytes32, equalBytes } from '../../crypto/index.ts'
import type { Frontier, FrontierAuthor } from '../content/frontier.ts'
import type { ReceiptAuthor } from '../content/receipt.ts'
import { WIRE_RANGES_MAX } from '../limits.ts'
import type { AuthorFrontier, ConversationFrontier } from './frontier.ts'

/**
 * An author's row of a receipt to `recipient`. `showRead` false where read receipts are off: then
 * readN is 0.
 */
export function receiptAuthorOf(
  frontier: AuthorFrontier,
  recipient: Bytes32,
  showRead: boolean,
): ReceiptAuthor {
  const { author, n, last, held, readN } = frontier
  return {
    author: equalBytes(author, recipient) ? undefined : author,
    n,
    id8: last?.id.slice(0, 8),
    held: held.slice(0, WIRE_RANGES_MAX),
    readN: showRead ? readN : 0,
  }
}

/** A frontier frame of what is held; conversation undefined for the session's direct one. */
export function frontierFrameOf(
  conversation: Bytes32 | undefined,
  frontier: ConversationFrontier,
): Frontier {
  const authors = frontier.authors.map((author): FrontierAuthor => {
    const { n, last, missing, forks } = author
    // Sync fetches the newest first: the highest gaps are the ones worth naming.
    return {
      author: author.author,
      n,
      id: last?.id,
      missing: missing.slice(-WIRE_RANGES_MAX),
      forks,
    }
  })
  return { conversation, authors, heads: frontier.heads }
}
