// How many operations of members without a rank are taken in (SPEC.md §19.2). They count for nobody
// else (V12), so the only thing that one of them can use up is room; and of that each has its own.
import { GROUP_PLAIN_OPS_APART, GROUP_PLAIN_OPS_HELD_MAX } from '../group-limits.ts'
import type { OpHistory } from './history.ts'
import type { OpNode } from './op-node.ts'
import { memberPastLimit } from './past-limit.ts'

/** Whether an operation about an account takes from it what one of its operations needed. */
function ends(other: OpNode, node: OpNode): boolean {
  if (other.op.payload.kind === 'leave' || other.strong === 'remove') return true
  return other.strong === 'lower' || other.revokes.includes(node.device)
}

export class OpRoom {
  readonly #history: OpHistory
  /** Bounded operations that are held, by account; and of all. */
  readonly #held = new Map<number, number>()
  #total = 0

  constructor(history: OpHistory) {
    this.#history = history
  }

  /**
   * Written without a rank; or by an account of which a removal, a lowering, a leave or a revocation is
   * held that it did not know: by what it was before anybody could go on for ever.
   */
  #isBounded(node: OpNode): boolean {
    if (node.isPlain) return true
    const { account, past } = node
    return this.#history.about(account).some((other) => !past.has(other.index) && ends(other, node))
  }

  /**
   * The rank of who has to need one for it to be taken in, where there is no room: somebody else where
   * its author has used up its own, an admin where all together have. Undefined where there is room.
   */
  rankNeeded(node: OpNode): 0 | 1 | undefined {
    return this.#isBounded(node) ? this.rankFor(node.account, node.op.payload.kind) : undefined
  }

  /** The same for the next of an account without a rank. */
  rankFor(account: number, kind: string): 0 | 1 | undefined {
    if (this.#total >= GROUP_PLAIN_OPS_HELD_MAX) return 1
    const most = memberPastLimit(kind) + GROUP_PLAIN_OPS_APART
    return (this.#held.get(account) ?? 0) < most ? undefined : 0
  }

  /** Counts one that is about to be taken in. */
  take(node: OpNode): void {
    if (!this.#isBounded(node)) return
    this.#held.set(node.account, (this.#held.get(node.account) ?? 0) + 1)
    this.#total++
  }
}
