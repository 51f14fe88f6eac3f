import { describe, expect, it } from 'vitest'
import {
  type CardFields,
  type Mailbox,
  decodeCbor,
  encodeCbor,
  fromHex,
  noble,
  openCard,
  openDeviceList,
  openItem,
  readMailbox,
  readRendezvous,
  sealItem,
  sign,
  signCard,
  signDeviceList,
} from '../../crypto/index.ts'
import {
  counting,
  countingRandom,
  refusal,
  refusesOtherLengths,
  survivesNoise,
} from './decoder-checks.ts'
import { NOW_S, account, accountSeed, device, deviceList } from './identity-fixture.ts'

const ADDRESS = '/ip4/203.0.113.7/tcp/4001'
const DAY_S = 86_400

function mailbox(n: number): Mailbox {
  return { serviceKey: counting(32, n), addresses: [ADDRESS], mailboxId: counting(16, n) }
}

const kem = noble.mlkemPublicKey(counting(64))
const curve = (start: number): Uint8Array => noble.x25519PublicKey(counting(32, start))

function fields(changed: Partial<CardFields> = {}): CardFields {
  return {
    list: deviceList(1),
    issuedAtS: NOW_S,
    expiresAtS: NOW_S + 14 * DAY_S,
    signedPrekey: { id: 1, publicKey: curve(5) },
    lastResortKem: { id: 1, publicKey: kem },
    sealKey: { id: 1, publicKey: curve(6) },
    endpoints: [{ device: device(0).cert.device, counter: 1, mailboxes: [mailbox(1), mailbox(2)] }],
    rendezvous: [
      {
        serviceKey: counting(32, 1),
        address: ADDRESS,
        idNow: counting(16, 3),
        idNext: counting(16, 4),
      },
    ],
    ...changed,
  }
}

const card = (changed: Partial<CardFields> = {}): Uint8Array =>
  signCard(noble, device(0).seed, fields(changed))
const expected = { account, nowS: NOW_S }

describe('an account card', () => {
  it('is 1 925 bytes for one device at two relays with one rendezvous', () => {
    expect(card().length).toBe(1925)
  })

  it('comes back as it was signed', () => {
    const { list, ...rest } = fields()
    const bytes = card()
    expect(openCard(noble, bytes, expected)).toEqual({
      ...rest,
      list: openDeviceList(noble, list),
      cert: device(0).cert,
      bytes,
    })
  })

  it('may list a device without a relay', () => {
    const endpoints = [{ device: device(0).cert.device, counter: 3, mailboxes: [] }]
    const opened = openCard(noble, card({ endpoints, rendezvous: [] }), expected)
    expect(opened.endpoints).toEqual(endpoints)
  })

  it('keeps elements that a later version appended, and ignores them', () => {
    const [body] = decodeCbor(card(), 16_000) as readonly Uint8Array[]
    const later = encodeCbor([...(decodeCbor(body ?? counting(1), 16_000) as []), counting(5)])
    const bytes = encodeCbor([later, sign(noble, device(0).seed, 'card', later)])
    expect(openCard(noble, bytes, expected).bytes).toEqual(bytes)
  })

  it('is refused for another account, an unlisted signer, or under another signature', () => {
    const other = noble.ed25519PublicKey(counting(32, 9))
    expect(refusal(() => openCard(noble, card(), { account: other, nowS: NOW_S }))).toBe(
      'ERR_CRYPTO_UNAUTHENTIC',
    )
    expect(refusal(() => signCard(noble, device(1).seed, fields()))).toBe('ERR_CRYPTO_UNAUTHENTIC')
    const [body = counting(1)] = decodeCbor(card(), 16_000) as readonly Uint8Array[]
    const forged = encodeCbor([body, sign(noble, device(1).seed, 'card', body)])
    expect(refusal(() => openCard(noble, forged, expected))).toBe('ERR_CRYPTO_UNAUTHENTIC')
  })

  it('is refused once a higher list revoked its device, even if its own list still has it', () => {
    const highest = openDeviceList(
      noble,
      signDeviceList(noble, accountSeed, {
        version: NOW_S + 1,
        devices: [device(1).cert],
        revoked: [device(0).cert.device],
      }),
    )
    expect(refusal(() => openCard(noble, card(), { ...expected, highest }))).toBe(
      'ERR_CRYPTO_UNAUTHENTIC',
    )
    const lower = openDeviceList(
      noble,
      signDeviceList(noble, accountSeed, { version: 1, devices: [device(1).cert], revoked: [] }),
    )
    expect(refusal(() => openCard(noble, card(), { ...expected, highest: lower }))).toBeUndefined()
  })

  it('expires, and lives 14 days at most', () => {
    const end = NOW_S + 14 * DAY_S
    expect(refusal(() => openCard(noble, card(), { account, nowS: end }))).toBeUndefined()
    expect(refusal(() => openCard(noble, card(), { account, nowS: end + 1 }))).toBe(
      'ERR_CRYPTO_EXPIRED',
    )
    expect(refusal(() => card({ expiresAtS: end + 1 }))).toBe('ERR_WIRE_MALFORMED')
    expect(refusal(() => card({ expiresAtS: NOW_S }))).toBe('ERR_WIRE_MALFORMED')
  })

  const own = device(0).cert.device
  const refused: readonly (readonly [string, string, Partial<CardFields>])[] = [
    [
      'an SPK above p',
      'ERR_CRYPTO_KEY',
      { signedPrekey: { id: 1, publicKey: counting(32).fill(255) } },
    ],
    [
      'a seal key above p',
      'ERR_CRYPTO_KEY',
      { sealKey: { id: 1, publicKey: counting(32).fill(255) } },
    ],
    ['a short KEM key', 'ERR_WIRE_MALFORMED', { lastResortKem: { id: 1, publicKey: counting(9) } }],
    ['an SPK of id 0', 'ERR_WIRE_MALFORMED', { signedPrekey: { id: 0, publicKey: curve(5) } }],
    [
      'an SPK outside slot 0',
      'ERR_WIRE_MALFORMED',
      { signedPrekey: { id: 2 ** 24, publicKey: curve(5) } },
    ],
    [
      'seal key 0, which is the DH key',
      'ERR_WIRE_MALFORMED',
      { sealKey: { id: 0, publicKey: curve(6) } },
    ],
    ['seal key 256', 'ERR_WIRE_MALFORMED', { sealKey: { id: 256, publicKey: curve(6) } }],
    [
      'four mailboxes',
      'ERR_WIRE_MALFORMED',
      { endpoints: [{ device: own, counter: 1, mailboxes: [1, 2, 3, 4].map(mailbox) }] },
    ],
    [
      'a capability',
      'ERR_WIRE_MALFORMED',
      {
        endpoints: [
          { device: own, counter: 1, mailboxes: [{ ...mailbox(1), capability: counting(45) }] },
        ],
      },
    ],
    [
      'endpoints of an unlisted device',
      'ERR_WIRE_MALFORMED',
      { endpoints: [{ device: counting(32), counter: 1, mailboxes: [] }] },
    ],
    [
      'a device twice',
      'ERR_WIRE_MALFORMED',
      {
        list: deviceList(2),
        endpoints: [
          { device: own, counter: 1, mailboxes: [] },
          { device: own, counter: 2, mailboxes: [] },
        ],
      },
    ],
  ]
  it.each(refused)('is refused with %s', (_what, code, changed) => {
    expect(refusal(() => card(changed))).toBe(code)
  })

  it('is refused above 16 000 bytes: fewer addresses then', () => {
    const addresses = Array.from({ length: 4 }, (_, i) => `/dns/${'a'.repeat(110)}/tcp/${i + 1}`)
    const mailboxes = [1, 2, 3].map((n) => ({ ...mailbox(n), addresses }))
    const endpoints = Array.from({ length: 10 }, (_, n) => ({
      device: device(n).cert.device,
      counter: 1,
      mailboxes,
    }))
    expect(refusal(() => card({ list: deviceList(10), endpoints }))).toBe('ERR_PROTOCOL_LIMIT')
    const fewer = endpoints.map((row) => ({
      ...row,
      mailboxes: row.mailboxes.map((each) => ({ ...each, addresses: [ADDRESS] })),
    }))
    expect(refusal(() => card({ list: deviceList(10), endpoints: fewer }))).toBeUndefined()
  })

  it('refuses every truncation and a trailing byte, and survives noise', () => {
    const open = (bytes: Uint8Array): unknown => openCard(noble, bytes, expected)
    refusesOtherLengths(open, card())
    survivesNoise(open, card())
  })
})

describe('a mailbox record', () => {
  const good = [counting(32), [fromHex('2f61')], counting(16), new Uint8Array(0)] as const

  it('reads addresses as printable text, and a capability of 45 bytes', () => {
    expect(readMailbox([...good]).addresses).toEqual(['/a'])
    expect(readMailbox([good[0], good[1], good[2], counting(45)]).capability).toEqual(counting(45))
    expect(readMailbox([...good, 7])).toEqual(readMailbox([...good]))
    expect(readRendezvous([good[0], fromHex('2f61'), good[2], good[2], 9]).address).toBe('/a')
  })

  it.each([
    ['an escape sequence', '2f1b5b41'],
    ['a space', '2f2061'],
    ['no slash', '6161'],
    ['a lone slash', '2f'],
    ['129 bytes', '2f'.repeat(129)],
    ['bytes above ASCII', '2fc3a4'],
  ])('refuses an address with %s', (_what, hex) => {
    const mailboxOf = [good[0], [fromHex(hex)], good[2], good[3]]
    expect(refusal(() => readMailbox(mailboxOf))).toBe('ERR_WIRE_MALFORMED')
    expect(refusal(() => readRendezvous([good[0], fromHex(hex), good[2], good[2]]))).toBe(
      'ERR_WIRE_MALFORMED',
    )
  })

  it('refuses no address, five addresses, and a capability of another length', () => {
    for (const record of [
      [good[0], [], good[2], good[3]],
      [good[0], Array.from({ length: 5 }, () => fromHex('2f61')), good[2], good[3]],
      [good[0], good[1], good[2], counting(44)],
      [good[0], good[1], good[2]],
    ]) {
      expect(refusal(() => readMailbox(record))).toBe('ERR_WIRE_MALFORMED')
    }
  })
})

describe('a bundle item', () => {
  const place = { account, serviceKey: counting(32, 1), mailboxId: counting(16, 1) }

  it('makes a card a multiple of 512 bytes: 2 048 for one device at two relays', () => {
    const item = sealItem(noble, countingRandom(), place, { kind: 0, content: card() })
    expect(item.length).toBe(2048)
    expect(openItem(noble, place, 0, item)).toEqual(card())
  })

  it('pads a card whatever its last bytes and however full the last step is', () => {
    for (const length of [483, 484, 995, 996, 16_000]) {
      const content = new Uint8Array(length)
      const item = sealItem(noble, countingRandom(), place, { kind: 0, content })
      expect(item.length % 512).toBe(0)
      expect(item.length).toBeLessThanOrEqual(16_384)
      expect(openItem(noble, place, 0, item)).toEqual(content)
    }
    expect(
      sealItem(noble, countingRandom(), place, { kind: 0, content: new Uint8Array(483) }).length,
    ).toBe(512)
  })

  it('opens for its account, relay, mailbox and kind only', () => {
    const item = sealItem(noble, countingRandom(), place, { kind: 1, content: counting(150) })
    expect(item.length).toBe(178)
    expect(openItem(noble, place, 1, item)).toEqual(counting(150))
    for (const open of [
      () => openItem(noble, { ...place, account: counting(32) }, 1, item),
      () => openItem(noble, { ...place, serviceKey: counting(32) }, 1, item),
      () => openItem(noble, { ...place, mailboxId: counting(16) }, 1, item),
      () => openItem(noble, place, 2, item),
    ]) {
      expect(refusal(open)).toBe('ERR_CRYPTO_UNAUTHENTIC')
    }
  })

  it('refuses every other length and survives noise', () => {
    const item = sealItem(noble, countingRandom(), place, { kind: 1, content: counting(150) })
    const open = (bytes: Uint8Array): unknown => openItem(noble, place, 1, bytes)
    refusesOtherLengths(open, item)
    survivesNoise(open, item)
    expect(refusal(() => open(new Uint8Array(16_385)))).toBe('ERR_WIRE_MALFORMED')
    expect(refusal(() => openItem(noble, place, 0, counting(513)))).toBe('ERR_WIRE_MALFORMED')
  })
})
