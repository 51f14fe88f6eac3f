// Files of a profile beside its store: replaced atomically, readable by their owner only.
import { chmod, link, mkdir, open, readFile, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { NodeError } from '../errors.ts'

/** Where everything of a profile lies. */
export function profilePaths(dir: string): {
  readonly vault: string
  readonly stateKey: string
  readonly store: string
  readonly run: string
  readonly place: string
  readonly copied: string
  readonly repair: string
  readonly unfinished: string
} {
  return {
    vault: join(dir, 'vault.hdr'),
    stateKey: join(dir, 'state.key'),
    store: join(dir, 'db'),
    run: join(dir, 'run'),
    place: join(dir, 'place'),
    copied: join(dir, 'copied'),
    repair: join(dir, 'db.repair'),
    unfinished: join(dir, 'unfinished'),
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

async function writeSynced(path: string, flags: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, flags, 0o600)
  try {
    await file.chmod(0o600)
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Writes a file of mode 0600 so that after a crash either the old or the new one is there, whole. */
export async function replaceFile(path: string, bytes: Uint8Array): Promise<void> {
  const fresh = `${path}.new`
  try {
    await writeSynced(fresh, 'w', bytes)
    await rename(fresh, path)
    await syncFolder(dirname(path))
  } catch (error) {
    throw fileError(error, path)
  }
}

/** The name under which a replaced file of secrets lies until it was overwritten. */
function oldName(path: string): string {
  return `${path}.old`
}

/**
 * As {@link replaceFile}, and overwrites the bytes of the file before in place. After a crash in the
 * middle {@link shredReplaced} overwrites what is left.
 */
export async function replaceSecretFile(path: string, bytes: Uint8Array): Promise<void> {
  await shredReplaced(path)
  try {
    if (await isThere(path)) {
      await link(path, oldName(path))
      await syncFolder(dirname(path))
    }
  } catch (error) {
    throw fileError(error, path)
  }
  await replaceFile(path, bytes)
  await shredReplaced(path)
}

/** Overwrites what a broken-off replacement left; never the file that is in use. */
export async function shredReplaced(path: string): Promise<void> {
  const old = oldName(path)
  try {
    if (!(await isThere(old))) return
    const [before, now] = [await stat(old, { bigint: true }), await stat(path, { bigint: true })]
    // The same file under two names: the replacement had not happened yet.
    if (before.ino !== now.ino) {
      const file = await open(old, 'r+')
      try {
        await file.write(new Uint8Array(Number(before.size)), 0, Number(before.size), 0)
        await file.sync()
      } finally {
        await file.close()
      }
    }
    await rm(old)
    await syncFolder(dirname(path))
  } catch (error) {
    throw fileError(error, path)
  }
}

/** Names in a folder; none where it does not exist. */
export async function listFolder(path: string): Promise<readonly string[]> {
  try {
    return await readdir(path)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    throw fileError(error, path)
  }
}

/** Gives every file of a folder mode 0600: LevelDB makes its own as the process's umask says. */
export async function makePrivateFiles(path: string): Promise<void> {
  for (const name of await listFolder(path)) {
    await chmod(join(path, name), 0o600).catch((error: unknown) => {
      // LevelDB removes files in the background.
      if (codeOf(error) !== 'ENOENT') throw fileError(error, path)
    })
  }
}

/** Removes a file that may not be there. */
export async function removeFile(path: string): Promise<void> {
  try {
    await rm(path, { force: true })
    await syncFolder(dirname(path))
  } catch (error) {
    throw fileError(error, path)
  }
}

/** Whether this much can be written beside a path now. Rejects with DISK_FULL or NOT_WRITABLE. */
export async function probeSpace(path: string, sizeBytes: number): Promise<void> {
  const probe = `${path}.probe`
  try {
    await writeSynced(probe, 'w', new Uint8Array(sizeBytes))
  } catch (error) {
    throw fileError(error, path)
  } finally {
    await rm(probe, { force: true })
  }
}
