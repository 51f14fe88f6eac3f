// A second evaluator of group membership, written from SPEC.md §19 alone: sets of ids, no numbers, no
// caches but one per set, no short cuts. Slow, and there to be compared with.
import { equalBytes, type GroupOp, groupRecipientsHash, toHex } from '../../crypto/index.ts'
import { crypto } from './group-world.ts'

type Id = string
type Op = GroupOp

interface Held {
  readonly version: number
  readonly hashes: ReadonlySet<Id>
  readonly ops: readonly Op[]
  readonly devices: ReadonlySet<Id>
}

interface Folded {
  readonly ops: readonly Op[]
}

interface Attributes {
  readonly authority: readonly (number | string)[]
  readonly need: number
  /** Its author had no rank. */
  readonly plain: boolean
  readonly strong: boolean
  readonly revokes: ReadonlySet<Id>
  readonly onlyRevokes: boolean
  readonly recipients: readonly Id[]
  readonly voidPast: ReadonlySet<Id>
}

function compare(a: readonly (number | string)[], b: readonly (number | string)[]): number {
  for (const [i, x] of a.entries()) {
    const y = b[i] ?? 0
    if (x !== y) return x < y ? -1 : 1
  }
  return 0
}

const order = (op: Op): readonly (number | string)[] => [op.lamport, toHex(op.id)]
const byOrder = (a: Op, b: Op): number => compare(order(a), order(b))

function listOf(op: Op, account: Id) {
  const { payload } = op
  if (payload.kind === 'create' || payload.kind === 'devices') {
    return toHex(payload.list.account) === account ? payload.list : undefined
  }
  if (payload.kind !== 'add') return undefined
  return payload.newcomers.find((row) => toHex(row.account) === account)?.list
}

function grants(op: Op, account: Id): boolean {
  const { kind } = op.payload
  return (kind === 'create' || kind === 'add') && listOf(op, account) !== undefined
}

function ends(op: Op, account: Id): boolean {
  if (op.payload.kind === 'leave') return toHex(op.account) === account
  return op.payload.kind === 'remove' && toHex(op.payload.target) === account
}

/** V12: of any kind, of those a group cannot do without; and the same of a member's own. */
export interface PastLimits {
  readonly group: readonly [number, number]
  readonly member: readonly [number, number]
}

const LIMITS: PastLimits = { group: [4_096, 8_192], member: [1_024, 2_048] }
const ALWAYS = ['remove', 'leave', 'rotate', 'refresh', 'devices', 'merge']

export class Reference {
  readonly #limits: PastLimits

  constructor(limits: PastLimits = LIMITS) {
    this.#limits = limits
  }

  readonly valid = new Map<Id, Op>()
  readonly #pasts = new Map<Id, ReadonlySet<Id>>()
  readonly #attributes = new Map<Id, Attributes>()
  readonly #states = new Map<string, ReadonlySet<Id>>()

  /** Judges an operation whose parents were judged before. */
  add(op: Op): boolean {
    const id = toHex(op.id)
    if (!op.parents.every((parent) => this.valid.has(toHex(parent.id)))) return false
    const past = new Set<Id>()
    for (const parent of op.parents) {
      const key = toHex(parent.id)
      past.add(key)
      for (const below of this.#past(key)) past.add(below)
    }
    this.#pasts.set(id, past)
    const attributes = this.#judge(op, past)
    if (attributes === undefined) return false
    this.valid.set(id, op)
    this.#attributes.set(id, attributes)
    return true
  }

  #past(id: Id): ReadonlySet<Id> {
    return this.#pasts.get(id) ?? new Set()
  }

  #knows(later: Op, earlier: Op): boolean {
    return this.#past(toHex(later.id)).has(toHex(earlier.id))
  }

  #attr(op: Op): Attributes {
    const attributes = this.#attributes.get(toHex(op.id))
    if (attributes === undefined) throw new Error('not judged')
    return attributes
  }

  #ops(ids: Iterable<Id>): readonly Op[] {
    return [...ids].flatMap((id) => this.valid.get(id) ?? []).sort(byOrder)
  }

  fold(ids: Iterable<Id>): Folded {
    return { ops: this.#ops(ids) }
  }

  grantsOf({ ops }: Folded, account: Id): readonly Op[] {
    const over = ops.filter((op) => ends(op, account))
    return ops.filter((op) => grants(op, account) && !over.some((end) => this.#knows(end, op)))
  }

  members(folded: Folded): readonly Id[] {
    const accounts = new Set<Id>()
    for (const { payload, account } of folded.ops) {
      if (payload.kind === 'create') accounts.add(toHex(account))
      if (payload.kind !== 'add') continue
      for (const row of payload.newcomers) accounts.add(toHex(row.account))
    }
    return [...accounts].filter((account) => this.grantsOf(folded, account).length > 0).sort()
  }

  #givers(folded: Folded, account: Id): readonly Op[] {
    const current = this.grantsOf(folded, account)
    const about = folded.ops.filter(
      ({ payload }) => payload.kind === 'role' && toHex(payload.target) === account,
    )
    const after = about.filter((op) => current.some((grant) => this.#knows(op, grant)))
    const last = after.filter((op) => !after.some((other) => this.#knows(other, op)))
    if (last.length === 0) return current
    const lowest = Math.min(...last.map((op) => this.#given(op)))
    return last.filter((op) => this.#given(op) === lowest)
  }

  #given({ payload }: Op): number {
    if (payload.kind === 'role') return payload.role
    return payload.kind === 'create' ? 2 : 0
  }

  #plainRole(folded: Folded, account: Id): number {
    return Math.max(...this.#givers(folded, account).map((op) => this.#given(op)))
  }

  #plainAuthority(folded: Folded, account: Id): readonly (number | string)[] {
    const first = [...this.#givers(folded, account)].sort(byOrder)[0]
    if (first === undefined) throw new Error('no member')
    return [-this.#plainRole(folded, account), ...order(first), account]
  }

  role(folded: Folded, account: Id): number {
    return -Number(this.authority(folded, account)[0])
  }

  authority(folded: Folded, account: Id): readonly (number | string)[] {
    const own = this.#plainAuthority(folded, account)
    const all = this.members(folded).map((member) => this.#plainAuthority(folded, member))
    if (all.some(([rank]) => rank === -2)) return own
    return all.every((other) => compare(own, other) <= 0) ? [-2, ...own.slice(1)] : own
  }

  list({ ops }: Folded, account: Id): Held | undefined {
    const brought = ops.flatMap((op) => {
      const list = listOf(op, account)
      return list === undefined ? [] : [{ op, list }]
    })
    const version = Math.max(0, ...brought.map(({ list }) => list.version))
    const held = brought.filter(({ list }) => list.version === version)
    if (held.length === 0) return undefined
    const sets = held.map(({ list }) => new Set(list.devices.map((cert) => toHex(cert.device))))
    const [first = new Set<Id>()] = sets
    return {
      version,
      hashes: new Set(held.map(({ list }) => toHex(list.hash))),
      ops: held.map(({ op }) => op),
      devices: new Set([...first].filter((device) => sets.every((set) => set.has(device)))),
    }
  }

  devices(folded: Folded): readonly Id[] {
    const all = this.members(folded).flatMap((m) => [...(this.list(folded, m)?.devices ?? [])])
    return [...new Set(all)].sort()
  }

  settings({ ops }: Folded): number {
    const setting = ops.filter(
      ({ payload }) =>
        payload.kind === 'create' || (payload.kind === 'meta' && payload.settings !== undefined),
    )
    const last = setting.filter((op) => !setting.some((other) => this.#knows(other, op))).at(-1)
    const payload = last?.payload
    return payload?.kind === 'create' || payload?.kind === 'meta' ? (payload.settings ?? 0) : 0
  }

  heads(ids: ReadonlySet<Id>): ReadonlySet<Id> {
    return new Set([...ids].filter((id) => ![...ids].some((other) => this.#past(other).has(id))))
  }

  /** The void operations of a closed set. */
  state(set: ReadonlySet<Id>): ReadonlySet<Id> {
    if (set.size === 0) return new Set()
    const key = [...set].sort().join()
    const known = this.#states.get(key)
    if (known !== undefined) return known
    // The largest closed part that everything else knows.
    let settled = new Set([...set].filter((id) => !this.heads(set).has(id)))
    for (;;) {
      const outside = [...set].filter((id) => !settled.has(id))
      const left = [...settled].filter((id) => outside.every((o) => this.#past(o).has(id)))
      if (left.length === settled.size) break
      settled = new Set(left)
    }
    const voided = this.#decide(set, settled, this.state(settled))
    this.#states.set(key, voided)
    return voided
  }

  #decide(set: ReadonlySet<Id>, settled: ReadonlySet<Id>, before: ReadonlySet<Id>) {
    const voided = new Set(before)
    const firm = new Set<Id>()
    const standing: Op[] = []
    const block = this.#ops([...set].filter((id) => !settled.has(id)))
    const view = (op: Op): Folded => {
      const seenVoid = this.#attr(op).voidPast
      return this.fold(
        [...this.#past(toHex(op.id))].filter(
          (id) => !voided.has(id) && (settled.has(id) || firm.has(id) || !seenVoid.has(id)),
        ),
      )
    }
    const isOpen = (op: Op): boolean => !voided.has(toHex(op.id)) && !firm.has(toHex(op.id))
    const entitled = (op: Op): boolean => {
      const account = toHex(op.account)
      const folded = view(op)
      if (this.grantsOf(folded, account).length === 0) return false
      if (this.list(folded, account)?.devices.has(toHex(op.device)) !== true) return false
      return this.role(folded, account) >= this.#attr(op).need
    }
    const pin = (op: Op): void => {
      if (firm.has(toHex(op.id)) || settled.has(toHex(op.id))) return
      const account = toHex(op.account)
      const folded = view(op)
      const support = [
        ...this.grantsOf(folded, account),
        ...this.#givers(folded, account),
        ...(this.list(folded, account)?.ops ?? []),
      ]
      firm.add(toHex(op.id))
      for (const other of support) pin(other)
    }
    if (block.length === 1) return voided
    const strong = block.filter((op) => this.#attr(op).strong)
    strong.sort(
      (a, b) =>
        compare(this.#attr(a).authority, this.#attr(b).authority) ||
        Number(b.payload.kind === 'devices') - Number(a.payload.kind === 'devices') ||
        byOrder(a, b),
    )
    for (const p of strong) {
      if (voided.has(toHex(p.id))) continue
      pin(p)
      const late = p.payload.kind === 'devices' && standing.some((r) => this.#removesOwner(r, p))
      standing.push(p)
      for (const q of late ? [] : block) if (isOpen(q) && this.#hits(p, q)) voided.add(toHex(q.id))
      for (const q of block) if (isOpen(q) && !entitled(q)) voided.add(toHex(q.id))
    }
    return voided
  }

  #concurrent(a: Op, b: Op): boolean {
    return a !== b && !this.#knows(a, b) && !this.#knows(b, a)
  }

  #removesOwner(removal: Op, list: Op): boolean {
    if (removal.payload.kind !== 'remove' || list.payload.kind !== 'devices') return false
    if (!equalBytes(removal.payload.target, list.payload.list.account)) return false
    return this.#concurrent(removal, list)
  }

  #hits(p: Op, q: Op): boolean {
    if (!this.#concurrent(p, q) || q.payload.kind === 'leave') return false
    if (this.#attr(q).onlyRevokes) return false
    const { payload } = p
    if (payload.kind === 'remove') return equalBytes(payload.target, q.account)
    if (payload.kind === 'role') {
      return equalBytes(payload.target, q.account) && this.#attr(q).need > payload.role
    }
    if (payload.kind !== 'devices' || !equalBytes(payload.list.account, q.account)) return false
    return this.#attr(p).revokes.has(toHex(q.device))
  }

  #judge(op: Op, past: ReadonlySet<Id>): Attributes | undefined {
    const { payload } = op
    const account = toHex(op.account)
    const device = toHex(op.device)
    if (payload.kind === 'create') return this.#judgeRoot(op, account, device)
    for (const parent of op.parents) {
      if (this.valid.get(toHex(parent.id))?.lamport !== parent.lamport) return undefined
      if (op.parents.some((o) => this.#past(toHex(o.id)).has(toHex(parent.id)))) return undefined
    }
    const own = this.#ops(past).filter((other) => equalBytes(other.device, op.device))
    if (op.seq !== 1 + Math.max(0, ...own.map(({ seq }) => seq))) return undefined
    const voidPast = this.state(past)
    const s = this.fold([...past].filter((id) => !voidPast.has(id)))
    const members = this.members(s)
    if (!members.includes(account)) return undefined
    if (this.list(s, account)?.devices.has(device) !== true) return undefined
    const target = 'target' in payload ? toHex(payload.target) : ''
    const isLower =
      payload.kind === 'role' && members.includes(target) && payload.role < this.role(s, target)
    const need = this.#need(op, s, isLower && target === account)
    if (this.role(s, account) < need) return undefined
    const plain = this.role(s, account) === 0
    if (!this.#isWithin(op, past, plain)) return undefined
    if (!this.#targetOk(op, s, past, isLower)) return undefined
    const list = payload.kind === 'devices' ? payload.list : undefined
    const held = list === undefined ? undefined : this.list(s, toHex(list.account))
    const listed = new Set(list?.devices.map((cert) => toHex(cert.device)))
    const named = list === undefined ? [] : [...(held?.devices ?? []), ...list.revoked.map(toHex)]
    const revokes = new Set(named.filter((key) => !listed.has(key)))
    this.valid.set(toHex(op.id), op)
    const after = this.fold([...past, toHex(op.id)].filter((id) => !voidPast.has(id)))
    const recipients = this.#recipients(op, after)
    this.valid.delete(toHex(op.id))
    if ('recipientsHash' in payload) {
      const keys = recipients.map((key) => Uint8Array.from(Buffer.from(key, 'hex')))
      if (!equalBytes(groupRecipientsHash(crypto, keys), payload.recipientsHash)) return undefined
    }
    return {
      authority: this.authority(s, list === undefined ? account : toHex(list.account)),
      need,
      plain,
      strong: payload.kind === 'remove' || isLower || revokes.size > 0,
      revokes,
      onlyRevokes:
        list !== undefined && [...listed].every((key) => held?.devices.has(key) === true),
      recipients,
      voidPast,
    }
  }

  #judgeRoot(op: Op, account: Id, device: Id): Attributes | undefined {
    const { payload } = op
    if (payload.kind !== 'create' || this.valid.size > 0) return undefined
    const devices = payload.list.devices.map((cert) => toHex(cert.device)).sort()
    if (!equalBytes(payload.list.account, op.account) || !devices.includes(device)) return undefined
    return {
      authority: [-2, ...order(op), account],
      need: 0,
      plain: false,
      strong: false,
      revokes: new Set(),
      onlyRevokes: false,
      recipients: devices,
      voidPast: new Set(),
    }
  }

  #isWithin({ payload: { kind }, account }: Op, past: ReadonlySet<Id>, plain: boolean): boolean {
    const { group, member } = this.#limits
    const ops = this.#ops(past)
    const ranked = ops.filter((other) => !this.#attr(other).plain)
    if (ranked.length >= group[ALWAYS.includes(kind) ? 1 : 0]) return false
    const own = ops.filter((other) => this.#attr(other).plain && equalBytes(other.account, account))
    return !plain || own.length < member[['leave', 'devices'].includes(kind) ? 1 : 0]
  }

  #need({ payload }: Op, s: Folded, lowersItself: boolean): number {
    if (payload.kind === 'role') return lowersItself ? 0 : 2
    if (payload.kind === 'add') return (this.settings(s) & 2) === 0 ? 1 : 0
    return ['remove', 'carriage', 'meta'].includes(payload.kind) ? 1 : 0
  }

  #targetOk(op: Op, s: Folded, past: ReadonlySet<Id>, isLower: boolean): boolean {
    const { payload } = op
    const members = this.members(s)
    const account = toHex(op.account)
    const outranks = (target: Id): boolean =>
      compare(this.authority(s, account), this.authority(s, target)) < 0
    const extended = (): readonly Id[] | undefined => {
      if (payload.kind !== 'add' && payload.kind !== 'refresh') return undefined
      const id = toHex(payload.epochOp)
      const recipients = past.has(id) ? this.#attributes.get(id)?.recipients : undefined
      return recipients?.includes(toHex(op.device)) === true ? recipients : undefined
    }
    if (payload.kind === 'add') {
      if (payload.newcomers.some((row) => members.includes(toHex(row.account)))) return false
      return extended() !== undefined
    }
    if (payload.kind === 'refresh') {
      const all = this.devices(s)
      return extended() !== undefined && payload.devices.every((d) => all.includes(toHex(d)))
    }
    if (payload.kind === 'remove') {
      const target = toHex(payload.target)
      return members.includes(target) && outranks(target)
    }
    if (payload.kind === 'role') {
      const target = toHex(payload.target)
      if (!members.includes(target) || this.role(s, target) === payload.role) return false
      return !isLower || target === account || outranks(target)
    }
    if (payload.kind === 'devices') {
      const of = toHex(payload.list.account)
      if (!members.includes(of)) return false
      const held = this.list(s, of)
      if (held === undefined || payload.list.version > held.version) return true
      return payload.list.version === held.version && !held.hashes.has(toHex(payload.list.hash))
    }
    return true
  }

  #recipients({ payload }: Op, after: Folded): readonly Id[] {
    if (payload.kind === 'add' || payload.kind === 'refresh') {
      const extended = this.#attributes.get(toHex(payload.epochOp))?.recipients ?? []
      const more =
        payload.kind === 'refresh'
          ? payload.devices.map(toHex)
          : payload.newcomers.flatMap((row) => [
              ...(this.list(after, toHex(row.account))?.devices ?? []),
            ])
      return [...new Set([...extended, ...more])].sort()
    }
    return ['create', 'remove', 'rotate', 'merge'].includes(payload.kind) ? this.devices(after) : []
  }
}
