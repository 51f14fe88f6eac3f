// Our own one-to-one protocol as the benchmark drives it: the state is decoded before every message
// and encoded after it, as the node does; a bundle is verified as a node verifies it.
import {
  type HandshakeBundle,
  type RatchetState,
  acceptHandshake,
  concat,
  decodeInit,
  decodeRatchetState,
  encodeRatchetState,
  findDevice,
  initiateHandshake,
  lengthPrefixed,
  openCard,
  openDeviceList,
  openHeader,
  openIdentity,
  openItem,
  openPrekey,
  prekeyId,
  ratchetEncrypt,
  ratchetReceive,
  sealItem,
  signCard,
  signPrekey,
  u16,
} from '../../crypto/index.ts'
import { nativeCrypto as crypto } from '../../node/native-crypto.ts'
import { pooledRandom as random } from '../../node/random.ts'
import { type TestDevice, LISTS, makeDevice } from '../support/ratchet-peers.ts'
import type { Messaging, Pair, Side } from './peers.ts'

const TEXT_FRAME = 0x1000
const DAY_S = 86_400

function framesOf(text: Uint8Array): Uint8Array {
  return concat(u16(TEXT_FRAME), lengthPrefixed(text))
}

/** One side of a session, with its state as bytes. */
class Session implements Side {
  #bytes: Uint8Array

  constructor(state: RatchetState) {
    this.#bytes = encodeRatchetState(state)
  }

  encrypt(text: Uint8Array, initLength = 0): Uint8Array {
    const { state, message } = ratchetEncrypt(crypto, decodeRatchetState(this.#bytes), {
      lists: LISTS,
      frames: framesOf(text),
      initLength,
      random,
      nowMs: Date.now(),
      offerPq: true,
    })
    this.#bytes = encodeRatchetState(state)
    return message
  }

  decrypt(message: unknown): Uint8Array {
    const bytes = message as Uint8Array
    const before = decodeRatchetState(this.#bytes)
    const opened = openHeader(crypto, before, bytes)
    if (opened === undefined) throw new Error('no header key opens the message')
    const options = { opened, skippedSeed: undefined, random, nowMs: Date.now() }
    const receipt = ratchetReceive(crypto, before, bytes, options)
    if (receipt.kind !== 'opened' || receipt.malformed)
      throw new Error(`not opened: ${receipt.kind}`)
    this.#bytes = encodeRatchetState(receipt.state)
    return receipt.frames
  }

  sizeOf(message: unknown): number {
    return (message as Uint8Array).length
  }
}

/** A device with a card at a relay, as one that can be written to. */
class Person {
  readonly device: TestDevice = makeDevice(random)
  readonly #spk = random(32)
  readonly #place = {
    account: this.device.account,
    serviceKey: random(32),
    mailboxId: random(16),
  }
  readonly #card: Uint8Array
  #counter = 0

  constructor() {
    const nowS = Math.floor(Date.now() / 1000)
    const content = signCard(crypto, this.device.deviceSeed, {
      list: this.device.list,
      issuedAtS: nowS,
      expiresAtS: nowS + 14 * DAY_S,
      signedPrekey: { id: 1, publicKey: crypto.x25519PublicKey(this.#spk) },
      lastResortKem: { id: 1, publicKey: crypto.mlkemPublicKey(random(64)) },
      sealKey: { id: 1, publicKey: crypto.x25519PublicKey(random(32)) },
      endpoints: [{ device: this.device.device, counter: 1, mailboxes: [] }],
      rendezvous: [],
    })
    this.#card = sealItem(crypto, random, this.#place, { kind: 0, content })
  }

  /** One-time keys as they are made for a relay, and what the relay hands out with them. */
  bundle() {
    this.#counter += 1
    const id = prekeyId(1, this.#counter)
    const [opk, kem] = [random(32), random(64)]
    const notAfterS = Math.floor(Date.now() / 1000) + 90 * DAY_S
    const { serviceKey } = this.#place
    const sealed = ([1, 2] as const).map((kind) => {
      const publicKey = kind === 1 ? crypto.x25519PublicKey(opk) : crypto.mlkemPublicKey(kem)
      const prekey = { kind, id, serviceKey, notAfterS, publicKey }
      const content = signPrekey(crypto, this.device.deviceSeed, prekey)
      return sealItem(crypto, random, this.#place, { kind, content })
    })
    const [opkItem = this.#card, kemItem = this.#card] = sealed
    return { place: this.#place, card: this.#card, opkItem, kemItem, secrets: { opk, kem } }
  }

  /** Opens and verifies all that a bundle holds, as whoever begins a session must. */
  static verify(bundle: ReturnType<Person['bundle']>): HandshakeBundle {
    const { place } = bundle
    const nowS = Math.floor(Date.now() / 1000)
    const content = openItem(crypto, place, 0, bundle.card)
    const card = openCard(crypto, content, { account: place.account, nowS })
    const { device, dh } = card.cert
    const prekey = (kind: 1 | 2, item: Uint8Array) => {
      const expected = { kind, device, serviceKey: place.serviceKey, nowS }
      const { id, publicKey } = openPrekey(crypto, openItem(crypto, place, kind, item), expected)
      return { id, key: publicKey }
    }
    return {
      account: place.account,
      device,
      dh,
      listVersion: card.list.version,
      spk: { id: card.signedPrekey.id, key: card.signedPrekey.publicKey },
      kem: prekey(2, bundle.kemItem),
      opk: prekey(1, bundle.opkItem),
    }
  }

  /** The responder's side: the identity opened and its list verified, then the session. */
  accept(inner: Uint8Array, secrets: { readonly opk: Uint8Array; readonly kem: Uint8Array }) {
    const { init, message } = decodeInit(inner)
    const { dhSecret } = this.device
    const spk = { secret: this.#spk, publicKey: crypto.x25519PublicKey(this.#spk) }
    const identity = openIdentity(crypto, init, {
      dhSecret,
      spkSecret: spk.secret,
      kemSeed: secrets.kem,
    })
    const list = openDeviceList(crypto, identity.list)
    const cert = findDevice(list, identity.device)
    if (cert === undefined) throw new Error('not a listed device')
    const { state } = acceptHandshake(crypto, this.device, {
      init,
      identity,
      initiator: { account: list.account, device: identity.device, dh: cert.dh },
      spk,
      opk: { secret: secrets.opk, publicKey: crypto.x25519PublicKey(secrets.opk) },
      kemKey: crypto.mlkemPublicKey(secrets.kem),
      nowMs: Date.now(),
    })
    return { session: new Session(state), message }
  }
}

function begin(alice: Person, bob: Person, text: Uint8Array): Pair {
  const bundle = bob.bundle()
  const { list } = alice.device
  const options = { list, resetEpoch: 0, random, nowMs: Date.now() }
  const started = initiateHandshake(crypto, alice.device, Person.verify(bundle), options)
  const sender = new Session(started.state)
  const first = concat(started.init, sender.encrypt(text, started.init.length))
  const { session, message } = bob.accept(first, bundle.secrets)
  session.decrypt(message)
  return { alice: sender, bob: session }
}

export const sotto: Messaging = {
  name: 'sotto',
  pair: async (text) => {
    const pair = begin(new Person(), new Person(), text)
    pair.alice.decrypt(pair.bob.encrypt(text))
    return pair
  },
  setUps: () => {
    const [alice, bob] = [new Person(), new Person()]
    return async (text) => begin(alice, bob, text)
  },
}
