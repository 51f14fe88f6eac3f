import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type InviteLink,
  InviteLinkError,
  concat,
  decodeBase32,
  decodeLinkAddress,
  encodeBase32,
  encodeInviteLink,
  encodeLinkAddress,
  inviteCapability,
  inviteId,
  inviteLinkForQr,
  inviteProof,
  label,
  noble,
  parseInviteLink,
  serviceKeyHash,
  toHex,
} from '../../crypto/index.ts'
import { counting, refusal, survivesNoise } from './decoder-checks.ts'
import { NOW_S, account } from './identity-fixture.ts'

const link: InviteLink = {
  account,
  secret: counting(16, 60),
  where: {
    kind: 'relay',
    mailboxId: counting(16, 90),
    serviceHash: serviceKeyHash(noble, counting(32, 1)),
  },
  address: '/ip4/203.0.113.7/tcp/4001',
  expiresAtS: NOW_S + 86_400,
  group: false,
}
const direct: InviteLink = {
  ...link,
  where: { kind: 'direct', transportKey: counting(32, 5) },
  group: true,
}

const text = encodeInviteLink(noble, link)
const bytesOf = (linkText: string): Uint8Array => decodeBase32(linkText.slice(6))

/** A link with a good check over whatever comes before it. */
function checked(before: Uint8Array): string {
  const check = noble.sha256(label('link'), before).subarray(0, 3)
  return `sotto:${encodeBase32(concat(before, check))}`
}

function reason(linkText: string): string {
  try {
    parseInviteLink(noble, linkText)
    return 'accepted'
  } catch (error) {
    if (error instanceof InviteLinkError) return error.reason
    throw error
  }
}

describe('an invite link', () => {
  it('is 95 bytes and 158 characters with an IPv4 address, 186 characters at most', () => {
    expect(bytesOf(text).length).toBe(95)
    expect(text.length).toBe(158)
    const longest = encodeInviteLink(noble, {
      ...link,
      address: `/dns/${'a'.repeat(21)}/tcp/1/wss`,
    })
    expect(bytesOf(longest).length).toBe(112)
    expect(longest.length).toBe(186)
  })

  it('comes back: relay or direct, into a group or not', () => {
    for (const each of [link, direct, { ...link, group: true }, { ...direct, group: false }]) {
      expect(parseInviteLink(noble, encodeInviteLink(noble, each))).toEqual(each)
    }
    expect(bytesOf(text)[0]).toBe(0x01)
    expect(bytesOf(encodeInviteLink(noble, direct))[0]).toBe(0x12)
  })

  it('is read in upper case, broken into lines, with spaces and hyphens', () => {
    const qr = inviteLinkForQr(text)
    expect(qr).toMatch(/^[A-Z0-9:]+$/)
    expect(qr.length).toBeLessThanOrEqual(195)
    expect(parseInviteLink(noble, qr)).toEqual(link)
    expect(
      parseInviteLink(
        noble,
        `\n  ${text.replaceAll(/(.{20})/g, '$1\r\n> ').replaceAll('>', '')}\n`,
      ),
    ).toEqual(link)
    expect(parseInviteLink(noble, `SoTtO: ${text.slice(6).replaceAll(/(.{4})/g, '$1-')}`)).toEqual(
      link,
    )
  })

  it('says why it is refused: no link, damaged, or of a later version', () => {
    expect(reason('')).toBe('not-a-link')
    expect(reason('https://example.org')).toBe('not-a-link')
    expect(reason(text.slice(6))).toBe('not-a-link')
    expect(reason('sotto:')).toBe('damaged')
    expect(reason(`${text}a`)).toBe('damaged')
    expect(reason(`sotto:${'a'.repeat(1 << 20)}`)).toBe('damaged')
    expect(reason(`sotto:0${text.slice(7)}`)).toBe('damaged')
    for (const version of [0x00, 0x03, 0x10, 0x21, 0xff]) {
      const later = bytesOf(text).slice(0, -3)
      later[0] = version
      expect(reason(checked(later))).toBe('unsupported-version')
    }
    expect(reason(checked(concat(Uint8Array.of(9), counting(300))))).toBe('unsupported-version')
  })

  it('gives a code to each reason', () => {
    expect(refusal(() => parseInviteLink(noble, 'x'))).toBe('ERR_WIRE_MALFORMED')
    expect(refusal(() => parseInviteLink(noble, checked(Uint8Array.of(9))))).toBe(
      'ERR_WIRE_UNSUPPORTED',
    )
  })

  it('is damaged with a good check around nonsense', () => {
    const before = bytesOf(text).slice(0, -3)
    expect(reason(checked(before))).toBe('accepted')
    expect(reason(checked(before.subarray(0, 84)))).toBe('damaged')
    expect(reason(checked(before.subarray(0, 91)))).toBe('damaged')
    expect(reason(checked(concat(before, counting(1))))).toBe('damaged')
    expect(reason(checked(concat(before, counting(30))))).toBe('damaged')
    const smallOrder = before.slice()
    smallOrder.fill(0, 1, 33)
    expect(reason(checked(smallOrder))).toBe('damaged')
  })

  it('notices every cut and every mistyped character', () => {
    for (let length = 6; length < text.length; length++) {
      expect(reason(text.slice(0, length)), `${length} characters`).toBe('damaged')
    }
    for (let at = 6; at < text.length; at++) {
      const typed = text.slice(0, at) + (text[at] === 'q' ? 'r' : 'q') + text.slice(at + 1)
      expect(reason(typed), `character ${at}`).toBe('damaged')
    }
  })

  it('survives noise', () => {
    const parse = (bytes: Uint8Array): unknown => parseInviteLink(noble, checked(bytes))
    survivesNoise(parse, bytesOf(text).slice(0, -3), 200)
    fc.assert(fc.property(fc.string(), (noise) => reason(`sotto:${noise}`) !== ''))
  })

  it('refuses to be made of wrong parts', () => {
    const make = (changed: object) => () => encodeInviteLink(noble, { ...link, ...changed })
    expect(refusal(make({ secret: counting(15) }))).toBe('ERR_CRYPTO_PARAMETER')
    expect(refusal(make({ expiresAtS: 2 ** 32 }))).toBe('ERR_CRYPTO_PARAMETER')
    expect(refusal(make({ address: '/dns/a-host-name-that-is-far-too-long/tcp/1' }))).toBe(
      'ERR_CRYPTO_PARAMETER',
    )
  })

  it('derives id, capability and proof, each its own and each bound to its place', () => {
    const { secret } = link
    const here = inviteCapability(noble, secret, counting(16))
    const there = inviteCapability(noble, secret, counting(16, 1))
    expect(inviteId(noble, secret).length).toBe(16)
    expect(here.capId.length).toBe(8)
    expect(here.capKey.length).toBe(32)
    expect(toHex(here.capId)).not.toBe(toHex(there.capId))
    expect(toHex(here.capKey)).not.toBe(toHex(there.capKey))
    expect(toHex(inviteProof(noble, secret, counting(32)))).not.toBe(
      toHex(inviteProof(noble, secret, counting(32, 1))),
    )
  })
})

describe('the short form of an address', () => {
  const pairs: readonly (readonly [string, string])[] = [
    ['/ip4/203.0.113.7/tcp/4001', '04cb0071070fa1'],
    ['/ip4/127.0.0.1/tcp/1/ws', '147f0000010001'],
    ['/ip6/2001:db8::1/tcp/443/wss', '2620010db800000000000000000000000101bb'],
    ['/ip6/::/tcp/9', '06000000000000000000000000000000000009'],
    ['/ip6/::1/tcp/9', '06000000000000000000000000000000010009'],
    ['/ip6/1::/tcp/9', '06000100000000000000000000000000000009'],
    ['/ip6/1:0:0:2::3/tcp/9', '06000100000000000200000000000000030009'],
    ['/ip6/1:0:2:3:4:5:6:7/tcp/9', '06000100000002000300040005000600070009'],
    ['/dns/relay.example/tcp/443/wss', '2001bb72656c61792e6578616d706c65'],
  ]
  it.each(pairs)('of %s is %s', (address, hex) => {
    expect(toHex(encodeLinkAddress(address))).toBe(hex)
    expect(decodeLinkAddress(encodeLinkAddress(address))).toBe(address)
  })

  it.each([
    ['/dns4/Relay.Example/tcp/443/tls/ws', '/dns/relay.example/tcp/443/wss'],
    ['/ip6/::ffff:1.2.3.4/tcp/1', '/ip6/::ffff:102:304/tcp/1'],
    ['/ip6/0:0:0:0:0:0:0:1/tcp/1', '/ip6/::1/tcp/1'],
    ['/ip6/1:2:3:4:5:6:7::/tcp/1', '/ip6/1:2:3:4:5:6:7:0/tcp/1'],
  ])('takes %s as %s', (given, canonical) => {
    expect(decodeLinkAddress(encodeLinkAddress(given))).toBe(canonical)
  })

  it('brings back every IPv6 address', () => {
    fc.assert(
      fc.property(fc.ipV6(), fc.integer({ min: 1, max: 65_535 }), (ip, port) => {
        const short = encodeLinkAddress(`/ip6/${ip}/tcp/${port}`)
        const canonical = decodeLinkAddress(short)
        expect(encodeLinkAddress(canonical)).toEqual(short)
        const { hostname } = new URL(`http://[${ip}]/`)
        expect(canonical).toBe(`/ip6/${hostname.slice(1, -1)}/tcp/${port}`)
      }),
    )
  })

  it.each([
    'ip4/1.2.3.4/tcp/1',
    '/ip4/1.2.3/tcp/1',
    '/ip4/1.2.3.256/tcp/1',
    '/ip4/01.2.3.4/tcp/1',
    '/ip4/1.2.3.4/udp/1/quic-v1',
    '/ip4/1.2.3.4/tcp/0',
    '/ip4/1.2.3.4/tcp/65536',
    '/ip4/1.2.3.4/tcp/',
    '/ip4/1.2.3.4/tcp/1/p2p/x',
    '/ip6/1::2::3/tcp/1',
    '/ip6/1:2:3:4:5:6:7:8:9/tcp/1',
    '/ip6/12345::/tcp/1',
    '/dns/under score/tcp/1',
    '/dns/-a/tcp/1',
    '/dns//tcp/1',
    '/onion3/abc/tcp/1',
    '',
  ])('does not exist for %s', (address) => {
    expect(refusal(() => encodeLinkAddress(address))).toBe('ERR_CRYPTO_PARAMETER')
  })

  it.each([
    '',
    '04',
    '34cb0071070fa1',
    '05cb0071070fa1',
    '04cb0071070000',
    '04cb0071070fa100',
    '000001',
    '0000001b',
    '00000041',
    '0001bb1b5b41',
    '0001bb' + '61'.repeat(22),
  ])('is refused as %s', (hex) => {
    const bytes = Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16))
    expect(refusal(() => decodeLinkAddress(bytes))).toBe('ERR_WIRE_MALFORMED')
  })

  it('survives noise', () => {
    survivesNoise(decodeLinkAddress, encodeLinkAddress('/dns/relay.example/tcp/443/wss'), 500)
  })
})
