// §5 Handshake, §6 double ratchet, §7 sealed envelope: what two devices say to each other.
import { randomBytes } from '@noble/hashes/utils.js'
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js'
import {
  AEAD,
  DH,
  Expand,
  Extract,
  H,
  HKDF,
  HMAC,
  L,
  LADDER,
  LP,
  N0,
  attempt,
  cat,
  cut,
  demand,
  none,
  number,
  pad,
  rawFrame,
  readFrames,
  same,
  u16,
  u32,
  u64,
  u8,
  unLP,
  unpad,
  x25519,
  zeros,
} from './basics.mjs'
import { readList } from './identity.mjs'

const SUITE = u16(1)

// ---- §5.3 What both sides derive
const firstKey = (...dhs) => Extract(H(L('hs'), SUITE), cat(zeros(32).fill(0xff), ...dhs))
const idBox = (ck, head) => AEAD(Expand(ck, L('hs-id'), 32), N0, head)
/** A session, and the keys it begins with. a and b: [AK, DK, DDH]. */
function begin({ init, EK, resetEpoch, lists }, a, b, { SPK, OPK, KEM }, ck, last) {
  const T = H(L('hs-transcript'), ...[SUITE, ...a, ...b, SPK, OPK, H(KEM), init].map(LP))
  const secrets = Expand(Extract(T, cat(ck, ...last)), L('pqxdh'), 112)
  const [RK, HKi, NHKr, sid] = cut(secrets, 32, 32, 32)
  const session = { init, T, sid, lists, resetEpoch, h: H(L('ek'), EK), AD: H(L('ad'), T) }
  return [
    { ...session, received: false },
    { RK, HKi, NHKr },
  ]
}
const atRest = { Ns: 0, PN: 0, Nr: 0, pqEpoch: 0, pq: { is: 'idle' } }
const empty = () => ({ ...atRest, seeds: new Map(), old: [] })

/** A session with the device of a bundle, as its initiator. */
export function initiate(me, b, resetEpoch = 0) {
  const EK = x25519.keygen()
  const [[spkId, SPK], [opkId, OPK], [kemId, KEM]] = [b.spk, b.opk ?? [0, none], b.kem]
  const { cipherText, sharedSecret } = ml_kem768.encapsulate(KEM)
  const ids = cat(u32(spkId), u32(opkId), u32(kemId))
  const head = cat(u8(0x10), SUITE, u32(resetEpoch), EK.publicKey, ids, cipherText)
  const ck = firstKey(DH(EK, b.ddh), DH(EK, SPK), sharedSecret)
  const who = cat(LP(me.list.bytes), me.dk.publicKey, u64(b.list.version))
  const init = cat(head, LP(idBox(ck, head).encrypt(who)))
  const sides = [
    [me.list.ak, me.dk.publicKey, me.ddh.publicKey],
    [b.ak, b.dk, b.ddh],
  ]
  const last = [DH(me.ddh, SPK), OPK.length > 0 ? DH(EK, OPK) : none]
  const about = { init, EK: EK.publicKey, resetEpoch, lists: [me.list, b.list] }
  const [session, keys] = begin(about, ...sides, { SPK, OPK, KEM }, ck, last)
  const DHs = x25519.keygen()
  const [RK, CKs, NHKs] = rootStep(keys.RK, DH(DHs, SPK), 0)
  const sending = { DHs, HKs: keys.HKi, CKs, NHKs, due: false }
  return { ...session, ratchet: { ...empty(), RK, ...sending, DHr: SPK, NHKr: keys.NHKr } }
}

/** §5.4: the session that an init begins, its initiator, and the ratchet message behind it. */
export function respond(me, inner) {
  const [head, rest] = cut(inner, 1139)
  const [[type], suite, epoch, EK, spkId, opkId, kemId, ct] = cut(head, 1, 2, 4, 32, 4, 4, 4)
  demand(type === 0x10 && same(suite, SUITE), 'ERR_WIRE_UNSUPPORTED')
  // It offers its card alone, so there is no one-time prekey to be had.
  const mine = [number(spkId) === me.spk.id, number(opkId) === 0, number(kemId) === me.kem.id]
  demand(!mine.includes(false), 'unreadable')
  const [box, message] = unLP(rest)
  const SS = ml_kem768.decapsulate(ct, me.kem.secretKey)
  const ck = firstKey(DH(me.ddh, EK), DH(me.spk, EK), SS)
  const [listBytes, tail] = unLP(idBox(ck, head).decrypt(box))
  const [dk, , nothing] = cut(tail, 32, 8)
  const list = readList(listBytes)
  const device = list.devices.find((cert) => same(cert[1], dk))
  demand(nothing.length === 0 && device && !same(dk, me.dk.publicKey), 'ERR_PROTOCOL_FORBIDDEN')
  const keys = { SPK: me.spk.publicKey, OPK: none, KEM: me.kem.publicKey }
  const sides = [
    [list.ak, dk, device[2]],
    [me.list.ak, me.dk.publicKey, me.ddh.publicKey],
  ]
  const init = cat(head, LP(box))
  const about = { init, EK, resetEpoch: number(epoch), lists: [me.list, list] }
  const [session, { RK, HKi, NHKr }] = begin(about, ...sides, keys, ck, [DH(me.spk, device[2])])
  const ratchet = { ...empty(), RK, DHs: me.spk, NHKs: NHKr, NHKr: HKi, due: false }
  return { session: { ...session, ratchet }, list, dk, message }
}
export const ekOf = (inner) => H(L('ek'), inner.slice(7, 39))
/** The ratchet message behind an init. */
export const afterInit = (inner) => unLP(inner.slice(1139))[1]

// ---- §6 Double ratchet
const rootStep = (RK, ikm, e) => cut(HKDF(RK, ikm, cat(L('ratchet'), u16(e)), 128), 32, 32, 32)

/** §6.4 Send: an inner message (§5.2) with these frames, padded to the ladder (§7.2). */
export function encrypt(session, frames) {
  const r = session.ratchet
  if (r.due) {
    Object.assign(r, { PN: r.Ns, Ns: 0, HKs: r.NHKs, DHs: x25519.keygen(), due: false })
    const mixed = r.pq.is === 'armed' ? r.pq.secret : none
    if (r.pq.is === 'armed') Object.assign(r, { pqEpoch: r.pqEpoch + 1, pq: { is: 'idle' } })
    ;[r.RK, r.CKs, r.NHKs] = rootStep(r.RK, cat(DH(r.DHs, r.DHr), mixed), r.pqEpoch)
  }
  const init = session.received ? none : session.init
  const lists = session.lists.map((l) => cat(u64(l.version), l.hash.slice(0, 16)))
  const answer = r.pq.is === 'answering' ? [r.pq.frame] : []
  const padded = pad(cat(...lists, ...frames, ...answer), 66 + 89 + init.length)
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
export function decrypt(session, message) {
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
  const isDHr = r.DHr !== undefined && same(theirs, r.DHr)
  if (chain.seeds) demand(chain !== present || isDHr, 'ERR_CRYPTO_UNAUTHENTIC')
  else {
    const fresh = !r.due && !isDHr && epoch === r.pqEpoch && (r.HKr || PN === 0)
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
  return readFrames(cut(unpad(padded), 48)[1])
}
/** §6.5, the side that answers: it never offers a key. */
export function rekey({ ratchet: r, sid }, kind, body) {
  const [target, pk] = cut(body, 2)
  if (number(target) !== r.pqEpoch + 1) return
  if (kind === 0x3002 && r.pq.is === 'answering') r.pq.is = 'armed'
  if (kind !== 0x3000 || r.pq.is !== 'idle') return
  const { cipherText, sharedSecret } = ml_kem768.encapsulate(pk)
  const secret = HKDF(H(pk, cipherText), sharedSecret, cat(L('pq'), sid, target), 32)
  const answer = rawFrame(0x3001, cat(target, H(pk).slice(0, 8), cipherText))
  r.pq = { is: 'answering', frame: answer, secret }
}

// ---- §7 Sealed envelope
export const innerIdOf = (inner) => H(L('inner'), inner)
export const envIdOf = (inner, mailboxId) => H(L('env'), innerIdOf(inner), mailboxId)
const sealCipher = (e, publicKey, shared, aad) =>
  AEAD(HKDF(cat(e, publicKey), shared, L('seal'), 32), N0, aad)

export function seal([id, publicKey], mailboxId, { sid, inner }) {
  const e = x25519.keygen()
  const head = cat(u8(1), u8(id))
  const cipher = sealCipher(e.publicKey, publicKey, DH(e, publicKey), cat(head, mailboxId))
  return cat(head, e.publicKey, cipher.encrypt(cat(sid, inner)))
}
/** sid and inner. */
export function unseal(me, env, mailboxId) {
  const [head, e, sealed] = cut(env, 2, 32)
  demand(LADDER.includes(env.length) && head[0] === 1 && head[1] <= 1)
  const key = head[1] === 0 ? me.ddh : me.seal
  const cipher = sealCipher(e, key.publicKey, DH(key, e), cat(head, mailboxId))
  return cut(cipher.decrypt(sealed), 16)
}
