// Making a profile: new keys for this device, an account from 24 words, nothing on the network.
import { basename } from 'node:path'
import { type CryptoProvider, type Random, encodeAddress } from '../../crypto/index.ts'
import type { Clock } from '../clock.ts'
import { NodeError } from '../errors.ts'
import { openLevelStore } from '../store/level-store.ts'
import { RecordStore } from '../store/record-store.ts'
import type { Store } from '../store.ts'
import {
  listFolder,
  makePrivateFiles,
  makePrivateFolder,
  profilePaths,
  removeFile,
  replaceFile,
} from './files.ts'
import { newIdentity, writeFirstRecords } from './new-identity.ts'
import { markPlace } from './place.ts'
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
  const { dir, provider, random, clock, passphrase } = options
  const paths = profilePaths(dir)
  await checkNewFolder(dir)
  await makePrivateFolder(dir)
  await replaceFile(paths.unfinished, new Uint8Array(0))
  // The store's lock: of two who make a profile here at once, one is told LOCKED.
  const store = await openLevelStore(paths.store, { createIfMissing: true })
  try {
    await clearStore(store)
    const nowMs = clock.nowMs()
    const identity = newIdentity({ provider, random, nowMs, phrase: options.phrase })
    const { vault, header, stateKey } = await createVault({ provider, random, passphrase })
    const records = new RecordStore({ store, keys: vault.keys, provider, random })
    const { name, relays } = options
    await writeFirstRecords(records, provider, identity, { name, nowMs, relays })
    await markPlace(dir, records, random)
    await makePrivateFiles(paths.store)
    await writeVault(dir, { header, stateKey })
    await removeFile(paths.unfinished)
    return { address: encodeAddress(provider, identity.self.account), phrase: identity.phrase }
  } finally {
    await store.close()
  }
}

/**
 * Checks that the folder may become a profile: it is not there, nothing is in it, or what a broken-off
 * attempt left. Nothing of anybody else's is touched, not even the folder's mode. Rejects with EXISTS.
 */
export async function checkNewFolder(dir: string): Promise<void> {
  const names = new Set(await listFolder(dir))
  const isUnfinished = names.has(basename(profilePaths(dir).unfinished))
  if (names.has(basename(profilePaths(dir).vault)) && !isUnfinished) {
    throw new NodeError('EXISTS', `there is a profile in ${dir} already`, {
      hint: 'Use it as it is, or give another folder with --dir.',
    })
  }
  const ours = Object.values(profilePaths(dir)).map((path) => basename(path))
  const others = [...names].filter((name) => !ours.includes(name.replace(/\.new$/, '')))
  if (names.size === 0 || (isUnfinished && others.length === 0)) return
  throw new NodeError('EXISTS', `${dir} is not empty`, {
    hint: 'Give a new or empty folder with --dir.',
  })
}

/** Removes what a broken-off attempt wrote: its keys are nowhere, nothing can ever open it. */
async function clearStore(store: Store): Promise<void> {
  const everything = { from: new Uint8Array(0), to: new Uint8Array(2).fill(0xff), limit: 256 }
  for (;;) {
    const rows = await store.range(everything)
    if (rows.length === 0) return
    await store.write(rows.map(([key]) => ({ key, value: undefined })))
  }
}
