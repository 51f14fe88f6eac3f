// Opening a profile: LevelDB's lock first, then the vault, then the records.
import type { CryptoProvider, Random } from '../../crypto/index.ts'
import type { Table } from '../../protocol/index.ts'
import { NodeError } from '../errors.ts'
import { openLevelStore } from '../store/level-store.ts'
import { RecordStore } from '../store/record-store.ts'
import { profilePaths } from './files.ts'
import { type IdentityRecord, SCHEMA, identities } from './identity-record.ts'
import { unlockVault } from './vault.ts'

export interface OpenProfileOptions {
  readonly dir: string
  readonly passphrase: string | undefined
  readonly provider: CryptoProvider
  readonly random: Random
}

export interface OpenedProfile {
  readonly records: RecordStore
  readonly identity: IdentityRecord
  /** Opens the store anew after it failed; the passphrase is not asked for again. */
  readonly reopen: () => Promise<RecordStore>
}

/**
 * Opens a profile for this process alone. Rejects with NOT_INITIALISED, WRONG_PASSPHRASE, LOCKED,
 * VERSION_UNSUPPORTED, CORRUPT_STORE, NOT_WRITABLE or DISK_FULL.
 */
export async function openProfile(options: OpenProfileOptions): Promise<OpenedProfile> {
  const { dir, provider, random } = options
  const { keys } = await unlockVault(options)
  const open = async (): Promise<RecordStore> =>
    new RecordStore({
      store: await openLevelStore(profilePaths(dir).store),
      keys,
      provider,
      random,
    })
  const records = await open()
  try {
    return { records, identity: await readIdentity(records), reopen: open }
  } catch (error) {
    await records.close()
    throw error
  }
}

async function readIdentity(records: RecordStore): Promise<IdentityRecord> {
  const identity = await records.get(identities as Table<never, unknown>, identities.place(0))
  if (identity === undefined) {
    throw new NodeError('CORRUPT_STORE', 'the profile has no identity record', {
      hint: 'Restore the folder from a backup, or the account from its 24 words.',
    })
  }
  const found = identity as IdentityRecord
  if (found.schema > SCHEMA) {
    throw new NodeError('VERSION_UNSUPPORTED', 'this profile was written by a newer version', {
      hint: 'Install the newest version.',
    })
  }
  return found
}
