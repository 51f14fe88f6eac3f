// §19.3, §19.4: what a set of operations amounts to. Pure: operations in, members out. An operation
// has key (its id in hex), past (a Set of keys), s (the state of its past) and what §19.1 says.
import { hex, order } from './basics.mjs'

export const KIND = {
  create: 1,
  add: 2,
  remove: 3,
  leave: 4,
  role: 5,
  rotate: 6,
  refresh: 7,
  devices: 8,
  carriage: 9,
  meta: 10,
  merge: 11,
}
export const byOrder = (a, b) => a.lamport - b.lamport || order(a.id, b.id)
/** Those that no other of them has in its past. */
export const latest = (ops) => ops.filter((o) => !ops.some((other) => other.past.has(o.key)))
const areConcurrent = (a, b) => a !== b && !a.past.has(b.key) && !b.past.has(a.key)

const author = (o) => hex(o.ak)
const target = (o) => hex(o.payload[0])
const dksOf = (list) => list.devices.map(([, dk]) => hex(dk))
export const grants = (o, ak) =>
  (o.kind === KIND.create || o.kind === KIND.add) && o.lists.some((list) => hex(list.ak) === ak)
export const endsMember = (o, ak) =>
  (o.kind === KIND.remove && target(o) === ak) || (o.kind === KIND.leave && author(o) === ak)

/** §19.3: the device list of an account, and the operations that brought it. */
function listOf(T, ak) {
  const brought = T.flatMap((op) => op.lists.map((list) => ({ op, list })))
  const own = brought.filter(({ list }) => hex(list.ak) === ak)
  const version = Math.max(...own.map(({ list }) => list.version))
  const highest = own.filter(({ list }) => list.version === version)
  const lists = highest.map(({ list }) => list)
  const inAll = ([, dk]) => lists.every((list) => dksOf(list).includes(hex(dk)))
  return {
    version,
    hashes: lists.map(({ hash }) => hex(hash)),
    devices: lists[0].devices.filter(inAll).map(([, dk, ddh]) => ({ key: hex(dk), dk, ddh })),
    listOps: highest.map(({ op }) => op),
  }
}

function memberOf(T, ak) {
  const ends = T.filter((o) => endsMember(o, ak))
  const isCurrent = (o) => grants(o, ak) && !ends.some((end) => end.past.has(o.key))
  const current = T.filter(isCurrent)
  if (current.length === 0) return null
  const rests = (o) => current.some((grant) => o.past.has(grant.key))
  const isRole = (o) => o.kind === KIND.role && target(o) === ak
  const roles = latest(T.filter((o) => isRole(o) && rests(o)))
  const unsaid = current.some(({ kind }) => kind === KIND.create) ? 2 : 0
  const role = roles.length > 0 ? Math.min(...roles.map(({ payload }) => payload[1])) : unsaid
  const giving = roles.length > 0 ? roles.filter(({ payload }) => payload[1] === role) : current
  const [determining] = giving.toSorted(byOrder)
  return { ak, role, current, giving, determining, ...listOf(T, ak) }
}
const compare = (a, b) => Number(a > b) - Number(a < b)
/** Greatest authority first. */
const byAuthority = (a, b) =>
  b.role - a.role || byOrder(a.determining, b.determining) || compare(a.ak, b.ak)
export const isGreater = (a, b) => byAuthority(a, b) < 0

/** §19.3: members, roles, lists, name, settings and relays of operations that stand. */
function amountsTo(T) {
  const accounts = new Set(T.flatMap(({ lists }) => lists.map((list) => hex(list.ak))))
  const found = [...accounts].map((ak) => memberOf(T, ak)).filter((member) => member !== null)
  found.sort(byAuthority)
  if (found.length > 0 && found[0].role < 2) found[0].role = 2
  const last = (sets) => latest(T.filter(sets)).toSorted(byOrder).at(-1)
  const isCreate = ({ kind }) => kind === KIND.create
  const isMeta = ({ kind }) => kind === KIND.meta
  const named = last((o) => isCreate(o) || (isMeta(o) && o.payload[0].length > 0))
  const set = last((o) => isCreate(o) || (isMeta(o) && o.payload[1] > 0))
  const settings = set && (isCreate(set) ? set.payload[2] : set.payload[1] - 1)
  const name = named && named.payload[isCreate(named) ? 1 : 0]
  const carrying = latest(T.filter((o) => isCreate(o) || o.kind === KIND.carriage))
  const relays = carrying.toSorted(byOrder).map((o) => o.payload[isCreate(o) ? 4 : 0])
  const members = new Map(found.map((member) => [member.ak, member]))
  return { members, name, settings, written: relays.at(-1) ?? [], read: relays.flat() }
}
export const devicesOf = (state) => [...state.members.values()].flatMap(({ devices }) => devices)

/** The rank that an operation needs, by the state of its past (§19.1). */
export function needOf({ kind, payload, ak, s }) {
  if (kind === KIND.add) return (s.settings & 2) === 2 ? 0 : 1
  if (kind === KIND.role) return same(payload[0], ak) && isBelow(payload, s) ? 0 : 2
  return [KIND.remove, KIND.carriage, KIND.meta].includes(kind) ? 1 : 0
}
const same = (a, b) => order(a, b) === 0
const isBelow = ([ak, role], s) => role < (s.members.get(hex(ak))?.role ?? 0)
export const isLowering = ({ kind, payload, s }) => kind === KIND.role && isBelow(payload, s)

/** The devices that a devices operation revokes (§19.4). */
export function revokes({ kind, lists: [list], s }) {
  if (kind !== KIND.devices) return []
  const before = s.members.get(hex(list.ak))
  const were = [...before.devices.map(({ key }) => key), ...list.revoked.map(hex)]
  return were.filter((key) => !dksOf(list).includes(key))
}
const isStrong = (o) => o.kind === KIND.remove || isLowering(o) || revokes(o).length > 0
const accountOf = (o) => (o.kind === KIND.devices ? hex(o.lists[0].ak) : author(o))
const authorityOf = (o) => o.s.members.get(accountOf(o))

function addsNoDevice({ kind, lists: [list], s }) {
  if (kind !== KIND.devices) return false
  const held = s.members.get(hex(list.ak)).devices.map(({ key }) => key)
  return dksOf(list).every((key) => held.includes(key))
}
function hits(p, q) {
  if (!areConcurrent(p, q) || q.kind === KIND.leave || addsNoDevice(q)) return false
  if (p.kind === KIND.remove) return target(p) === author(q)
  if (isLowering(p)) return target(p) === author(q) && p.payload[1] < needOf(q)
  return accountOf(p) === author(q) && revokes(p).includes(hex(q.dk))
}

/** §19.4: S without its largest closed proper subset that is in the past of all the rest. */
function blockOf(S) {
  const block = new Set(latest(S).slice(0, 1))
  for (const o of block) for (const r of S) if (!o.past.has(r.key)) block.add(r)
  return block
}

const decided = new Map()
/** The state of a closed set of valid operations, an array. */
export function stateOf(S) {
  const name = latest(S)
    .map(({ key }) => key)
    .toSorted()
    .join()
  if (!decided.has(name)) decided.set(name, decide(S))
  return decided.get(name)
}

function decide(S) {
  if (S.length === 0) return { isVoid: new Set(), ...amountsTo([]) }
  const B = blockOf(S)
  const C = S.filter((o) => !B.has(o))
  const isVoid = new Set(stateOf(C).isVoid)
  const firm = new Set()
  const standing = []
  const isSeen = (q, r) =>
    q.past.has(r.key) && !isVoid.has(r.key) && (!B.has(r) || firm.has(r) || !q.s.isVoid.has(r.key))
  const seen = (q) => amountsTo(S.filter((r) => isSeen(q, r)))
  function isEntitled(q) {
    const member = seen(q).members.get(author(q))
    return member && member.role >= needOf(q) && member.devices.some(({ dk }) => same(dk, q.dk))
  }
  function pin(p) {
    if (!B.has(p) || firm.has(p)) return
    const { current, giving, listOps } = seen(p).members.get(author(p))
    firm.add(p)
    for (const r of [...current, ...giving, ...listOps]) pin(r)
  }
  const devicesFirst = (o) => (o.kind === KIND.devices ? 0 : 1)
  const byRank = (a, b) =>
    byAuthority(authorityOf(a), authorityOf(b)) ||
    devicesFirst(a) - devicesFirst(b) ||
    byOrder(a, b)
  for (const p of [...B].filter(isStrong).toSorted(byRank)) {
    if (isVoid.has(p.key)) continue
    pin(p)
    standing.push(p)
    const isOut = (r) => r.kind === KIND.remove && target(r) === accountOf(p) && areConcurrent(r, p)
    const isFree = (q) => !isVoid.has(q.key) && !firm.has(q)
    if (!(p.kind === KIND.devices && standing.some(isOut)))
      for (const q of [...B].filter((o) => isFree(o) && hits(p, o))) isVoid.add(q.key)
    for (const q of [...B].toSorted(byOrder)) if (isFree(q) && !isEntitled(q)) isVoid.add(q.key)
  }
  return { isVoid, ...amountsTo(S.filter((o) => !isVoid.has(o.key))) }
}
