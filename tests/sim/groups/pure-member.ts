// A member of the fast form: the real membership, choice of epoch and repair, with its epochs as a
// set of names. Who holds a secret and who could open what follows from that alone; that the bytes
// obey is what the slow form and the vectors show.
import {
  type GroupOp,
  type GroupOpRef,
  equalBytes,
  groupRepairRank,
  isDerivedOp,
  isFreshOp,
  toHex,
} from '../../../crypto/index.ts'
import {
  type DraftPayload,
  GroupDag,
  type GroupEpoch,
  type Repair,
  type RepairView,
  type SendChoice,
  type SendableEpoch,
  chooseEpoch,
  groupEpochs,
  repairDelayMs,
  repairsOf,
} from '../../../protocol/index.ts'
import { compareRecipients, isEligible } from '../../../protocol/membership/group-epochs.ts'
import { REPAIR_WAIT_MS } from '../../../protocol/group-limits.ts'
import { type PurePerson, crypto, pureOp } from './pure-people.ts'

/** A message as everybody sees it; who opens it follows from its epoch. */
export interface PureEntry {
  readonly text: string
  readonly author: PurePerson
  readonly n: number
  /** Header op: what standing is judged by. */
  readonly op: Uint8Array
  readonly id: Uint8Array
}

export interface SentEntry extends PureEntry {
  /** The epoch it was encrypted in. */
  readonly epoch: string
  /** M of the sender, hex. */
  readonly members: readonly string[]
  /** Devices that got it over their own session. */
  readonly topUp: readonly string[]
}

interface Owed {
  readonly device: Uint8Array
  readonly opId: Uint8Array
  readonly sinceMs: number
}

export class PureMember {
  readonly person: PurePerson
  readonly key: string
  dag: GroupDag | undefined
  /** Operations whose epoch's secret is held. */
  readonly held = new Set<string>()
  /** Messages that wait for an epoch to send in. */
  readonly queue: string[] = []
  /** Texts that were opened, and how often each was shown. */
  readonly shown = new Map<string, number>()
  /** Everything that ever came, opened or not. */
  readonly seen = new Map<string, SentEntry>()
  readonly closed = new Map<string, SentEntry>()
  sentN = 0
  /** Lies: is left out of what must hold of honest members. */
  byzantine = false
  readonly #since = new Map<string, number>()
  readonly #asked = new Map<string, { readonly asks: number; readonly askedAtMs: number }>()
  readonly #owed: Owed[] = []
  readonly #mergesMs: number[] = []
  #lastRefreshMs = -1e9
  readonly #jitter: number
  readonly #memory = new Map<string, { readonly at: string; readonly value: unknown }>()

  constructor(person: PurePerson, jitter: number) {
    this.person = person
    this.key = toHex(person.device)
    this.#jitter = jitter
  }

  get isMember(): boolean {
    return this.dag?.view().hasDevice(this.person.device) === true
  }

  /** What follows from operations and epochs alone is worked out once for each set of them. */
  #once<T>(what: string, work: () => T): T {
    const at = `${this.dag?.size ?? 0} ${this.held.size}`
    const known = this.#memory.get(what)
    if (known?.at === at) return known.value as T
    const value = work()
    this.#memory.set(what, { at, value })
    return value
  }

  /** M at the own heads. */
  members(): readonly Uint8Array[] {
    return this.dag?.view().devices() ?? []
  }

  /** Takes operations in; those that were accepted. */
  take(ops: readonly GroupOp[]): readonly GroupOp[] {
    const [first] = ops
    if (first === undefined) return []
    this.dag ??= new GroupDag(crypto, first.groupId)
    const accepted: GroupOp[] = []
    for (const op of ops) accepted.push(...this.dag.add(op).accepted)
    if (accepted.length > 0) this.#derive()
    return accepted
  }

  /** An epoch's secret came; not believed where the commitment says otherwise. */
  hold(opId: string): void {
    this.held.add(opId)
    this.#derive()
  }

  /** What a held epoch gives away: every epoch that extends it. */
  #derive(): void {
    const { dag } = this
    if (dag === undefined) return
    for (const index of dag.history.ordered) {
      const { op } = dag.history.at(index)
      const { payload } = op
      if (!isDerivedOp(payload) || !('epochOp' in payload)) continue
      if (this.held.has(toHex(payload.epochOp))) this.held.add(toHex(op.id))
    }
  }

  #all(): readonly GroupEpoch[] {
    const { dag } = this
    return this.#once('epochs', () => (dag === undefined ? [] : [...groupEpochs(dag)]))
  }

  #epochs(): readonly GroupEpoch[] {
    return this.#all().filter((epoch) => this.holds(epoch))
  }

  holds(epoch: GroupEpoch): boolean {
    return this.held.has(toHex(epoch.op.id))
  }

  /** Whether this device could be in an epoch: it is held to account only for those. */
  #isRecipient(epoch: GroupEpoch): boolean {
    return epoch.recipients().some((device) => toHex(device) === this.key)
  }

  choose(): SendChoice {
    return this.#once('choice', () => this.#choice())
  }

  #choice(): SendChoice {
    const { dag } = this
    if (dag === undefined) return { kind: 'wait' }
    const epochs: SendableEpoch[] = this.#epochs().map((epoch) => ({
      opId: epoch.op.id,
      lamport: epoch.op.lamport,
      recipients: epoch.recipients(),
      ownCount: 0,
      isVoid: epoch.isVoid,
      eligible: isEligible(dag, epoch.op.id),
    }))
    return chooseEpoch(epochs, this.members())
  }

  /** Writes an operation on the heads; undefined where it would not be valid. */
  write(payload: DraftPayload, parents?: readonly GroupOpRef[]): GroupOp | undefined {
    const { dag } = this
    if (dag === undefined) return undefined
    const op = pureOp(dag, this.person, payload, parents)
    if (typeof op === 'string' || dag.add(op).kind !== 'accepted') return undefined
    if (isFreshOp(op.payload)) this.held.add(toHex(op.id))
    this.#derive()
    return op
  }

  /** A held epoch that an add or refresh may extend: members only, with as many as there is. */
  extendable(): Uint8Array | undefined {
    return this.#once('extendable', () => this.#extendable())
  }

  #extendable(): Uint8Array | undefined {
    const { dag } = this
    if (dag === undefined) return undefined
    let best: { readonly id: Uint8Array; readonly missing: number } | undefined
    for (const epoch of this.#epochs()) {
      const compared = compareRecipients(dag, epoch.op.id)
      if (epoch.isVoid || compared?.within !== true || !this.#isRecipient(epoch)) continue
      if (best === undefined || compared.missing.length < best.missing) {
        best = { id: epoch.op.id, missing: compared.missing.length }
      }
    }
    return best?.id
  }

  /** Since when something has been so; forgotten once it is not. */
  #sinceOf(what: string, holds: boolean, nowMs: number): number | undefined {
    if (!holds) {
      this.#since.delete(what)
      return undefined
    }
    const since = this.#since.get(what) ?? nowMs
    this.#since.set(what, since)
    return since
  }

  #departure(): boolean {
    const { dag } = this
    if (dag === undefined) return false
    const leaves = dag.history.nodes.filter(
      ({ op }) => op.payload.kind === 'leave' && !dag.view().isVoid(op.id),
    )
    return leaves.some(
      (leave) =>
        !dag.history.nodes.some(({ op, past }) => isFreshOp(op.payload) && past.has(leave.index)),
    )
  }

  /** What this member would do, and when. */
  repairs(nowMs: number): readonly Repair[] {
    const { dag } = this
    if (dag === undefined || !this.isMember) return []
    const choice = this.choose()
    const extend = this.extendable()
    const missing =
      choice.kind === 'topUp'
        ? choice.missing
        : extend === undefined
          ? []
          : (compareRecipients(dag, extend)?.missing ?? [])
    const head = dag.heads().at(-1)?.id ?? new Uint8Array(32)
    const rank = this.#once('rank', () =>
      groupRepairRank(crypto, head, this.person.device, this.members()),
    )
    const departed = this.#once('departed', () => this.#departure())
    const view: RepairView = {
      nowMs,
      delayMs: repairDelayMs(rank, this.#jitter),
      missingSeeds: this.#once('missing', () => this.#lacking()).map((epoch) => {
        const id = toHex(epoch.op.id)
        const sinceMs = this.#sinceOf(`seed ${id}`, true, nowMs) ?? nowMs
        return { opId: epoch.op.id, sinceMs, asks: 0, askedAtMs: 0, ...this.#asked.get(id) }
      }),
      owed: this.#owed
        .filter((one) => !this.#isRefreshed(one))
        .map(({ device, opId, sinceMs }) => {
          const author = dag.op(opId)?.device
          const isAuthor = author !== undefined && equalBytes(author, this.person.device)
          return { device, isAuthor, sinceMs: isAuthor ? sinceMs : sinceMs + REPAIR_WAIT_MS }
        }),
      noUsableSinceMs: this.#sinceOf('unusable', choice.kind === 'wait', nowMs),
      withinMembers: extend,
      subsetSinceMs: this.#sinceOf('subset', choice.kind === 'topUp', nowMs),
      missingMembers: missing,
      heads: dag.heads().length,
      departureSinceMs: this.#sinceOf('departure', departed, nowMs),
      freshSeenMs: nowMs,
      entriesSinceFresh: 0,
      rotationDueSinceMs: undefined,
      lastRefreshMs: this.#lastRefreshMs,
      mergesMs: this.#mergesMs,
    }
    return repairsOf(view)
  }

  noteAsked(opId: Uint8Array, nowMs: number): void {
    const id = toHex(opId)
    this.#asked.set(id, { asks: (this.#asked.get(id)?.asks ?? 0) + 1, askedAtMs: nowMs })
  }

  /** A recipient asked for what nobody keeps: a refresh gives it another. */
  owe(device: Uint8Array, opId: Uint8Array, sinceMs: number): void {
    if (this.#owed.some((one) => equalBytes(one.device, device))) return
    this.#owed.push({ device, opId, sinceMs })
  }

  #isRefreshed({ device, opId }: Owed): boolean {
    const { dag } = this
    const past = dag?.history.find(opId)
    if (dag === undefined || past === undefined || !dag.view().hasDevice(device)) return true
    return dag.history.nodes.some(
      ({ op, past: below }) =>
        op.payload.kind === 'refresh' &&
        op.payload.devices.some((one) => equalBytes(one, device)) &&
        below.has(past.index) &&
        !dag.view().isVoid(op.id),
    )
  }

  /** Epochs of ours that are not held, and that nothing held is above. */
  #lacking(): readonly GroupEpoch[] {
    const { dag } = this
    if (dag === undefined) return []
    const held = this.#epochs().map(({ op }) => dag.history.find(op.id)?.past)
    return this.#all().filter((epoch) => {
      const index = dag.history.find(epoch.op.id)?.index ?? -1
      if (epoch.isVoid || this.holds(epoch) || !this.#isRecipient(epoch)) return false
      return !held.some((past) => past?.has(index))
    })
  }

  noteRenewed(nowMs: number): void {
    this.#mergesMs.push(nowMs)
  }

  noteRefreshed(nowMs: number): void {
    this.#lastRefreshMs = nowMs
  }
}
