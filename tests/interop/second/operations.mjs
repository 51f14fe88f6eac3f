// §19.1, §19.2, §19.5, §19.6: signed operations, which of them are valid, and whom they are for.
import {
  H,
  L,
  decode,
  demand,
  encode,
  hex,
  none,
  order,
  same,
  sign,
  textOf,
  verify,
  zeros,
} from './basics.mjs'
import { readList } from './identity.mjs'
import {
  KIND,
  byOrder,
  devicesOf,
  endsMember,
  grants,
  isGreater,
  isLowering,
  latest,
  needOf,
  revokes,
  stateOf,
} from './membership.mjs'

const { create, add, remove, leave, role, rotate, refresh, devices, carriage, meta, merge } = KIND
export const FRESH = [create, remove, rotate, merge]
export const DERIVED = [add, refresh]

// ---- The form (§19.1)
const bytes = (n) => (x) => x instanceof Uint8Array && (n === undefined || x.length === n)
const b32 = bytes(32)
const until =
  (to, from = 0) =>
  (x) =>
    Number.isInteger(x) && x >= from && x <= to
const tuple =
  (...fields) =>
  (x) =>
    Array.isArray(x) && x.length === fields.length && fields.every((is, i) => is(x[i]))
const some = (from, to, is) => (x) =>
  Array.isArray(x) && x.length >= from && x.length <= to && x.every((item) => is(item))
const ascending = (from, to, is) => (x) =>
  some(from, to, is)(x) && x.every((item, i) => i === 0 || order(first(x[i - 1]), first(item)) < 0)
const first = (item) => (Array.isArray(item) ? item[0] : item)
const either = (is, or) => (x) => is(x) || or(x)

const ENTRY_N = 2 ** 48
const nth = until(ENTRY_N, 1)
const addr = (x) => bytes()(x) && x.length >= 2 && x.length <= 128
const relaysOf = (x) =>
  some(0, 3, tuple(b32, some(1, 4, addr)))(x) &&
  new Set(x.map(([key]) => hex(key))).size === x.length
const cutOf = ascending(0, 64, tuple(b32, nth, b32))
const nameOf = (x) => bytes()(x) && x.length <= 256 && textOf(x) !== null
const newcomer = tuple(b32, bytes(), either(b32, bytes(0)))
const FORMS = {
  [create]: tuple(b32, nameOf, until(65_535), bytes(), relaysOf, b32),
  [add]: tuple(
    b32,
    ascending(1, 16, newcomer),
    ascending(0, 16, tuple(b32, until(ENTRY_N))),
    b32,
    b32,
  ),
  [remove]: tuple(b32, cutOf, until(255), b32),
  [leave]: tuple(cutOf),
  [role]: tuple(b32, until(2)),
  [rotate]: tuple(until(ENTRY_N), b32),
  [refresh]: tuple(b32, ascending(1, 16, b32), b32),
  [devices]: tuple(bytes(), cutOf),
  [carriage]: tuple(relaysOf),
  [meta]: (x) => tuple(nameOf, until(65_536))(x) && (x[0].length > 0 || x[1] > 0),
  [merge]: tuple(until(ENTRY_N), b32),
}
const parentsOf = ascending(0, 16, tuple(b32, until(2 ** 32)))
const PARENTS = { [create]: [0, 0], [merge]: [2, 16] }
const commitLength = (kind) => (FRESH.includes(kind) ? 64 : DERIVED.includes(kind) ? 32 : 0)

function listsIn(kind, payload) {
  if (kind === create) return [readList(payload[3])]
  if (kind === devices) return [readList(payload[0])]
  return kind === add ? payload[1].map(([, list]) => readList(list)) : []
}

/** An operation of the right form, with a signature that holds. Its place in a history is not judged. */
export function readOp(op) {
  demand(op.length <= 57_344)
  const [core, commit, sig, ...nothing] = decode(op)
  const [one, g, kind, parents, ak, dk, seq, lamport, payload, ...more] = decode(core)
  demand(one === 1 && nothing.length === 0 && more.length === 0 && b32(g) && b32(ak) && b32(dk))
  demand([seq, lamport].every(until(2 ** 32, 1)) && until(65_535, 1)(kind) && parentsOf(parents))
  const [least, most] = PARENTS[kind] ?? [1, 16]
  demand(parents.length >= least && parents.length <= most)
  demand((kind === create) === same(g, zeros(32)) && Array.isArray(payload))
  if (FORMS[kind]) demand(FORMS[kind](payload) && commit.length === commitLength(kind))
  demand(commit.length <= 255)
  const lists = listsIn(kind, payload)
  if (kind === create) demand(same(lists[0].ak, ak))
  if (kind === add) demand(lists.every((list, i) => same(list.ak, payload[1][i][0])))
  const coreHash = H(L('g-op-core'), core)
  const id = H(L('g-op'), coreHash, commit)
  verify(dk, 'group-op', id, sig)
  const fields = { g, gid: kind === create ? id : g, kind, parents, ak, dk, seq, lamport, payload }
  return { bytes: op, id, key: hex(id), coreHash, commit, lists, ...fields }
}

const rcptOf = (dks) => H(L('g-rcpt'), ...dks)

/** The operations of one group, as far as they are valid. */
export class Operations {
  held = new Map()
  #waiting = new Map()

  #limits

  /** The limits of rule 12, each for most kinds and for those with the larger one. */
  constructor(gid, limits = { group: [4096, 8192], member: [1024, 2048] }) {
    this.gid = gid
    this.#limits = limits
  }
  get all() {
    return [...this.held.values()]
  }
  get heads() {
    return latest(this.all)
  }
  /** The state at the heads. */
  get now() {
    return stateOf(this.all)
  }
  past(o, itself = false) {
    return this.all.filter((r) => o.past.has(r.key) || (itself && r === o))
  }
  at(o) {
    return stateOf(this.past(o, true))
  }
  get = (id) => this.held.get(hex(id))

  /** Takes operations in any order; gives those that are valid from now on. */
  take(many) {
    for (const op of many.map(readOp))
      if (same(op.gid, this.gid) && !this.held.has(op.key)) this.#waiting.set(op.key, op)
    const taken = []
    const isReady = ({ parents }) => parents.every(([id]) => this.held.has(hex(id)))
    for (let next; (next = [...this.#waiting.values()].find(isReady));) {
      this.#waiting.delete(next.key)
      this.#judge(next)
      this.held.set(next.key, next)
      taken.push(next)
    }
    return taken
  }
  get isWaiting() {
    return this.#waiting.size > 0
  }

  /** §19.2 */
  #judge(o) {
    const rule = (holds, n) => demand(holds, `not valid by rule ${n}`)
    const parents = o.parents.map(([id]) => this.get(id))
    o.past = new Set(parents.flatMap((p) => [...p.past, p.key]))
    const past = this.all.filter((r) => o.past.has(r.key))
    const s = (o.s = stateOf(past))
    rule(
      o.parents.every(([, lamport], i) => parents[i].lamport === lamport),
      3,
    )
    rule(o.lamport === 1 + Math.max(0, ...parents.map((p) => p.lamport)), 3)
    rule(o.kind !== create || this.held.size === 0, 3)
    rule(!parents.some((p) => o.past.has(p.key) && parents.some((r) => r.past.has(p.key))), 4)
    const own = past.filter((r) => same(r.dk, o.dk)).map(({ seq }) => seq)
    rule(o.seq === 1 + Math.max(0, ...own), 5)
    const by = s.members.get(hex(o.ak))
    const devicesBy =
      o.kind === create ? o.lists[0].devices.map((d) => d[1]) : by?.devices.map((d) => d.dk)
    rule(
      devicesBy?.some((dk) => same(dk, o.dk)),
      6,
    )
    rule(o.kind === create || by.role >= needOf(o), 6)
    if (o.kind === add) rule(!o.lists.some(({ ak }) => s.members.has(hex(ak))), 7)
    if (o.kind === refresh)
      rule(
        o.payload[1].every((dk) => devicesOf(s).some((device) => same(device.dk, dk))),
        7,
      )
    if (DERIVED.includes(o.kind)) {
      const below = o.past.has(hex(o.payload[0])) && this.get(o.payload[0])
      rule(below && below.recipients?.some((dk) => same(dk, o.dk)), 7)
    }
    if (o.kind === remove || o.kind === role) {
      const to = s.members.get(hex(o.payload[0]))
      rule(to && (o.kind === remove || to.role !== o.payload[1]), 8)
      const mustBeGreater = o.kind === remove || (isLowering(o) && to !== by)
      rule(!mustBeGreater || isGreater(by, to), 8)
    }
    if (o.kind === devices) rule(this.#bringsNews(o), 9)
    const after = () => stateOf([...past, o])
    this.held.set(o.key, o)
    o.recipients = this.#recipients(o, after)
    this.held.delete(o.key)
    if (o.recipients) rule(same(o.payload.at(-1), rcptOf(o.recipients)), 10)
    const isBound = [remove, leave, rotate, refresh, devices, merge].includes(o.kind)
    const ranked = past.filter(({ isPlain }) => !isPlain)
    rule(ranked.length < this.#limits.group[isBound ? 1 : 0], 12)
    o.isPlain = o.kind !== create && by.role === 0
    const ownPlain = past.filter(({ isPlain, ak }) => isPlain && same(ak, o.ak))
    const most = this.#limits.member[o.kind === leave || o.kind === devices ? 1 : 0]
    rule(!o.isPlain || ownPlain.length < most, 12)
    if (o.kind === create || o.kind === add) rule(after().members.size <= 1000, 12)
    rule((o.recipients ?? []).length <= 4096 || FRESH.includes(o.kind), 12)
  }
  #bringsNews(o) {
    const [list] = o.lists
    const held = o.s.members.get(hex(list.ak))
    if (!held || list.version !== held.version) return held && list.version > held.version
    if (!held.hashes.includes(hex(list.hash))) return true
    const cutAt = (r, key) => r.payload[1].find(([dk]) => hex(dk) === key)?.[1] ?? 0
    const alike = held.listOps.filter(({ kind }) => kind === devices)
    return revokes(o).some((key) => alike.every((r) => cutAt(o, key) > cutAt(r, key)))
  }
  /** §19.6, ascending; nothing where no epoch is made. */
  #recipients(o, after) {
    const ascend = (keys) =>
      [...new Map(keys.map((key) => [hex(key), key])).values()].toSorted(order)
    const all = () => devicesOf(after()).map(({ dk }) => dk)
    if (FRESH.includes(o.kind)) return ascend(all())
    if (!DERIVED.includes(o.kind)) return undefined
    const below = this.get(o.payload[0]).recipients
    const added = () =>
      o.lists.flatMap(({ ak }) =>
        after()
          .members.get(hex(ak))
          .devices.map(({ dk }) => dk),
      )
    return ascend([...below, ...(o.kind === add ? added() : o.payload[1])])
  }
  /** An own operation; commitOf makes the commitment of { g, kind, coreHash } of a fresh one. */
  make(me, kind, payload, commitOf) {
    const { parents, seq, lamport } = this.#place(me)
    const sealed = (fields) => {
      const about = [parents, me.list.ak, me.dk.publicKey, seq, lamport, fields]
      const core = encode([1, this.gid, kind, ...about])
      const coreHash = H(L('g-op-core'), core)
      const commit = commitOf ? commitOf({ g: this.gid, kind, coreHash }) : none
      return encode([core, commit, sign(me.dk, 'group-op', H(L('g-op'), coreHash, commit))])
    }
    if (!commitOf) return sealed(payload)
    // Whom it is for does not depend on what it says of that itself.
    const draft = readOp(sealed([...payload, zeros(32)]))
    Object.assign(draft, { past: new Set(this.held.keys()), s: this.now })
    return sealed([
      ...payload,
      rcptOf(this.#recipients(draft, () => stateOf([...this.all, draft]))),
    ])
  }
  /** §19.6: whether to send in its epoch; heldOf tells how many entries of a device are held. */
  isEligible(o, heldOf) {
    const isRotation = ({ kind }) => kind === rotate || kind === merge
    const before = (r) =>
      this.past(r)
        .filter((q) => isRotation(q) && same(q.dk, r.dk))
        .toSorted(byOrder)
        .at(-1)
    const isEarned = (r) => {
      const [ownN] = r.payload
      return ownN - (before(r)?.payload[0] ?? 0) >= 512 && heldOf(r.dk) >= ownN
    }
    const isSpent = (r) => isRotation(r) && same(r.ak, o.ak) && !isEarned(r)
    const spent = this.past(o).toSorted(byOrder).slice(-32).filter(isSpent)
    const forks = this.all.some((r) => same(r.dk, o.dk) && this.#isForked(r))
    return !forks && spent.length <= Math.max(3, Math.ceil(64 / o.recipients.length))
  }
  #isForked = (o) => this.all.some((r) => r !== o && same(r.dk, o.dk) && r.seq === o.seq)
  lineageOf(o) {
    return FRESH.includes(o.kind) ? o : this.lineageOf(this.get(o.payload[0]))
  }

  /** At most 16 heads: one above the own last operation, then the highest of each author in turn. */
  #cited(me) {
    const heads = this.heads.toSorted(byOrder).toReversed()
    if (heads.length <= 16) return heads
    const own = this.all
      .filter((o) => same(o.dk, me.dk.publicKey))
      .toSorted((a, b) => b.seq - a.seq)
    const knowsOwn = (o) => own.length > 0 && (o === own[0] || o.past.has(own[0].key))
    const place = new Map(
      heads.map((o, i) => [o, heads.slice(0, i).filter(({ ak }) => same(ak, o.ak)).length]),
    )
    const sorted = heads.toSorted(
      (a, b) => place.get(a) - place.get(b) || Number(a.isPlain) - Number(b.isPlain),
    )
    const first = sorted.filter(knowsOwn).slice(0, 1)
    return [...first, ...sorted.filter((o) => !first.includes(o))].slice(0, 16)
  }

  /** What an own operation cites (§19.7). */
  #place(me) {
    const cited = this.#cited(me)
    const past = new Set(cited.flatMap((o) => [...o.past, o.key]))
    const own = this.all.filter((o) => past.has(o.key) && same(o.dk, me.dk.publicKey))
    const parents = cited
      .map(({ id, lamport }) => [id, lamport])
      .toSorted((a, b) => order(a[0], b[0]))
    const lamport = 1 + Math.max(...cited.map((o) => o.lamport))
    return { parents, lamport, seq: 1 + Math.max(0, ...own.map(({ seq }) => seq)) }
  }

  /** §19.5: 'valid', 'open', 'invalid', 'hidden' or 'after'. isWithin judges a row of a cut. */
  judgeEntry(entry, isWithin) {
    const op = this.get(entry.op)
    if (!op) return 'open'
    const P = this.past(op, true)
    const inP = stateOf(P)
    const has = ({ devices: held }) => held.some(({ dk }) => same(dk, entry.author))
    const of = [...inP.members.values()].filter(has).map(({ ak }) => ak)
    of.sort((a, b) => (a < b ? -1 : 1))
    const [X] = of
    if (X === undefined) return 'invalid'
    const stands = (o) => !this.now.isVoid.has(o.key)
    if (!P.some((o) => grants(o, X) && stands(o))) return 'hidden'
    const isOf = ({ ak }) => hex(ak) === X
    const beyond = (r) => P.filter((o) => !r.past.has(o.key))
    const listsOver = (r) => (o) =>
      o.lists.some(
        (l) =>
          isOf(l) &&
          l.version > r.lists[0].version &&
          l.devices.some((d) => same(d[1], entry.author)),
      )
    const ends = (r) =>
      endsMember(r, X)
        ? !beyond(r).some((o) => grants(o, X))
        : r.kind === devices &&
          isOf(r.lists[0]) &&
          revokes(r).includes(hex(entry.author)) &&
          !beyond(r).some(listsOver(r))
    const ending = this.all.filter((r) => stands(r) && ends(r))
    const cutRow = (r) => r.payload[r.kind === leave ? 0 : 1].find(([dk]) => same(dk, entry.author))
    const within = ending.some((r) => cutRow(r) && isWithin(entry, cutRow(r)))
    return ending.length === 0 || within ? 'valid' : 'after'
  }
}
