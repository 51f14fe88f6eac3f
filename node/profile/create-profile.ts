// Making a profile: new keys for this device, an account from 24 words, nothing on the network.
import { rm } from 'node:fs/promises'
import { type CryptoProvider, type Random, encodeAddress } from '../../crypto/index.ts'
import type { Clock } from '../clock.ts'
import { NodeError } from '../errors.ts'
import { openLevelStore } from '../store/level-store.ts'
import { RecordStore } from '../store/record-store.ts'
import { isThere, makePrivateFolder, profilePaths } from './files.ts'
import { newIdentity, writeFirstRecords } from './new-identity.ts'
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
  const nowMs = clock.nowMs()
  const identity = newIdentity({ provider, random, nowMs, phrase: options.phrase })
  const { vault, header, stateKey } = await createVault({
    provider,
    random,
    passphrase: options.passphrase,
  })
  const store = await openLevelStore(paths.store, { createIfMissing: true })
  const records = new RecordStore({ store, keys: vault.keys, provider, random })
  try {
    const { name, relays } = options
    await writeFirstRecords(records, provider, identity, { name, nowMs, relays })
  } finally {
    await records.close()
  }
  await writeVault(dir, { header, stateKey })
  return { address: encodeAddress(provider, identity.self.account), phrase: identity.phrase }
}
