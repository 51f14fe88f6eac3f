// The vault's two files: vault.hdr holds the data key wrapped under the passphrase, state.key the
// key that forward secrecy on disk rests on (SPEC.md §11).
import { scrypt } from 'node:crypto'
import {
  type Bytes32,
  type CryptoProvider,
  CryptoError,
  type Random,
  type VaultHeader,
  type VaultParameters,
  type VaultRoot,
  createStateKey,
  openStateKeys,
  openVaultHeader,
  openVaultKek,
  parseVaultHeader,
  passphraseBytes,
  sealStateKeys,
  sealVaultHeader,
  wipe,
} from '../../crypto/index.ts'
import { NodeError } from '../errors.ts'
import { VaultKeys } from '../store/vault-keys.ts'
import { profilePaths, readIfThere, replaceFile } from './files.ts'

/** scrypt work factor for new vaults: a second or two on a small machine. */
const SCRYPT = { log2N: 17, r: 8, p: 1 } as const

/** scrypt off the event loop; the cost was bounded when the header was parsed. */
function kekOf(
  provider: CryptoProvider,
  parameters: VaultParameters,
  passphrase: string | undefined,
): Promise<Bytes32> {
  const { kdf, salt } = parameters
  if (kdf.kind === 'none') return Promise.resolve(openVaultKek(provider, salt))
  if (passphrase === undefined) {
    throw new NodeError('WRONG_PASSPHRASE', 'this profile is locked with a passphrase', {
      hint: 'Give it at the prompt, or with --passphrase-file FILE.',
    })
  }
  const { log2N, r, p } = kdf
  const N = 2 ** log2N
  const secret = passphraseBytes(passphrase)
  return new Promise((resolve, reject) => {
    scrypt(secret, salt, 32, { N, r, p, maxmem: 256 * N * r }, (error, key) => {
      wipe(secret)
      if (error === null) resolve(new Uint8Array(key))
      else reject(error)
    })
  })
}

export interface OpenVault {
  readonly root: VaultRoot
  readonly keys: VaultKeys
}

/** Prepares a vault in memory; {@link writeVault} makes it real, last of all. */
export async function createVault(options: {
  readonly provider: CryptoProvider
  readonly random: Random
  readonly passphrase: string | undefined
}): Promise<{
  readonly vault: OpenVault
  readonly header: Uint8Array
  readonly stateKey: Uint8Array
}> {
  const { provider, random, passphrase } = options
  const parameters: VaultParameters = {
    kdf: passphrase === undefined ? { kind: 'none' } : { kind: 'scrypt', ...SCRYPT },
    salt: random(32),
    storeId: random(16),
  }
  const dataKey = random(32)
  const kek = await kekOf(provider, parameters, passphrase)
  const header = sealVaultHeader(provider, random, parameters, { kek, dataKey })
  wipe(kek)
  const root = { storeId: parameters.storeId, root: dataKey }
  const stateKeys = [createStateKey(random, 1)]
  const stateKey = sealStateKeys({ provider, random }, root, stateKeys)
  return {
    vault: { root, keys: new VaultKeys(provider, root, stateKeys) },
    header,
    stateKey,
  }
}

/** Writes the vault's files; the header comes last and makes the profile exist. */
export async function writeVault(
  dir: string,
  files: { readonly header: Uint8Array; readonly stateKey: Uint8Array },
): Promise<void> {
  const paths = profilePaths(dir)
  await replaceFile(paths.stateKey, files.stateKey)
  await replaceFile(paths.vault, files.header)
}

/** Whether a profile asks for a passphrase. Rejects with NOT_INITIALISED where there is none. */
export async function vaultNeedsPassphrase(dir: string): Promise<boolean> {
  return (await readHeader(dir)).kdf.kind === 'scrypt'
}

/** Rejects where there is no profile, or one of a newer version: before anything is opened. */
export async function checkHeader(dir: string): Promise<void> {
  await readHeader(dir)
}

async function readHeader(dir: string): Promise<VaultHeader> {
  const bytes = await readIfThere(profilePaths(dir).vault)
  if (bytes === undefined) {
    throw new NodeError('NOT_INITIALISED', `there is no profile in ${dir}`, {
      hint: 'Make one: sotto init --name YOUR-NAME',
    })
  }
  return checked('vault.hdr', () => parseVaultHeader(bytes))
}

function checked<T>(file: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    if (!(cause instanceof CryptoError)) throw cause
    const newer = cause.code === 'ERR_WIRE_UNSUPPORTED'
    throw new NodeError(
      newer ? 'VERSION_UNSUPPORTED' : 'CORRUPT_STORE',
      newer ? `${file} was written by a newer version` : `${file} is damaged`,
      {
        hint: newer ? 'Install the newest version.' : 'Restore it from a backup of the folder.',
        cause,
      },
    )
  }
}

/** Opens the vault. Rejects with NOT_INITIALISED, WRONG_PASSPHRASE, CORRUPT_STORE. */
export async function unlockVault(options: {
  readonly dir: string
  readonly provider: CryptoProvider
  readonly passphrase: string | undefined
}): Promise<OpenVault> {
  const { dir, provider, passphrase } = options
  const header = await readHeader(dir)
  const kek = await kekOf(provider, header, passphrase)
  let dataKey: Bytes32
  try {
    dataKey = openVaultHeader(provider, header, kek)
  } catch (cause) {
    if (!(cause instanceof CryptoError)) throw cause
    if (header.kdf.kind === 'none') {
      throw new NodeError('CORRUPT_STORE', 'vault.hdr is damaged', {
        hint: 'Restore it from a backup of the folder.',
        cause,
      })
    }
    throw new NodeError('WRONG_PASSPHRASE', 'the passphrase is wrong', {
      hint: 'Try again. Without it nobody can open this profile; the 24 words restore the account.',
      cause,
    })
  } finally {
    wipe(kek)
  }
  const root = { storeId: header.storeId, root: dataKey }
  const stateBytes = await readIfThere(profilePaths(dir).stateKey)
  if (stateBytes === undefined) {
    throw new NodeError('CORRUPT_STORE', 'state.key is missing', {
      hint: 'Restore it from a backup of the folder, or restore the account from its 24 words.',
    })
  }
  const stateKeys = checked('state.key', () => openStateKeys(provider, root, stateBytes))
  return { root, keys: new VaultKeys(provider, root, stateKeys) }
}
