// The group part of a second Sotto, written from SPEC.md alone: it shares no code with the first one.
// `node second-group.mjs LINK [NAME]` joins a group by a link of `sotto group invite` through a relay, and
// lives in it. A line of stdin is a text to send, or an object with one of COMMANDS; a line of stdout
// what happened: both as JSON. It is one device in one group at one relay, and all is in memory.
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { randomBytes } from '@noble/hashes/utils.js'
import {
  H,
  L,
  attempt,
  cut,
  decode,
  demand,
  encode,
  frame,
  hex,
  none,
  nowS,
  same,
  sign,
  tell,
  textOf,
  utf8,
  verify,
} from './second/basics.mjs'
import {
  coalesceOf,
  commitOf,
  freshSecret,
  Keys,
  openMessage,
  openOps,
  sealMessage,
  sealOps,
} from './second/epochs.mjs'
import {
  cardItem,
  createDevice,
  inviteBox,
  inviteId,
  readBundle,
  readLink,
} from './second/identity.mjs'
import { ASKED, Control, FRONTIER, MEMBER } from './second/control.mjs'
import { GroupLog } from './second/group-log.mjs'
import { readEntry } from './second/log.mjs'
import { KIND, devicesOf, latest } from './second/membership.mjs'
import { FRESH, Operations, readOp } from './second/operations.mjs'
import { Peers } from './second/peers.mjs'
import { connect, createHost, openOwn, settle, takeBundle } from './second/relay.mjs'
import { Rings } from './second/rings.mjs'
import { innerIdOf } from './second/session.mjs'

const [, , LINK, NAME = 'Second'] = process.argv
const me = createDevice()
const [myAk, myDk] = [me.list.ak, me.dk.publicKey]
const link = readLink(LINK)
demand(link.ver === 0x11, 'no link of a group at a relay')
const isLinked = (serviceKey) =>
  same(H(L('service'), serviceKey).slice(0, 16), link.where.slice(16))

// ---- The group, from the join-ack on
let group = null
/** Frames that came before the group was known. */
const early = []

// ---- §21.2, §21.3 Joining
function takeJoinAck([, invite, state, gid]) {
  if (!same(invite, inviteId(link.secret))) return
  tell({ event: 'answer', state })
  if (state > 1 || group) return
  const operations = new Operations(gid)
  const [control, keys] = [new Control(me, gid), new Keys(operations)]
  // What waits: pages of a welcome, seeds, messages, texts. What is known: inner ids, names.
  const waits = { pages: new Map(), seeds: [], held: [], waiting: [] }
  const known = { taken: new Set(), names: new Map() }
  group = { gid, operations, control, keys, log: null, ...waits, ...known }
  for (const args of early.splice(0)) takeFrame(...args)
}
function takeWelcome([, , addId, E, G, , page, pages, rows]) {
  if (!group.pages.get(hex(addId))) group.pages.set(hex(addId), { E, G, pages, rows: [] })
  group.pages.get(hex(addId)).rows[page - 1] = rows
  enter()
}
/** Comes in once the welcome is complete. */
function enter() {
  if (group.log) return
  for (const [key, { E, G, pages, rows }] of group.pages) {
    const op = group.operations.held.get(key)
    if (!op || Object.keys(rows).length < pages) continue
    const [, , heads, baseHash] = op.payload
    const table = rows.flat()
    demand(same(H(L('g-base'), encode(table)), baseHash), 'another base')
    group.keys.take(op, 1, E, G)
    group.log = new GroupLog(heads, table)
    tellGroup('joined')
    moveOn()
    void say([group.control.frame(MEMBER, [[forGroup], [], [1, me.seal.publicKey], utf8(NAME)])])
  }
}
function tellGroup(event, by = []) {
  const now = group.operations.now
  const members = Object.fromEntries([...now.members].map(([ak, { role }]) => [ak, role]))
  tell({ event, name: textOf(now.name), members, kinds: by.map(({ kind }) => kind) })
}
const isMember = () => group.operations.now.members.has(hex(myAk))

// ---- §19, §20: operations and seeds in, epochs out
function takeOps(many) {
  const before = group.operations.heads.length > 0 && isMember()
  const taken = group.operations.take(many)
  if (taken.length === 0) return
  enter()
  if (!group.log) return
  moveOn()
  tellGroup('group', taken)
  if (before && !isMember()) tell({ event: 'out' })
}
function takeSeed(peer, [, bytes, secretKind, secret, G]) {
  group.seeds.push({ op: readOp(bytes), secretKind, secret, G })
  takeOps([bytes])
  moveOn()
  if (group.operations.isWaiting) askOps(peer)
}
const askOps = (peer) =>
  send(peer, frame(0x1081, [1, group.gid, group.operations.heads.map((o) => [o.id, o.lamport])]))

/** Makes every epoch that can be made, then reads what was held for it. */
function moveOn() {
  const { operations, keys } = group
  if (!group.log) return
  const known = keys.epochs.size
  for (const op of operations.all.toSorted((a, b) => a.lamport - b.lamport)) keys.derive(op)
  const waits = ({ op: { id }, secretKind, secret, G }) => {
    const op = operations.get(id)
    if (op) attempt(() => keys.take(op, secretKind, secret, G), unread)
    return !op
  }
  group.seeds = group.seeds.filter(waits)
  if (keys.epochs.size > known) tell({ event: 'epochs', count: keys.epochs.size })
  for (const lineage of keys.lineages.values()) void rings.follow(lineage, myDk)
  const held = group.held.splice(0)
  for (const message of held) takeGroupMessage(message)
  for (const go of group.waiting.splice(0)) go()
}

// ---- §21.7 Receiving
function takeGroupMessage(message) {
  if (group.taken.has(hex(innerIdOf(message)))) return
  const isRead = attempt(() => (message[0] === 0x22 ? readOps(message) : read(message)), unread)
  if (isRead === false) group.held.push(message)
  else group.taken.add(hex(innerIdOf(message)))
}
const unread = (why) => void tell({ event: 'unread', why })
function readOps(message) {
  const ops = openOps(group.keys, message)
  if (ops) takeOps(ops)
  return ops !== null
}
function read(message) {
  const opened = openMessage(group.keys, message)
  if (!opened) return false
  const { epoch, dk, frames, keep } = opened
  const parts = frames.map(([kind, body]) => [kind, decode(body)])
  for (const [kind, object] of parts) if (kind !== 0x1000) group.control.verify(dk, kind, object)
  const entries = parts
    .filter(([kind]) => kind === 0x1000)
    .map(([, fields]) => {
      const entry = readEntry(fields, [group.gid, epoch.op.id, dk])
      demand(same(entry.conv, group.gid) && same(entry.author, dk))
      verify(dk, 'group-entry', entry.id, fields[4])
      return { ...entry, sig: fields[4] }
    })
  if (entries.some(({ op }) => !group.operations.get(op))) return false
  keep()
  for (const entry of entries) takeEntry(entry)
  for (const [kind, object] of parts) if (kind !== 0x1000) takeControl(dk, kind, object)
  return true
}
function takeEntry(entry) {
  const { id, n, text, author } = entry
  if (group.log.has(id)) return
  const verdict = group.operations.judgeEntry(entry, group.log.isWithin)
  demand(verdict !== 'open' && verdict !== 'invalid', `an entry that is ${verdict}`)
  group.log.add(entry)
  const closed = !group.log.isOpen(entry)
  const from = group.names.get(hex(author)) ?? hex(author)
  const shown = { event: 'text', id: hex(id), n, from, closed, text }
  if (verdict === 'valid' && text !== null) tell(shown)
  oweFrontier()
}

// ---- §20.5 Control objects
function takeControl(dk, kind, object) {
  const { fields, isLatest } = group.control.take(dk, object) ?? {}
  if (!fields) return
  if (kind === FRONTIER) takeFrontier(fields)
  if (kind === ASKED) answerAsked()
  if (kind === MEMBER && isLatest) takeMember(dk, fields)
}
function takeMember(dk, [mailboxes, , sealKey, name]) {
  group.names.set(hex(dk), textOf(name))
  tell({ event: 'member', name: textOf(name), dk: hex(dk) })
  const owner = ownerOf(dk)
  const here = mailboxes.find(([serviceKey]) => same(serviceKey, at.serviceKey))
  if (owner && here && !same(dk, myDk))
    peers.reach(peers.of(dk, Buffer.from(owner, 'hex')), here, sealKey)
}
/** The account of which a device is, in hex. */
function ownerOf(dk) {
  const has = ({ devices }) => devices.some((device) => same(device.dk, dk))
  return [...group.operations.now.members.values()].find(has)?.ak
}

// ---- §21.8 Evidence
function takeFrontier([opId, , held]) {
  const op = group.operations.get(opId)
  for (const [devIdx, n] of op?.recipients ? held : []) {
    if (!same(op.recipients[devIdx] ?? none, myDk)) continue
    for (const entry of group.log.upTo(myDk, n).filter(({ delivered }) => !delivered)) {
      entry.delivered = true
      tell({ event: 'delivered', id: hex(entry.id) })
    }
  }
}
/** 2 s after a change, and 30 s after the last for each ten members. */
function oweFrontier() {
  const between = 30_000 * Math.ceil(group.operations.now.members.size / 10)
  sayFrontier(Math.max(2000, (group.frontierAt ?? 0) + Math.min(between, 300_000) - Date.now()))
}
/** About 16 devices answer, within a minute, and 5 min after their last one at the earliest. */
function answerAsked() {
  if (Math.random() >= 16 / Math.max(1, devicesOf(group.operations.now).length - 1)) return
  const earliest = Math.max(0, (group.frontierAt ?? 0) + 300_000 - Date.now())
  sayFrontier(earliest + 60_000 * Math.random())
}
function sayFrontier(wait) {
  group.frontier ??= setTimeout(wait).then(() => {
    Object.assign(group, { frontier: null, frontierAt: Date.now() })
    const epoch = isMember() && toSendIn()
    if (!epoch) return
    const counts = epoch.op.recipients.map((dk, i) => [i, same(dk, myDk) ? 0 : group.log.run(dk)])
    const heads = group.operations.heads.slice(0, 4).map(({ id }) => id)
    const held = counts.filter(([, n]) => n > 0)
    const fields = [epoch.op.id, group.log.run(myDk), held, [], [], heads]
    void say([group.control.frame(FRONTIER, fields)], ({ lineage }) => coalesceOf(lineage, myDk))
  })
}

// ---- §20.8, §21.5 Sending
const toSendIn = () =>
  group.keys.toSendIn(devicesOf(group.operations.now), myDk, (dk) => group.log.run(dk))
/** Frames in a group message; resolves once the relay signed for it. */
async function say(frames, coalesce) {
  const epoch = toSendIn()
  if (epoch)
    return carry(epoch.lineage, sealMessage(epoch, myDk, frames), coalesce && coalesce(epoch))
  await new Promise((resolve) => group.waiting.push(resolve))
  return say(frames, coalesce)
}
async function carry(lineage, message, coalesce) {
  group.taken.add(hex(innerIdOf(message)))
  await rings.put(lineage, myDk, message, coalesce)
}
async function write(text, isKept = false) {
  const epoch = toSendIn()
  if (!isMember()) return tell({ event: 'refused' })
  if (!epoch) return void group.waiting.push(() => write(text))
  const { op } = epoch
  const entry = group.log.next([group.gid, op.id, myDk], text)
  const { id, elided, salt, body, header } = entry
  const sig = sign(me.dk, 'group-entry', id)
  group.log.add({ ...entry, sig, op: op.id, prev: header[5], reason: 0 })
  tell({ event: 'sent', id: hex(id) })
  if (!isKept) await say([frame(0x1000, [encode(elided), 0, salt, body, sig])])
}

// ---- §21.4 Own operations
function operate(kind, payload, isKept = false) {
  const seed = randomBytes(32)
  const commit = (op) => commitOf(op, freshSecret(op, seed))
  const isFresh = FRESH.includes(kind)
  const bytes = group.operations.make(me, kind, payload, isFresh ? commit : undefined)
  const gone = kind === KIND.remove ? group.operations.now.members.get(hex(payload[0])).devices : []
  const below = latest([...group.keys.lineages.values()].map(({ root }) => root))
  if (isFresh) group.seeds.push({ op: readOp(bytes), secretKind: 0, secret: seed })
  takeOps([bytes])
  const op = group.operations.get(readOp(bytes).id)
  for (const dk of isFresh ? op.recipients : [])
    if (!same(dk, myDk)) numbered(dk, 0x1180, [bytes, 0, seed, none])
  for (const { dk } of gone) send(peerOf(dk), frame(0x1082, [1, group.gid, [bytes], 0]))
  for (const { key } of isKept ? [] : below)
    void carry(group.keys.lineages.get(key), sealOps(group.keys.lineages.get(key), [op]))
}
const deviceNamed = (name) => unhex([...group.names].find(([, known]) => known === name)[0])
/** Reads again whatever the mailboxes hold that are known to it. */
async function drain() {
  await rings.drain()
  tell({ event: 'drained', held: group.held.length, order: group.log.order })
}
const COMMANDS = {
  drain,
  /** Writes, and renames, what nobody hears of but by asking. */
  keep: (text) => write(text, true),
  keepName: (name) => operate(KIND.meta, [utf8(name), 0], true),
  /** Asks a member for entries by number (§10.2). */
  ask([name, from, to]) {
    const dk = deviceNamed(name)
    send(peerOf(dk), frame(0x1006, [1, 1, group.gid, [[dk, from, to]], []]))
  },
  rename: (name) => operate(KIND.meta, [utf8(name), 0]),
  rotate: () => operate(KIND.rotate, [group.log.run(myDk)]),
  leave: () => operate(KIND.leave, [group.log.cut([myDk])]),
  remove(name) {
    const { ak, devices } = group.operations.now.members.get(ownerOf(deviceNamed(name)))
    operate(KIND.remove, [unhex(ak), group.log.cut(devices.map(({ dk }) => dk)), 0])
  },
}
const unhex = (text) => Uint8Array.from(Buffer.from(text, 'hex'))

// ---- §20.9 Frames over sessions
const peerOf = (dk) => peers.of(dk, unhex(ownerOf(dk) ?? ''))
const send = (peer, ...frames) => peers.post(peer, frames)
function numbered(dk, kind, fields) {
  const peer = peerOf(dk)
  send(peer, frame(kind, [++peer.c, ...fields]))
}
const TAKEN = [0x1000, 0x1006, 0x1007, 0x1080, 0x1081, 0x1082, 0x1087, 0x1180, 0x1181]
function takeFrame(peer, kind, body) {
  if (kind === 0) return unread(body)
  if (kind === 0x1182) return takeJoinAck(decode(body))
  if (!TAKEN.includes(kind)) return
  if (!group) return void early.push([peer, kind, body])
  const fields = decode(body)
  if (kind === 0x1180) takeSeed(peer, fields)
  if (kind === 0x1181 && same(fields[1], group.gid)) takeWelcome(fields)
  if (kind === 0x1000) takeWhole(fields)
  if (kind === 0x1006 && same(fields[2], group.gid)) serve(peer, fields)
  if (kind === 0x1007) takePage(fields)
  if (kind < 0x1080 || kind > 0x1087 || !same(fields[1], group.gid)) return
  if (kind === 0x1082) takeOps(fields[2])
  if (kind === 0x1081) answerOps(peer, fields[2])
  if (kind === 0x1087) for (const [dk, object] of fields[2]) takeHandedOn(dk, decode(object))
}
function takeHandedOn(dk, object) {
  group.control.verify(dk, MEMBER, object)
  takeControl(dk, MEMBER, object)
}
/** An entry that says all of itself: its signature vouches, whoever brings it. */
function takeWhole(fields) {
  const entry = readEntry(fields, [none, none, none])
  if (!same(entry.conv, group.gid)) return entry
  verify(entry.author, 'group-entry', entry.id, fields[4])
  takeEntry({ ...entry, sig: fields[4] })
  return entry
}
function answerOps(peer, heads) {
  const named = heads.map(([id]) => group.operations.get(id)).filter(Boolean)
  const lacks = (o) => !named.some((head) => head === o || head.past.has(o.key))
  const ops = group.operations.all.filter(lacks).map(({ bytes }) => bytes)
  send(peer, frame(0x1082, [1, group.gid, ops, 0]))
}
/** §10.2: what was asked for. */
function takePage([, , , , entries]) {
  const taken = entries.map((fields) => takeWhole(fields))
  const reasons = Object.fromEntries(taken.map(({ id, reason }) => [hex(id), reason]))
  tell({ event: 'page', reasons })
}
/** §10.2, §21.8: entries that a member asks for. */
function serve(peer, [, req, , ranges, ids]) {
  const { operations, log } = group
  const isFor = ({ op }) => operations.at(operations.get(op)).members.has(hex(peer.ak))
  send(peer, frame(0x1007, [1, req, 1, 0, log.page(ranges, ids, isFor), []]))
}

// ---- The program
const at = await connect(await createHost(), link.addr, isLinked, ([code, id, items]) => {
  for (const [, envId, , , , , env] of code === 1 ? items : []) {
    attempt(() => peers.receive(env, id), unread)
    void settle(at, id, envId, env)
  }
})
const rings = await Rings.open(link.addr, isLinked, takeGroupMessage)
const mailboxRow = await openOwn(at, me)
const [mailbox, forGroup] = [mailboxRow(), mailboxRow()]
const peers = new Peers(me, at, { name: NAME, mailbox, take: takeFrame })
await at.call([13, mailbox[2], nowS(), cardItem(me, mailbox)]) // CARD.PUT
const [linkMailbox] = cut(link.where, 16)
const box = inviteBox(link.secret, linkMailbox)
const place = { serviceKey: at.serviceKey, mailboxId: linkMailbox }
send(peers.meet(readBundle(place, link.ak, await takeBundle(at, box)), box, link.secret))
const input = createInterface({ input: process.stdin })
input.on('line', (line) => {
  const said = JSON.parse(line)
  if (typeof said === 'string') void write(said)
  else for (const [command, value] of Object.entries(said)) COMMANDS[command](value)
})
input.on('close', () => process.exit(0))
