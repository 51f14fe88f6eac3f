// The accepted operations of one group and the state of any causally closed set of them
// (SPEC.md §19.4). States of recent head sets are kept, and one in so many for good, so that an
// operation that cites the heads costs one step, and one that cites old ones a bounded walk.
import { type Bytes32, toHex } from '../../crypto/index.ts'
import {
  GROUP_OPS_SPARE_MAX,
  GROUP_STATE_ANCHOR_EVERY,
  GROUP_STATES_KEPT,
} from '../group-limits.ts'
import { Bits } from './bits.ts'
import { decideBlock, type DecideWork } from './decide.ts'
import { GroupState, StateBuilder } from './group-state.ts'
import { KeyNumbers } from './keys.ts'
import { compareOps, type OpNode } from './op-node.ts'

/** A causally closed set, named by its heads: numbers ascending. */
export type Heads = readonly number[]

function push(lists: Map<number, number[]>, key: number, index: number): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [index])
  else list.push(index)
}

function countIn(set: Bits, indexes: readonly number[]): number {
  let count = 0
  for (const index of indexes) if (set.has(index)) count++
  return count
}

export class OpHistory {
  readonly accounts: KeyNumbers = new KeyNumbers()
  readonly devices: KeyNumbers = new KeyNumbers()
  readonly nodes: OpNode[] = []
  /** Numbers in the order of (lamport, opId). */
  readonly ordered: number[] = []
  readonly work: DecideWork = { decided: 0, judged: 0 }
  readonly #byId = new Map<string, number>()
  /** Operations of a device by number: at n - 1 those with seq n, several where it forked. */
  readonly #byDevice = new Map<number, number[][]>()
  readonly #byAbout = new Map<number, number[]>()
  /** Operations that were written without a rank, by author; and how many. */
  readonly #plain = new Map<number, number[]>()
  #plainCount = 0
  /** By account: its operations that none of another account has in its past. */
  readonly #spare = new Map<number, number[]>()
  /** By operation: the fresh one whose lineage its epoch is of; itself where it extends none. */
  readonly #lineages: number[] = []
  /** Operations that extend the epoch of another, by that one. */
  readonly #extending = new Map<number, number[]>()
  readonly #recent = new Map<string, GroupState>()
  readonly #anchors = new Map<string, GroupState>()
  readonly #empty: GroupState = GroupState.empty(this.nodes, this.accounts)
  #heads: Heads = []

  get heads(): Heads {
    return this.#heads
  }

  find(id: Bytes32): OpNode | undefined {
    const index = this.#byId.get(toHex(id))
    return index === undefined ? undefined : this.nodes[index]
  }

  at(index: number): OpNode {
    const node = this.nodes[index]
    if (node === undefined) throw new RangeError(`no operation has the number ${index}`)
    return node
  }

  /** Operations of one device with one number: several where it forked. */
  withSeq(device: number, seq: number): readonly number[] {
    return this.#byDevice.get(device)?.[seq - 1] ?? []
  }

  /** The operation of a device with the highest number, one of several where it forked. */
  lastOf(device: number): number | undefined {
    return this.#byDevice.get(device)?.at(-1)?.[0]
  }

  /** The highest number of a device in a closed set, 0 where it has none there. */
  highestSeq(device: number, set: Bits): number {
    let seq = this.#byDevice.get(device)?.length ?? 0
    while (seq > 0 && !this.withSeq(device, seq).some((index) => set.has(index))) seq--
    return seq
  }

  /** Whether so many operations of a closed set were written with a rank. */
  hasRanked(set: Bits, count: number): boolean {
    // Mostly there are not as many at all.
    if (this.nodes.length - this.#plainCount < count) return false
    let ranked = set.size
    for (const plain of this.#plain.values()) ranked -= countIn(set, plain)
    return ranked >= count
  }

  /** Whether so many operations of a closed set were written by an account without a rank. */
  hasPlain(set: Bits, account: number, count: number): boolean {
    const plain = this.#plain.get(account) ?? []
    return plain.length >= count && countIn(set, plain) >= count
  }

  /** Operations of accounts with many that only they themselves go on from. */
  spare(): ReadonlySet<number> {
    const many = [...this.#spare.values()].filter(({ length }) => length > GROUP_OPS_SPARE_MAX)
    return new Set(many.flat())
  }

  #noteSpare({ index, account, past }: OpNode): void {
    for (const [other, spare] of this.#spare) {
      if (other === account) continue
      const left = spare.filter((one) => !past.has(one))
      if (left.length === 0) this.#spare.delete(other)
      else if (left.length < spare.length) this.#spare.set(other, left)
    }
    push(this.#spare, account, index)
  }

  /** Operations about one account, as they came. */
  about(account: number): readonly OpNode[] {
    return (this.#byAbout.get(account) ?? []).map((index) => this.at(index))
  }

  /** The fresh operation whose lineage an operation's epoch is of. */
  lineageOf(index: number): OpNode {
    return this.at(this.#lineages[index] ?? index)
  }

  /** Operations whose epochs extend that of another, as they came. */
  extending(index: number): readonly OpNode[] {
    return (this.#extending.get(index) ?? []).map((at) => this.at(at))
  }

  #extend({ op, index }: OpNode): void {
    const { payload } = op
    const extended = payload.kind === 'add' || payload.kind === 'refresh'
    const below = extended ? this.find(payload.epochOp)?.index : undefined
    this.#lineages[index] = below === undefined ? index : (this.#lineages[below] ?? below)
    if (below !== undefined) push(this.#extending, below, index)
  }

  /** Takes a valid operation in; `state` is that of its past and itself. */
  accept(node: OpNode, state: GroupState): void {
    const { index, op, device } = node
    this.nodes.push(node)
    this.#byId.set(toHex(op.id), index)
    const own = this.#byDevice.get(device) ?? []
    this.#byDevice.set(device, own)
    const same = own[op.seq - 1]
    if (same === undefined) own[op.seq - 1] = [index]
    else same.push(index)
    for (const account of node.about) push(this.#byAbout, account, index)
    if (node.isPlain) {
      push(this.#plain, node.account, index)
      this.#plainCount++
    }
    this.#noteSpare(node)
    this.#extend(node)
    this.#heads = [...this.#heads.filter((head) => !node.past.has(head)), index]
    this.#order(node)
    this.#keep([index], state)
  }

  #order(node: OpNode): void {
    let low = 0
    let high = this.ordered.length
    // Mostly it belongs at the end.
    let middle = high - 1
    while (low < high) {
      if (compareOps(this.at(this.ordered[middle] ?? 0).op, node.op) < 0) low = middle + 1
      else high = middle
      middle = (low + high) >>> 1
    }
    this.ordered.splice(low, 0, node.index)
  }

  #keep(heads: Heads, state: GroupState): void {
    const key = heads.join()
    const [first = 0] = heads
    if (heads.length === 1 && first % GROUP_STATE_ANCHOR_EVERY === 0) this.#anchors.set(key, state)
    this.#recent.delete(key)
    this.#recent.set(key, state)
    if (this.#recent.size > GROUP_STATES_KEPT) {
      for (const oldest of this.#recent.keys()) {
        this.#recent.delete(oldest)
        break
      }
    }
  }

  #kept(key: string): GroupState | undefined {
    if (key === '') return this.#empty
    const recent = this.#recent.get(key)
    if (recent !== undefined) {
      this.#recent.delete(key)
      this.#recent.set(key, recent)
    }
    return recent ?? this.#anchors.get(key)
  }

  /** The set below some heads, with them. */
  closure(heads: Heads): Bits {
    return Bits.union(
      heads.map((head) => this.at(head).past),
      heads,
    )
  }

  /** Members of a closed set that no other of it follows, ascending. */
  headsOf(set: Bits): Heads {
    const heads: number[] = []
    const below: Bits[] = []
    for (const index of set.members().toReversed()) {
      if (below.some((past) => past.has(index))) continue
      heads.push(index)
      below.push(this.at(index).past)
    }
    return heads.toReversed()
  }

  /** The state of the set that the heads name. */
  stateOf(heads: Heads): GroupState {
    const blocks: (readonly OpNode[])[] = []
    let below = heads
    let state = this.#kept(below.join())
    while (state === undefined) {
      const { settled, block } = this.#topBlock(below)
      blocks.push(block)
      below = settled
      state = this.#kept(below.join())
    }
    for (const block of blocks.toReversed()) state = this.#decide(state, block)
    if (blocks.length > 0) this.#keep(heads, state)
    return state
  }

  #decide(base: GroupState, nodes: readonly OpNode[]): GroupState {
    const dropped = decideBlock(base, nodes, this.work)
    const builder = new StateBuilder(base)
    for (const node of nodes) if (!dropped.has(node.index)) builder.apply(node)
    return builder.freeze(dropped.size === 0 ? base.void : Bits.union([base.void], [...dropped]))
  }

  /**
   * Splits a set into its top block and what is settled below: the largest closed proper part that
   * every operation of the block has in its past.
   */
  #topBlock(heads: Heads): { readonly settled: Heads; readonly block: readonly OpNode[] } {
    const [only] = heads
    if (only !== undefined && heads.length === 1) {
      const node = this.at(only)
      return { settled: [...node.parents].sort((a, b) => a - b), block: [node] }
    }
    const all = this.closure(heads)
    let settled = all
    let open = heads.map((head) => this.at(head))
    while (open.length > 0) {
      const before = settled
      for (const node of open) settled = settled.and(node.past)
      open = before
        .without(settled)
        .members()
        .map((index) => this.at(index))
        .filter((node) => !settled.without(node.past).isEmpty)
    }
    const block = all.without(settled).members()
    return { settled: this.headsOf(settled), block: block.map((index) => this.at(index)) }
  }
}
