// A relay's folder: keys (0600) and store (SPEC.md §14.1). Made in one go in an empty folder, and
// never in part again: keys without their store would answer for mailboxes that are lost, a store
// without its keys would be another relay.
import { access, mkdir, open, readFile, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Random } from '../../crypto/index.ts'
import { NodeError } from '../errors.ts'
import type { Store } from '../store.ts'
import { openLevelStore } from '../store/level-store.ts'
import type { RelaySeeds } from './credentials.ts'
import { WRITE_BUFFER_BYTES } from './limits.ts'
import { readHead, writeHead } from './store-head.ts'

const KEY_FILES = {
  service: 'service.key',
  process: 'process.key',
  transport: 'transport.key',
} as const
/** There while the folder is being made: what it holds then served nobody yet. */
const MARKER = 'unfinished'
const STORE = 'store'
const SEED_BYTES = 32
const EPOCH_BYTES = 8

export interface RelayFolder {
  readonly seeds: RelaySeeds
  readonly store: Store
  readonly storePath: string
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw error
  }
}

async function writeNew(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function readSeed(dir: string, name: string): Promise<Uint8Array> {
  try {
    const bytes = new Uint8Array(await readFile(join(dir, name)))
    if (bytes.length === SEED_BYTES) return bytes
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
  }
  throw new NodeError('CORRUPT_STORE', `${name} is missing or damaged in ${dir}`, {
    hint: 'restore the folder from a backup; without this key it would be another relay',
  })
}

async function make(dir: string, random: Random): Promise<void> {
  await writeNew(join(dir, MARKER), new Uint8Array(0))
  const store = await openLevelStore(join(dir, STORE), { createIfMissing: true })
  await store.close()
  for (const name of Object.values(KEY_FILES)) await writeNew(join(dir, name), random(SEED_BYTES))
  await rm(join(dir, MARKER))
}

async function prepare(dir: string, random: Random): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const isUnfinished = await exists(join(dir, MARKER))
  const entries = await readdir(dir)
  if (entries.length > 0 && !isUnfinished) return
  for (const name of [...Object.values(KEY_FILES), STORE, MARKER]) {
    await rm(join(dir, name), { recursive: true, force: true })
  }
  await make(dir, random)
}

/** Opens the store of a relay, which must be there. */
export function openRelayStore(storePath: string): Promise<Store> {
  return openLevelStore(storePath, { writeBufferBytes: WRITE_BUFFER_BYTES })
}

/**
 * Opens a relay's folder, making it where it is empty or not there. Rejects with NodeError:
 * CORRUPT_STORE where keys or store are missing, LOCKED, NOT_WRITABLE, DISK_FULL.
 */
export async function openRelayFolder(dir: string, random: Random): Promise<RelayFolder> {
  try {
    await prepare(dir, random)
  } catch (error) {
    if (error instanceof NodeError) throw error
    const code = codeOf(error) === 'ENOSPC' ? 'DISK_FULL' : 'NOT_WRITABLE'
    throw new NodeError(code, `cannot set up a relay in ${dir}`, { cause: error })
  }
  const storePath = join(dir, STORE)
  const seeds: RelaySeeds = {
    service: await readSeed(dir, KEY_FILES.service),
    process: await readSeed(dir, KEY_FILES.process),
    transport: await readSeed(dir, KEY_FILES.transport),
  }
  try {
    return { seeds, store: await openRelayStore(storePath), storePath }
  } catch (error) {
    if (!(error instanceof NodeError) || error.code !== 'NOT_INITIALISED') throw error
    throw new NodeError('CORRUPT_STORE', `the keys of a relay are in ${dir}, its store is not`, {
      hint: 'restore the store; to start anew under new keys, use an empty folder',
      cause: error,
    })
  }
}

/**
 * Marks a folder that was put back from a copy: every mailbox shows another incarnation from now
 * on, so that owners publish again and depositors deposit again what the copy does not have. To be
 * called before the relay serves. Rejects as {@link openRelayFolder} does.
 */
export async function markRestored(dir: string, random: Random): Promise<void> {
  for (const name of Object.values(KEY_FILES)) {
    if (await exists(join(dir, name))) continue
    throw new NodeError('NOT_INITIALISED', `there is no relay in ${dir}`, {
      hint: 'Name its folder with --dir. It holds three files of keys and the folder "store".',
    })
  }
  const store = await openRelayStore(join(dir, STORE))
  try {
    const head = await readHead(store, random)
    await store.write([writeHead(random(EPOCH_BYTES), head.safeNowMs ?? 0)])
  } finally {
    await store.close()
  }
}
