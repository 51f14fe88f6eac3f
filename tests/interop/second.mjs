// A second Sotto, written from SPEC.md alone. It shares no code with the first one. § numbers are
// those of SPEC.md. `node second.mjs LINK` accepts a link of `sotto invite` through a relay or on a
// direct stream; a line of stdin is a text to send, a line of stdout what happened, both as JSON.
// It is one device with one contact of one device and one relay, and it keeps everything in memory.
// It begins sessions only: it offers no prekeys with which somebody could begin one.
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { chacha20poly1305 as AEAD } from '@noble/ciphers/chacha.js'
import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { bytesToNumberBE, bytesToNumberLE, numberToBytesBE } from '@noble/curves/utils.js'
import { expand, extract } from '@noble/hashes/hkdf.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256, sha512 } from '@noble/hashes/sha2.js'
import { bytesToHex as hex, concatBytes as cat, randomBytes } from '@noble/hashes/utils.js'
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js'
import { generateMnemonic, mnemonicToSeedSync } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { decode as parse, encode } from 'cborg'
import { createLibp2p } from 'libp2p'

// ---- §1 Conventions. Keys of all kinds are { secretKey, publicKey }.
const demand = (holds, code = 'ERR_WIRE_MALFORMED') => {
  if (!holds) throw new Error(code)
}
const attempt = (work, otherwise = () => null) => {
  try {
    return work()
  } catch (error) {
    return otherwise(error.message)
  }
}
const tell = (event) => process.stdout.write(`${JSON.stringify(event)}\n`)
const nowS = () => Math.floor(Date.now() / 1000)
const [u8, u16, u32, u64] = [1, 2, 4, 8].map((size) => (n) => numberToBytesBE(n, size))
const number = (bytes) => Number(bytesToNumberBE(bytes))
const zeros = (n) => new Uint8Array(n)
const [none, N0, SUITE] = [zeros(0), zeros(12), u16(1)]
const utf8 = (text) => new TextEncoder().encode(text)
const textOf = (bytes) => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
const same = (a, b) => Buffer.compare(a, b) === 0

/** Bytes cut into parts of these lengths, and what is left. */
function cut(bytes, ...lengths) {
  let at = 0
  const parts = lengths.map((length) => bytes.slice(at, (at += length)))
  demand(at <= bytes.length)
  return [...parts, bytes.slice(at)]
}
const LP = (x) => cat(u16(x.length), x)
const unLP = (bytes) => cut(bytes.slice(2), number(bytes.slice(0, 2)))
const unLPs = (bytes) => (bytes.length > 0 ? [unLP(bytes)[0], ...unLPs(unLP(bytes)[1])] : [])
const L = (name) => cat(utf8(`sotto/1/${name}`), u8(0))
const H = (...x) => sha256(cat(...x))
const HMAC = (key, ...x) => hmac(sha256, key, cat(...x))
const Extract = (salt, ikm) => extract(sha256, ikm, salt)
const Expand = (prk, info, n) => expand(sha256, prk, info, n)
const HKDF = (salt, ikm, info, n) => Expand(Extract(salt, ikm), info, n)

function unBase32(string) {
  const fives = [...string].map((c) => 'abcdefghijklmnopqrstuvwxyz234567'.indexOf(c))
  const bits = fives.map((five) => five.toString(2).padStart(5, '0')).join('')
  return Uint8Array.from(bits.match(/.{8}/g), (byte) => parseInt(byte, 2))
}
// §1.3
const kind0 = (x) => Number.isSafeInteger(x) && x >= 0
const known = (x) => (Array.isArray(x) ? x.every(known) : x instanceof Uint8Array || kind0(x))
function decode(bytes) {
  const value = parse(bytes, { strict: true, allowIndefinite: false })
  demand(Array.isArray(value) && known(value) && same(encode(value), bytes))
  return value
}
// §1.5, without cofactor
const { Point } = ed25519
const signed = (context, m) => cat(L(`sig/${context}`), H(m))
const sign = (key, context, m) => ed25519.sign(signed(context, m), key.secretKey)
function verify(publicKey, context, m, sig) {
  const [R, S] = cut(sig, 32)
  const A = Point.fromBytes(publicKey)
  const k = bytesToNumberLE(sha512(cat(R, publicKey, signed(context, m)))) % Point.Fn.ORDER
  const SB = Point.BASE.multiplyUnsafe(bytesToNumberLE(S)) // throws unless S < L
  const holds = !A.isSmallOrder() && same(SB.subtract(A.multiplyUnsafe(k)).toBytes(), R)
  demand(holds, 'ERR_CRYPTO_UNAUTHENTIC')
}
// §1.6
function DH(key, publicKey) {
  demand(bytesToNumberLE(publicKey) < 2n ** 255n - 19n, 'ERR_CRYPTO_KEY')
  return x25519.getSharedSecret(key.secretKey, publicKey)
}

// ---- §2 Identity
function readList(bytes) {
  const [body, sig] = decode(bytes)
  const [one, ak, version, , devices] = decode(body)
  demand(one === 1 && bytes.length <= 4096)
  verify(ak, 'device-list', body, sig)
  for (const [, dk, ddh, certSig] of devices)
    verify(dk, 'device-cert', encode([1, ak, dk, ddh]), certSig)
  return { bytes, ak, version, hash: H(L('list'), bytes), devices }
}

function createDevice() {
  const seed64 = mnemonicToSeedSync(generateMnemonic(wordlist, 256))
  const ak = ed25519.keygen(HKDF(none, seed64, L('account'), 32))
  const dk = ed25519.keygen()
  const ddh = x25519.keygen()
  const pair = [dk.publicKey, ddh.publicKey]
  const certSig = sign(dk, 'device-cert', encode([1, ak.publicKey, ...pair]))
  const body = encode([1, ak.publicKey, nowS(), none, [[1, ...pair, certSig]], []])
  return { dk, ddh, list: readList(encode([body, sign(ak, 'device-list', body)])) }
}
// §2.7
function openItem({ serviceKey, mailboxId }, ak, kind, item) {
  const [nonce, sealed] = cut(item, 12)
  const key = HKDF(cat(serviceKey, mailboxId), ak, L('bundle'), 32)
  const x = AEAD(key, nonce, cat(L('bundle'), u8(kind))).decrypt(sealed)
  return kind === 0 ? unpad(x) : x
}
function unpad(x) {
  const end = x.lastIndexOf(0x80)
  demand(end >= 0 && x.slice(end).every((byte, i) => i === 0 || byte === 0))
  return x.slice(0, end)
}
/** What a handshake needs of a device (§5.1): its card (§2.5), and one-time keys (§4.2). */
function readBundle(place, ak, [cardItem, ...items]) {
  const [body, sig] = decode(openItem(place, ak, 0, cardItem))
  const [one, dk, listBytes, issuedAt, expiresAt, spk, kem, seal] = decode(body)
  const list = readList(listBytes)
  const device = list.devices.find((cert) => same(cert[1], dk))
  demand(one === 1 && device && same(list.ak, ak))
  demand(expiresAt <= issuedAt + 1_209_600 && nowS() < expiresAt, 'ERR_CRYPTO_EXPIRED')
  verify(dk, 'card', body, sig)
  const oneTime = items.map((item, i) => {
    if (item.length === 0) return null
    const [keyBody, keySig] = decode(openItem(place, ak, i + 1, item))
    const [, kind, id, server, notAfter, publicKey] = decode(keyBody)
    verify(dk, 'prekey', keyBody, keySig)
    demand(kind === i + 1 && id >= 2 ** 24 && same(server, place.serviceKey) && nowS() < notAfter)
    return [id, publicKey]
  })
  return { ak, dk, ddh: device[2], list, spk, opk: oneTime[0], kem: oneTime[1] ?? kem, seal }
}

// ---- §3 Invite links
function readLink(text) {
  const bytes = unBase32(text.replace(/[\s-]/g, '').toLowerCase().replace('sotto:', ''))
  const [all, check] = cut(bytes, bytes.length - 3)
  demand(same(H(L('link'), all).slice(0, 3), check))
  const [[ver], ak, secret, where, , [t], addr] = cut(all, 1, 32, 16, 32, 4, 1)
  demand(ver === 1 || ver === 2, 'ERR_WIRE_UNSUPPORTED')
  demand(t === 0 || t === 4, 'an address that this program cannot dial')
  const ip = () => `/ip4/${addr.slice(0, 4).join('.')}/tcp/${number(addr.slice(4))}`
  const name = () => `/dns/${textOf(addr.slice(2))}/tcp/${number(addr.slice(0, 2))}`
  return { ver, ak, secret, where, addr: t === 4 ? ip() : name() }
}
/** §3.3, §12.4: where a link lets its holder deposit, and by what right. */
function inviteBox(secret, mailboxId) {
  const derive = (name, n) => HKDF(none, secret, cat(L(name), mailboxId), n)
  const [capId, capKey] = [derive('invite-cap-id', 8), derive('invite-cap', 32)]
  const claim = randomBytes(16)
  return { mailboxId, capKey, claim, auth: (mac) => [4, capId, claim, mac] }
}
/** The same of a mailbox with its capability (§2.5). */
function contactBox([, , mailboxId, cap]) {
  const [, exp, capId, capKey] = cut(cap, 1, 4, 8)
  return { mailboxId, capKey, claim: zeros(16), auth: (mac) => [1, capId, number(exp), mac] }
}
// §3.5
function intro() {
  const proofKey = HKDF(none, link.secret, L('invite-proof'), 32)
  const proof = HMAC(proofKey, L('invite-proof'), session.T)
  return frame(0x1002, [1, inviteId(link.secret), proof, utf8('Second'), mailboxes()])
}
const inviteId = (secret) => HKDF(none, secret, L('invite-id'), 16)

// ---- §5 Handshake
/** A session with the device of a bundle, as its initiator. */
function initiate(b) {
  const EK = x25519.keygen()
  const [[spkId, SPK], [opkId, OPK], [kemId, KEM]] = [b.spk, b.opk ?? [0, none], b.kem]
  const { cipherText, sharedSecret } = ml_kem768.encapsulate(KEM)
  const ids = cat(u32(spkId), u32(opkId), u32(kemId))
  const head = cat(u8(0x10), SUITE, u32(0), EK.publicKey, ids, cipherText)
  const dhs = cat(DH(EK, b.ddh), DH(EK, SPK), sharedSecret)
  const ck = Extract(H(L('hs'), SUITE), cat(zeros(32).fill(0xff), dhs))
  const who = cat(LP(me.list.bytes), me.dk.publicKey, u64(b.list.version))
  const init = cat(head, LP(AEAD(Expand(ck, L('hs-id'), 32), N0, head).encrypt(who)))
  const sides = [me.list.ak, me.dk.publicKey, me.ddh.publicKey, b.ak, b.dk, b.ddh]
  const T = H(L('hs-transcript'), ...[SUITE, ...sides, SPK, OPK, H(KEM), init].map(LP))
  const last = cat(DH(me.ddh, SPK), OPK.length > 0 ? DH(EK, OPK) : none)
  const secrets = Expand(Extract(T, cat(ck, last)), L('pqxdh'), 112)
  const [RK0, HKs, NHKr, sid] = cut(secrets, 32, 32, 32)
  const DHs = x25519.keygen()
  const [RK, CKs, NHKs] = rootStep(RK0, DH(DHs, SPK), 0)
  const sending = { DHs, HKs, CKs, NHKs, Ns: 0, PN: 0, due: false }
  const receiving = { DHr: SPK, NHKr, Nr: 0, seeds: new Map(), old: [] }
  const ratchet = { RK, ...sending, ...receiving, pqEpoch: 0, pq: { is: 'idle' } }
  return { init, T, sid, AD: H(L('ad'), T), received: false, ratchet }
}

// ---- §6 Double ratchet
const rootStep = (RK, ikm, e) => cut(HKDF(RK, ikm, cat(L('ratchet'), u16(e)), 128), 32, 32, 32)
const LADDER = [512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536]

/** §6.4 Send: an inner message (§5.2) with these frames, padded to the ladder (§7.2). */
function encrypt(frames) {
  const r = session.ratchet
  if (r.due) {
    Object.assign(r, { PN: r.Ns, Ns: 0, HKs: r.NHKs, DHs: x25519.keygen(), due: false })
    const mixed = r.pq.is === 'armed' ? r.pq.secret : none
    if (r.pq.is === 'armed') Object.assign(r, { pqEpoch: r.pqEpoch + 1, pq: { is: 'idle' } })
    ;[r.RK, r.CKs, r.NHKs] = rootStep(r.RK, cat(DH(r.DHs, r.DHr), mixed), r.pqEpoch)
  }
  const init = session.received ? none : session.init
  const lists = [me.list, peer.list].map((l) => cat(u64(l.version), l.hash.slice(0, 16)))
  const answer = r.pq.is === 'answering' ? [r.pq.frame] : []
  const content = cat(...lists, ...frames, ...answer, u8(0x80))
  const overhead = 66 + 89 + init.length
  const size = LADDER.find((sealed) => sealed >= content.length + overhead)
  const padded = cat(content, zeros(size - overhead - content.length))
  const ms = HMAC(r.CKs, u8(1))
  const header = cat(r.DHs.publicKey, u32(r.PN), u32(r.Ns), u16(r.pqEpoch), u16(0))
  const hn = HMAC(ms, L('hn'), randomBytes(32), H(header, padded)).slice(0, 12)
  const head = cat(u8(0x11), hn, AEAD(r.HKs, hn, session.AD).encrypt(header))
  const ct = AEAD(HMAC(ms, hn), N0, cat(session.AD, head)).encrypt(padded)
  Object.assign(r, { CKs: HMAC(r.CKs, u8(2)), Ns: r.Ns + 1 })
  return cat(init, head, ct)
}
/** Keeps the seeds of the present receiving chain below number n. */
function keepSeeds(r, n) {
  demand(n - r.Nr <= 1000 && r.old.length <= 64, 'ERR_PROTOCOL_LIMIT')
  for (; r.Nr < n; r.Nr++, r.CKr = HMAC(r.CKr, u8(2))) r.seeds.set(r.Nr, HMAC(r.CKr, u8(1)))
}
/** §6.4 Receive: the frames of a ratchet message, as [kind, body]. */
function decrypt(message) {
  const r = structuredClone(session.ratchet)
  const [head, ct] = cut(message, 73)
  const [[type], hn, eh] = cut(head, 1, 12)
  demand(type === 0x11, 'ERR_WIRE_UNSUPPORTED')
  const present = { key: r.HKr, seeds: r.seeds }
  const open = (key) => attempt(() => AEAD(key, hn, session.AD).decrypt(eh))
  const chain = [present, { key: r.NHKr }, ...r.old].find((one) => (one.header = open(one.key)))
  demand(chain, 'unreadable')
  const [theirs, ...numbers] = cut(chain.header, 32, 4, 4, 2)
  const [PN, N, epoch, flags] = numbers.map(number)
  demand(flags < 256, 'ERR_WIRE_UNSUPPORTED')
  if (chain.seeds) demand(chain !== present || same(theirs, r.DHr), 'ERR_CRYPTO_UNAUTHENTIC')
  else {
    const fresh = !r.due && !same(theirs, r.DHr) && epoch === r.pqEpoch && (r.HKr || PN === 0)
    demand(fresh, 'ERR_CRYPTO_UNAUTHENTIC')
    if (r.HKr) keepSeeds(r, PN)
    if (r.seeds.size > 0) r.old.unshift({ key: r.HKr, seeds: r.seeds })
    Object.assign(r, { HKr: r.NHKr, DHr: theirs, Nr: 0, seeds: new Map(), due: true })
    ;[r.RK, r.CKr, r.NHKr] = rootStep(r.RK, DH(r.DHs, theirs), r.pqEpoch)
    chain.seeds = r.seeds
  }
  if (chain.seeds === r.seeds) keepSeeds(r, N + 1)
  demand(chain.seeds.has(N), 'ERR_PROTOCOL_STALE')
  const padded = AEAD(HMAC(chain.seeds.get(N), hn), N0, cat(session.AD, head)).decrypt(ct)
  chain.seeds.delete(N)
  r.old = r.old.filter(({ seeds }) => seeds.size > 0)
  Object.assign(session, { ratchet: r, received: true })
  const frames = []
  for (let kind, body, [, rest] = cut(unpad(padded), 48); rest.length > 0;) {
    ;[kind, rest] = cut(rest, 2)
    ;[body, rest] = unLP(rest)
    frames.push([number(kind), body])
  }
  return frames
}
/** §6.5, the side that answers: it never offers a key. */
function rekey(kind, body) {
  const r = session.ratchet
  const [target, pk] = cut(body, 2)
  if (number(target) !== r.pqEpoch + 1) return
  if (kind === 0x3002 && r.pq.is === 'answering') r.pq.is = 'armed'
  if (kind !== 0x3000 || r.pq.is !== 'idle') return
  const { cipherText, sharedSecret } = ml_kem768.encapsulate(pk)
  const secret = HKDF(H(pk, cipherText), sharedSecret, cat(L('pq'), session.sid, target), 32)
  const answer = rawFrame(0x3001, cat(target, H(pk).slice(0, 8), cipherText))
  r.pq = { is: 'answering', frame: answer, secret }
}

// ---- §7 Sealed envelope
const sealCipher = (e, publicKey, shared, aad) =>
  AEAD(HKDF(cat(e, publicKey), shared, L('seal'), 32), N0, aad)

function seal([id, publicKey], mailboxId, { sid, inner }) {
  const e = x25519.keygen()
  const head = cat(u8(1), u8(id))
  const cipher = sealCipher(e.publicKey, publicKey, DH(e, publicKey), cat(head, mailboxId))
  return cat(head, e.publicKey, cipher.encrypt(cat(sid, inner)))
}

function unseal(env, mailboxId) {
  const [head, e, sealed] = cut(env, 2, 32)
  demand(LADDER.includes(env.length) && head[0] === 1 && head[1] <= 1)
  const key = head[1] === 0 ? me.ddh : me.seal
  const cipher = sealCipher(e, key.publicKey, DH(key, e), cat(head, mailboxId))
  return cut(cipher.decrypt(sealed), 16)
}

// ---- §8 Frames, entries and the log
const rawFrame = (kind, body) => cat(u16(kind), LP(body))
const frame = (kind, fields) => rawFrame(kind, encode(fields))

const log = { own: [], theirs: new Map(), closed: new Map(), open: new Set(), cited: new Set() }
const conversation = () => H(L('conv-direct'), ...[me.list.ak, peer.ak].sort(Buffer.compare))
const lamportOf = (cites) => 1 + Math.max(0, ...cites.map(([, lamport]) => lamport))

/** Adds an entry, and closes what is closed now (§8.5). */
function addEntry(entry) {
  log.open.add(entry)
  const holds = ([id, lamport]) => log.closed.get(hex(id))?.lamport === lamport
  const closing = () => [...log.open].find(({ cites }) => cites.every(holds))
  for (let next; (next = closing()); log.open.delete(next)) {
    log.closed.set(hex(next.id), next)
    for (const [id] of next.cites) log.cited.add(hex(id))
  }
}

function write(text) {
  const last = log.own.at(-1)
  const heads = [...log.closed.values()].filter((e) => e !== last && !log.cited.has(hex(e.id)))
  const cite = ({ id, lamport }) => [id, lamport]
  const parents = heads.sort((a, b) => Buffer.compare(a.id, b.id)).map(cite)
  const prev = last ? cite(last) : []
  const cites = last ? [prev, ...parents] : parents
  const [n, lamport, salt] = [log.own.length + 1, lamportOf(cites), randomBytes(16)]
  const body = encode([utf8(text), none])
  const links = [n, prev, parents, lamport, 1, Date.now()]
  const header = [1, conversation(), none, me.dk.publicKey, ...links, H(L('body'), salt, body)]
  const elided = [1, none, none, none, ...links, none]
  const entry = { id: H(L('entry'), encode(header)), lamport, cites, delivered: false }
  log.own.push(entry)
  addEntry(entry)
  tell({ event: 'sent', id: hex(entry.id), pqEpoch: session.ratchet.pqEpoch })
  post([frame(0x1000, [encode(elided), 0, salt, body, none])], entry)
}

function takeEntry([elided, reason, salt, body, sig]) {
  const wire = decode(elided)
  const header = wire.with(1, conversation()).with(3, peer.dk)
  demand(sig.length === 0 && [1, 3].every((i) => !wire[i].length || same(wire[i], header[i])))
  if (reason === 0) header[10] = H(L('body'), salt, body)
  const [, , , , n, prev, parents, lamport, kind] = header
  const cites = n > 1 ? [prev, ...parents] : parents
  demand(n >= 1 && prev.length === (n > 1 ? 2 : 0) && lamport === lamportOf(cites))
  if (log.theirs.has(n)) return
  const entry = { id: H(L('entry'), encode(header)), lamport, cites }
  log.theirs.set(n, entry)
  addEntry(entry)
  const text = kind === 1 && reason === 0 ? textOf(decode(body)[0]) : null
  tell({ event: 'text', id: hex(entry.id), n, closed: !log.open.has(entry), text })
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
const home = () => [[hostKey.publicKey.raw, []]]
const postEndpoints = () =>
  post([frame(0x1100, [1, 1, 1, mailboxes(), home(), [], [1, me.seal.publicKey], 0])])
function takeEndpoints([, , , rows, , , sealKey]) {
  peer.seal = sealKey
  const row = rows.find(([serviceKey]) => mailbox && same(serviceKey, mailbox[0]))
  if (row) box = contactBox(row)
}
const mailboxes = () => (mailbox ? [mailbox] : [])

const outbox = new Set()
const taken = new Set()

/** Encrypts frames once; what is carried, however often, are these bytes. */
function post(frames, entry) {
  const inner = encrypt(session.received ? frames : [intro(), ...frames])
  const item = { sid: session.sid, inner, entry, until: nowS() + 2_592_000 }
  outbox.add(item)
  carry(item)
}
/** Takes an inner message; what comes back is code and detail of its answer (§9.1). */
function receive(sid, inner) {
  demand(LADDER.includes(inner.length + 66))
  const innerId = hex(H(L('inner'), inner))
  if (taken.has(innerId)) return [0, 0]
  if (!same(sid, session.sid)) return [2, 0]
  const first = !session.received
  const frames = decrypt(inner)
  taken.add(innerId)
  const isArray = (kind) => kind <= 0x1001 || kind >> 8 === 0x11
  const read = frames.map(([kind, body]) => [kind, isArray(kind) ? decode(body) : body])
  for (const [kind, fields] of read) {
    if (kind === 0x1000) takeEntry(fields)
    if (kind === 0x1001) takeReceipt(fields)
    if (kind === 0x1100) takeEndpoints(fields)
    if (kind >> 8 === 0x11) peer.numbered.add(fields[0])
    if (kind >> 8 === 0x30) rekey(kind, fields)
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

async function* framesOf(stream) {
  let left = none
  for await (const chunk of stream) {
    left = cat(left, chunk.subarray())
    for (let n; left.length >= 4 + (n = number(left.slice(0, 4))); left = left.slice(4 + n))
      yield left.slice(4, 4 + n)
  }
}
const sendFrame = (stream, bytes) => stream.send(cat(u32(bytes.length), bytes))

/** A stream to the host at an address, and the transport key that it proved. */
async function dial(addr, protocol) {
  const connection = await host.dial(multiaddr(addr))
  return [await connection.newStream(protocol), connection.remotePeer.publicKey.raw]
}

// ---- §9 Direct protocol, on streams that this side opens
async function direct() {
  const [stream, key] = await dial(link.addr, '/sotto/direct/1')
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
  const [stream, transportKey] = await dial(link.addr, '/sotto/relay/1')
  const waiting = new Map()
  const call = async (...ops) => {
    const reqId = waiting.size + 1
    sendFrame(stream, encode([0, reqId, ops]))
    const [roots, results] = await new Promise((resolve) => waiting.set(reqId, resolve))
    for (const [status] of results) demand(status <= 1, `status ${status}`)
    return { reqId, roots, results }
  }
  const join = async () => {
    const { results } = await call([1, 0, 0], [2, 0]) // HELLO, DESC
    const [[, , , nonce, serviceKey, , timeMs], [, descriptor]] = results
    const [mailboxId, hash] = cut(link.where, 16)
    demand(same(H(L('service'), serviceKey).slice(0, 16), hash), 'another relay')
    const processKey = readDescriptor(descriptor, serviceKey, transportKey, timeMs / 1000)
    const at = { call, nonce, serviceKey, processKey }
    const owner = ed25519.keygen(HKDF(serviceKey, me.root, L('mailbox-owner'), 32))
    const secret = HKDF(serviceKey, me.root, cat(L('mailbox-secret'), u32(0)), 32)
    const id = H(L('mbx'), owner.publicKey).slice(0, 16)
    const A = cat(nonce, serviceKey, transportKey, hostKey.publicKey.raw, u8(1), id)
    const sig = sign(owner, 'mailbox-open', cat(A, H(secret), u32(0)))
    const open = [4, 1, owner.publicKey, sig, secret, 0, [], 0, 0]
    await call(open, [8, id, [], 256, 2 ** 20]) // OPEN, SUB
    const cap = cat(u8(0), u32(nowS() + 7_776_000), randomBytes(8))
    const capKey = HKDF(serviceKey, secret, cat(L('cap'), cap), 32)
    mailbox ??= [serviceKey, [utf8(link.addr)], id, cat(cap, capKey)]
    carry = (item) => void deposit(at, item).catch((error) => stream.abort(error))
    if (peer) return outbox.forEach(carry)
    box = inviteBox(link.secret, mailboxId)
    const subject = H(nonce, u32(waiting.size + 1), u8(0))
    const mac = HMAC(box.capKey, L('take'), serviceKey, mailboxId, subject, box.claim)
    const { results: cards } = await call([17, mailboxId, 0, box.auth(mac), 7]) // TAKE
    meet(readBundle({ serviceKey, mailboxId }, link.ak, cards[0].slice(1)))
  }
  join().catch((error) => stream.abort(error))
  for await (const bytes of framesOf(stream)) {
    const [kind, first, ...more] = decode(bytes)
    if (kind === 1) waiting.get(first)(more)
    for (const [code, id, items] of kind === 2 ? first : [])
      for (const [, envId, , , , , env] of code === 1 ? items : []) {
        attempt(() => receive(...unseal(env, id)), unread)
        void call([11, id, [envId]], [9, id, 1, env.length]) // ACK, CREDIT
      }
  }
}
/** §13.3: the process key of a relay whose descriptor holds, and names its transport key. */
function readDescriptor(bytes, serviceKey, transportKey, now) {
  const [body, sig] = decode(bytes)
  const [one, key, , notBefore, expires, processes] = decode(body)
  verify(serviceKey, 'relay-desc', body, sig)
  demand(one === 1 && same(key, serviceKey) && now < expires)
  demand(notBefore <= now + 600 && expires <= notBefore + 172_800, 'ERR_CRYPTO_EXPIRED')
  for (const [cert] of processes) {
    const [certBody, certSig] = decode(cert)
    const [, , processKey, named, from, until] = decode(certBody)
    verify(serviceKey, 'relay-process', certBody, certSig)
    if (same(named, transportKey) && from <= now && now < until) return processKey
  }
  throw new Error('no certificate names this host')
}

async function deposit(at, item) {
  const { mailboxId, capKey, claim, auth } = box
  item.env ??= seal(peer.seal, mailboxId, item)
  const envId = H(L('env'), H(L('inner'), item.inner), mailboxId)
  const ttl = item.until - nowS()
  const covered = [mailboxId, envId, u8(0), u8(0), u32(ttl), zeros(16), claim, H(item.env)]
  const mac = HMAC(capKey, L('dep'), at.serviceKey, ...covered)
  const reply = await at.call([6, mailboxId, envId, 0, 0, ttl, auth(mac), none, item.env])
  checkCustody(at, [mailboxId, envId, H(item.env), u8(0)], reply)
  outbox.delete(item)
  if (item.entry) tell({ event: 'relayed', id: hex(item.entry.id) })
}
/** §13.1 */
function checkCustody(at, what, { reqId, roots, results }) {
  const [status, incarnation, seq, holdUntil, chain, rootNo, index, held] = results[0]
  const [flushedAt, leafCount, sig, nodes] = roots[rootNo]
  const nonce = H(L('custody-nonce'), at.nonce, u32(reqId), u8(0)).slice(0, 16)
  const promise = [incarnation, u64(seq), u64(holdUntil), cat(chain, zeros(8)).slice(0, 8)]
  const leaf = H(L('custody-leaf'), nonce, ...what, ...promise, u8(status === 0 ? 0 : held))
  function root(lo, n) {
    if (index < lo || index >= lo + n) return nodes.shift()
    const k = 2 ** Math.floor(Math.log2(n - 1))
    return n === 1 ? leaf : H(L('custody-node'), root(lo, k), root(lo + k, n - k))
  }
  const tree = cat(u64(flushedAt), u32(leafCount), root(0, leafCount))
  demand(nodes.length === 0 && Math.abs(flushedAt - Date.now()) <= 600_000, 'no custody')
  verify(at.processKey, 'custody', cat(at.serviceKey, at.processKey, tree), sig)
}

// ---- The program
/** Begins a session with the device that made the link. */
function meet(bundle) {
  peer = { ...bundle, numbered: new Set(), r: 0, timer: null }
  session = initiate(bundle)
  post([])
  const input = createInterface({ input: process.stdin })
  input.on('line', (line) => write(JSON.parse(line)))
  input.on('close', () => process.exit(0))
}

// libp2p wants it, and Node.js 20 has not got it
Promise.withResolvers ??= (made = {}) =>
  Object.assign(made, { promise: new Promise((...ends) => ([made.resolve, made.reject] = ends)) })

let [peer, session, mailbox, box, carry] = [null, null, null, null, () => {}]
const me = { ...createDevice(), seal: x25519.keygen(), root: randomBytes(32) }
const link = readLink(process.argv[2])
const hostKey = await generateKeyPair('Ed25519')
const stack = { transports: [tcp()], connectionEncrypters: [noise()], streamMuxers: [yamux()] }
const host = await createLibp2p({ privateKey: hostKey, ...stack })
for (;;) {
  await (link.ver === 1 ? relay : direct)().catch((e) => tell({ event: 'closed', why: e.message }))
  carry = () => {}
  await setTimeout(1000 * Math.random())
}
