// §20 Epochs and messages of a group: which keys there are, and what they open.
import { randomBytes } from '@noble/hashes/utils.js'
import {
  AEAD,
  Expand,
  H,
  HKDF,
  HMAC,
  L,
  LADDER,
  N0,
  attempt,
  cat,
  cut,
  decode,
  demand,
  encode,
  hex,
  number,
  pad,
  readFrames,
  same,
  u16,
  u32,
  u8,
  unpad,
  zeros,
} from './basics.mjs'
import { DERIVED } from './operations.mjs'

const X = (k, name) => Expand(k, L(name), 32)

/** §20.1: E of a fresh operation, or of a derived one by the addk that it extends. */
export const freshSecret = ({ g, coreHash }, seed) => HKDF(g, seed, cat(L('epoch'), coreHash), 32)
const derivedSecret = ({ gid, coreHash }, addk) => HKDF(gid, addk, cat(L('add'), coreHash), 32)
const commitE = ({ g, coreHash }, E) => HMAC(E, L('commit'), g, coreHash)
const commitG = ({ g, coreHash }, G) => H(L('lineage'), g, coreHash, G)
/** The commitment of an operation that makes an epoch of E. */
export const commitOf = (op, E) =>
  DERIVED.includes(op.kind) ? commitE(op, E) : cat(commitE(op, E), commitG(op, X(E, 'g-lineage')))

/** The keys of one group. */
export class Keys {
  epochs = new Map()
  lineages = new Map()

  constructor(operations) {
    this.operations = operations
  }

  /** secretKind 0: a seed; 1: E, with G where the lineage is not known. */
  take(op, secretKind, secret, G) {
    if (this.epochs.has(op.key)) return this.epochs.get(op.key)
    demand(secret.length === 32)
    const E = secretKind === 0 ? freshSecret(op, secret) : secret
    demand(same(op.commit.slice(0, 32), commitE(op, E)), 'ERR_CRYPTO_UNAUTHENTIC')
    const lineage = this.#lineage(op, DERIVED.includes(op.kind) ? G : X(E, 'g-lineage'))
    const tag = HMAC(lineage.tagKey, u8(1), op.id).slice(0, 8)
    const chainOf = (dk) => ({ CK: Expand(E, cat(L('g-chain'), dk), 32), n: 0, kept: new Map() })
    const chains = op.recipients.map(chainOf)
    const epoch = { op, lineage, tag, chains, addk: X(E, 'g-addk') }
    this.epochs.set(op.key, epoch)
    return epoch
  }
  #lineage(op, G) {
    const root = this.operations.lineageOf(op)
    if (this.lineages.has(root.key)) return this.lineages.get(root.key)
    demand(
      G.length === 32 && same(root.commit.slice(32), commitG(root, G)),
      'ERR_CRYPTO_UNAUTHENTIC',
    )
    const [hk, ctl, tagKey] = ['g-hdr', 'g-ctl', 'g-tag'].map((name) => X(G, name))
    const tag = HMAC(tagKey, u8(2)).slice(0, 8)
    const lineage = { root, G, hk, ctl, tagKey, tag }
    this.lineages.set(root.key, lineage)
    return lineage
  }
  /** The epoch of a derived operation that extends one of which the add key is here. */
  derive(op) {
    const below = DERIVED.includes(op.kind) && this.epochs.get(hex(op.payload[0]))
    return below ? this.take(op, 1, derivedSecret(op, below.addk)) : undefined
  }

  /** §20.8 S2: the epoch to send in, of these whose recipients are all devices of all members. */
  toSendIn(devices, dk, heldOf) {
    const members = new Set(devices.map(({ key }) => key))
    const isFor = ({ op }) =>
      op.recipients.length === members.size && op.recipients.every((dk) => members.has(hex(dk)))
    const stands = ({ op }) => !this.operations.now.isVoid.has(op.key)
    const lasts = ({ op, chains }) =>
      chains[indexOf(op, dk)]?.n < 1000 && this.operations.isEligible(op, heldOf)
    const better = (a, b) => b.op.lamport - a.op.lamport || (a.op.key < b.op.key ? -1 : 1)
    return [...this.epochs.values()]
      .filter((e) => isFor(e) && stands(e) && lasts(e))
      .toSorted(better)[0]
  }
}
const indexOf = (op, dk) => op.recipients.findIndex((one) => same(one, dk))

/** §20.4 */
export function sealMessage(epoch, dk, frames) {
  const devIdx = indexOf(epoch.op, dk)
  const chain = epoch.chains[devIdx]
  const padded = pad(cat(...frames), 61)
  const ms = HMAC(chain.CK, u8(1))
  const header = cat(u16(devIdx), u32(chain.n), u16(0))
  const hn = HMAC(ms, L('hn'), randomBytes(32), H(header, padded)).slice(0, 12)
  const start = cat(u8(0x21), epoch.tag)
  const eh = AEAD(epoch.lineage.hk, hn, start).encrypt(header)
  const head = cat(start, hn, eh)
  Object.assign(chain, { CK: HMAC(chain.CK, u8(2)), n: chain.n + 1 })
  return cat(head, AEAD(HMAC(ms, hn), N0, head).encrypt(padded))
}

/** What opened: { epoch, dk, frames, keep }; keep() moves the chain. Nothing where no epoch fits. */
export function openMessage(keys, message) {
  demand(LADDER.includes(message.length))
  const [head, ct] = cut(message, 45)
  const [start, hn, eh] = cut(head, 9, 12)
  const tagged = [...keys.epochs.values()].filter(({ tag }) => same(tag, start.slice(1)))
  if (tagged.length === 0) return null
  const open = ({ lineage }) => attempt(() => AEAD(lineage.hk, hn, start).decrypt(eh))
  const epoch = tagged.find(open)
  demand(epoch, 'ERR_CRYPTO_UNAUTHENTIC')
  const [devIdx, ctr, flags] = cut(open(epoch), 2, 4, 2).map(number)
  const chain = epoch.chains[devIdx]
  demand(chain, 'ERR_CRYPTO_UNAUTHENTIC')
  demand(ctr < 1000)
  demand(flags < 256, 'ERR_WIRE_UNSUPPORTED')
  const copy = { CK: chain.CK, n: chain.n, kept: new Map(chain.kept) }
  for (; copy.n <= ctr; copy.n++, copy.CK = HMAC(copy.CK, u8(2)))
    copy.kept.set(copy.n, HMAC(copy.CK, u8(1)))
  demand(copy.kept.has(ctr), 'ERR_PROTOCOL_STALE')
  const padded = AEAD(HMAC(copy.kept.get(ctr), hn), N0, head).decrypt(ct)
  copy.kept.delete(ctr)
  const keep = () => Object.assign(chain, copy)
  return { epoch, dk: epoch.op.recipients[devIdx], frames: readFrames(unpad(padded)), keep }
}

// ---- §20.5
export function sealOps({ ctl, tag }, ops) {
  const plain = pad(encode(ops.map(({ bytes }) => bytes)), 37)
  const n12 = HMAC(ctl, L('hn'), randomBytes(32), H(plain)).slice(0, 12)
  const start = cat(u8(0x22), tag)
  return cat(start, n12, AEAD(ctl, n12, start).encrypt(plain))
}
export function openOps(keys, message) {
  demand(LADDER.includes(message.length))
  const [start, n12, sealed] = cut(message, 9, 12)
  const lineage = [...keys.lineages.values()].find(({ tag }) => same(tag, start.slice(1)))
  return lineage ? decode(unpad(AEAD(lineage.ctl, n12, start).decrypt(sealed))) : null
}

// ---- §20.2: the mailbox of a lineage at a relay, and a device's right to write there
export const groupMailbox = (serviceKey, { G }) => [
  HKDF(serviceKey, G, L('gmbx-read'), 32),
  HKDF(serviceKey, G, L('gmbx-write'), 32),
]
export function groupBox(serviceKey, lineage, dk, mailboxId) {
  const [, secret] = groupMailbox(serviceKey, lineage)
  const capId = HMAC(lineage.tagKey, u8(3), dk).slice(0, 8)
  const exp = 2 ** 32 - 1
  const capKey = HKDF(serviceKey, secret, cat(L('cap'), u8(3), u32(exp), capId), 32)
  const auth = (mac) => [1, capId, exp, mac]
  return { mailboxId, lane: 3, capKey, claim: zeros(16), auth }
}
export const coalesceOf = ({ tagKey }, dk) => HMAC(tagKey, u8(4), dk).slice(0, 16)
