// The Store port on LevelDB. LevelDB's own lock (fcntl, dies with the process) is the only
// authority on who owns a folder. Nothing is created unless told: an empty folder that should hold
// a store is an error, never a fresh start.
import { access, chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Level } from 'level'
import { NodeError } from '../errors.ts'
import type { Store, StoreRange, StoreWrite } from '../store.ts'

export interface LevelStoreOptions {
  /** Makes the folder (mode 0700) and an empty store where there is none. */
  readonly createIfMissing?: boolean
  /** Bytes buffered in memory before LevelDB sorts them into a table file. */
  readonly writeBufferBytes?: number
  /**
   * A single value is read at once and not on a thread of the pool: a row is in memory or in the
   * system's page cache as a rule, and waking a thread costs fifteen times what reading it does. For
   * the store of one person; a relay, whose loop many wait for, leaves it off.
   */
  readonly readsInline?: boolean
}

const WRITE_BUFFER_BYTES: number = 4 << 20

/** Above every key of a record. */
const KEYS_END: Uint8Array = new Uint8Array(4).fill(0xff)

type Database = Level<Uint8Array, Uint8Array>
/** What LevelDB has and its browser counterpart has not: so it is not in the common type. */
type Native = Database & {
  readonly compactRange?: (from: Uint8Array, to: Uint8Array) => Promise<void>
  readonly getSync?: (key: Uint8Array) => Uint8Array | undefined
}

/** The native side answers with Buffers, whose slices share memory; callers get plain arrays. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function textOf(error: unknown): string {
  const parts: string[] = []
  for (let at: unknown = error; at instanceof Error && parts.length < 4; at = at.cause) {
    parts.push('code' in at ? String(at.code) : '', at.message)
  }
  return parts.join(' ')
}

/** The NodeError for what LevelDB or the file system threw. */
function translate(error: unknown, location: string): NodeError {
  const text = textOf(error)
  if (text.includes('LEVEL_LOCKED')) {
    return new NodeError('LOCKED', `another process has ${location} open`, {
      hint: 'stop the other process, or use another folder',
      retryable: true,
      cause: error,
    })
  }
  if (/ENOSPC|EDQUOT|no space left|disk quota/i.test(text)) {
    return new NodeError('DISK_FULL', `no space left for ${location}`, {
      hint: 'free some space; nothing that was acknowledged is lost',
      retryable: true,
      cause: error,
    })
  }
  if (/EACCES|EPERM|EROFS|ENOTDIR|permission denied|read-only file system/i.test(text)) {
    return new NodeError('NOT_WRITABLE', `cannot write to ${location}`, {
      hint: 'check the owner and the mode of the folder',
      cause: error,
    })
  }
  return new NodeError('CORRUPT_STORE', `the store at ${location} does not work: ${text}`, {
    hint: 'keep a copy of the folder before any repair',
    cause: error,
  })
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch (error) {
    if (textOf(error).includes('ENOENT')) return false
    throw error
  }
}

async function prepare(location: string, createIfMissing: boolean): Promise<void> {
  // LevelDB writes CURRENT last when it makes a store: without it there is none. Asked here, since
  // LevelDB makes the folder and a lock file even when told not to create anything.
  if (await exists(join(location, 'CURRENT'))) return
  if (!createIfMissing) {
    throw new NodeError('NOT_INITIALISED', `there is no store at ${location}`, {
      hint: 'check the path; a store that was there and is gone must be restored, not created',
    })
  }
  await mkdir(location, { recursive: true, mode: 0o700 })
  await chmod(location, 0o700)
}

/**
 * Opens the store in a folder. Rejects with NodeError: NOT_INITIALISED, LOCKED, NOT_WRITABLE,
 * DISK_FULL or CORRUPT_STORE. A failed `write` leaves the store unusable (LevelDB stops writing
 * after an error of the disk): close it and open it anew.
 */
export async function openLevelStore(
  location: string,
  options: LevelStoreOptions = {},
): Promise<Store> {
  const createIfMissing = options.createIfMissing ?? false
  let database: Database
  try {
    await prepare(location, createIfMissing)
    database = new Level<Uint8Array, Uint8Array>(location, {
      keyEncoding: 'view',
      valueEncoding: 'view',
      createIfMissing,
      writeBufferSize: options.writeBufferBytes ?? WRITE_BUFFER_BYTES,
    })
    await database.open()
  } catch (error) {
    throw error instanceof NodeError ? error : translate(error, location)
  }
  return new LevelStore(database, location, options.readsInline === true)
}

/** Saves what LevelDB can read of a store that does not open. Rejects with CORRUPT_STORE. */
export async function repairLevelStore(location: string): Promise<void> {
  // LevelDB has it, its browser counterpart has not: so it is not in the common type.
  const { repair } = Level as unknown as { repair?: (path: string) => Promise<void> }
  try {
    await repair?.call(Level, location)
  } catch (error) {
    throw translate(error, location)
  }
}

class LevelStore implements Store {
  readonly #database: Database
  readonly #location: string
  readonly #readsInline: boolean
  #closing: Promise<void> | undefined

  constructor(database: Database, location: string, readsInline: boolean) {
    this.#database = database
    this.#location = location
    this.#readsInline = readsInline
  }

  async #run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) {
      throw new NodeError('ABORTED', `the store at ${this.#location} is closed`)
    }
    try {
      return await work()
    } catch (error) {
      throw translate(error, this.#location)
    }
  }

  get(keys: readonly Uint8Array[]): Promise<readonly (Uint8Array | undefined)[]> {
    if (keys.length === 0) return Promise.resolve([])
    return this.#run(async () => {
      const [first] = keys
      const database: Native = this.#database
      if (this.#readsInline && keys.length === 1 && first !== undefined && database.getSync) {
        const value = database.getSync(first)
        return [value === undefined ? undefined : plain(value)]
      }
      const values = await database.getMany([...keys])
      return values.map((value) => (value === undefined ? undefined : plain(value)))
    })
  }

  range(query: StoreRange): Promise<readonly (readonly [key: Uint8Array, value: Uint8Array])[]> {
    return this.#run(async () => {
      const rows = await this.#database
        .iterator({
          gte: query.from,
          lt: query.to,
          limit: query.limit,
          reverse: query.reverse ?? false,
        })
        .all()
      return rows.map(([key, value]) => [plain(key), plain(value)] as const)
    })
  }

  write(batch: readonly StoreWrite[]): Promise<void> {
    if (batch.length === 0) return Promise.resolve()
    return this.#run(() => {
      // Chained: it copies each write once, where an array of operations is cloned on the way.
      const chained = this.#database.batch()
      for (const { key, value } of batch) {
        if (value === undefined) chained.del(key)
        else chained.put(key, value)
      }
      return chained.write({ sync: true } as object)
    })
  }

  compact(): Promise<void> {
    return this.#run(async () => {
      const { compactRange } = this.#database as Native
      await compactRange?.call(this.#database, new Uint8Array(0), KEYS_END)
    })
  }

  close(): Promise<void> {
    this.#closing ??= this.#database.close()
    return this.#closing
  }
}
