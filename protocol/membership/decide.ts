// Which operations of a block are void (SPEC.md §19.4). A block is what lies above the last point
// that everything else knew; only within it are operations concurrent, so only there can one that its
// author could not know of take away what another rests on.
//
// Removals, lowerings and revocations are decided one after another, the greatest authority first.
// Each that stands pins what it rests on and makes void what it hits; then whatever lost its basis
// falls. Every operation is decided once, so that there is one outcome and it is the same everywhere.
import { applyToAccount, type AccountState, roleGivers, roleOf } from './account-state.ts'
import { type GroupState, StateBuilder } from './group-state.ts'
import { areConcurrent, compareAuthority, compareOps, type OpNode } from './op-node.ts'

/** Work done, for tests that hold it to its bound. */
export interface DecideWork {
  decided: number
  judged: number
}

function group(nodes: readonly OpNode[], keys: (node: OpNode) => readonly number[]) {
  const groups = new Map<number, OpNode[]>()
  for (const node of nodes) {
    for (const key of keys(node)) {
      const found = groups.get(key)
      if (found === undefined) groups.set(key, [node])
      else found.push(node)
    }
  }
  return groups
}

/** Greatest authority first; a list before a removal, then by (lamport, opId). */
function compareStrong(a: OpNode, b: OpNode): number {
  const listFirst = Number(b.strong === 'revoke') - Number(a.strong === 'revoke')
  return compareAuthority(a.authority, b.authority) || listFirst || compareOps(a.op, b.op)
}

/** The account that a strong operation is against. */
function targetOf(node: OpNode): number {
  return node.about[0] ?? -1
}

/** Whether a removal, lowering or revocation takes a concurrent operation's ground. */
function hits(strong: OpNode, other: OpNode): boolean {
  if (other.account !== targetOf(strong) || !areConcurrent(strong, other)) return false
  if (other.op.payload.kind === 'leave' || other.onlyRevokes) return false
  const { payload } = strong.op
  if (payload.kind === 'role') return other.need > payload.role
  return strong.strong !== 'revoke' || strong.revokes.includes(other.device)
}

class Decision {
  readonly void = new Set<number>()
  readonly #base: GroupState
  readonly #block: readonly OpNode[]
  readonly #byIndex: ReadonlyMap<number, OpNode>
  /** Whether somebody in the block had seen some of it void. */
  readonly #hasViews: boolean
  readonly #about: ReadonlyMap<number, readonly OpNode[]>
  readonly #by: ReadonlyMap<number, readonly OpNode[]>
  /** Decided to stand, or what one that stands rests on: never void any more. */
  readonly #firm = new Set<number>()
  readonly #standing: OpNode[] = []
  /** Operations that by now only their authors' seniority entitles. */
  readonly #bySeniority = new Set<number>()
  /** Accounts that a void operation of the block is about. */
  readonly #fallen = new Set<number>()
  readonly #work: DecideWork

  constructor(base: GroupState, block: readonly OpNode[], work: DecideWork) {
    this.#base = base
    this.#block = block
    this.#byIndex = new Map(block.map((node) => [node.index, node]))
    this.#hasViews = block.some(({ voidPast }) => voidPast !== base.void)
    this.#about = group(block, (node) => node.about)
    this.#by = group(block, (node) => [node.account])
    this.#work = work
  }

  run(): void {
    const strong = this.#block.filter((node) => node.strong !== undefined)
    for (const node of strong.sort(compareStrong)) {
      this.#work.decided++
      if (!this.void.has(node.index)) this.#stand(node)
    }
  }

  #stand(node: OpNode): void {
    const dirty = new Set<number>()
    this.#pin(node, dirty)
    this.#standing.push(node)
    if (!this.#comesTooLate(node)) {
      for (const other of this.#by.get(targetOf(node)) ?? []) {
        if (this.#isOpen(other) && hits(node, other)) this.#drop(other, dirty)
      }
    }
    if (dirty.size > 0) this.#dropGroundless(dirty)
  }

  /** An account that is removed cannot undo by a revocation what its devices did. */
  #comesTooLate(node: OpNode): boolean {
    if (node.strong !== 'revoke') return false
    const account = targetOf(node)
    return this.#standing.some(
      (other) =>
        other.strong === 'remove' && targetOf(other) === account && areConcurrent(other, node),
    )
  }

  #isOpen(node: OpNode): boolean {
    return !this.void.has(node.index) && !this.#firm.has(node.index)
  }

  #drop(node: OpNode, dirty: Set<number>): void {
    this.void.add(node.index)
    for (const account of node.about) {
      dirty.add(account)
      this.#fallen.add(account)
    }
  }

  /** Makes an operation firm, and what its author's membership, list and rank rest on. */
  #pin(node: OpNode, dirty: Set<number>): void {
    const waiting = [node]
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (this.#firm.has(next.index)) continue
      // Who had seen this one void may now be without ground.
      if (this.#hasViews) for (const account of next.about) dirty.add(account)
      const author = this.#authorOf(next)
      this.#firm.add(next.index)
      const givers = roleGivers(this.#base.ops, author)
      for (const index of [...author.grants, ...givers, ...(author.list?.ops ?? [])]) {
        const support = this.#byIndex.get(index)
        if (support !== undefined) waiting.push(support)
      }
    }
  }

  /** Whether an operation counts for another that has it in its past. */
  #counts(viewer: OpNode, other: OpNode): boolean {
    if (!viewer.past.has(other.index) || this.void.has(other.index)) return false
    return !viewer.voidPast.has(other.index) || this.#firm.has(other.index)
  }

  /** An operation's author as its past has it, less what is void by now. */
  #authorOf(node: OpNode): AccountState {
    // Nothing is otherwise than it was when the operation was judged: the usual case, and the one that
    // must stay cheap however many lists an account brings.
    if (node.voidPast === this.#base.void && !this.#fallen.has(node.account)) return node.author
    let state = this.#base.account(node.account)
    for (const other of this.#about.get(node.account) ?? []) {
      if (!this.#counts(node, other)) continue
      state = applyToAccount(this.#base.ops, state, node.account, other)
    }
    return state
  }

  #isEntitled(node: OpNode): boolean {
    this.#work.judged++
    const { grants, roles, list } = this.#authorOf(node)
    if (grants.length === 0 || list === undefined || !list.devices.includes(node.device)) {
      return false
    }
    if (roleOf(this.#base.ops, { grants, roles, list }) >= node.need) return true
    this.#bySeniority.add(node.index)
    return this.#seniorFor(node) === node.account
  }

  #seniorFor(node: OpNode): number | undefined {
    const builder = new StateBuilder(this.#base)
    for (const other of this.#block) if (this.#counts(node, other)) builder.apply(other)
    return builder.senior()
  }

  /** One pass in causal order is enough: an operation rests on its past alone. */
  #dropGroundless(dirty: Set<number>): void {
    for (const node of this.#block) {
      if (!this.#isOpen(node)) continue
      const isSenior = node.actsAsOwner || this.#bySeniority.has(node.index)
      if (!dirty.has(node.account) && !isSenior) continue
      if (!this.#isEntitled(node)) this.#drop(node, dirty)
    }
  }
}

/**
 * The void operations of a block, by number. `base` is the state of everything below it; the block
 * comes in an order in which each operation follows its past.
 */
export function decideBlock(
  base: GroupState,
  block: readonly OpNode[],
  work: DecideWork,
): ReadonlySet<number> {
  const decision = new Decision(base, block, work)
  if (block.length > 1) decision.run()
  return decision.void
}
