// The fast form of a group's life: members with the real membership, choice of epoch and repair, who
// hand each other operations, seeds and messages at random times and in any order, over partitions,
// some of them lying. No network, no disk, no encryption: thousands of lives where the slow form
// (group-workload.ts) lives one.
import {
  type GroupOp,
  type GroupOpRef,
  compareBytes,
  equalBytes,
  isFreshOp,
  toHex,
} from '../../../crypto/index.ts'
import {
  type DraftPayload,
  type Repair,
  entryOp,
  groupEpoch,
  groupEpochs,
  opsSince,
} from '../../../protocol/index.ts'
import { Prng } from '../prng.ts'
import { VirtualClock } from '../virtual-clock.ts'
import { PureMember, type SentEntry } from './pure-member.ts'
import { PURE_PEOPLE, type PurePerson, bytesOf, pureCreate } from './pure-people.ts'

/** What is broken on purpose, so that each oracle is seen to fail. */
export type PureDefect =
  /** Somebody drops one operation that it was given. */
  | 'forgetful'
  /** Sends to whoever holds an epoch, removed or not. */
  | 'wide'
  /** What was sent in an epoch that is not here yet is thrown away. */
  | 'impatient'
  /** A message that comes twice is shown twice. */
  | 'stutter'
  /** Several heads are a reason to merge, for everybody and at once. */
  | 'storm'
  /** Nobody asks for a seed or makes a new epoch. */
  | 'mute'

export interface PureTally {
  /** Operations that people wanted: create, add, remove, leave, role, name, rotation. */
  changes: number
  /** Operations that honest members made to repair. */
  repairs: number
  /** Fresh and refresh of honest members in all: what D6 bounds. */
  epochs: number
  messages: number
  healed: number
  byzantine: number
}

const SYNC_MS = 20_000
const STORM_MS = 30_000

export class PureLife {
  readonly clock = new VirtualClock()
  readonly members: PureMember[] = []
  readonly sent: SentEntry[] = []
  readonly tally: PureTally = {
    changes: 0,
    repairs: 0,
    epochs: 0,
    messages: 0,
    healed: 0,
    byzantine: 0,
  }
  /** What happened, for whoever replays a seed. */
  readonly trace: string[] = []
  readonly #seed: string
  readonly #random: Prng
  readonly #defect: PureDefect | undefined
  readonly #cut = new Set<string>()
  #waiting: { readonly from: string; readonly to: string; readonly run: () => void }[] = []
  readonly #timers = new Map<string, { cancel(): void }>()
  #victim: PureMember | undefined

  constructor(seed: string | number, defect?: PureDefect) {
    this.#seed = String(seed)
    this.#random = new Prng(`pure ${seed}`)
    this.#defect = defect
  }

  get honest(): readonly PureMember[] {
    return this.members.filter((one) => !one.byzantine)
  }

  #note(...words: readonly string[]): void {
    this.trace.push(`${this.clock.elapsedMs.toFixed(0)} ${words.join(' ')}`)
  }

  #name(device: Uint8Array): string {
    const found = PURE_PEOPLE.find((person) => equalBytes(person.device, device))
    return found?.name ?? 'nobody'
  }

  /** Lives, heals, and comes to rest; afterwards the oracle looks. */
  run(): void {
    const random = this.#random
    const people = PURE_PEOPLE.slice(0, random.integer(3, 6))
    for (const person of people) this.members.push(new PureMember(person, random.unit()))
    if (random.chance(0.4)) {
      const liar = random.pick(this.members.slice(1))
      liar.byzantine = true
      this.#note('byzantine', liar.person.name)
    }
    if (this.#defect === 'forgetful') this.#victim = this.honest.at(-1)
    this.#create()
    for (let i = random.integer(10, 32); i > 0; i--) {
      this.#act()
      // Much of it at once, so that nobody knows what the others do.
      if (random.chance(0.4)) continue
      this.#pass(random.chance(0.2) ? random.integer(0, 120_000) : random.integer(0, 4_000))
    }
    this.#heal()
  }

  /** Lets time pass after everything healed. */
  rest(ms: number): void {
    this.#pass(ms)
  }

  #pass(ms: number): void {
    const endMs = this.clock.elapsedMs + ms
    for (;;) {
      const next = this.clock.nextAtMs()
      if (next === undefined || next > endMs) break
      this.clock.step()
    }
    this.clock.skipTo(endMs)
  }

  // -- what passes between members -------------------------------------------------------------

  #post(from: PureMember, to: PureMember, run: () => void): void {
    const letter = { from: from.key, to: to.key, run }
    const delay = this.#random.chance(0.1)
      ? this.#random.integer(1_000, 20_000)
      : this.#random.integer(5, 400)
    this.clock.after(delay, () => this.#deliver(letter))
  }

  #deliver(letter: { readonly from: string; readonly to: string; readonly run: () => void }): void {
    if (this.#cut.has(`${letter.from}>${letter.to}`)) this.#waiting.push(letter)
    else letter.run()
  }

  /** A liar keeps what it likes to itself. */
  #withholds(from: PureMember): boolean {
    return from.byzantine && this.#random.chance(0.4)
  }

  #spread(from: PureMember, op: GroupOp): void {
    for (const to of this.members) {
      if (to === from || this.#withholds(from)) continue
      // Who was never in the group has no mailbox of it to read.
      const { device } = to.person
      if (to.dag === undefined && from.dag?.history.devices.find(device) === undefined) continue
      this.#post(from, to, () => this.#takeOps(to, [op], from))
    }
    if (!isFreshOp(op.payload)) return
    for (const to of this.members) {
      const recipients = from.dag === undefined ? undefined : groupEpoch(from.dag, op.id)
      const isOne = recipients?.recipients().some((device) => toHex(device) === to.key) === true
      if (to === from || !isOne || this.#withholds(from)) continue
      this.#post(from, to, () => {
        this.#takeOps(to, [op], from)
        this.#takeSecret(to, toHex(op.id))
      })
    }
  }

  #takeOps(to: PureMember, ops: readonly GroupOp[], from: PureMember): void {
    const kept =
      to === this.#victim && this.#defect === 'forgetful'
        ? ops.filter(({ payload }) => payload.kind !== 'meta' && payload.kind !== 'role')
        : ops
    to.take(kept)
    if ((to.dag?.missing().length ?? 0) > 0) this.#askOps(to, from)
    this.#tend(to)
  }

  #askOps(by: PureMember, of: PureMember): void {
    this.#post(by, of, () => {
      const ops = this.#opsFor(of, by)
      if (ops.length > 0) this.#post(of, by, () => this.#takeOps(by, ops, of))
    })
  }

  #opsFor(of: PureMember, by: PureMember): readonly GroupOp[] {
    const { dag } = of
    if (dag === undefined || by.dag === undefined || this.#withholds(of)) return []
    const heads = by.dag.heads().map(({ id }) => id)
    return opsSince(dag, heads, { maxBytes: 1e9 }).ops
  }

  #takeSecret(to: PureMember, opId: string): void {
    to.hold(opId)
    this.#tend(to)
  }

  #takeEntry(to: PureMember, entry: SentEntry, open: boolean): void {
    // Over a session, of a group not known here: nothing is kept of it. A mailbox keeps everything.
    if (to.dag === undefined && open) return
    to.seen.set(entry.text, entry)
    const before = to.shown.get(entry.text) ?? 0
    if (open || to.held.has(entry.epoch)) {
      to.closed.delete(entry.text)
      if (before === 0 || this.#defect === 'stutter') to.shown.set(entry.text, before + 1)
    } else if (before === 0 && this.#defect !== 'impatient') to.closed.set(entry.text, entry)
  }

  // -- what members do by themselves -----------------------------------------------------------

  #tend(one: PureMember): void {
    for (const entry of one.closed.values()) {
      if (one.held.has(entry.epoch)) this.#takeEntry(one, entry, true)
    }
    this.#flush(one)
    this.#timers.get(one.key)?.cancel()
    if (this.#defect === 'mute' || one.byzantine) return
    const nowMs = this.clock.elapsedMs
    const [first] = this.#repairsOf(one).toSorted((a, b) => a.atMs - b.atMs)
    if (first === undefined) return
    const timer = this.clock.after(Math.max(0, first.atMs - nowMs), () => this.#repair(one))
    this.#timers.set(one.key, timer)
  }

  #repairsOf(one: PureMember): readonly Repair[] {
    const nowMs = this.clock.elapsedMs
    const repairs = one.repairs(nowMs)
    const heads = one.dag?.heads().length ?? 0
    if (this.#defect !== 'storm' || !one.isMember || heads < 2) return repairs
    return [{ kind: 'merge', atMs: Math.ceil(nowMs / STORM_MS) * STORM_MS }, ...repairs]
  }

  #repair(one: PureMember): void {
    const nowMs = this.clock.elapsedMs
    const [first] = this.#repairsOf(one)
      .filter(({ atMs }) => atMs <= nowMs)
      .toSorted((a, b) => a.atMs - b.atMs)
    if (first !== undefined) this.#doRepair(one, first)
    this.#tend(one)
  }

  #doRepair(one: PureMember, repair: Repair): void {
    const nowMs = this.clock.elapsedMs
    switch (repair.kind) {
      case 'askAuthor':
      case 'askOthers': {
        one.noteAsked(repair.opId, nowMs)
        const op = one.dag?.op(repair.opId)
        const author = op && this.#member(op.device)
        const others = this.members.filter((other) => other !== one && other !== author)
        const from =
          repair.kind === 'askAuthor' ? 0 : (2 * repair.round) % Math.max(1, others.length)
        const turn = [...others.slice(from), ...others.slice(0, from)].slice(0, 2)
        const asked = repair.kind === 'askAuthor' ? [author] : turn
        for (const other of asked) {
          if (other !== undefined) this.#post(one, other, () => this.#answer(other, one, repair))
        }
        return
      }
      case 'refresh': {
        const devices = repair.devices.toSorted(compareBytes)
        one.noteRefreshed(nowMs)
        this.#issue(one, { kind: 'refresh', epochOp: repair.extend, devices }, 'repair')
        return
      }
      case 'merge':
      case 'rotate':
        one.noteRenewed(nowMs)
        this.#issue(one, { kind: repair.kind, ownN: one.sentN }, 'repair')
    }
  }

  #answer(of: PureMember, by: PureMember, { opId }: { readonly opId: Uint8Array }): void {
    const ops = this.#opsFor(of, by)
    if (ops.length > 0) this.#post(of, by, () => this.#takeOps(by, ops, of))
    const { dag } = of
    const epoch = dag === undefined ? undefined : groupEpoch(dag, opId)
    if (epoch === undefined || !of.held.has(toHex(opId)) || this.#withholds(of)) return
    const isOne = epoch.recipients().some((device) => toHex(device) === by.key)
    if (!isOne || dag === undefined) return
    // The secret of a fresh epoch is wiped once its chains are made: one that follows it does as well.
    const index = dag.history.find(opId)?.index ?? -1
    const kept = [...groupEpochs(dag)].find(
      ({ op, isFresh, isVoid, recipients }) =>
        !isFresh &&
        !isVoid &&
        of.held.has(toHex(op.id)) &&
        (toHex(op.id) === toHex(opId) || dag.history.find(op.id)?.past.has(index) === true) &&
        recipients().some((device) => toHex(device) === by.key),
    )
    if (kept !== undefined) this.#post(of, by, () => this.#takeSecret(by, toHex(kept.op.id)))
    else of.owe(by.person.device, opId, this.clock.elapsedMs)
    this.#tend(of)
  }

  #member(device: Uint8Array): PureMember | undefined {
    return this.members.find((one) => one.key === toHex(device))
  }

  #sync(one: PureMember): void {
    this.clock.after(SYNC_MS + this.#random.integer(0, SYNC_MS), () => {
      this.#sync(one)
      const other = this.#random.pick(this.members)
      if (other === one || one.dag === undefined || other.dag === undefined) return
      if (!other.isMember && !one.isMember) return
      this.#askOps(one, other)
      this.#post(one, other, () => this.#serveEntries(other, one))
      // What is known to be missing is asked for of its author too, who has it surely.
      const [missing] = one.closed.values()
      const author = missing && this.#member(missing.author.device)
      if (author === undefined || author === one || author === other) return
      this.#post(one, author, () => this.#serveEntries(author, one))
    })
  }

  /** What is closed to one comes from another who opened it, where it was meant for both. */
  #serveEntries(of: PureMember, by: PureMember): void {
    const { dag } = of
    if (dag === undefined || this.#withholds(of) || this.#defect === 'impatient') return
    for (const entry of of.seen.values()) {
      if (by.shown.has(entry.text) || !of.shown.has(entry.text)) continue
      const meant =
        dag.viewAfter(entry.op)?.hasDevice(by.person.device) === true ||
        (entry.author === of.person &&
          (entry.topUp.includes(by.key) || this.recipientsOf(entry.epoch).includes(by.key)))
      if (meant) this.#post(of, by, () => this.#takeEntry(by, entry, true))
    }
  }

  // -- what people want ------------------------------------------------------------------------

  #create(): void {
    const [creator] = this.members
    if (creator === undefined) return
    const op = pureCreate(creator.person, this.#seed, this.#random.chance(0.3) ? 2 : 0)
    creator.take([op])
    creator.hold(toHex(op.id))
    this.tally.changes += 1
    this.tally.epochs += 1
    for (const one of this.members) this.#sync(one)
    const first = this.members.slice(1, this.#random.integer(2, this.members.length))
    for (const { person } of first) this.#add(creator, person)
  }

  #issue(
    by: PureMember,
    payload: DraftPayload,
    why: 'wanted' | 'repair' | 'lie',
    parents?: readonly GroupOpRef[],
  ): GroupOp | undefined {
    const op = by.write(payload, parents)
    if (op === undefined) return undefined
    this.#note(by.person.name, why, op.payload.kind, toHex(op.id).slice(0, 6))
    if (why === 'wanted') this.tally.changes += 1
    if (why === 'repair') this.tally.repairs += 1
    if (why === 'lie') this.tally.byzantine += 1
    else if (isFreshOp(op.payload) || op.payload.kind === 'refresh') this.tally.epochs += 1
    this.#spread(by, op)
    const { payload: said } = op
    if (said.kind === 'refresh') this.#grant(by, op, said.devices)
    if (said.kind === 'add') {
      for (const { list } of said.newcomers) {
        this.#grant(
          by,
          op,
          list.devices.map(({ device }) => device),
        )
      }
    }
    this.#tend(by)
    return op
  }

  /** The secret of a derived epoch, and every operation, to those it brought in. */
  #grant(by: PureMember, op: GroupOp, devices: readonly Uint8Array[]): void {
    for (const device of devices) {
      const to = this.#member(device)
      if (to === undefined || to === by || this.#withholds(by)) continue
      const ops = by.dag === undefined ? [] : opsSince(by.dag, [], { maxBytes: 1e9 }).ops
      this.#post(by, to, () => {
        this.#takeOps(to, ops, by)
        this.#takeSecret(to, toHex(op.id))
      })
    }
  }

  #add(by: PureMember, who: PurePerson): void {
    if (by.dag?.view().member(who.account) !== undefined) return
    if (by.extendable() === undefined) {
      const kind = (by.dag?.heads().length ?? 0) > 1 ? 'merge' : 'rotate'
      this.#issue(by, { kind, ownN: by.sentN }, 'repair')
    }
    const epochOp = by.extendable()
    if (epochOp === undefined) return
    const newcomers = [{ account: who.account, list: who.list, inviteHash: undefined }]
    const baseHash = bytesOf('base')
    this.#issue(by, { kind: 'add', epochOp, newcomers, heads: [], baseHash }, 'wanted')
  }

  #cutOf(by: PureMember, device: Uint8Array) {
    let last: SentEntry | undefined
    for (let n = 1; ; n++) {
      const next = [...by.seen.values()].find(
        (entry) => entry.n === n && equalBytes(entry.author.device, device),
      )
      if (next === undefined) break
      last = next
    }
    return last === undefined ? [] : [{ device, n: last.n, entry: last.id }]
  }

  #act(): void {
    const random = this.#random
    const inside = this.members.filter((one) => one.isMember)
    const by = random.pick(random.chance(0.9) && inside.length > 0 ? inside : this.members)
    if (random.chance(0.12)) return this.#partition()
    if (random.chance(0.08)) return this.#heal()
    if (by.dag === undefined) return
    if (by.byzantine && random.chance(0.5)) return this.#lie(by)
    if (!by.isMember) return
    if (random.chance(0.5)) return this.#say(by)
    const target = random.pick(this.members)
    const { account, device } = target.person
    switch (random.integer(0, 8)) {
      case 0:
      case 1:
      case 2:
        return this.#add(by, target.person)
      case 3:
      case 4: {
        if (target === by) return
        const cut = this.#cutOf(by, device)
        this.#issue(by, { kind: 'remove', target: account, cut, reason: 0 }, 'wanted')
        return
      }
      case 5:
        if (!random.chance(0.4)) return
        this.#issue(by, { kind: 'leave', cut: this.#cutOf(by, by.person.device) }, 'wanted')
        return
      case 6: {
        const role = random.integer(0, 2) as 0 | 1 | 2
        this.#issue(by, { kind: 'role', target: account, role }, 'wanted')
        return
      }
      case 7:
        this.#issue(
          by,
          { kind: 'meta', name: `name ${random.integer(0, 9)}`, settings: undefined },
          'wanted',
        )
        return
      default:
        this.#issue(by, { kind: 'rotate', ownN: by.sentN }, 'wanted')
    }
  }

  #say(by: PureMember): void {
    this.tally.messages += 1
    by.queue.push(`${by.person.name} ${this.tally.messages}`)
    this.#flush(by)
  }

  #flush(by: PureMember): void {
    while (by.queue.length > 0 && by.isMember) {
      const choice = by.choose()
      const target = choice.kind === 'rotate' ? choice.otherwise : choice
      const epoch = this.#defect === 'wide' ? this.#widest(by) : this.#epochOf(target)
      const text = by.queue[0]
      if (epoch === undefined || text === undefined) return
      by.queue.shift()
      const missing = target.kind === 'topUp' ? target.missing : []
      this.#send(by, text, epoch, missing, by.dag && entryOp(by.dag, epoch, missing))
    }
  }

  #epochOf(choice: { readonly kind: string; readonly opId?: Uint8Array }): Uint8Array | undefined {
    return choice.kind === 'wait' ? undefined : choice.opId
  }

  #widest(by: PureMember): Uint8Array | undefined {
    const { dag } = by
    if (dag === undefined) return undefined
    const sizes = dag.history.nodes
      .filter(({ op }) => by.held.has(toHex(op.id)))
      .map(({ op, recipients }) => ({ id: op.id, size: recipients?.length ?? 0 }))
    return sizes.toSorted((a, b) => b.size - a.size)[0]?.id
  }

  #send(
    by: PureMember,
    text: string,
    epoch: Uint8Array,
    missing: readonly Uint8Array[],
    op: Uint8Array = epoch,
  ): void {
    by.sentN += 1
    const entry: SentEntry = {
      text,
      author: by.person,
      n: by.sentN,
      op,
      id: bytesOf('entry', text),
      epoch: toHex(epoch),
      members: by.members().map(toHex),
      topUp: missing.map(toHex),
    }
    this.#note(by.person.name, 'says', text, toHex(epoch).slice(0, 6))
    this.sent.push(entry)
    by.seen.set(text, entry)
    by.shown.set(text, 1)
    for (const to of this.members) {
      if (to === by || this.#withholds(by)) continue
      const times = this.#random.chance(0.1) ? 2 : 1
      for (let i = 0; i < times; i++) this.#post(by, to, () => this.#takeEntry(to, entry, false))
    }
    for (const device of missing) {
      const to = this.#member(device)
      if (to !== undefined) this.#post(by, to, () => this.#takeEntry(to, entry, true))
    }
  }

  // -- what goes wrong -------------------------------------------------------------------------

  #partition(): void {
    const side = this.members.filter(() => this.#random.chance(0.5))
    const other = this.members.filter((one) => !side.includes(one))
    if (side.length === 0 || other.length === 0) return
    this.#note('partition', side.map(({ person }) => person.name).join())
    for (const a of side) {
      for (const b of other) {
        this.#cut.add(`${a.key}>${b.key}`)
        this.#cut.add(`${b.key}>${a.key}`)
      }
    }
  }

  #heal(): void {
    if (this.#cut.size > 0) this.tally.healed += 1
    this.#note('heal')
    this.#cut.clear()
    const waiting = this.#waiting
    this.#waiting = []
    for (const letter of waiting) {
      this.clock.after(this.#random.integer(1, 2_000), () => this.#deliver(letter))
    }
  }

  #lie(by: PureMember): void {
    const random = this.#random
    const { dag } = by
    if (dag === undefined || dag.size === 0) return
    const target = random.pick(this.members)
    const { account } = target.person
    switch (random.integer(0, 3)) {
      case 0: {
        // Back-dated: as if it had known nothing since.
        const { op } = random.pick(dag.history.nodes)
        const on = [{ id: op.id, lamport: op.lamport }]
        const payload: DraftPayload = random.chance(0.5)
          ? { kind: 'remove', target: account, cut: [], reason: 0 }
          : { kind: 'role', target: account, role: 0 }
        this.#issue(by, payload, 'lie', on)
        return
      }
      case 1:
        for (let i = random.integer(4, 12); i > 0; i--) {
          const kind = dag.heads().length > 1 ? 'merge' : 'rotate'
          this.#issue(by, { kind, ownN: 0 }, 'lie')
        }
        return
      default: {
        // Under an epoch of before, whoever is a member now.
        const held = dag.history.nodes.filter(({ op }) => by.held.has(toHex(op.id)))
        if (held.length === 0) return
        const { op } = random.pick(held)
        this.tally.byzantine += 1
        this.#send(by, `${by.person.name} lies ${this.tally.byzantine}`, op.id, [])
      }
    }
  }

  /** Who an epoch was for, in the words of anybody who holds it. */
  recipientsOf(epoch: string): readonly string[] {
    for (const { dag } of this.members) {
      const node = dag?.history.nodes.find(({ op }) => toHex(op.id) === epoch)
      const found = dag && node && groupEpoch(dag, node.op.id)
      if (found !== undefined) return found.recipients().map(toHex)
    }
    return []
  }

  nameOf(device: string): string {
    return (
      this.members.find((one) => one.key === device)?.person.name ?? this.#name(new Uint8Array(0))
    )
  }
}
