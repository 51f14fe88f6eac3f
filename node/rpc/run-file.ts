// Where the owner of a profile listens. The store's lock alone decides who owns it; the run file
// says where to knock. Its path is read from the file, since the runtime folder differs under sudo
// and cron.
import { createHash } from 'node:crypto'
import { lstat, mkdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import * as v from 'valibot'
import { NodeError } from '../errors.ts'
import { fileError, profilePaths, readIfThere, replaceFile } from '../profile/files.ts'
import { SOCKET_PATH_MAX_BYTES } from './limits.ts'

const runSchema = v.object({
  v: v.literal(1),
  pid: v.number(),
  socket: v.string(),
  /** Which folder it is of: a copy of it names the socket of the original. */
  folder: v.exactOptional(v.string()),
})

async function folderId(dir: string): Promise<string> {
  try {
    const { dev, ino } = await stat(dir, { bigint: true })
    return `${dev}:${ino}`
  } catch (error) {
    throw fileError(error, dir)
  }
}

/** Where the owner of a profile said it listens; undefined where nobody did, or in a copied folder. */
export async function readRunFile(
  dir: string,
): Promise<{ readonly pid: number; readonly socket: string } | undefined> {
  const bytes = await readIfThere(profilePaths(dir).run)
  if (bytes === undefined) return undefined
  let found: v.InferOutput<typeof runSchema>
  try {
    found = v.parse(runSchema, JSON.parse(Buffer.from(bytes).toString('utf8')))
  } catch {
    // Of another version, or cut short: the lock decides, as if there were none.
    return undefined
  }
  const { pid, socket, folder } = found
  if (folder !== undefined && folder !== (await folderId(dir))) return undefined
  return { pid, socket }
}

/** Says where this process listens. Only the holder of the store's lock may. */
export async function writeRunFile(dir: string, socket: string): Promise<void> {
  const folder = await folderId(dir)
  const text = `${JSON.stringify({ v: 1, pid: process.pid, socket, folder })}\n`
  await replaceFile(profilePaths(dir).run, Buffer.from(text))
}

/** Takes back what writeRunFile said. Only the holder of the store's lock may. */
export async function removeRunFile(dir: string): Promise<void> {
  await rm(profilePaths(dir).run, { force: true })
}

async function privateRuntimeFolder(): Promise<string> {
  const uid = process.getuid?.() ?? 0
  const base = process.env['XDG_RUNTIME_DIR'] ?? tmpdir()
  const folder = join(base, `sotto-${uid}`)
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw fileError(error, folder)
  }
  // In a shared folder somebody else may have been first.
  const found = await lstat(folder)
  if (!found.isDirectory() || found.uid !== uid || (found.mode & 0o077) !== 0) {
    throw new NodeError('NOT_WRITABLE', `${folder} is not a folder of yours alone`, {
      hint: `Remove it, or set XDG_RUNTIME_DIR, or use a shorter --dir.`,
    })
  }
  return folder
}

/** The path for a profile's socket: in its folder, or a short one where that would be too long. */
export async function socketPath(dir: string): Promise<string> {
  const wanted = resolve(dir, 'sotto.sock')
  if (Buffer.byteLength(wanted) <= SOCKET_PATH_MAX_BYTES) return wanted
  const name = createHash('sha256').update(resolve(dir)).digest('hex').slice(0, 16)
  const short = join(await privateRuntimeFolder(), `${name}.sock`)
  if (Buffer.byteLength(short) <= SOCKET_PATH_MAX_BYTES) return short
  throw new NodeError('INVALID', `no path for a socket is short enough: ${short}`, {
    hint: `Set XDG_RUNTIME_DIR to a short path, or use a shorter --dir.`,
  })
}
