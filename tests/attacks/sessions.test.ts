// What an attacker tries on handshakes and sessions beyond the single steps that tests/crypto and
// tests/protocol/session go through.
import { describe, expect, it } from 'vitest'
import {
  type CryptoProvider,
  acceptHandshake,
  concat,
  decodeInit,
  encodeRatchetState,
  equalBytes,
  initiateHandshake,
  noble,
  openEnvelope,
  openHeader,
  openIdentity,
  ratchetCanSend,
  ratchetIsExhausted,
  ratchetReceive,
  sealEnvelope,
  toHex,
  u32,
} from '../../crypto/index.ts'
import { nativeCrypto } from '../../node/native-crypto.ts'
import { endSessions, sessionIndex, sessions, skippedSeeds } from '../../protocol/index.ts'
import { replayMap } from '../../protocol/session/replay-map.ts'
import {
  RatchetPeer,
  START_MS,
  bundleOf,
  flip,
  makeDevice,
  makePrekeys,
  makeTalkingPair,
  withHeader,
} from '../support/ratchet-peers.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { SessionPeer, codeOf, talkingPeers } from '../support/session-peers.ts'

const random = seededRandom('attacks on sessions')
const alice = makeDevice(random)
const bob = makeDevice(random)
const keys = makePrekeys(random)

/** A provider that counts the calls of one kind. */
function counting<K extends 'hmac' | 'aeadOpen' | 'x25519'>(
  kind: K,
): { readonly provider: CryptoProvider; calls: number } {
  const counter = { provider: nativeCrypto, calls: 0 }
  counter.provider = {
    ...nativeCrypto,
    [kind]: (...parameters: never[]) => {
      counter.calls += 1
      return (nativeCrypto[kind] as (...all: never[]) => unknown)(...parameters)
    },
  }
  return counter
}

/** What Bob makes of an init that claims to be Alice's, and whether he reads its message. */
function bobReads(started: ReturnType<typeof initiateHandshake>): boolean {
  const { init } = decodeInit(started.init)
  const secrets = {
    dhSecret: bob.dhSecret,
    spkSecret: keys.spk.secret,
    kemSeed: keys.kemSeed,
  }
  const identity = openIdentity(noble, init, secrets)
  const accepted = acceptHandshake(noble, bob, {
    init,
    identity,
    initiator: alice,
    spk: keys.spk,
    opk: undefined,
    kemKey: keys.kemKey,
    nowMs: START_MS,
  })
  const message = new RatchetPeer(started.state, random).send('I am alice')
  return new RatchetPeer(accepted.state, random).receive(message) === 'I am alice'
}

/** Poses as Alice without her DH secret, with another way to compute what it gives. */
function pose(dh1: (spk: Uint8Array) => Uint8Array) {
  const noSecret = new Uint8Array(32)
  const provider: CryptoProvider = {
    ...noble,
    x25519: (secret, publicKey) =>
      secret === noSecret
        ? (dh1(publicKey) as Uint8Array<ArrayBuffer>)
        : noble.x25519(secret, publicKey),
  }
  const self = { account: alice.account, device: alice.device, dh: alice.dh, dhSecret: noSecret }
  const options = { list: alice.list, resetEpoch: 0, random, nowMs: START_MS }
  return initiateHandshake(provider, self, bundleOf(bob, keys, false), options)
}

describe('key compromise impersonation (SPEC.md §5.8)', () => {
  it('whoever stole the signed prekey of a device can pose to it as anybody: the stated limit', () => {
    expect(bobReads(pose(() => noble.x25519(keys.spk.secret, alice.dh)))).toBe(true)
  })

  it('the long-term DH key alone does not suffice for it', () => {
    expect(bobReads(pose(() => noble.x25519(bob.dhSecret, alice.dh)))).toBe(false)
  })
})

describe('KEM keys', () => {
  it('a ciphertext made for another key of the device does not open, whatever id it names', () => {
    const other = makePrekeys(random)
    const options = { list: alice.list, resetEpoch: 0, random, nowMs: START_MS }
    const bundle = { ...bundleOf(bob, keys, false), kem: { id: 1, key: other.kemKey } }
    const { init } = decodeInit(initiateHandshake(noble, alice, bundle, options).init)
    const secrets = {
      dhSecret: bob.dhSecret,
      spkSecret: keys.spk.secret,
      kemSeed: keys.kemSeed,
    }
    expect(codeOf(() => openIdentity(noble, init, secrets))).toBe('ERR_CRYPTO_UNAUTHENTIC')
    expect(openIdentity(noble, init, { ...secrets, kemSeed: other.kemSeed }).device).toEqual(
      alice.device,
    )
  })

  it('are kept as seeds, so that one secret has one public key', () => {
    for (const provider of [noble, nativeCrypto]) {
      expect(keys.kemSeed.length).toBe(64)
      expect(toHex(provider.mlkemPublicKey(keys.kemSeed))).toBe(toHex(keys.kemKey))
    }
  })

  it('an id renamed on the way, or to none, opens nothing and uses nothing up', () => {
    const [here, there] = [new SessionPeer('alice downgrade'), new SessionPeer('bob downgrade')]
    const bundle = there.bundle()
    here.start(bundle)
    const message = here.send(there, 'x')
    for (const [at, id] of [
      [43, 0],
      [47, 0],
      [47, bundle.spk.id + 1],
    ] as const) {
      const inner = Uint8Array.from(message.inner)
      inner.set(u32(id), at)
      expect(there.open({ ...message, inner }).kind).toBe('unreadable')
    }
    expect(there.read(message)).toBe('x')
  })
})

describe('a forged message', () => {
  it('changes no record of any session, whatever it looks like', () => {
    const [here, there] = talkingPeers('forged')
    const message = here.send(there, 'real')
    const before = () =>
      [sessions, sessionIndex, skippedSeeds, replayMap].map((table) =>
        there.driver.storedBytes(table as typeof sessions).map(toHex),
      )
    const then = before()
    const forged = [0, 1, 12, 13, 40, 72, 73, 200, message.inner.length - 1].map((at) =>
      flip(message.inner, at),
    )
    for (const inner of forged) {
      const outcome = there.open({ ...message, inner })
      // 0x10 in the place of 0x11 makes an init of it, and no good one.
      expect(['unreadable', 'malformed']).toContain(outcome.kind)
    }
    const [other] = talkingPeers('spliced')
    const spliced = other.send(new SessionPeer('bob spliced'), 'of another session')
    expect(there.open({ sid: message.sid, inner: spliced.inner }).kind).not.toBe('opened')
    expect(before()).toEqual(then)
    expect(there.read(message)).toBe('real')
  })

  it('is told the sender like any other: one outcome for each broken byte', () => {
    const [here, there] = talkingPeers('one answer')
    const message = here.send(there, 'real')
    const outcomes = new Set(
      [1, 13, 72, 73, message.inner.length - 1].map((at) => {
        const outcome = there.open({ ...message, inner: flip(message.inner, at) })
        return outcome.kind === 'unreadable' ? outcome.reason : outcome.kind
      }),
    )
    expect([...outcomes]).toEqual(['unauthentic'])
  })
})

describe('a flood of skipped numbers', () => {
  it('is turned away before any key is derived for it', () => {
    const { alice: mallory, bob: victim } = makeTalkingPair('flood')
    for (const n of [1_001, 1_000_000, 0xffff_ffff]) {
      const message = withHeader(mallory, (header) => header.set(u32(n), 36))
      const before = toHex(encodeRatchetState(victim.state))
      expect(victim.receive(message)).toBe('held')
      expect(toHex(encodeRatchetState(victim.state))).toBe(before)
      expect(victim.seeds.size).toBe(0)
    }
    // On the chain that it is at as well: two jumps within the bound would be three thousand.
    expect(victim.receive(mallory.send('hello'))).toBe('hello')
    const jump = withHeader(mallory, (header) => header.set(u32(1_500), 36))
    expect(victim.receive(jump)).toBe('held')
    expect(victim.seeds.size).toBe(0)
  })

  it('within the bound costs two MACs a number, never more than its square', () => {
    const { alice: sender, bob: receiver } = makeTalkingPair('cost')
    for (let i = 0; i < 800; i++) sender.send('lost')
    const message = sender.send('last')
    const counter = counting('hmac')
    const opened = openHeader(counter.provider, receiver.state, message)
    if (opened === undefined) throw new Error('no header')
    const options = { opened, skippedSeed: undefined, random, nowMs: START_MS }
    const receipt = ratchetReceive(counter.provider, receiver.state, message, options)
    expect(receipt.kind).toBe('opened')
    expect(counter.calls).toBeGreaterThan(800)
    expect(counter.calls).toBeLessThan(2 * 801 + 20)
  })
})

describe('one ciphertext under many keys', () => {
  // ChaCha20-Poly1305 does not commit to its key: one ciphertext may open under several that its
  // maker knows. What is tried here are keys of 256 bits that no passphrase makes, so a maker knows
  // its own alone, and a message tells apart at most as many as are tried for it.
  it('a ratchet message is tried with at most 66 header keys', () => {
    const { alice: sender, bob: receiver } = makeTalkingPair('trials')
    for (let turn = 0; turn < 65; turn++) {
      sender.send(`late ${turn}`)
      receiver.receive(sender.send('now'))
      sender.receive(receiver.send('turn'))
    }
    expect(receiver.state.oldChains.length).toBe(64)
    const counter = counting('aeadOpen')
    const peer = makeTalkingPair('stranger to it').alice
    const foreign = peer.send('x')
    expect(openHeader(counter.provider, receiver.state, foreign)).toBeUndefined()
    expect(counter.calls).toBe(66)
  })

  it('an envelope is tried with the keys of its id alone, however many others there are', () => {
    const mailboxId = random(16)
    const all = Array.from({ length: 40 }, (_, i) => {
      const secret = random(32)
      return { keyId: i % 4, secret, publicKey: noble.x25519PublicKey(secret) }
    })
    const stranger = noble.x25519PublicKey(random(32))
    const envelope = sealEnvelope(
      noble,
      random,
      { keyId: 1, publicKey: stranger, mailboxId },
      { sid: random(16), inner: random(446) },
    )
    const counter = counting('aeadOpen')
    expect(codeOf(() => openEnvelope(counter.provider, all, mailboxId, envelope))).toBe(
      'ERR_CRYPTO_UNAUTHENTIC',
    )
    expect(counter.calls).toBe(10)
  })
})

describe('a counter at its end', () => {
  it('stops the session instead of going round', () => {
    const { alice: peer } = makeTalkingPair('end')
    expect(ratchetIsExhausted(peer.state)).toBe(false)
    expect(ratchetIsExhausted({ ...peer.state, pqEpoch: 65_535 })).toBe(true)
    for (let i = 0; ratchetCanSend(peer.state) && !ratchetIsExhausted(peer.state); i++) {
      if (i > 900) throw new Error('it goes on')
      peer.send('x')
    }
    const sending = peer.state.sending
    expect(sending?.count).toBe(900)
    expect(codeOf(() => peer.send('one more'))).not.toBe('nothing thrown')
  })
})

describe('records of sessions', () => {
  it('share no memory with what came from outside, nor with each other', () => {
    const [here, there] = talkingPeers('aliasing')
    // As Node's pool does: many messages in one buffer that is used again.
    const pool = new Uint8Array(8_192)
    const first = here.send(there, 'first')
    pool.set(first.inner, 100)
    pool.set(first.sid, 0)
    const slice = {
      sid: pool.subarray(0, 16),
      inner: pool.subarray(100, 100 + first.inner.length),
    }
    expect(there.read(slice)).toBe('first')
    pool.fill(0xee)
    expect(there.read(here.send(there, 'second'))).toBe('second')
    const buffers = there.driver.storedBytes(sessions).map(({ buffer }) => buffer)
    expect(new Set(buffers).size).toBe(buffers.length)
    for (const buffer of buffers) expect(buffer).not.toBe(pool.buffer)
  })

  it('of a removed device are gone with it, and an init of it finds nothing to go on with', () => {
    const [here, there] = talkingPeers('ended')
    there.driver.run((turn) => endSessions(turn, here.self.device))
    expect(there.driver.rows(sessions)).toEqual([])
    expect(there.open(here.send(there, 'late')).kind).toBe('unknownSession')
  })
})

describe('the time of a comparison', () => {
  it('of tags and MACs tells nothing: every byte is read, wherever the first difference is', () => {
    const reads = (differsAt: number): number => {
      let count = 0
      const bytes = new Uint8Array(32)
      if (differsAt < 32) bytes[differsAt] = 1
      const watched = new Proxy(bytes, {
        get: (target, key) => {
          if (typeof key === 'string' && /^\d+$/.test(key)) count += 1
          return Reflect.get(target, key, target)
        },
      })
      expect(equalBytes(watched, new Uint8Array(32))).toBe(differsAt === 32)
      return count
    }
    expect([0, 1, 16, 31, 32].map(reads)).toEqual([32, 32, 32, 32, 32])
  })
})

describe('a message that two people could claim', () => {
  it('of one session read under the associated data of another is nothing', () => {
    const one = makeTalkingPair('ad one')
    const two = makeTalkingPair('ad two')
    expect(equalBytes(one.alice.state.ad, two.alice.state.ad)).toBe(false)
    const grafted = new RatchetPeer({ ...one.bob.state, ad: two.bob.state.ad }, one.bob.random)
    expect(grafted.receive(one.alice.send('x'))).toBe('unreadable')
    expect(concat(one.alice.state.sid, two.alice.state.sid)).toHaveLength(32)
  })
})
