import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  CryptoError,
  type HandshakeBundle,
  acceptHandshake,
  concat,
  decodeInit,
  equalBytes,
  handshakeId,
  hkdfExpand,
  hkdfExtract,
  initiateHandshake,
  label,
  noble,
  openIdentity,
  ratchetEncrypt,
  toHex,
  u16,
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
import { seededRandom } from '../support/seeded-random.ts'

const random = seededRandom('handshake')
const alice = makeDevice(random)
const bob = makeDevice(random)
const mallory = makeDevice(random)
const keys = makePrekeys(random)
const secrets = {
  dhSecret: bob.dhSecret,
  spkSecret: keys.spk.secret,
  kemSeed: keys.kemSeed,
}

function start(bundle: HandshakeBundle = bundleOf(bob, keys), resetEpoch = 0) {
  const options = { list: alice.list, resetEpoch, random, nowMs: START_MS }
  return initiateHandshake(noble, alice, bundle, options)
}

function accept(inner: Uint8Array, claims: Partial<Parameters<typeof acceptHandshake>[2]> = {}) {
  const { init } = decodeInit(inner)
  const identity = openIdentity(noble, init, secrets)
  return acceptHandshake(noble, bob, {
    init,
    identity,
    initiator: alice,
    spk: keys.spk,
    opk: init.opkId === 0 ? undefined : keys.opk,
    kemKey: keys.kemKey,
    nowMs: START_MS,
    ...claims,
  })
}

/** Whether the responder's state opens what the initiator sends. */
function talks(
  initiator: ReturnType<typeof start>['state'],
  responder: ReturnType<typeof accept>['state'],
): boolean {
  const message = new RatchetPeer(initiator, random).send('hello')
  return new RatchetPeer(responder, random).receive(message) === 'hello'
}

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    return error instanceof CryptoError ? error.code : String(error)
  }
  return 'nothing thrown'
}

describe('handshake', () => {
  it('gives both sides one transcript, session id and associated data', () => {
    for (const withOpk of [true, false]) {
      const started = start(bundleOf(bob, keys, withOpk))
      const accepted = accept(started.init)
      expect(toHex(accepted.transcript)).toBe(toHex(started.transcript))
      expect(toHex(accepted.state.sid)).toBe(toHex(started.state.sid))
      expect(toHex(accepted.state.ad)).toBe(toHex(started.state.ad))
      expect(toHex(accepted.handshakeId)).toBe(toHex(started.handshakeId))
      expect(talks(started.state, accepted.state)).toBe(true)
    }
  })

  it('takes 1 448 bytes for a list of one device', () => {
    expect(start().init.length).toBe(1_448)
  })

  it('opens the identity without the one-time prekey: a reset has an address', () => {
    const { init } = decodeInit(start().init)
    const identity = openIdentity(noble, init, secrets)
    expect(toHex(identity.device)).toBe(toHex(alice.device))
    expect(toHex(identity.list)).toBe(toHex(alice.list))
    expect(identity.peerListVersion).toBe(START_MS / 1_000)
  })

  it('seals the identity under DH2, DH3 and the KEM secret, nothing more and nothing less', () => {
    const { init } = decodeInit(start().init)
    const salt = noble.sha256(label('hs'), u16(1))
    const ikm = concat(
      new Uint8Array(32).fill(0xff),
      noble.x25519(bob.dhSecret, init.ephemeral),
      noble.x25519(keys.spk.secret, init.ephemeral),
      noble.mlkemDecapsulate(keys.kemSeed, init.ciphertext),
    )
    const key = hkdfExpand(noble, hkdfExtract(noble, salt, ikm), label('hs-id'), 32)
    const aad = init.bytes.subarray(0, 1_139)
    expect(noble.aeadOpen(key, new Uint8Array(12), aad, init.idbox)).toBeDefined()
  })

  it('the names of the initiator never stand in the clear', () => {
    const init = toHex(start().init)
    for (const name of [alice.account, alice.device, alice.dh]) {
      expect(init).not.toContain(toHex(name))
    }
  })

  it('a later compromise of the device DH key alone does not open the identity', () => {
    const { init } = decodeInit(start().init)
    const guess = seededRandom('guess')
    const stolen = { dhSecret: bob.dhSecret, spkSecret: guess(32), kemSeed: guess(64) }
    expect(codeOf(() => openIdentity(noble, init, stolen))).toBe('ERR_CRYPTO_UNAUTHENTIC')
    const quantum = { ...secrets, kemSeed: guess(64) }
    expect(codeOf(() => openIdentity(noble, init, quantum))).toBe('ERR_CRYPTO_UNAUTHENTIC')
  })
})

describe('attacks on the handshake', () => {
  it('unknown key share: another initiator, responder or role gives another session', () => {
    const started = start()
    for (const initiator of [
      { ...alice, account: mallory.account },
      { ...alice, device: mallory.device },
      bob,
    ]) {
      const accepted = accept(started.init, { initiator })
      expect(toHex(accepted.transcript)).not.toBe(toHex(started.transcript))
      expect(talks(started.state, accepted.state)).toBe(false)
    }
    // The same two the other way round: who began is part of it.
    const { init } = decodeInit(started.init)
    const swapped = acceptHandshake(noble, alice, {
      init,
      identity: openIdentity(noble, init, secrets),
      initiator: bob,
      spk: keys.spk,
      opk: keys.opk,
      kemKey: keys.kemKey,
      nowMs: START_MS,
    })
    expect(toHex(swapped.transcript)).not.toBe(toHex(started.transcript))
  })

  it('a bundle passed off with a foreign device DH key fails: each side hashes its own', () => {
    const started = start({ ...bundleOf(bob, keys), dh: mallory.dh })
    expect(codeOf(() => accept(started.init))).toBe('ERR_CRYPTO_UNAUTHENTIC')
    const relabelled = start({ ...bundleOf(bob, keys), account: mallory.account })
    expect(talks(relabelled.state, accept(relabelled.init).state)).toBe(false)
  })

  it('KEM re-encapsulation: the KEM key and ciphertext are in the transcript', () => {
    const other = makePrekeys(random)
    const started = start()
    const accepted = accept(started.init, { kemKey: other.kemKey })
    expect(talks(started.state, accepted.state)).toBe(false)
    // Whoever knows the secret and could make another ciphertext of it would still be noticed.
    const { init } = decodeInit(started.init)
    const bytes = Uint8Array.from(init.bytes)
    bytes[600]! ^= 1
    const again = accept(started.init, { init: { ...init, bytes } })
    expect(talks(started.state, again.state)).toBe(false)
  })

  it('every byte of the init is authenticated', () => {
    const started = start()
    for (const at of [3, 6, 7, 38, 39, 46, 47, 50, 51, 600, 1_138, 1_141, 1_447]) {
      const init = Uint8Array.from(started.init)
      init[at]! ^= 1
      const outcome = codeOf(() => accept(init))
      expect(['ERR_CRYPTO_UNAUTHENTIC', 'ERR_CRYPTO_KEY'], `byte ${at}`).toContain(outcome)
    }
    // Also where the identity would open: the whole of it is in the transcript.
    const { init } = decodeInit(started.init)
    for (let at = 0; at < init.bytes.length; at += 7) {
      const bytes = Uint8Array.from(init.bytes)
      bytes[at]! ^= 1
      const { transcript } = accept(started.init, { init: { ...init, bytes } })
      expect(toHex(transcript), `byte ${at}`).not.toBe(toHex(started.transcript))
    }
  })

  it('another suite is unsupported, not tried', () => {
    const init = Uint8Array.from(start().init)
    init[2] = 2
    expect(codeOf(() => decodeInit(init))).toBe('ERR_WIRE_UNSUPPORTED')
  })

  it('a one-time prekey cannot be stripped or added on the way', () => {
    const started = start(bundleOf(bob, keys, false))
    expect(codeOf(() => accept(started.init, { opk: keys.opk }))).toBe('ERR_CRYPTO_PARAMETER')
    const withOpk = start()
    expect(codeOf(() => accept(withOpk.init, { opk: undefined }))).toBe('ERR_CRYPTO_PARAMETER')
  })

  it('a wrong one-time prekey gives another session, and the identity all the same', () => {
    const started = start()
    const accepted = accept(started.init, { opk: makePrekeys(random).opk })
    expect(talks(started.state, accepted.state)).toBe(false)
  })

  it('keys of small order or in another encoding are refused on both sides', () => {
    const zero = new Uint8Array(32)
    const topBit = Uint8Array.from(keys.spk.publicKey)
    topBit[31]! |= 0x80
    const aboveP = new Uint8Array(32).fill(0xff)
    aboveP[31] = 0x7f
    for (const bad of [zero, topBit, aboveP]) {
      const bundle = bundleOf(bob, keys)
      expect(codeOf(() => start({ ...bundle, dh: bad }))).toBe('ERR_CRYPTO_KEY')
      expect(codeOf(() => start({ ...bundle, spk: { id: 1, key: bad } }))).toBe('ERR_CRYPTO_KEY')
      expect(codeOf(() => start({ ...bundle, opk: { id: 1, key: bad } }))).toBe('ERR_CRYPTO_KEY')
      const init = Uint8Array.from(start().init)
      init.set(bad, 7)
      expect(codeOf(() => accept(init))).toBe('ERR_CRYPTO_KEY')
    }
    const kem = { id: 1, key: new Uint8Array(1_184).fill(0xff) }
    expect(codeOf(() => start({ ...bundleOf(bob, keys), kem }))).toBe('ERR_CRYPTO_KEY')
  })

  it('a reset epoch is part of the transcript', () => {
    const one = start(bundleOf(bob, keys), 5)
    expect(decodeInit(one.init).init.resetEpoch).toBe(5)
    const forged = Uint8Array.from(one.init)
    forged[6] = 6
    expect(codeOf(() => accept(forged))).toBe('ERR_CRYPTO_UNAUTHENTIC')
  })

  it('a handshake from a repeated ephemeral key is named alike: a replay is known by it', () => {
    const { init } = decodeInit(start().init)
    expect(equalBytes(handshakeId(noble, init.ephemeral), accept(init.bytes).handshakeId)).toBe(
      true,
    )
  })
})

describe('init decoder', () => {
  it('refuses every truncation of an init, and keeps what follows it', () => {
    const started = start()
    for (let length = 0; length < started.init.length; length++) {
      expect(codeOf(() => decodeInit(started.init.subarray(0, length)))).toBe('ERR_WIRE_MALFORMED')
    }
    const { message } = ratchetEncrypt(noble, started.state, {
      lists: LISTS,
      frames: frame('hello'),
      initLength: started.init.length,
      random,
      nowMs: START_MS,
    })
    const decoded = decodeInit(concat(started.init, message))
    expect(toHex(decoded.message)).toBe(toHex(message))
    expect(toHex(decoded.init.bytes)).toBe(toHex(started.init))
  })

  it('refuses any bytes as malformed or unsupported, nothing else', () => {
    const whole = start().init
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1_500 }), fc.nat(1_447), (noise, at) => {
        const bytes = Uint8Array.from(whole)
        bytes.set(noise.subarray(0, whole.length - at), at)
        for (const candidate of [noise, bytes]) {
          const code = codeOf(() => decodeInit(candidate))
          const allowed = ['nothing thrown', 'ERR_WIRE_MALFORMED', 'ERR_WIRE_UNSUPPORTED']
          expect(allowed).toContain(code)
        }
      }),
    )
  })
})
