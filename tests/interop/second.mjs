// A second Sotto, written from SPEC.md alone. It shares no code with the first one. § numbers are
// those of SPEC.md. `node second.mjs LINK` accepts a link of `sotto invite` through a relay or on a
// direct stream; a line of stdin is a text to send, a line of stdout what happened, both as JSON.
// It is one device with one contact of one device and one relay, and it keeps everything in memory.
// It begins sessions only: it offers no prekeys with which somebody could begin one.
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import {
  H,
  L,
  LADDER,
  attempt,
  cat,
  cut,
  decode,
  demand,
  encode,
  frame,
  hex,
  none,
  nowS,
  number,
  same,
  tell,
  u16,
  u32,
  u8,
  unLP,
  zeros,
} from './second/basics.mjs'
import {
  contactBox,
  createDevice,
  introOf,
  inviteBox,
  inviteId,
  readBundle,
  readLink,
} from './second/identity.mjs'
import { addEntry, compose, createLog, readEntry } from './second/log.mjs'
import {
  connect,
  createHost,
  deposit,
  dial,
  framesOf,
  openOwn,
  sendFrame,
  settle,
  takeBundle,
} from './second/relay.mjs'
import { decrypt, encrypt, initiate, innerIdOf, rekey, seal, unseal } from './second/session.mjs'

// ---- §8 The log
const log = { ...createLog(), own: [], theirs: new Map() }
const conversation = () => H(L('conv-direct'), ...[me.list.ak, peer.ak].sort(Buffer.compare))

function write(text) {
  const entry = compose(log, [conversation(), none, me.dk.publicKey], log.own.at(-1), text)
  log.own.push(entry)
  addEntry(log, entry)
  tell({ event: 'sent', id: hex(entry.id), pqEpoch: session.ratchet.pqEpoch })
  post([frame(0x1000, [encode(entry.elided), 0, entry.salt, entry.body, none])], entry)
}

function takeEntry(fields) {
  const carrier = [conversation(), none, peer.dk]
  const entry = readEntry(fields, carrier)
  const { conv, author, op, id, n, text } = entry
  demand(fields[4].length === 0 && [conv, op, author].every((x, i) => same(x, carrier[i])))
  if (log.theirs.has(n)) return
  log.theirs.set(n, entry)
  addEntry(log, entry)
  tell({ event: 'text', id: hex(id), n, closed: !log.open.has(entry), text })
}

// ---- §10 Delivery
/** The end of the run of numbers from 1 that are held. */
const runOf = (held, n = 0) => (held.has(n + 1) ? runOf(held, n + 1) : n)
// §10.1, §10.7: at most one in 2 s
function postReceipt() {
  peer.timer = null
  const n = runOf(log.theirs)
  const id8 = n > 0 ? log.theirs.get(n).id.slice(0, 8) : none
  const conversations = [[none, log.own.length, [[none, n, id8, [], 0]]]]
  post([frame(0x1001, [1, ++peer.r, conversations, [runOf(peer.numbered), []]])])
}

function takeReceipt([, , conversations]) {
  const authors = conversations.flatMap(([conv, , rows]) => (conv.length === 0 ? rows : []))
  const [, n, id8, ranges] = authors.find(([author]) => author.length === 0) ?? [none, 0, none, []]
  demand(n <= log.own.length && (n === 0 || same(log.own[n - 1].id.slice(0, 8), id8)), 'behind')
  const held = (i) => i <= n || ranges.some(([from, to]) => from <= i && i <= to)
  log.own.forEach((entry, i) => held(i + 1) && deliver(entry, 'receipt'))
}
function deliver(entry, by) {
  if (!entry.delivered) tell({ event: 'delivered', id: hex(entry.id), by })
  entry.delivered = true
}
// §2.8: a home that listens nowhere, and no rendezvous
const home = () => [[host.key, []]]
const postEndpoints = () =>
  post([frame(0x1100, [1, 1, 1, mailboxes(), home(), [], [1, me.seal.publicKey], 0])])
function takeEndpoints([, , , rows, , , sealKey]) {
  peer.seal = sealKey
  const row = rows.find(([serviceKey]) => mailbox && same(serviceKey, mailbox[0]))
  if (row) box = contactBox(row)
}
const mailboxes = () => (mailbox ? [mailbox] : [])

const intro = () => frame(0x1002, introOf(link.secret, session.T, 'Second', mailboxes()))
const unLPs = (bytes) => (bytes.length > 0 ? [unLP(bytes)[0], ...unLPs(unLP(bytes)[1])] : [])
const outbox = new Set()
const taken = new Set()

/** Encrypts frames once; what is carried, however often, are these bytes. */
function post(frames, entry) {
  const inner = encrypt(session, session.received ? frames : [intro(), ...frames])
  const item = { sid: session.sid, inner, entry, until: nowS() + 2_592_000 }
  outbox.add(item)
  carry(item)
}
/** Takes an inner message; what comes back is code and detail of its answer (§9.1). */
function receive(sid, inner) {
  demand(LADDER.includes(inner.length + 66))
  const innerId = hex(innerIdOf(inner))
  if (taken.has(innerId)) return [0, 0]
  if (!same(sid, session.sid)) return [2, 0]
  const first = !session.received
  const frames = decrypt(session, inner)
  taken.add(innerId)
  const isArray = (kind) => kind <= 0x1001 || kind >> 8 === 0x11
  const read = frames.map(([kind, body]) => [kind, isArray(kind) ? decode(body) : body])
  for (const [kind, fields] of read) {
    if (kind === 0x1000) takeEntry(fields)
    if (kind === 0x1001) takeReceipt(fields)
    if (kind === 0x1100) takeEndpoints(fields)
    if (kind >> 8 === 0x11) peer.numbered.add(fields[0])
    if (kind >> 8 === 0x30) rekey(session, kind, fields)
    if (kind === 0x1000 || kind >> 8 === 0x11) peer.timer ??= setTimeout(2000).then(postReceipt)
  }
  if (first) tell({ event: 'contact' })
  if (first) postEndpoints()
  return [0, 0]
}

function unread(why) {
  tell({ event: 'unread', why })
  return why === 'ERR_PROTOCOL_STALE' ? [0, 0] : [1, 1]
}

// ---- §9 Direct protocol, on streams that this side opens
async function direct() {
  const [stream, key] = await dial(host, link.addr, '/sotto/direct/1')
  demand(same(key, link.where), 'another host')
  const sent = []
  const send = (type, ...parts) => sendFrame(stream, cat(u8(type), ...parts))
  const pass = (item) => send(2, u32(sent.push(item)), u8(0), item.sid, item.inner)
  send(1, encode([1, 0, 66_560]))
  for await (const bytes of framesOf(stream)) {
    const [[type], payload] = cut(bytes, 1)
    if (type === 1 && !peer) send(5, inviteId(link.secret))
    if (type === 1) outbox.forEach((carry = pass))
    if (type === 2) {
      const [seq, , sid, inner] = cut(payload, 4, 1, 16)
      const [code, detail] = attempt(() => receive(sid, inner), unread)
      send(3, u16(1), seq, u8(code), u32(detail))
    }
    for (let i = 2; type === 3 && i < payload.length; i += 9) {
      const [seq, [code]] = cut(payload.slice(i), 4, 1)
      const item = sent[number(seq) - 1]
      outbox.delete(item)
      if (code === 0 && item.entry) deliver(item.entry, 'answer')
    }
    if (type === 6) {
      const place = { serviceKey: key, mailboxId: zeros(16) }
      meet(readBundle(place, link.ak, unLPs(payload)))
    }
    if (type === 7) send(8, payload)
    if (type === 9) break
  }
  await stream.close()
}

// ---- §12 Relay: the relay of the link is also ours
async function relay() {
  const [mailboxId, hash] = cut(link.where, 16)
  const isLinked = (serviceKey) => same(H(L('service'), serviceKey).slice(0, 16), hash)
  const take = ([code, id, items]) => {
    for (const [, envId, , , , , env] of code === 1 ? items : []) {
      attempt(() => receive(...unseal(me, env, id)), unread)
      void settle(at, id, envId, env)
    }
  }
  const at = await connect(host, link.addr, isLinked, take)
  const { serviceKey } = at
  const join = async () => {
    mailbox ??= (await openOwn(at, me))()
    carry = (item) => void hand(at, item).catch((error) => at.stream.abort(error))
    if (peer) return outbox.forEach(carry)
    box = inviteBox(link.secret, mailboxId)
    meet(readBundle({ serviceKey, mailboxId }, link.ak, await takeBundle(at, box)))
  }
  join().catch((error) => at.stream.abort(error))
  await at.ended
}

async function hand(at, item) {
  item.env ??= seal(peer.seal, box.mailboxId, item)
  await deposit(at, box, item.inner, item.env, { ttl: item.until - nowS() })
  outbox.delete(item)
  if (item.entry) tell({ event: 'relayed', id: hex(item.entry.id) })
}

// ---- The program
/** Begins a session with the device that made the link. */
function meet(bundle) {
  peer = { ...bundle, numbered: new Set(), r: 0, timer: null }
  session = initiate(me, bundle)
  post([])
  const input = createInterface({ input: process.stdin })
  input.on('line', (line) => write(JSON.parse(line)))
  input.on('close', () => process.exit(0))
}

let [peer, session, mailbox, box, carry] = [null, null, null, null, () => {}]
const me = createDevice()
const link = readLink(process.argv[2])
const host = await createHost()
for (;;) {
  await (link.ver === 1 ? relay : direct)().catch((e) => tell({ event: 'closed', why: e.message }))
  carry = () => {}
  await setTimeout(1000 * Math.random())
}
