import { describe, expect, it } from 'vitest'
import {
  type SealKey,
  concat,
  envelopeId,
  innerId,
  noble,
  openEnvelope,
  sealEnvelope,
} from '../../crypto/index.ts'
import { LADDER } from '../../crypto/limits.ts'
import {
  counting,
  countingRandom,
  refusal,
  refusesOtherLengths,
  survivesNoise,
} from './decoder-checks.ts'

function key(keyId: number, start: number): SealKey {
  const secret = counting(32, start)
  return { keyId, secret, publicKey: noble.x25519PublicKey(secret) }
}

const mailboxId = counting(16, 100)
const sid = counting(16, 200)
const inner = counting(446)
const keys = [key(0, 10), key(7, 20), key(8, 30)]

function sealTo(target: SealKey, random = countingRandom()): Uint8Array {
  return sealEnvelope(noble, random, { ...target, mailboxId }, { sid, inner })
}

describe('a sealed envelope', () => {
  it('opens with the key its id names and gives back session and inner message', () => {
    for (const target of keys) {
      const envelope = sealTo(target)
      expect(envelope.length).toBe(512)
      expect(openEnvelope(noble, keys, mailboxId, envelope)).toEqual({
        keyId: target.keyId,
        sid,
        inner,
      })
    }
  })

  it('tries every key of one id', () => {
    const shadowed = [key(7, 60), ...keys]
    expect(openEnvelope(noble, shadowed, mailboxId, sealTo(key(7, 20))).inner).toEqual(inner)
  })

  it('adds 66 bytes on every step of the ladder', () => {
    for (const size of LADDER) {
      const message = new Uint8Array(size - 66)
      const target = { keyId: 0, publicKey: key(0, 10).publicKey, mailboxId }
      const envelope = sealEnvelope(noble, countingRandom(), target, { sid, inner: message })
      expect(envelope.length).toBe(size)
      expect(openEnvelope(noble, keys, mailboxId, envelope).inner.length).toBe(size - 66)
    }
  })

  it('differs at each sealing, while the inner id stays', () => {
    const random = countingRandom()
    const first = sealTo(key(0, 10), random)
    const second = sealTo(key(0, 10), random)
    expect(first.subarray(2, 34)).not.toEqual(second.subarray(2, 34))
    expect(innerId(noble, openEnvelope(noble, keys, mailboxId, second).inner)).toEqual(
      innerId(noble, inner),
    )
  })

  it('opens for its mailbox, key id and key only', () => {
    const envelope = sealTo(key(7, 20))
    const relabelled = concat(envelope.subarray(0, 1), Uint8Array.of(8), envelope.subarray(2))
    for (const open of [
      () => openEnvelope(noble, keys, counting(16), envelope),
      () => openEnvelope(noble, [key(0, 10)], mailboxId, envelope),
      () => openEnvelope(noble, [key(7, 60)], mailboxId, envelope),
      () => openEnvelope(noble, [{ ...key(7, 20), keyId: 8 }], mailboxId, relabelled),
      () => openEnvelope(noble, [], mailboxId, envelope),
    ]) {
      expect(refusal(open)).toBe('ERR_CRYPTO_UNAUTHENTIC')
    }
  })

  it('names copies by mailbox: relays cannot link them, the recipient can', () => {
    const id = innerId(noble, inner)
    expect(envelopeId(noble, id, mailboxId)).not.toEqual(envelopeId(noble, id, counting(16)))
    expect(envelopeId(noble, id, mailboxId).length).toBe(32)
  })

  it('refuses sizes off the ladder and other first bytes as malformed', () => {
    const envelope = sealTo(key(0, 10))
    const open = (bytes: Uint8Array) => () => openEnvelope(noble, keys, mailboxId, bytes)
    for (const size of [0, 1, 511, 513, 65_537, 131_072]) {
      expect(refusal(open(new Uint8Array(size).fill(1)))).toBe('ERR_WIRE_MALFORMED')
    }
    expect(refusal(open(concat(Uint8Array.of(2), envelope.subarray(1))))).toBe('ERR_WIRE_MALFORMED')
  })

  it('refuses an ephemeral key of small order or above p like any other unopenable envelope', () => {
    for (const byte of [0, 1, 0xff]) {
      const envelope = sealTo(key(0, 10))
      envelope.fill(byte === 1 ? 0 : byte, 2, 34)
      if (byte === 1) envelope[2] = 1
      expect(refusal(() => openEnvelope(noble, keys, mailboxId, envelope))).toBe(
        'ERR_CRYPTO_UNAUTHENTIC',
      )
    }
  })

  it('refuses every single changed bit, every other length, and survives noise', () => {
    const good = sealTo(key(0, 10))
    const open = (bytes: Uint8Array): unknown => openEnvelope(noble, keys, mailboxId, bytes)
    for (let at = 0; at < good.length; at += 3) {
      const bytes = new Uint8Array(good)
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8))
      expect(
        refusal(() => open(bytes)),
        `byte ${at}`,
      ).toBeDefined()
    }
    refusesOtherLengths(open, good)
    survivesNoise(open, good, 30)
  })

  it('refuses to seal what is off the ladder, or to a key of small order', () => {
    const target = { keyId: 0, publicKey: key(0, 10).publicKey, mailboxId }
    const seal = (changed: object, message: Uint8Array) => () =>
      sealEnvelope(noble, countingRandom(), { ...target, ...changed }, { sid, inner: message })
    expect(refusal(seal({}, counting(447)))).toBe('ERR_CRYPTO_PARAMETER')
    expect(refusal(seal({ keyId: 256 }, inner))).toBe('ERR_CRYPTO_PARAMETER')
    expect(refusal(seal({ mailboxId: counting(15) }, inner))).toBe('ERR_CRYPTO_PARAMETER')
    expect(refusal(seal({ publicKey: new Uint8Array(32) }, inner))).toBe('ERR_CRYPTO_KEY')
  })
})
