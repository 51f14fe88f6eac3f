// Comparing what members were shown of one mailbox (SPEC.md §14.8): each tells (incarnation, seq,
// chain8); two chains for one place mean that the relay keeps different queues for them.
import { type Bytes8, equalBytes, toHex } from '../../crypto/index.ts'
import { chainMark } from './group-chain.ts'
import type { GroupCursor } from './group-reader.ts'
import { TRAIL_CLAIMS_MAX, TRAIL_MAX } from './limits.ts'

/** What a member says of how far it read. */
export interface ChainClaim {
  readonly incarnation: Bytes8
  readonly seq: number
  readonly chain: Bytes8
}

/** `later`: the place was not read yet, and is compared when it is. */
export type ChainVerdict = 'same' | 'different' | 'later' | 'unknown'

/** The last places a reader passed, and claims about places to come. Memory only. */
export class ChainTrail {
  #incarnation = ''
  #head = 0
  readonly #passed = new Map<number, Bytes8>()
  readonly #claims = new Map<number, Bytes8>()

  /** Notes a place; whether a claim about it contradicts. */
  pass(cursor: GroupCursor): 'same' | 'different' {
    const incarnation = toHex(cursor.incarnation)
    if (incarnation !== this.#incarnation) {
      this.#incarnation = incarnation
      this.#passed.clear()
      this.#claims.clear()
    }
    const mark = chainMark(cursor.chain)
    this.#head = cursor.seq
    this.#passed.set(cursor.seq, mark)
    const [oldest] = this.#passed.keys()
    if (this.#passed.size > TRAIL_MAX && oldest !== undefined) this.#passed.delete(oldest)
    const claim = this.#claims.get(cursor.seq)
    this.#claims.delete(cursor.seq)
    return claim === undefined || equalBytes(claim, mark) ? 'same' : 'different'
  }

  /** Compares what a member says. `unknown`: another incarnation, or too long ago. */
  compare(claim: ChainClaim): ChainVerdict {
    if (toHex(claim.incarnation) !== this.#incarnation) return 'unknown'
    const mark = this.#passed.get(claim.seq)
    if (mark !== undefined) return equalBytes(mark, claim.chain) ? 'same' : 'different'
    if (claim.seq <= this.#head) return 'unknown'
    const other = this.#claims.get(claim.seq)
    if (other !== undefined && !equalBytes(other, claim.chain)) return 'different'
    if (this.#claims.size >= TRAIL_CLAIMS_MAX) return 'unknown'
    this.#claims.set(claim.seq, claim.chain)
    return 'later'
  }
}
