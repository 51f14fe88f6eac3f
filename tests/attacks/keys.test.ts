// Keys and signatures that are not what they seem: points of small order, for which anybody can make
// signatures, and signatures made for one purpose and shown for another.
import { ed25519 } from '@noble/curves/ed25519.js'
import { describe, expect, it } from 'vitest'
import {
  type SignatureContext,
  type CborValue,
  concat,
  decodeBase32,
  encodeBase32,
  encodeCbor,
  label,
  noble,
  openDeviceCert,
  openDeviceList,
  openPrekey,
  parseAddress,
  parseInviteLink,
  prekeyId,
  encodeInviteLink,
  sign,
  toHex,
  verify,
} from '../../crypto/index.ts'
import { CryptoError } from '../../crypto/errors.ts'
import { nativeCrypto } from '../../node/native-crypto.ts'
import { admission } from '../../node/net/admission.ts'
import { decodeDescriptor } from '../../protocol/relay/descriptor.ts'
import { verifyAuth, verifyOpen } from '../../protocol/relay/owner-proof.ts'
import { decodeProcessCert } from '../../protocol/relay/process-cert.ts'
import { bytesOf } from '../support/relay-world.ts'

/** The eight points of small order as they are encoded, and the encodings of them above p. */
const WEAK: readonly Uint8Array[] = [
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0000000000000000000000000000000000000000000000000000000000000080',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
  // identity and order 2 with y + p, and x = 0 with the sign bit.
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0100000000000000000000000000000000000000000000000000000000000080',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
].map((hex) => Uint8Array.from(Buffer.from(hex, 'hex')))

/** R = the identity, S = 0: under the identity as key it holds for every message by the lax rule. */
const CAPS = { maxPendingInboundPerAddress: 2, maxConnectionsPerAddress: 2 }
const ANYBODYS_SIGNATURE = concat(WEAK[0] ?? new Uint8Array(32), new Uint8Array(32))

const accountSeed = bytesOf('account')
const account = noble.ed25519PublicKey(accountSeed)
const deviceSeed = bytesOf('device')
const device = noble.ed25519PublicKey(deviceSeed)
const dh = noble.x25519PublicKey(bytesOf('dh'))

function certOf(of: Uint8Array, signer: Uint8Array | undefined, key: Uint8Array): CborValue {
  const message = encodeCbor([1, of, key, dh])
  const signature =
    signer === undefined ? ANYBODYS_SIGNATURE : sign(noble, signer, 'device-cert', message)
  return [1, key, dh, signature]
}

function signedBy(seed: Uint8Array | undefined, context: SignatureContext, body: Uint8Array) {
  return encodeCbor([
    body,
    seed === undefined ? ANYBODYS_SIGNATURE : sign(noble, seed, context, body),
  ])
}

const stream = {
  nonce: bytesOf('nonce'),
  serviceKey: bytesOf('service'),
  relayTransportKey: bytesOf('relay'),
  clientTransportKey: bytesOf('client'),
}
const mailbox = { type: 1, mailboxId: bytesOf('mailbox', 16) } as const

/** Every place where a key comes in from outside: true where it was let in. */
const ENTRANCES: Readonly<Record<string, (key: Uint8Array) => unknown>> = {
  'an address': (key) => {
    const check = noble.sha256(label('address'), Uint8Array.of(1), key).subarray(0, 2)
    return parseAddress(noble, encodeBase32(concat(Uint8Array.of(1), key, check)))
  },
  'the account of an invite link': (key) => {
    const honest = encodeInviteLink(noble, {
      account,
      secret: bytesOf('secret', 16),
      where: {
        kind: 'relay',
        mailboxId: bytesOf('mailbox', 16),
        serviceHash: bytesOf('service', 16),
      },
      address: '/ip4/203.0.113.7/tcp/4001',
      expiresAtS: 1_800_000_000,
      group: false,
    })
    const bytes = decodeBase32(honest.slice('sotto:'.length))
    const body = bytes.slice(0, -3)
    body.set(key, 1)
    const check = noble.sha256(label('link'), body).subarray(0, 3)
    return parseInviteLink(noble, `sotto:${encodeBase32(concat(body, check))}`)
  },
  'the account of a device list': (key) => {
    const body = encodeCbor([1, key, 1, new Uint8Array(0), [certOf(key, deviceSeed, device)], []])
    return openDeviceList(noble, signedBy(undefined, 'device-list', body))
  },
  'a device in a list': (key) => {
    const certs = [certOf(account, undefined, key)]
    const body = encodeCbor([1, account, 1, new Uint8Array(0), certs, []])
    return openDeviceList(noble, signedBy(accountSeed, 'device-list', body))
  },
  'the device of a certificate': (key) =>
    openDeviceCert(noble, account, certOf(account, undefined, key)),
  'the signer of a prekey': (key) => {
    const body = encodeCbor([1, 1, prekeyId(1, 1), stream.serviceKey, 2_000_000_000, dh])
    const { serviceKey } = stream
    const expected = { kind: 1 as const, device: key, serviceKey, nowS: 1 }
    return openPrekey(noble, signedBy(undefined, 'prekey', body), expected)
  },
  'the service of a process certificate': (key) => {
    const body = encodeCbor([1, key, device, device, 1, 86_400])
    return decodeProcessCert(noble, signedBy(undefined, 'relay-process', body))
  },
  'the service of a descriptor': (key) => {
    const body = encodeCbor([1, key, 1, 1, 86_400, [], 0, [1, 1], new Uint8Array(32), [1], []])
    return decodeDescriptor(noble, signedBy(undefined, 'relay-desc', body))
  },
  'the owner of a mailbox': (ownerKey) =>
    verifyAuth(noble, { ownerKey, signature: ANYBODYS_SIGNATURE }, stream, mailbox),
  'who opens a mailbox': (ownerKey) =>
    verifyOpen(noble, { ownerKey, signature: ANYBODYS_SIGNATURE }, stream, {
      ...mailbox,
      secret: bytesOf('secret'),
      gen: 0,
    }),
  'a transport key that connects': (raw) => {
    const peer = { type: 'Ed25519', publicKey: { raw } }
    return (
      admission(CAPS).denyInboundEncryptedConnection?.(peer as never, undefined as never) !== true
    )
  },
  'a transport key that is dialled': (raw) => {
    const peer = { type: 'Ed25519', publicKey: { raw } }
    return (
      admission(CAPS).denyOutboundEncryptedConnection?.(peer as never, undefined as never) !== true
    )
  },
}

function entersBy(entrance: string, key: Uint8Array): boolean {
  try {
    return ENTRANCES[entrance]?.(key) !== false
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error
    expect(String(error.code)).toMatch(/^(ERR_(CRYPTO|WIRE)_|damaged)/)
    return false
  }
}

describe('an Ed25519 key of small order', () => {
  it('would be trusted by the rules that libraries have: any signature holds under it', () => {
    const [identity = new Uint8Array(32)] = WEAK
    const lax = ed25519.verify(ANYBODYS_SIGNATURE, bytesOf('any message'), identity)
    expect(lax).toBe(true)
  })

  it.each(Object.keys(ENTRANCES))('is refused as %s', (entrance) => {
    for (const key of WEAK) expect(entersBy(entrance, key), toHex(key)).toBe(false)
  })

  it('is refused by both backends, and no signature holds under it in any context', () => {
    for (const provider of [noble, nativeCrypto]) {
      for (const key of WEAK) {
        expect(provider.ed25519KeyAccepted(key), toHex(key)).toBe(false)
        for (const context of Object.keys(CONTEXTS) as SignatureContext[]) {
          expect(verify(provider, key, context, bytesOf('x'), ANYBODYS_SIGNATURE)).toBe(false)
        }
      }
    }
  })

  it('a sound key enters: the places above judge the key and nothing else', () => {
    for (const entrance of ['an address', 'the account of an invite link']) {
      expect(entersBy(entrance, account)).toBe(true)
    }
    expect(entersBy('a transport key that connects', device)).toBe(true)
    const certs = [certOf(account, deviceSeed, device)]
    const body = encodeCbor([1, account, 1, new Uint8Array(0), certs, []])
    expect(openDeviceList(noble, signedBy(accountSeed, 'device-list', body)).version).toBe(1)
    expect(openDeviceCert(noble, account, certOf(account, deviceSeed, device))).toBeDefined()
  })
})

/** Every context there is: the compiler asks for a new one here. */
const CONTEXTS: Readonly<Record<SignatureContext, true>> = {
  'device-cert': true,
  'device-list': true,
  card: true,
  prekey: true,
  'group-op': true,
  'group-entry': true,
  'group-control': true,
  'relay-auth': true,
  'mailbox-open': true,
  'relay-desc': true,
  'relay-process': true,
  custody: true,
}

describe('a signature', () => {
  it.each([noble, nativeCrypto])(
    'holds in the context it was made for alone ($name)',
    (provider) => {
      const message = bytesOf('one body, read in many ways')
      const contexts = Object.keys(CONTEXTS) as SignatureContext[]
      for (const made of contexts) {
        const signature = sign(provider, deviceSeed, made, message)
        const holds = contexts.filter((shown) =>
          verify(provider, device, shown, message, signature),
        )
        expect(holds).toEqual([made])
      }
    },
  )

  it('over a bare message is none in any context, and no context makes a bare one', () => {
    const message = bytesOf('message')
    const bare = noble.ed25519Sign(deviceSeed, message)
    for (const context of Object.keys(CONTEXTS) as SignatureContext[]) {
      expect(verify(noble, device, context, message, bare)).toBe(false)
      const signed = sign(noble, deviceSeed, context, message)
      expect(noble.ed25519Verify(device, message, signed)).toBe(false)
    }
  })

  it('of a one-time prekey is not one of another kind, and a card is no prekey', () => {
    const { serviceKey } = stream
    const expected = { device, serviceKey, nowS: 1 }
    const body = encodeCbor([1, 1, prekeyId(1, 1), serviceKey, 2_000_000_000, dh])
    const honest = signedBy(deviceSeed, 'prekey', body)
    expect(openPrekey(noble, honest, { ...expected, kind: 1 }).publicKey).toEqual(dh)
    const asOkem = () => openPrekey(noble, honest, { ...expected, kind: 2 })
    expect(asOkem).toThrow(CryptoError)
    // Nor where its key has the length of the other kind's.
    const mixed = encodeCbor([1, 2, prekeyId(1, 1), serviceKey, 2_000_000_000, dh])
    const asOpk = () =>
      openPrekey(noble, signedBy(deviceSeed, 'prekey', mixed), { ...expected, kind: 1 })
    expect(asOpk).toThrow(expect.objectContaining({ code: 'ERR_WIRE_MALFORMED' }))
    for (const context of ['card', 'device-cert', 'group-entry'] as const) {
      const confused = () =>
        openPrekey(noble, signedBy(deviceSeed, context, body), { ...expected, kind: 1 })
      expect(confused, context).toThrow(expect.objectContaining({ code: 'ERR_CRYPTO_UNAUTHENTIC' }))
    }
  })
})
