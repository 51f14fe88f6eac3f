// Files of a profile beside its store: replaced atomically, readable by their owner only.
import { chmod, mkdir, open, readFile, rename, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { NodeError } from '../errors.ts'

/** Where everything of a profile lies. */
export function profilePaths(dir: string): {
  readonly vault: string
  readonly stateKey: string
  readonly store: string
  readonly run: string
} {
  return {
    vault: join(dir, 'vault.hdr'),
    stateKey: join(dir, 'state.key'),
    store: join(dir, 'db'),
    run: join(dir, 'run'),
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

/** The NodeError for what the file system said about a path. */
export function fileError(error: unknown, path: string): NodeError {
  const code = codeOf(error)
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new NodeError('DISK_FULL', `no space left for ${path}`, {
      hint: 'Free some space and run the command again; nothing was lost.',
      retryable: true,
      cause: error,
    })
  }
  return new NodeError('NOT_WRITABLE', `cannot use ${path}: ${code || String(error)}`, {
    hint: 'Check the folder, its owner and its mode.',
    cause: error,
  })
}

/** The file's bytes; undefined where it does not exist. */
export async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return new Uint8Array(await readFile(path))
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw fileError(error, path)
  }
}

/** Whether a path exists. */
export async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw fileError(error, path)
  }
}

/** Makes a folder for its owner only. */
export async function makePrivateFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
    await chmod(path, 0o700)
  } catch (error) {
    throw fileError(error, path)
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** Writes a file of mode 0600 so that after a crash either the old or the new one is there, whole. */
export async function replaceFile(path: string, bytes: Uint8Array): Promise<void> {
  const fresh = `${path}.new`
  try {
    const file = await open(fresh, 'w', 0o600)
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(fresh, path)
    await syncFolder(dirname(path))
  } catch (error) {
    throw fileError(error, path)
  }
}
