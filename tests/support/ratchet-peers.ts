// Two devices with a session between them, without machines: for tests of the pure ratchet.
import {
  CryptoError,
  type HandshakeBundle,
  type RatchetReceipt,
  type RatchetState,
  type Random,
  acceptHandshake,
  concat,
  decodeInit,
  decodeText,
  encodeText,
  initiateHandshake,
  lengthPrefixed,
  openDeviceList,
  openHeader,
  openIdentity,
  ratchetEncrypt,
  ratchetReceive,
  signDeviceCert,
  signDeviceList,
  u16,
} from '../../crypto/index.ts'
import { nativeCrypto as crypto } from '../../node/native-crypto.ts'
import { seededRandom } from './seeded-random.ts'

export const START_MS = 1_700_000_000_000
export const LISTS: Uint8Array = new Uint8Array(48).fill(7)

export interface TestDevice {
  readonly account: Uint8Array
  readonly device: Uint8Array
  readonly dh: Uint8Array
  readonly dhSecret: Uint8Array
  readonly deviceSeed: Uint8Array
  readonly list: Uint8Array
}

/** A device that is the only one of its account. */
export function makeDevice(random: Random): TestDevice {
  const [accountSeed, deviceSeed, dhSecret] = [random(32), random(32), random(32)]
  const account = crypto.ed25519PublicKey(accountSeed)
  const dh = crypto.x25519PublicKey(dhSecret)
  const cert = signDeviceCert(crypto, account, deviceSeed, dh)
  const list = signDeviceList(crypto, accountSeed, {
    version: START_MS / 1_000,
    devices: [cert],
    revoked: [],
  })
  return { account, device: cert.device, dh, dhSecret, deviceSeed, list }
}

export interface TestPrekeys {
  readonly spk: { readonly secret: Uint8Array; readonly publicKey: Uint8Array }
  readonly opk: { readonly secret: Uint8Array; readonly publicKey: Uint8Array }
  readonly kemSeed: Uint8Array
  readonly kemKey: Uint8Array
}

export function makePrekeys(random: Random): TestPrekeys {
  const [spk, opk, kemSeed] = [random(32), random(32), random(64)]
  return {
    spk: { secret: spk, publicKey: crypto.x25519PublicKey(spk) },
    opk: { secret: opk, publicKey: crypto.x25519PublicKey(opk) },
    kemSeed,
    kemKey: crypto.mlkemPublicKey(kemSeed),
  }
}

export function bundleOf(device: TestDevice, keys: TestPrekeys, withOpk = true): HandshakeBundle {
  return {
    account: device.account,
    device: device.device,
    dh: device.dh,
    listVersion: START_MS / 1_000,
    spk: { id: 1, key: keys.spk.publicKey },
    kem: { id: 1, key: keys.kemKey },
    ...(withOpk ? { opk: { id: 16_777_217, key: keys.opk.publicKey } } : {}),
  }
}

export function frame(text: string, kind = 0x1000): Uint8Array {
  return concat(u16(kind), lengthPrefixed(encodeText(text)))
}

/** One side of a session: its state, and the skipped seeds that lie beside it. */
export class RatchetPeer {
  state: RatchetState
  nowMs = START_MS
  offerPq = false
  readonly seeds = new Map<string, Uint8Array>()
  readonly random: Random

  constructor(state: RatchetState, random: Random) {
    this.state = state
    this.random = random
  }

  send(text: string, initLength = 0): Uint8Array {
    const { state, message } = ratchetEncrypt(crypto, this.state, {
      lists: LISTS,
      frames: frame(text),
      initLength,
      random: this.random,
      nowMs: this.nowMs,
      offerPq: this.offerPq,
    })
    this.state = state
    return message
  }

  /** What receiving would give; nothing is kept. */
  peek(message: Uint8Array): RatchetReceipt | { readonly kind: 'unreadable' } {
    const opened = openHeader(crypto, this.state, message)
    if (opened === undefined) return { kind: 'unreadable' }
    const skippedSeed = this.seeds.get(`${opened.number}/${opened.header.n}`)
    const { random, nowMs } = this
    return ratchetReceive(crypto, this.state, message, { opened, skippedSeed, random, nowMs })
  }

  /** The text, or the kind of the refusal. */
  receive(message: Uint8Array): string {
    const receipt = this.peek(message)
    if (receipt.kind !== 'opened') return receipt.kind
    this.state = receipt.state
    for (const { chain, n, seed } of receipt.newSkipped) this.seeds.set(`${chain}/${n}`, seed)
    if (receipt.usedSkipped) {
      this.seeds.delete(`${receipt.usedSkipped.chain}/${receipt.usedSkipped.n}`)
    }
    return receipt.malformed ? 'malformed' : (decodeText(receipt.frames.subarray(4)) ?? '?')
  }
}

export interface RatchetPair {
  readonly alice: RatchetPeer
  readonly bob: RatchetPeer
  readonly init: Uint8Array
}

/** A finished handshake; Bob has received nothing yet. */
export function makePair(seed: string): RatchetPair {
  const random = seededRandom(seed)
  const [a, b] = [makeDevice(random), makeDevice(random)]
  const keys = makePrekeys(random)
  const options = { list: a.list, resetEpoch: 0, random, nowMs: START_MS }
  const started = initiateHandshake(crypto, a, bundleOf(b, keys), options)
  const { init } = decodeInit(started.init)
  const identity = openIdentity(crypto, init, {
    dhSecret: b.dhSecret,
    spkSecret: keys.spk.secret,
    kemSeed: keys.kemSeed,
  })
  const list = openDeviceList(crypto, identity.list)
  const accepted = acceptHandshake(crypto, b, {
    init,
    identity,
    initiator: { account: list.account, device: identity.device, dh: a.dh },
    spk: keys.spk,
    opk: keys.opk,
    kemKey: keys.kemKey,
    nowMs: START_MS,
  })
  return {
    alice: new RatchetPeer(started.state, seededRandom(`${seed} alice`)),
    bob: new RatchetPeer(accepted.state, seededRandom(`${seed} bob`)),
    init: started.init,
  }
}

/** A pair in which both have received. */
export function makeTalkingPair(seed: string): RatchetPair {
  const pair = makePair(seed)
  pair.bob.receive(pair.alice.send('hello', pair.init.length))
  pair.alice.receive(pair.bob.send('hello back'))
  return pair
}

/** The code of the CryptoError that `run` throws. */
export function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    return error instanceof CryptoError ? error.code : String(error)
  }
  return 'nothing thrown'
}

/** The bytes with one bit changed. */
export function flip(bytes: Uint8Array, at: number): Uint8Array {
  const out = Uint8Array.from(bytes)
  out[at]! ^= 1
  return out
}

/** What a peer that lies in its header would send; the sender's state does not move. */
export function withHeader(peer: RatchetPeer, edit: (header: Uint8Array) => void): Uint8Array {
  const liar = {
    ...crypto,
    aeadSeal: (...[key, nonce, aad, plaintext]: Parameters<typeof crypto.aeadSeal>) => {
      if (plaintext.length === 44) edit(plaintext)
      return crypto.aeadSeal(key, nonce, aad, plaintext)
    },
  }
  return ratchetEncrypt(liar, peer.state, {
    lists: LISTS,
    frames: frame('lie'),
    initLength: 0,
    random: peer.random,
    nowMs: START_MS,
  }).message
}
