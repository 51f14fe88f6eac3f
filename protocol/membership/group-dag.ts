// The membership of one group: its operations as a hash DAG, and what they amount to (SPEC.md §19).
// In memory, rebuilt from stored operations (stored-group.ts). Nothing here does I/O or reads a clock;
// the order in which operations come makes no difference to what they amount to.
import {
  type Bytes32,
  compareBytes,
  type CryptoProvider,
  equalBytes,
  GROUP_PARENTS_MAX,
  type GroupOp,
  type GroupOpRef,
  type GroupPayload,
  toHex,
} from '../../crypto/index.ts'
import { GROUP_INVALID_KEPT, GROUP_OPS_HELD_MAX } from '../group-limits.ts'
import type { DecideWork } from './decide.ts'
import type { GroupFault } from './fault.ts'
import { GroupView } from './group-view.ts'
import { OpHistory } from './history.ts'
import { namedHeads } from './named-heads.ts'
import { compareOps, type OpNode } from './op-node.ts'
import { OpRoom } from './op-room.ts'
import { leastLimit, usedUp } from './past-limit.ts'
import { PendingOps } from './pending-ops.ts'
import { type Judged, judgeOp } from './validity.ts'

/** Two operations of one device with one number: proof that it lies, or that it was copied. */
export interface SeqProof {
  readonly first: GroupOp
  readonly second: GroupOp
}

export interface RefusedOp {
  readonly id: Bytes32
  readonly fault: GroupFault
}

export interface AddOutcome {
  /** What became of the operation itself. full: a bound is reached, it is asked for again. */
  readonly kind: 'accepted' | 'pending' | 'known' | 'invalid' | 'foreign' | 'full'
  /** Everything that was accepted, itself and what waited for it, each after its past. */
  readonly accepted: readonly GroupOp[]
  /** Everything that turned out not to be valid, itself included: not to be stored. */
  readonly refused: readonly RefusedOp[]
  /** Waiting operations that gave way to this one: not stored any more. */
  readonly dropped: readonly GroupOp[]
  /** Parents that nobody has brought yet. */
  readonly missing: readonly Bytes32[]
  readonly proofs: readonly SeqProof[]
}

interface Collected {
  readonly accepted: GroupOp[]
  readonly refused: RefusedOp[]
  readonly proofs: SeqProof[]
}

export class GroupDag {
  readonly groupId: Bytes32
  /** Operations and states, for the queries of this folder. */
  readonly history: OpHistory = new OpHistory()
  readonly #provider: CryptoProvider
  readonly #pending = new PendingOps()
  readonly #room = new OpRoom(this.history)
  readonly #invalid = new Map<string, GroupFault>()
  readonly #equivocators = new Set<number>()
  #stamp: object = {}
  #numbers: { readonly forget: () => void } = { forget: () => undefined }
  #view: { readonly heads: string; readonly view: GroupView } | undefined

  constructor(provider: CryptoProvider, groupId: Bytes32) {
    this.#provider = provider
    this.groupId = groupId
  }

  /** How many operations were accepted. */
  get size(): number {
    return this.history.nodes.length
  }

  /** Another object whenever operations were accepted: what follows from them may be kept by it. */
  get stamp(): object {
    return this.#stamp
  }

  get pendingSize(): number {
    return this.#pending.size
  }

  /** How often an operation was decided or judged so far. */
  get work(): DecideWork {
    return this.history.work
  }

  has(id: Bytes32): boolean {
    return this.history.find(id) !== undefined
  }

  /** Whether an operation waits for a parent. */
  isWaiting(id: Bytes32): boolean {
    return this.#pending.has(id)
  }

  op(id: Bytes32): GroupOp | undefined {
    return this.history.find(id)?.op
  }

  /** Operations that no other follows, by (lamport, opId). */
  heads(): readonly GroupOpRef[] {
    return this.history.heads
      .map((head) => this.history.at(head).op)
      .sort(compareOps)
      .map(({ id, lamport }) => ({ id, lamport }))
  }

  /** Heads to name where there may be more than have room: the most important first. */
  namedHeads(most: number, own?: Bytes32): readonly GroupOpRef[] {
    return namedHeads(this.history, most, own).map(({ op: { id, lamport } }) => ({ id, lamport }))
  }

  /** What the next operation of a device cites: the heads, 16 of more, ascending by id. */
  nextParents(device?: Bytes32): readonly GroupOpRef[] {
    return this.namedHeads(GROUP_PARENTS_MAX, device).toSorted((a, b) => compareBytes(a.id, b.id))
  }

  /**
   * Whether an operation of a kind is left, on top of all that is held and `more` of the same author: if
   * not, whether none is left of the group, or of those that members without a rank may write.
   */
  usedUp(
    kind: GroupPayload['kind'],
    { account, device }: { readonly account: Bytes32; readonly device: Bytes32 },
    more = 0,
  ): 'group' | 'member' | undefined {
    const size = this.size + more
    if (size >= GROUP_OPS_HELD_MAX) return 'group'
    if (size < leastLimit(kind)) return undefined
    const isPlain = (this.view().member(account)?.role ?? 0) === 0
    const plainAuthor = isPlain ? this.history.accounts.find(account) : undefined
    // Others would have no room for it.
    if (plainAuthor !== undefined && this.#room.rankFor(plainAuthor, kind) !== undefined) {
      return 'member'
    }
    const past = this.history.closure(this.#indexes(this.nextParents(device)))
    return usedUp(this.history, { kind, past, plainAuthor }, more)
  }

  /** The number of a device's next operation above some parents. */
  nextSeq(device: Bytes32, parents: readonly GroupOpRef[]): number {
    const number = this.history.devices.find(device)
    if (number === undefined) return 1
    const past = this.history.closure(this.#indexes(parents))
    return 1 + this.history.highestSeq(number, past)
  }

  #indexes(refs: readonly { readonly id: Bytes32 }[]): readonly number[] {
    return refs.flatMap(({ id }) => this.history.find(id)?.index ?? []).sort((a, b) => a - b)
  }

  /** The group as all accepted operations have it. */
  view(): GroupView {
    const heads = this.history.heads.join()
    if (this.#view?.heads !== heads) {
      this.#view = {
        heads,
        view: new GroupView(this.history, this.history.stateOf(this.history.heads)),
      }
    }
    return this.#view.view
  }

  /** The group as it stood after one operation and its past; undefined where it is not held. */
  viewAfter(id: Bytes32): GroupView | undefined {
    const node = this.history.find(id)
    if (node === undefined) return undefined
    return new GroupView(this.history, this.history.stateOf([node.index]))
  }

  /** Whether a device signed two operations with one number: its epochs are not used for sending. */
  isEquivocator(device: Bytes32): boolean {
    const number = this.history.devices.find(device)
    return number !== undefined && this.#equivocators.has(number)
  }

  /** Ids cited by waiting operations and held nowhere. */
  missing(): readonly Bytes32[] {
    const ids = new Map<string, Bytes32>()
    for (const op of this.#pending.ops()) {
      for (const id of this.#missingOf(op)) ids.set(toHex(id), id)
    }
    return [...ids.values()]
  }

  #missingOf(op: GroupOp): readonly Bytes32[] {
    return op.parents.map(({ id }) => id).filter((id) => !this.has(id) && !this.#pending.has(id))
  }

  /** Judges an operation that is not signed yet, as if it came; nothing is kept. */
  judge(op: GroupOp): { readonly recipients: readonly Bytes32[] } | GroupFault {
    const judged = this.#judge(op, false)
    if (typeof judged === 'string') return judged
    const { devices } = this.history
    const recipients = (judged.node.recipients ?? []).map((device) => devices.key(device))
    this.#numbers.forget()
    return { recipients }
  }

  /** Keys that an operation brought keep their numbers only if it is accepted. */
  #judge(op: GroupOp, checkRecipients: boolean): Judged | GroupFault {
    const { accounts, devices } = this.history
    const [accountsBefore, devicesBefore] = [accounts.size, devices.size]
    const forget = (): void => {
      accounts.truncate(accountsBefore)
      devices.truncate(devicesBefore)
    }
    this.#numbers = { forget }
    const judged = judgeOp(this.#provider, this.history, op, { checkRecipients })
    if (typeof judged === 'string') forget()
    return judged
  }

  /**
   * Takes in an operation that was opened (signatures hold). Validity follows from its bytes and its
   * past, so what was refused once is refused for ever. `from` tells the account that brought it, or that
   * it is one's own or a stored one: whether its author's room is looked at.
   */
  add(op: GroupOp, from?: Bytes32 | 'held'): AddOutcome {
    const collected: Collected = { accepted: [], refused: [], proofs: [] }
    const outcome = (
      kind: AddOutcome['kind'],
      more: { readonly missing?: readonly Bytes32[]; readonly dropped?: readonly GroupOp[] } = {},
    ): AddOutcome => ({ kind, missing: [], dropped: [], ...more, ...collected })
    if (!equalBytes(op.groupId, this.groupId)) return outcome('foreign')
    if (this.has(op.id) || this.#pending.has(op.id)) return outcome('known')
    const known = this.#invalid.get(toHex(op.id)) ?? this.#invalidParent(op)
    if (known !== undefined) {
      this.#refuse(op, known, collected)
      return outcome('invalid')
    }
    if (!op.parents.every(({ id }) => this.has(id))) {
      const isKnown = (device: Bytes32): boolean => this.view().hasDevice(device)
      const { kept, dropped } = this.#pending.add(op, isKnown)
      if (!kept) return outcome('full')
      const gone = dropped === undefined ? [] : [dropped]
      return outcome('pending', { missing: this.#missingOf(op), dropped: gone })
    }
    const dropped = this.#settle(op, from, collected)
    if (this.has(op.id)) return outcome('accepted', { dropped })
    return outcome(dropped.includes(op) ? 'full' : 'invalid', { dropped })
  }

  #invalidParent(op: GroupOp): GroupFault | undefined {
    const cites = op.parents.some(({ id }) => this.#invalid.has(toHex(id)))
    return cites ? 'parent-invalid' : undefined
  }

  /**
   * Judges an operation whose past is here, then whatever waited for it alone. Returns those for which
   * there is no room.
   */
  #settle(
    first: GroupOp,
    from: Bytes32 | 'held' | undefined,
    collected: Collected,
  ): readonly GroupOp[] {
    const ready = [first]
    const full: GroupOp[] = []
    for (let op = ready.shift(); op !== undefined; op = ready.shift()) {
      if (this.has(op.id)) continue
      const fault = this.#invalidParent(op) ?? this.#accept(op, from, collected)
      this.#pending.remove(op.id)
      if (fault === 'full') {
        full.push(op)
        continue
      }
      if (fault !== undefined) this.#refuse(op, fault, collected)
      for (const waiting of this.#pending.citing(op.id)) {
        if (waiting.parents.every(({ id }) => this.has(id))) ready.push(waiting)
      }
    }
    return full
  }

  /**
   * Whether there is room for an operation, or another member hands it on while a third one's waits, which
   * may stand on it: without it that one would wait for ever.
   */
  #isLetIn(node: OpNode, from: Bytes32 | 'held' | undefined): boolean {
    if (from === 'held') return true
    const rank = this.#room.rankNeeded(node)
    if (rank === undefined) return true
    const isOther = (one: Bytes32, least: number): boolean =>
      !equalBytes(one, node.op.account) && (this.view().member(one)?.role ?? -1) >= least
    if (from === undefined || !isOther(from, 0)) return false
    return this.#pending.ops().some(({ account }) => isOther(account, rank))
  }

  #accept(
    op: GroupOp,
    from: Bytes32 | 'held' | undefined,
    collected: Collected,
  ): GroupFault | 'full' | undefined {
    if (this.size >= GROUP_OPS_HELD_MAX) return 'full'
    const judged = this.#judge(op, true)
    if (typeof judged === 'string') return judged
    if (!this.#isLetIn(judged.node, from)) {
      this.#numbers.forget()
      return 'full'
    }
    this.#room.take(judged.node)
    const { device } = judged.node
    const [sibling] = this.history.withSeq(device, op.seq)
    if (sibling !== undefined && !this.#equivocators.has(device)) {
      collected.proofs.push({ first: this.history.at(sibling).op, second: op })
      this.#equivocators.add(device)
    }
    this.history.accept(judged.node, judged.state)
    this.#stamp = {}
    collected.accepted.push(op)
    return undefined
  }

  /** Remembers what is not valid, and drops what waits on it. */
  #refuse(first: GroupOp, fault: GroupFault, collected: Collected): void {
    const refused: RefusedOp[] = [{ id: first.id, fault }]
    for (let at = 0; at < refused.length; at++) {
      const { id } = refused[at] ?? { id: first.id }
      this.#pending.remove(id)
      this.#invalid.set(toHex(id), refused[at]?.fault ?? fault)
      for (const citing of this.#pending.citing(id)) {
        refused.push({ id: citing.id, fault: 'parent-invalid' })
        this.#pending.remove(citing.id)
      }
    }
    for (const oldest of this.#invalid.keys()) {
      if (this.#invalid.size <= GROUP_INVALID_KEPT) break
      this.#invalid.delete(oldest)
    }
    collected.refused.push(...refused)
  }
}
