// §2 Identity, §3 links, §4 prekeys: who somebody is, and what is offered to reach a device.
import { randomBytes } from '@noble/hashes/utils.js'
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js'
import { generateMnemonic, mnemonicToSeedSync } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import {
  AEAD,
  H,
  HKDF,
  HMAC,
  L,
  cat,
  cut,
  decode,
  demand,
  ed25519,
  encode,
  none,
  nowS,
  number,
  order,
  same,
  sign,
  textOf,
  u8,
  unBase32,
  unpad,
  utf8,
  verify,
  x25519,
  zeros,
} from './basics.mjs'

const ascend = (keys) => keys.every((key, i) => i === 0 || order(keys[i - 1], key) < 0)

export function readList(bytes) {
  const [body, sig] = decode(bytes)
  const [one, ak, version, , devices, revoked] = decode(body)
  demand(one === 1 && bytes.length <= 4096 && version >= 1)
  const dks = devices.map(([, dk]) => dk)
  demand(dks.length >= 1 && dks.length <= 10 && ascend(dks) && ascend(revoked))
  demand(!revoked.some((key) => dks.some((dk) => same(dk, key))))
  verify(ak, 'device-list', body, sig)
  for (const [, dk, ddh, certSig] of devices)
    verify(dk, 'device-cert', encode([1, ak, dk, ddh]), certSig)
  return { bytes, ak, version, hash: H(L('list'), bytes), devices, revoked }
}

export function createDevice() {
  const seed64 = mnemonicToSeedSync(generateMnemonic(wordlist, 256))
  const ak = ed25519.keygen(HKDF(none, seed64, L('account'), 32))
  const dk = ed25519.keygen()
  const ddh = x25519.keygen()
  const pair = [dk.publicKey, ddh.publicKey]
  const certSig = sign(dk, 'device-cert', encode([1, ak.publicKey, ...pair]))
  const body = encode([1, ak.publicKey, nowS(), none, [[1, ...pair, certSig]], []])
  const list = readList(encode([body, sign(ak, 'device-list', body)]))
  const spk = { id: 1, ...x25519.keygen() }
  const kem = { id: 1, ...ml_kem768.keygen() }
  return { dk, ddh, list, spk, kem, seal: x25519.keygen(), root: randomBytes(32) }
}

// §2.7
const itemKey = ({ serviceKey, mailboxId }, ak) =>
  HKDF(cat(serviceKey, mailboxId), ak, L('bundle'), 32)
const itemAad = (kind) => cat(L('bundle'), u8(kind))
function openItem(place, ak, kind, item) {
  const [nonce, sealed] = cut(item, 12)
  const x = AEAD(itemKey(place, ak), nonce, itemAad(kind)).decrypt(sealed)
  return kind === 0 ? unpad(x) : x
}
/** §2.5: the card of a device with this one mailbox, as the item that lies there. */
export function cardItem(me, [serviceKey, addrs, mailboxId]) {
  const endpoints = [[me.dk.publicKey, 1, [[serviceKey, addrs, mailboxId, none]]]]
  const keys = [me.spk, me.kem, { id: 1, ...me.seal }].map(({ id, publicKey }) => [id, publicKey])
  const life = [nowS(), nowS() + 1_209_600]
  const body = encode([1, me.dk.publicKey, me.list.bytes, ...life, ...keys, endpoints, []])
  const card = cat(encode([body, sign(me.dk, 'card', body)]), u8(0x80))
  const padded = cat(card, zeros((512 - ((card.length + 28) % 512)) % 512))
  const nonce = randomBytes(12)
  const key = itemKey({ serviceKey, mailboxId }, me.list.ak)
  return cat(nonce, AEAD(key, nonce, itemAad(0)).encrypt(padded))
}
/** What a handshake needs of a device (§5.1): its card (§2.5), and one-time keys (§4.2). */
export function readBundle(place, ak, [item, ...items]) {
  const [body, sig] = decode(openItem(place, ak, 0, item))
  const [one, dk, listBytes, issuedAt, expiresAt, spk, kem, seal] = decode(body)
  const list = readList(listBytes)
  const device = list.devices.find((cert) => same(cert[1], dk))
  demand(one === 1 && device && same(list.ak, ak))
  demand(expiresAt <= issuedAt + 1_209_600 && nowS() < expiresAt, 'ERR_CRYPTO_EXPIRED')
  verify(dk, 'card', body, sig)
  const oneTime = items.map((oneItem, i) => {
    if (oneItem.length === 0) return null
    const [keyBody, keySig] = decode(openItem(place, ak, i + 1, oneItem))
    const [, kind, id, server, notAfter, publicKey] = decode(keyBody)
    verify(dk, 'prekey', keyBody, keySig)
    demand(kind === i + 1 && id >= 2 ** 24 && same(server, place.serviceKey) && nowS() < notAfter)
    return [id, publicKey]
  })
  return { ak, dk, ddh: device[2], list, spk, opk: oneTime[0], kem: oneTime[1] ?? kem, seal }
}

// §3
export function readLink(text) {
  const bytes = unBase32(text.replace(/[\s-]/g, '').toLowerCase().replace('sotto:', ''))
  const [all, check] = cut(bytes, bytes.length - 3)
  demand(same(H(L('link'), all).slice(0, 3), check))
  const [[ver], ak, secret, where, , [t], addr] = cut(all, 1, 32, 16, 32, 4, 1)
  demand([0x01, 0x02, 0x11].includes(ver), 'ERR_WIRE_UNSUPPORTED')
  demand(t === 0 || t === 4, 'an address that this program cannot dial')
  const ip = () => `/ip4/${addr.slice(0, 4).join('.')}/tcp/${number(addr.slice(4))}`
  const name = () => `/dns/${textOf(addr.slice(2))}/tcp/${number(addr.slice(0, 2))}`
  return { ver, ak, secret, where, addr: t === 4 ? ip() : name() }
}
export const inviteId = (secret) => HKDF(none, secret, L('invite-id'), 16)
/** §3.3, §12.4: where a link lets its holder deposit, and by what right. */
export function inviteBox(secret, mailboxId) {
  const derive = (name, n) => HKDF(none, secret, cat(L(name), mailboxId), n)
  const [capId, capKey] = [derive('invite-cap-id', 8), derive('invite-cap', 32)]
  const claim = randomBytes(16)
  return { mailboxId, lane: 0, capKey, claim, auth: (mac) => [4, capId, claim, mac] }
}
/** The same of a mailbox with its capability (§2.5). */
export function contactBox([, , mailboxId, cap]) {
  const [[lane], exp, capId, capKey] = cut(cap, 1, 4, 8)
  return { mailboxId, lane, capKey, claim: zeros(16), auth: (mac) => [1, capId, number(exp), mac] }
}
/** §3.5: answers the invite of a link on a session with this transcript. */
export function introOf(secret, T, name, mailboxes) {
  const proof = HMAC(HKDF(none, secret, L('invite-proof'), 32), L('invite-proof'), T)
  return [1, inviteId(secret), proof, utf8(name), mailboxes]
}
