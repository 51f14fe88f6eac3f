// §12 Relay, §13 custody: one connection of one host with one relay.
import { ed25519 } from '@noble/curves/ed25519.js'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { randomBytes } from '@noble/hashes/utils.js'
import { createLibp2p } from 'libp2p'
import {
  H,
  HKDF,
  HMAC,
  L,
  cat,
  decode,
  demand,
  encode,
  none,
  nowS,
  number,
  same,
  sign,
  u32,
  u64,
  u8,
  utf8,
  verify,
  zeros,
} from './basics.mjs'
import { envIdOf } from './session.mjs'

// libp2p wants it, and Node.js 20 has not got it
Promise.withResolvers ??= (made = {}) =>
  Object.assign(made, { promise: new Promise((...ends) => ([made.resolve, made.reject] = ends)) })

/** A libp2p host that listens nowhere, and its transport key. */
export async function createHost() {
  const privateKey = await generateKeyPair('Ed25519')
  const stack = { transports: [tcp()], connectionEncrypters: [noise()], streamMuxers: [yamux()] }
  const node = await createLibp2p({ privateKey, ...stack })
  return { node, key: privateKey.publicKey.raw }
}
/** A stream to the host at an address, and the transport key that it proved. */
export async function dial(host, addr, protocol) {
  const connection = await host.node.dial(multiaddr(addr))
  return [await connection.newStream(protocol), connection.remotePeer.publicKey.raw]
}
export async function* framesOf(stream) {
  let left = none
  for await (const chunk of stream) {
    left = cat(left, chunk.subarray())
    for (let n; left.length >= 4 + (n = number(left.slice(0, 4))); left = left.slice(4 + n))
      yield left.slice(4, 4 + n)
  }
}
export const sendFrame = (stream, bytes) => stream.send(cat(u32(bytes.length), bytes))

/** A relay that proved itself. isExpected judges its service key; take gets each pushed event. */
export async function connect(host, addr, isExpected, take) {
  const [stream, transportKey] = await dial(host, addr, '/sotto/relay/1')
  const waiting = new Map()
  const call = async (...ops) => {
    const reqId = waiting.size + 1
    sendFrame(stream, encode([0, reqId, ops]))
    const [roots, results] = await new Promise((resolve) => waiting.set(reqId, resolve))
    for (const [status] of results) demand(status <= 1, `status ${status}`)
    return { reqId, roots, results }
  }
  const read = async () => {
    for await (const bytes of framesOf(stream)) {
      const [kind, first, ...more] = decode(bytes)
      if (kind === 1) waiting.get(first)(more)
      // Behind the replies that came before it.
      if (kind === 2) setImmediate(() => first.forEach((event) => take(event)))
    }
  }
  const ended = read()
  const greeting = call([1, 0, 0], [2, 0]) // HELLO, DESC
  const { results } = await Promise.race([greeting, ended.then(() => demand(false, 'closed'))])
  const [[, , , nonce, serviceKey, , timeMs], [, descriptor]] = results
  demand(isExpected(serviceKey), 'another relay')
  const processKey = readDescriptor(descriptor, serviceKey, transportKey, timeMs / 1000)
  const nextReqId = () => waiting.size + 1
  const at = { call, stream, ended, nonce, serviceKey, transportKey, processKey, nextReqId }
  return { ...at, hostKey: host.key, addr }
}
/** §12.4: opens a mailbox of type 1 or 2, and gives its id and incarnation. */
export async function openMailbox(at, type, ownerSeed, secret) {
  const owner = ed25519.keygen(ownerSeed)
  const named = type === 1 ? [L('mbx'), owner.publicKey] : [L('gmbx'), owner.publicKey, H(secret)]
  const id = H(...named).slice(0, 16)
  const A = cat(at.nonce, at.serviceKey, at.transportKey, at.hostKey, u8(type), id)
  const sig = sign(owner, 'mailbox-open', cat(A, H(secret), u32(0)))
  const { results } = await at.call([4, type, owner.publicKey, sig, secret, 0, [], 0, 0])
  return { id, incarnation: results[0][2] }
}
/** §12.4: the mailbox of a device at a relay, followed; row() has a capability of its own each time. */
export async function openOwn(at, { root }) {
  const secret = HKDF(at.serviceKey, root, cat(L('mailbox-secret'), u32(0)), 32)
  const owner = HKDF(at.serviceKey, root, L('mailbox-owner'), 32)
  const { id } = await openMailbox(at, 1, owner, secret)
  await at.call([8, id, [], 256, 2 ** 20]) // SUB
  return () => {
    const cap = cat(u8(0), u32(nowS() + 7_776_000), randomBytes(8))
    const capKey = HKDF(at.serviceKey, secret, cat(L('cap'), cap), 32)
    return [at.serviceKey, [utf8(at.addr)], id, cat(cap, capKey)]
  }
}
/** Acknowledges what was pushed, and gives its credit back. */
export const settle = (at, id, envId, env) => at.call([11, id, [envId]], [9, id, 1, env.length])
/** A right to deposit, shown for a PREKEY.TAKE of everything. */
export async function takeBundle(at, box) {
  const subject = H(at.nonce, u32(at.nextReqId()), u8(0))
  const mac = HMAC(box.capKey, L('take'), at.serviceKey, box.mailboxId, subject, box.claim)
  const { results } = await at.call([17, box.mailboxId, box.lane, box.auth(mac), 7])
  return results[0].slice(1)
}
/** Deposits env, which holds an inner message; resolves once the relay signed for it. */
export async function deposit(at, box, inner, env, { ttl = 2_592_000, coalesce = none } = {}) {
  const { mailboxId, lane, capKey, claim, auth } = box
  const envId = envIdOf(inner, mailboxId)
  const flags = coalesce.length > 0 ? 4 : 0
  const key16 = coalesce.length > 0 ? coalesce : zeros(16)
  const covered = [mailboxId, envId, u8(lane), u8(flags), u32(ttl), key16, claim, H(env)]
  const mac = HMAC(capKey, L('dep'), at.serviceKey, ...covered)
  const reply = await at.call([6, mailboxId, envId, lane, flags, ttl, auth(mac), coalesce, env])
  checkCustody(at, [mailboxId, envId, H(env), u8(lane)], reply)
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
