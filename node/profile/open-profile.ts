// Opening a profile: LevelDB's lock first, then the vault, then the records.
import type { CryptoProvider, Random } from '../../crypto/index.ts'
import type { Table } from '../../protocol/index.ts'
import { NodeError } from '../errors.ts'
import { openLevelStore } from '../store/level-store.ts'
import { RecordStore } from '../store/record-store.ts'
import type { Store } from '../store.ts'
import { takeCopyNote } from './copies.ts'
import { isThere, makePrivateFiles, probeSpace, profilePaths, removeFile } from './files.ts'
import { type IdentityRecord, identities } from './identity-record.ts'
import { checkPlace } from './place.ts'
import type { StateKeys } from './rotate-state-key.ts'
import { StateKeyFile } from './state-key-file.ts'
import { checkHeader, unlockVault } from './vault.ts'

export interface OpenProfileOptions {
  readonly dir: string
  readonly passphrase: string | undefined
  readonly provider: CryptoProvider
  readonly random: Random
  /** false: a copy of a folder is opened too. To look into one, never to run it. */
  readonly checksPlace?: boolean
}

export interface OpenedProfile {
  readonly records: RecordStore
  readonly identity: IdentityRecord
  /**
   * Opens the store anew after it failed; the passphrase is not asked for again. Rejects, and leaves
   * what can still be read open, for as long as nothing could be written.
   */
  readonly reopen: (failed: RecordStore) => Promise<RecordStore>
  readonly stateKeys: StateKeys
  /** Looks after files that others make: their modes. */
  readonly tidy: () => Promise<void>
  /** The folder of a copy of this profile that was refused since the last call. */
  readonly copied?: () => Promise<string | undefined>
}

/** What a store needs to be opened and to take its next batch. */
const PROBE_BYTES: number = 1 << 20

/**
 * Opens a profile for this process alone: the store's lock first, since whoever holds it may be
 * replacing the keys. Rejects with NOT_INITIALISED, LOCKED, WRONG_PASSPHRASE, PROFILE_COPIED,
 * VERSION_UNSUPPORTED, CORRUPT_STORE, NOT_WRITABLE or DISK_FULL.
 */
export async function openProfile(options: OpenProfileOptions): Promise<OpenedProfile> {
  const { dir, provider, random } = options
  const paths = profilePaths(dir)
  await checkHeader(dir)
  const store = await openStore(dir)
  try {
    const vault = await unlockVault(options)
    const over = (opened: Store): RecordStore =>
      new RecordStore({ store: opened, keys: vault.keys, provider, random })
    const records = over(store)
    const identity = await readIdentity(records)
    if (options.checksPlace !== false) await checkPlace(dir, records)
    // It works, so it is finished: a later init must not begin anew in it.
    if (await isThere(paths.unfinished)) await removeFile(paths.unfinished)
    const reopen = async (failed: RecordStore): Promise<RecordStore> => {
      await probeSpace(paths.store, PROBE_BYTES)
      await failed.close()
      return over(await openStore(dir))
    }
    const stateKeys = new StateKeyFile(dir, vault, provider, random)
    const tidy = (): Promise<void> => makePrivateFiles(paths.store)
    return { records, identity, reopen, stateKeys, tidy, copied: () => takeCopyNote(dir) }
  } catch (error) {
    await store.close()
    throw error
  }
}

async function openStore(dir: string): Promise<Store> {
  const path = profilePaths(dir).store
  try {
    const store = await openLevelStore(path, { readsInline: true })
    await makePrivateFiles(path)
    return store
  } catch (error) {
    if (error instanceof NodeError && error.code === 'CORRUPT_STORE') {
      const hint = 'Say `sotto doctor --repair`: it works on a copy, and says what is gone.'
      throw new NodeError(error.code, error.message, { hint, cause: error })
    }
    if (!(error instanceof NodeError) || error.code !== 'NOT_INITIALISED') throw error
    throw new NodeError('CORRUPT_STORE', `${dir} has the keys of a profile, but no store`, {
      hint: 'Restore the folder from a backup, or the account from its 24 words.',
      cause: error,
    })
  }
}

async function readIdentity(records: RecordStore): Promise<IdentityRecord> {
  const identity = await records.get(identities as Table<never, unknown>, identities.place(0))
  if (identity === undefined) {
    throw new NodeError('CORRUPT_STORE', 'the profile has no identity record', {
      hint: 'Restore the folder from a backup, or the account from its 24 words.',
    })
  }
  return identity as IdentityRecord
}
