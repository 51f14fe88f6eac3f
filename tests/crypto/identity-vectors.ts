// The known answers of SPEC.md §2, §3, §4, §7 and §11, built from fixed inputs. The files under
// tests/vectors/ hold what other implementations compare with; they are append-only, so this must
// reproduce them, not replace them.
import {
  type CryptoProvider,
  accountKeySeed,
  deviceListHash,
  encodeAddress,
  encodeInviteLink,
  envelopeId,
  indexKey,
  innerId,
  inviteCapability,
  inviteId,
  inviteProof,
  openVaultKek,
  padFrames,
  parseInviteLink,
  phraseSeed,
  prekeyId,
  rendezvousMailboxId,
  rendezvousOwnerSeed,
  rendezvousRoot,
  safetyNumber,
  scryptKek,
  sealEnvelope,
  sealItem,
  sealStateKeys,
  sealStateValue,
  sealValue,
  sealVaultHeader,
  serviceKeyHash,
  signCard,
  signDeviceCert,
  signDeviceList,
  signPrekey,
  toHex,
  vaultIndexRoot,
  vaultSubkey,
} from '../../crypto/index.ts'
import { counting } from './decoder-checks.ts'

type Vector = Readonly<Record<string, string | number | readonly string[]>>
type VectorFile = { readonly description: string; readonly tests: readonly Vector[] }

const PHRASE = `${'abandon '.repeat(23)}art`
const NOW_S = 1_795_500_000
const ADDRESS = '/ip4/203.0.113.7/tcp/4001'
const serviceKey = counting(32, 1)
const mailboxId = counting(16, 0x30)

/** Files by name, computed on a backend. */
export function identityVectors(provider: CryptoProvider): Readonly<Record<string, VectorFile>> {
  const seed64 = phraseSeed(PHRASE)
  const accountSeed = accountKeySeed(provider, seed64)
  const account = provider.ed25519PublicKey(accountSeed)
  return {
    'account.json': accountFile(provider, seed64),
    'device-list.json': listFile(provider, accountSeed),
    'card.json': cardFile(provider, accountSeed),
    'invite-link.json': linkFile(provider, account),
    'seal.json': sealFile(provider),
    'vault.json': vaultFile(provider),
  }
}

function accountFile(provider: CryptoProvider, seed64: Uint8Array): VectorFile {
  const accountSeed = accountKeySeed(provider, seed64)
  const account = provider.ed25519PublicKey(accountSeed)
  const other = provider.ed25519PublicKey(counting(32, 7))
  const root = rendezvousRoot(provider, seed64, 0)
  const { digits, qr } = safetyNumber(provider, account, other)
  return {
    description:
      'From the recovery phrase to account key, address, rendezvous and safety number (§2)',
    tests: [
      {
        phrase: PHRASE,
        seed64: toHex(seed64),
        accountSeed: toHex(accountSeed),
        account: toHex(account),
        address: encodeAddress(provider, account),
        serviceKey: toHex(serviceKey),
        rendezvousRoot0: toHex(root),
        rendezvousRoot1: toHex(rendezvousRoot(provider, seed64, 1)),
        rendezvousOwnerSeed0: toHex(rendezvousOwnerSeed(provider, root, serviceKey)),
        rendezvousMailboxId0: toHex(rendezvousMailboxId(provider, root, serviceKey)),
        otherAccount: toHex(other),
        safetyNumber: digits,
        safetyNumberQr: toHex(qr),
      },
    ],
  }
}

function signedList(provider: CryptoProvider, accountSeed: Uint8Array, count: number): Uint8Array {
  const account = provider.ed25519PublicKey(accountSeed)
  const devices = Array.from({ length: count }, (_, n) => {
    const dh = provider.x25519PublicKey(counting(32, 0x80 + n))
    return signDeviceCert(provider, account, counting(32, 0x40 + n), dh)
  })
  return signDeviceList(provider, accountSeed, {
    version: NOW_S + count,
    ...(count > 1 ? { prevHash: counting(32, 0x20) } : {}),
    devices,
    revoked: count > 2 ? [counting(32, 0xe0)] : [],
  })
}

function listFile(provider: CryptoProvider, accountSeed: Uint8Array): VectorFile {
  return {
    description: 'Signed device lists of 1, 2 and 3 devices (§2)',
    tests: [1, 2, 3].map((count) => {
      const list = signedList(provider, accountSeed, count)
      return {
        accountSeed: toHex(accountSeed),
        deviceSeeds: Array.from({ length: count }, (_, n) => toHex(counting(32, 0x40 + n))),
        dhSecrets: Array.from({ length: count }, (_, n) => toHex(counting(32, 0x80 + n))),
        version: NOW_S + count,
        prevHash: count > 1 ? toHex(counting(32, 0x20)) : '',
        revoked: count > 2 ? [toHex(counting(32, 0xe0))] : [],
        list: toHex(list),
        hash: toHex(deviceListHash(provider, list)),
      }
    }),
  }
}

function cardFile(provider: CryptoProvider, accountSeed: Uint8Array): VectorFile {
  const account = provider.ed25519PublicKey(accountSeed)
  const deviceSeed = counting(32, 0x40)
  const [spk, kem, seal] = [counting(32, 3), counting(64, 4), counting(32, 5)]
  const card = signCard(provider, deviceSeed, {
    list: signedList(provider, accountSeed, 1),
    issuedAtS: NOW_S,
    expiresAtS: NOW_S + 1_209_600,
    signedPrekey: { id: 1, publicKey: provider.x25519PublicKey(spk) },
    lastResortKem: { id: 1, publicKey: provider.mlkemPublicKey(kem) },
    sealKey: { id: 1, publicKey: provider.x25519PublicKey(seal) },
    endpoints: [
      {
        device: provider.ed25519PublicKey(deviceSeed),
        counter: 1,
        mailboxes: [{ serviceKey, addresses: [ADDRESS], mailboxId }],
      },
    ],
    rendezvous: [],
  })
  const notAfterS = NOW_S + 5_184_000
  const publicKey = provider.x25519PublicKey(counting(32, 6))
  const opk = { kind: 1, id: prekeyId(1, 1), serviceKey, notAfterS, publicKey } as const
  const prekey = signPrekey(provider, deviceSeed, opk)
  const place = { account, serviceKey, mailboxId }
  const random = (length: number): Uint8Array<ArrayBuffer> => counting(length, 0x50)
  return {
    description: 'A card of one device at one relay, a one-time prekey, and their items (§2, §4)',
    tests: [
      {
        accountSeed: toHex(accountSeed),
        deviceSeed: toHex(deviceSeed),
        spkSecret: toHex(spk),
        kemSeed: toHex(kem),
        sealSecret: toHex(seal),
        opkSecret: toHex(counting(32, 6)),
        serviceKey: toHex(serviceKey),
        mailboxId: toHex(mailboxId),
        relayAddress: ADDRESS,
        issuedAt: NOW_S,
        itemNonce: toHex(random(12)),
        card: toHex(card),
        cardItem: toHex(sealItem(provider, random, place, { kind: 0, content: card })),
        opk: toHex(prekey),
        opkItem: toHex(sealItem(provider, random, place, { kind: 1, content: prekey })),
      },
    ],
  }
}

function linkFile(provider: CryptoProvider, account: Uint8Array): VectorFile {
  const secret = counting(16, 0x60)
  const serviceHash = serviceKeyHash(provider, serviceKey)
  const relay = { kind: 'relay', mailboxId, serviceHash } as const
  const direct = { kind: 'direct', transportKey: counting(32, 0x70) } as const
  const rows = [
    { where: relay, address: ADDRESS, group: false },
    { where: relay, address: '/dns/relay.example/tcp/443/wss', group: true },
    { where: direct, address: '/ip6/2001:db8::1/tcp/4001', group: false },
  ]
  const { capId, capKey } = inviteCapability(provider, secret, mailboxId)
  return {
    description: 'Invite links and what derives from their secret (§3)',
    tests: rows.map(({ where, address, group }) => {
      const fields = { account, secret, where, address, expiresAtS: NOW_S, group }
      const link = encodeInviteLink(provider, fields)
      return {
        account: toHex(account),
        secret: toHex(secret),
        kind: where.kind,
        serviceKey: where.kind === 'relay' ? toHex(serviceKey) : '',
        mailboxId: where.kind === 'relay' ? toHex(mailboxId) : '',
        transportKey: where.kind === 'direct' ? toHex(where.transportKey) : '',
        address: parseInviteLink(provider, link).address,
        expiresAt: NOW_S,
        group: group ? 1 : 0,
        link,
        inviteId: toHex(inviteId(provider, secret)),
        capId: toHex(capId),
        capKey: toHex(capKey),
        transcript: toHex(counting(32, 0x90)),
        proof: toHex(inviteProof(provider, secret, counting(32, 0x90))),
      }
    }),
  }
}

function sealFile(provider: CryptoProvider): VectorFile {
  const secret = counting(32, 0x11)
  const publicKey = provider.x25519PublicKey(secret)
  const [sid, inner] = [counting(16, 0x90), counting(446, 0xa0)]
  const random = (length: number): Uint8Array<ArrayBuffer> => counting(length, 0xb0)
  const frames = counting(134, 0xc0)
  return {
    description: 'A padded plaintext, and a sealed envelope with its names (§6, §7)',
    tests: [
      {
        lists: toHex(counting(48)),
        frames: toHex(frames),
        padded: toHex(padFrames(counting(48), frames, 0)),
        recipientSecret: toHex(secret),
        keyId: 7,
        mailboxId: toHex(mailboxId),
        ephemeralSecret: toHex(random(32)),
        sid: toHex(sid),
        inner: toHex(inner),
        envelope: toHex(
          sealEnvelope(provider, random, { keyId: 7, publicKey, mailboxId }, { sid, inner }),
        ),
        innerId: toHex(innerId(provider, inner)),
        envelopeId: toHex(envelopeId(provider, innerId(provider, inner), mailboxId)),
      },
    ],
  }
}

function vaultFile(provider: CryptoProvider): VectorFile {
  const [dataKey, stateKey, storeId, salt] = [
    counting(32, 1),
    counting(32, 2),
    counting(16, 3),
    counting(32, 4),
  ]
  const random = (length: number): Uint8Array<ArrayBuffer> => counting(length, 0xd0)
  const sealer = { provider, random }
  const parameters = { kdf: { kind: 'scrypt', log2N: 14, r: 8, p: 1 }, salt, storeId } as const
  const kek = scryptKek('correct horse', parameters)
  const openKek = openVaultKek(provider, salt)
  const open = { ...parameters, kdf: { kind: 'none' } } as const
  const vault = { root: dataKey, storeId }
  const place = { store: 'entries', key: counting(20, 5) }
  const subkey = vaultSubkey(provider, vault, place.store)
  const state = {
    generation: 9,
    subkey: vaultSubkey(provider, { ...vault, root: stateKey }, 'entries'),
  }
  return {
    description: 'Vault header, state key file, values and an index key (§11)',
    tests: [
      {
        passphrase: 'correct horse',
        dataKey: toHex(dataKey),
        stateKey: toHex(stateKey),
        generation: 9,
        storeId: toHex(storeId),
        salt: toHex(salt),
        nonce: toHex(random(24)),
        kek: toHex(kek),
        header: toHex(sealVaultHeader(provider, random, parameters, { kek, dataKey })),
        openHeader: toHex(sealVaultHeader(provider, random, open, { kek: openKek, dataKey })),
        stateKeyFile: toHex(sealStateKeys(sealer, vault, [{ generation: 9, key: stateKey }])),
        store: place.store,
        key: toHex(place.key),
        plain: '68656c6c6f',
        value: toHex(sealValue(sealer, subkey, place, hello)),
        stateValue: toHex(sealStateValue(sealer, state, place, hello)),
        indexKey: toHex(indexKey(provider, vaultIndexRoot(provider, vault), 'entries', serviceKey)),
      },
    ],
  }
}

const hello = Uint8Array.of(0x68, 0x65, 0x6c, 0x6c, 0x6f)
