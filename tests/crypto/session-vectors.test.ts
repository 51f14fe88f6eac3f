import { describe, expect, it } from 'vitest'
import {
  type CryptoProvider,
  type Random,
  acceptHandshake,
  concat,
  decodeInit,
  encodeRatchetState,
  initiateHandshake,
  noble,
  openIdentity,
  ratchetEncrypt,
  toHex,
} from '../../crypto/index.ts'
import {
  LISTS,
  RatchetPeer,
  START_MS,
  bundleOf,
  frame,
  makeDevice,
  makePrekeys,
} from '../support/ratchet-peers.ts'
import { nativeCrypto } from '../../node/native-crypto.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { type VectorValue, vectors } from '../support/vectors.ts'

/** Remembers the random bytes it gave: they are inputs of the vector. */
function recorded(random: Random): Random & { taken: () => string } {
  const parts: Uint8Array[] = []
  const record = (length: number) => {
    const bytes = random(length)
    parts.push(bytes)
    return bytes
  }
  const taken = (): string => toHex(concat(...parts.splice(0)))
  return Object.assign(record, { taken })
}

function hexOf(fields: Readonly<Record<string, Uint8Array>>): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).map(([name, bytes]) => [name, toHex(bytes)]))
}

function handshake(seed: string, withOpk: boolean, crypto: CryptoProvider = noble) {
  const random = seededRandom(seed)
  const [a, b, keys] = [makeDevice(random), makeDevice(random), makePrekeys(random)]
  const handed = recorded(random)
  const bundle = bundleOf(b, keys, withOpk)
  const options = { list: a.list, resetEpoch: withOpk ? 0 : 3, random: handed, nowMs: START_MS }
  const started = initiateHandshake(crypto, a, bundle, options)
  const { init } = decodeInit(started.init)
  const identity = openIdentity(crypto, init, {
    dhSecret: b.dhSecret,
    spkSecret: keys.spk.secret,
    kemSeed: keys.kemSeed,
  })
  const accepted = acceptHandshake(crypto, b, {
    init,
    identity,
    initiator: a,
    spk: keys.spk,
    opk: withOpk ? keys.opk : undefined,
    kemKey: keys.kemKey,
    nowMs: START_MS,
  })
  const vector = {
    initiator: hexOf({ account: a.account, device: a.device, dhSecret: a.dhSecret, list: a.list }),
    responder: hexOf({ account: b.account, device: b.device, dhSecret: b.dhSecret }),
    responderListVersion: bundle.listVersion,
    resetEpoch: options.resetEpoch,
    spk: { id: bundle.spk.id, secret: toHex(keys.spk.secret) },
    kem: { id: bundle.kem.id, seed: toHex(keys.kemSeed) },
    opk: { id: bundle.opk?.id ?? 0, secret: withOpk ? toHex(keys.opk.secret) : '' },
    // EK secret, m of the encapsulation, DHs secret: 32 bytes each.
    random: handed.taken(),
    init: toHex(started.init),
    handshakeId: toHex(started.handshakeId),
    transcript: toHex(started.transcript),
    sid: toHex(started.state.sid),
    ad: toHex(started.state.ad),
    rootKey: toHex(accepted.state.rootKey),
    initiatorHeaderKey: toHex(accepted.state.nextReceivingKey),
    responderNextHeaderKey: toHex(accepted.state.nextSendingKey),
  }
  return { vector, alice: started.state, bob: accepted.state, initLength: started.init.length }
}

/** A short conversation: every message with its random bytes and the sender's state after it. */
function conversation(seed: string, crypto: CryptoProvider = noble): VectorValue {
  const pair = handshake(seed, true, crypto)
  const peers = {
    alice: new RatchetPeer(pair.alice, seededRandom(`${seed} alice`)),
    bob: new RatchetPeer(pair.bob, seededRandom(`${seed} bob`)),
  }
  const messages: VectorValue[] = []
  const say = (from: 'alice' | 'bob', text: string, initLength: number): void => {
    const sender = peers[from]
    const receiver = peers[from === 'alice' ? 'bob' : 'alice']
    const random = recorded(sender.random)
    const { state, message } = ratchetEncrypt(crypto, sender.state, {
      lists: LISTS,
      frames: frame(text),
      initLength,
      random,
      nowMs: START_MS,
      offerPq: false,
    })
    sender.state = state
    expect(receiver.receive(message)).toBe(text)
    messages.push({
      from,
      frames: toHex(frame(text)),
      initLength,
      random: random.taken(),
      message: toHex(message),
      rootKey: toHex(state.rootKey),
      nextSendingKey: toHex(state.nextSendingKey),
    })
  }
  say('alice', 'first', pair.initLength)
  say('alice', 'second', pair.initLength)
  say('bob', 'answer', 0)
  say('alice', 'third', 0)
  say('bob', 'x'.repeat(500), 0)
  return {
    handshake: pair.vector,
    lists: toHex(LISTS),
    messages,
    aliceState: toHex(encodeRatchetState(peers.alice.state)),
    bobState: toHex(encodeRatchetState(peers.bob.state)),
  }
}

describe('known answers', () => {
  it('handshake, with and without a one-time prekey', () => {
    const computed = [true, false].map((withOpk) => handshake(`vector ${withOpk}`, withOpk).vector)
    expect(computed).toEqual(vectors('handshake', computed))
  })

  it('ratchet: two messages with init, an answer, two more turns', () => {
    const computed = [conversation('vector ratchet')]
    expect(computed).toEqual(vectors('ratchet', computed))
  })

  it('are the same from node:crypto', () => {
    const handshakes = [true, false].map(
      (withOpk) => handshake(`vector ${withOpk}`, withOpk, nativeCrypto).vector,
    )
    expect(handshakes).toEqual(vectors('handshake', handshakes))
    const ratchets = [conversation('vector ratchet', nativeCrypto)]
    expect(ratchets).toEqual(vectors('ratchet', ratchets))
  })
})
