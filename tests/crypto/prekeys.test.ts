import { describe, expect, it } from 'vitest'
import {
  type Prekey,
  encodeCbor,
  noble,
  openPrekey,
  prekeyId,
  prekeySlot,
  sealItem,
  sign,
  signPrekey,
} from '../../crypto/index.ts'
import {
  counting,
  countingRandom,
  refusal,
  refusesOtherLengths,
  survivesNoise,
} from './decoder-checks.ts'
import { NOW_S, account, device } from './identity-fixture.ts'

const serviceKey = counting(32, 1)
const { seed, cert } = device(0)
const opk: Prekey = {
  kind: 1,
  id: prekeyId(1, 1),
  serviceKey,
  notAfterS: NOW_S + 60 * 86_400,
  publicKey: noble.x25519PublicKey(counting(32)),
}
const okem: Prekey = { ...opk, kind: 2, publicKey: noble.mlkemPublicKey(counting(64)) }
const expected = { kind: 1 as const, device: cert.device, serviceKey, nowS: NOW_S }

describe('a one-time prekey', () => {
  it('is 150 and 178 bytes with X25519, 1 304 and 1 332 with ML-KEM', () => {
    const place = { account, serviceKey, mailboxId: counting(16) }
    for (const [prekey, bare, sealed] of [
      [opk, 150, 178],
      [okem, 1304, 1332],
    ] as const) {
      const content = signPrekey(noble, seed, prekey)
      expect(content.length).toBe(bare)
      const item = sealItem(noble, countingRandom(), place, { kind: prekey.kind, content })
      expect(item.length).toBe(sealed)
    }
  })

  it('comes back as it was signed', () => {
    expect(openPrekey(noble, signPrekey(noble, seed, opk), expected)).toEqual(opk)
    expect(openPrekey(noble, signPrekey(noble, seed, okem), { ...expected, kind: 2 })).toEqual(okem)
  })

  it('names its slot and counter in its id', () => {
    expect(prekeyId(255, 2 ** 24 - 1)).toBe(0xffff_ffff)
    expect(prekeySlot(prekeyId(7, 9))).toBe(7)
    for (const [slot, counter] of [
      [256, 1],
      [-1, 1],
      [1, 0],
      [1, 2 ** 24],
      [1.5, 1],
    ] as const) {
      expect(refusal(() => prekeyId(slot, counter))).toBe('ERR_CRYPTO_PARAMETER')
    }
  })

  it('is refused from another relay, of another device, or too late', () => {
    const bytes = signPrekey(noble, seed, opk)
    const open = (changed: object) => () => openPrekey(noble, bytes, { ...expected, ...changed })
    expect(refusal(open({ serviceKey: counting(32) }))).toBe('ERR_CRYPTO_UNAUTHENTIC')
    expect(refusal(open({ device: device(1).cert.device }))).toBe('ERR_CRYPTO_UNAUTHENTIC')
    expect(refusal(open({ nowS: opk.notAfterS + 1 }))).toBe('ERR_CRYPTO_EXPIRED')
    expect(refusal(open({ nowS: opk.notAfterS }))).toBeUndefined()
    expect(refusal(open({ kind: 2 }))).toBe('ERR_WIRE_MALFORMED')
  })

  it('is refused in slot 0, with a key above p, in another version, with more elements', () => {
    const open = (body: Uint8Array) => () =>
      openPrekey(noble, encodeCbor([body, sign(noble, seed, 'prekey', body)]), expected)
    const { id, notAfterS, publicKey } = opk
    const body = (...values: readonly (number | Uint8Array)[]): Uint8Array => encodeCbor(values)
    expect(refusal(open(body(1, 1, id, serviceKey, notAfterS, publicKey)))).toBeUndefined()
    expect(refusal(open(body(1, 1, 5, serviceKey, notAfterS, publicKey)))).toBe(
      'ERR_WIRE_MALFORMED',
    )
    expect(refusal(open(body(1, 1, id, serviceKey, notAfterS, counting(32).fill(255))))).toBe(
      'ERR_CRYPTO_KEY',
    )
    expect(refusal(open(body(2, 1, id, serviceKey, notAfterS, publicKey)))).toBe(
      'ERR_WIRE_UNSUPPORTED',
    )
    expect(refusal(open(body(1, 1, id, serviceKey, notAfterS, publicKey, 0)))).toBe(
      'ERR_WIRE_MALFORMED',
    )
  })

  it('refuses every truncation and a trailing byte, and survives noise', () => {
    const open = (bytes: Uint8Array): unknown => openPrekey(noble, bytes, expected)
    refusesOtherLengths(open, signPrekey(noble, seed, opk))
    survivesNoise(open, signPrekey(noble, seed, opk))
  })
})
