import { describe, expect, it } from 'vitest'
import {
  type CborValue,
  type DeviceCert,
  compareBytes,
  deviceListHash,
  encodeCbor,
  encodeDeviceCert,
  findDevice,
  nextListVersion,
  noble,
  openDeviceCert,
  openDeviceList,
  sign,
  signDeviceCert,
  signDeviceList,
} from '../../crypto/index.ts'
import { counting, refusal, refusesOtherLengths, survivesNoise } from './decoder-checks.ts'
import { NOW_S, account, accountSeed, device, deviceList } from './identity-fixture.ts'

const NONE = new Uint8Array(0)

/** Signs any list body: what a careless or lying account could do. */
function signedBody(body: CborValue): Uint8Array {
  const bytes = encodeCbor(body)
  return encodeCbor([bytes, sign(noble, accountSeed, 'device-list', bytes)])
}

const certs = (count: number): readonly DeviceCert[] =>
  Array.from({ length: count }, (_, n) => device(n).cert).toSorted((a, b) =>
    compareBytes(a.device, b.device),
  )

describe('a device certificate', () => {
  it('is 136 bytes', () => {
    expect(encodeCbor(encodeDeviceCert(device(0).cert)).length).toBe(136)
  })

  it('opens for its account only', () => {
    const { cert } = device(0)
    expect(openDeviceCert(noble, account, encodeDeviceCert(cert))).toEqual(cert)
    const other = noble.ed25519PublicKey(counting(32, 9))
    expect(refusal(() => openDeviceCert(noble, other, encodeDeviceCert(cert)))).toBe(
      'ERR_CRYPTO_UNAUTHENTIC',
    )
  })

  it('refuses a DH key that the device did not sign', () => {
    const { cert } = device(0)
    const swapped = { ...cert, dh: device(1).cert.dh }
    expect(refusal(() => openDeviceCert(noble, account, encodeDeviceCert(swapped)))).toBe(
      'ERR_CRYPTO_UNAUTHENTIC',
    )
  })

  it('refuses keys that must not be used, and other versions', () => {
    const { cert, seed } = device(0)
    const identity = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0))
    const topBit = signDeviceCert(noble, account, seed, new Uint8Array(32).fill(0xff))
    expect(refusal(() => openDeviceCert(noble, account, encodeDeviceCert(topBit)))).toBe(
      'ERR_CRYPTO_KEY',
    )
    expect(
      refusal(() => openDeviceCert(noble, account, [1, identity, cert.dh, cert.signature])),
    ).toBe('ERR_CRYPTO_KEY')
    expect(
      refusal(() => openDeviceCert(noble, account, [2, cert.device, cert.dh, cert.signature])),
    ).toBe('ERR_WIRE_UNSUPPORTED')
    expect(
      refusal(() => openDeviceCert(noble, account, [1, cert.device, cert.dh, cert.signature, 0])),
    ).toBe('ERR_WIRE_MALFORMED')
  })
})

describe('a device list', () => {
  it('is 249 bytes for one device, 419 for two with a previous hash, 2 596 at its largest', () => {
    expect(deviceList(1).length).toBe(249)
    const two = signDeviceList(noble, accountSeed, {
      version: NOW_S,
      prevHash: counting(32),
      devices: certs(2),
      revoked: [],
    })
    expect(two.length).toBe(419)
    const full = signDeviceList(noble, accountSeed, {
      version: NOW_S,
      prevHash: counting(32),
      devices: certs(10),
      revoked: Array.from({ length: 32 }, (_, i) => counting(32, i)),
    })
    expect(full.length).toBe(2596)
    expect(openDeviceList(noble, full).revoked.length).toBe(32)
  })

  it('comes back as it was signed, with the hash of its bytes', () => {
    const bytes = deviceList(3)
    const list = openDeviceList(noble, bytes)
    expect(list).toEqual({
      account,
      version: NOW_S,
      devices: certs(3),
      revoked: [],
      hash: deviceListHash(noble, bytes),
      bytes,
    })
    expect(findDevice(list, device(1).cert.device)).toEqual(device(1).cert)
    expect(findDevice(list, account)).toBeUndefined()
  })

  it('shares no memory with the bytes it was read from', () => {
    const bytes = deviceList(1)
    const list = openDeviceList(noble, bytes)
    const before = list.bytes[20]
    bytes.fill(0)
    expect(list.bytes[20]).toBe(before)
    expect(list.devices[0]?.device).toEqual(device(0).cert.device)
  })

  it('puts devices and revoked keys in order for its signer', () => {
    const fields = { version: 5, devices: certs(4), revoked: [counting(32, 3), counting(32, 2)] }
    const backwards = { ...fields, devices: certs(4).toReversed() }
    expect(signDeviceList(noble, accountSeed, backwards)).toEqual(
      signDeviceList(noble, accountSeed, fields),
    )
  })

  const one = certs(1).map(encodeDeviceCert)
  const [first, second] = certs(2).map(encodeDeviceCert)
  const refused: readonly (readonly [string, string, CborValue])[] = [
    ['another format', 'ERR_WIRE_UNSUPPORTED', [2, account, 1, NONE, one, []]],
    ['version 0', 'ERR_WIRE_MALFORMED', [1, account, 0, NONE, one, []]],
    ['no device', 'ERR_WIRE_MALFORMED', [1, account, 1, NONE, [], []]],
    ['a short previous hash', 'ERR_WIRE_MALFORMED', [1, account, 1, counting(31), one, []]],
    [
      'devices out of order',
      'ERR_WIRE_MALFORMED',
      [1, account, 1, NONE, [second ?? 0, first ?? 0], []],
    ],
    ['a device twice', 'ERR_WIRE_MALFORMED', [1, account, 1, NONE, [...one, ...one], []]],
    [
      'eleven devices',
      'ERR_WIRE_MALFORMED',
      [1, account, 1, NONE, certs(11).map(encodeDeviceCert), []],
    ],
    [
      'revoked keys out of order',
      'ERR_WIRE_MALFORMED',
      [1, account, 1, NONE, one, [counting(32, 2), counting(32, 1)]],
    ],
    ['a short revoked key', 'ERR_WIRE_MALFORMED', [1, account, 1, NONE, one, [counting(31)]]],
    [
      '33 revoked keys',
      'ERR_WIRE_MALFORMED',
      [1, account, 1, NONE, one, Array.from({ length: 33 }, (_, i) => counting(32, i))],
    ],
    [
      'a device that is revoked too',
      'ERR_WIRE_MALFORMED',
      [1, account, 1, NONE, one, [device(0).cert.device]],
    ],
    ['a field too many', 'ERR_WIRE_MALFORMED', [1, account, 1, NONE, one, [], 0]],
    [
      'a certificate of another account',
      'ERR_CRYPTO_UNAUTHENTIC',
      [
        1,
        account,
        1,
        NONE,
        [encodeDeviceCert(signDeviceCert(noble, counting(32), counting(32), device(0).cert.dh))],
        [],
      ],
    ],
  ]
  it.each(refused)('refuses %s', (_what, code, body) => {
    expect(refusal(() => openDeviceList(noble, signedBody(body)))).toBe(code)
  })

  it('refuses a list that the account key did not sign', () => {
    const body = encodeCbor([1, account, 1, NONE, one, []])
    const forged = encodeCbor([body, sign(noble, counting(32, 3), 'device-list', body)])
    expect(refusal(() => openDeviceList(noble, forged))).toBe('ERR_CRYPTO_UNAUTHENTIC')
    const elsewhere = encodeCbor([body, sign(noble, accountSeed, 'card', body)])
    expect(refusal(() => openDeviceList(noble, elsewhere))).toBe('ERR_CRYPTO_UNAUTHENTIC')
  })

  it('refuses an account key of small order, whose signatures anybody can make', () => {
    const identity = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0))
    const body = encodeCbor([1, identity, 1, NONE, one, []])
    // R = identity, S = 0 satisfies the equation under the identity key.
    const signature = new Uint8Array(64)
    signature[0] = 1
    expect(refusal(() => openDeviceList(noble, encodeCbor([body, signature])))).toBe(
      'ERR_CRYPTO_KEY',
    )
  })

  it('never signs what it would not accept', () => {
    const foreign = signDeviceCert(noble, counting(32), counting(32), device(0).cert.dh)
    const fields = { version: 1, devices: certs(1), revoked: [] }
    const attempt = (changed: object): string | undefined =>
      refusal(() => signDeviceList(noble, accountSeed, { ...fields, ...changed }))
    expect(attempt({})).toBeUndefined()
    expect(attempt({ devices: [foreign] })).toBe('ERR_CRYPTO_UNAUTHENTIC')
    expect(attempt({ devices: certs(11) })).toBe('ERR_PROTOCOL_LIMIT')
    expect(attempt({ version: 0 })).toBe('ERR_CRYPTO_PARAMETER')
    expect(attempt({ revoked: [device(0).cert.device] })).toBe('ERR_WIRE_MALFORMED')
  })

  it('takes the next version from the clock, and above the last whatever the clock says', () => {
    expect(nextListVersion(0, NOW_S)).toBe(NOW_S)
    expect(nextListVersion(NOW_S + 9, NOW_S)).toBe(NOW_S + 10)
  })

  it('refuses every truncation and a trailing byte, and survives noise', () => {
    const open = (bytes: Uint8Array): unknown => openDeviceList(noble, bytes)
    refusesOtherLengths(open, deviceList(1))
    survivesNoise(open, deviceList(1))
  })

  it('refuses every single changed bit', () => {
    const good = deviceList(1)
    for (let at = 0; at < good.length; at++) {
      const bytes = new Uint8Array(good)
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8))
      expect(
        refusal(() => openDeviceList(noble, bytes)),
        `byte ${at}`,
      ).toBeDefined()
    }
  })
})
