// Making a profile: new keys for this device, an account from 24 words, nothing on the network.
import { rm } from 'node:fs/promises'
import {
  type CryptoProvider,
  type Random,
  accountKeySeed,
  createPhrase,
  encodeAddress,
  nextListVersion,
  openDeviceList,
  phraseSeed,
  signDeviceCert,
  signDeviceList,
  wipe,
} from '../../crypto/index.ts'
import { type Self, type Table, deviceLists, profiles, relayChoices } from '../../protocol/index.ts'
import type { Clock } from '../clock.ts'
import { NodeError } from '../errors.ts'
import { splitPeerAddress } from '../net/peer-id.ts'
import { openLevelStore } from '../store/level-store.ts'
import { RecordStore } from '../store/record-store.ts'
import { isThere, makePrivateFolder, profilePaths } from './files.ts'
import { SCHEMA, identities } from './identity-record.ts'
import { createVault, writeVault } from './vault.ts'

export interface CreateProfileOptions {
  readonly dir: string
  readonly name: string
  readonly passphrase: string | undefined
  /** 24 words of an account that exists; undefined makes a new account. */
  readonly phrase: string | undefined
  readonly provider: CryptoProvider
  readonly random: Random
  readonly clock: Clock
  /** Relays to use: multiaddr/p2p/PeerId, checked by the caller; at most three. */
  readonly relays: readonly string[]
}

export interface CreatedProfile {
  readonly address: string
  /** The 24 words: shown once, kept nowhere. */
  readonly phrase: string
}

function newSelf(provider: CryptoProvider, random: Random, accountSeed: Uint8Array): Self {
  const deviceSeed = random(32)
  const dhSecret = random(32)
  return {
    account: provider.ed25519PublicKey(accountSeed),
    device: provider.ed25519PublicKey(deviceSeed),
    deviceSeed,
    dh: provider.x25519PublicKey(dhSecret),
    dhSecret,
    mailboxRoot: random(32),
  }
}

/** Makes a profile in an empty or new folder. Rejects with EXISTS where there is one. */
export async function createProfile(options: CreateProfileOptions): Promise<CreatedProfile> {
  const { dir, provider, random, clock } = options
  const paths = profilePaths(dir)
  await makePrivateFolder(dir)
  if (await isThere(paths.vault)) {
    throw new NodeError('EXISTS', `there is a profile in ${dir} already`, {
      hint: 'Use it as it is, or give another folder with --dir.',
    })
  }
  // Without vault.hdr nothing can ever open what a broken-off attempt left here.
  await rm(paths.store, { recursive: true, force: true })
  const phrase = options.phrase ?? createPhrase(random)
  const seed = phraseSeed(phrase)
  const accountSeed = accountKeySeed(provider, seed)
  const self = newSelf(provider, random, accountSeed)
  const nowMs = clock.nowMs()
  const cert = signDeviceCert(provider, self.account, self.deviceSeed, self.dh)
  const version = nextListVersion(0, nowMs / 1000)
  const signed = signDeviceList(provider, accountSeed, { version, devices: [cert], revoked: [] })
  const list = openDeviceList(provider, signed)
  wipe(accountSeed, seed)

  const { vault, header, stateKey } = await createVault({
    provider,
    random,
    passphrase: options.passphrase,
  })
  const store = await openLevelStore(paths.store, { createIfMissing: true })
  const records = new RecordStore({ store, keys: vault.keys, provider, random })
  try {
    const put = <K, V>(table: Table<K, V>, key: K, value: V) =>
      records.seal(table as Table<never, unknown>, table.place(key), value)
    await records.write([
      put(identities, 0, { schema: SCHEMA, self, homeSeed: random(32) }),
      put(deviceLists, self.account, {
        version,
        hash: list.hash,
        bytes: list.bytes,
        devices: [{ device: self.device, dh: self.dh }],
      }),
      put(profiles, 0, {
        name: options.name,
        createdAtMs: nowMs,
        home: undefined,
        endpointsCounter: 0,
        endpointsDigest: undefined,
        readReceipts: true,
      }),
      ...options.relays.flatMap((text, i) => {
        const { address, key } = splitPeerAddress(text)
        const slot = i + 1
        return key === undefined
          ? []
          : [put(relayChoices, slot, { slot, address, transportKey: key })]
      }),
    ])
  } finally {
    await records.close()
  }
  await writeVault(dir, { header, stateKey })
  return { address: encodeAddress(provider, self.account), phrase }
}
