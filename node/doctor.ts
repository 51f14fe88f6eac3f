// A check-up of a profile that nobody runs: what opening verifies, and every record besides. And a
// repair that works on a copy: the store as it was found stays beside the repaired one.
import { cp, rename, rm } from 'node:fs/promises'
import type { Table } from '../protocol/index.ts'
import {
  type LostEntries,
  STATE_TABLE_NAMES,
  findLostEntries,
  startAnew,
} from '../protocol/index.ts'
import { systemClock } from './clock.ts'
import { NodeError } from './errors.ts'
import { cutJournal, holeText, surveyJournal } from './ledger/journal.ts'
import { Ledger } from './ledger/ledger.ts'
import { nativeCrypto } from './native-crypto.ts'
import { fileError, isThere, makePrivateFiles, profilePaths } from './profile/files.ts'
import { type IdentityRecord, identities } from './profile/identity-record.ts'
import { checkPlace } from './profile/place.ts'
import { checkHeader, unlockVault } from './profile/vault.ts'
import { pooledRandom } from './random.ts'
import { GuardedClock } from './relay/guarded-clock.ts'
import { readSafeNow } from './safe-now.ts'
import { openLevelStore, repairLevelStore } from './store/level-store.ts'
import { RecordStore } from './store/record-store.ts'
import type { Store } from './store.ts'

export interface CheckOptions {
  readonly dir: string
  readonly passphrase?: string
}

export interface CheckUp {
  /** Records read, and batches whose journal rows are there. */
  readonly records: number
  readonly batches: number
  /** What is wrong, as sentences; none where all is well. */
  readonly findings: readonly string[]
}

export interface Repaired {
  /** What was wrong before. */
  readonly before: CheckUp
  /** What is gone for good, as sentences. */
  readonly gone: readonly string[]
  /** Where the store lies as it was found. */
  readonly kept: string
}

const stateTables = new Set(STATE_TABLE_NAMES)

function openRecords(store: Store, options: CheckOptions): Promise<RecordStore> {
  const { dir, passphrase } = options
  const unlock = { dir, passphrase, provider: nativeCrypto, random: pooledRandom }
  return unlockVault(unlock).then(
    ({ keys }) => new RecordStore({ store, keys, provider: nativeCrypto, random: pooledRandom }),
  )
}

/** A Ledger over records of a sound journal, for machines of a check-up alone. */
async function ledgerOver(records: RecordStore): Promise<Ledger> {
  const found = await records.get(identities as Table<never, unknown>, identities.place(0))
  if (found === undefined) {
    throw new NodeError('CORRUPT_STORE', 'the keys of this device are gone', {
      hint: 'Restore the folder from a backup, or the account from its 24 words on a new device.',
    })
  }
  const guarded = new GuardedClock(systemClock, await readSafeNow(records).catch(() => undefined))
  return Ledger.open({
    records,
    clock: systemClock,
    safeNowMs: () => guarded.nowMs(),
    random: pooledRandom,
    provider: nativeCrypto,
    self: (found as IdentityRecord).self,
    onEffects: () => undefined,
    onChanges: () => undefined,
    onFailure: () => undefined,
    onDefect: () => undefined,
  })
}

function lostText({ chat, mine, headers, bodies }: LostEntries): string {
  const some = (count: number): string => {
    if (mine) return `${count} of your messages to ${chat}`
    return `${count} ${count === 1 ? 'message' : 'messages'} of ${chat}`
  }
  const parts = [
    ...(headers > 0 ? [`${some(headers)} ${headers === 1 ? 'is' : 'are'} gone`] : []),
    ...(bodies > 0 ? [`the text of ${some(bodies)} is gone`] : []),
  ]
  return `${parts.join('; ')}${mine ? '' : '; asked for again'}`
}

function counted(count: number, table: string): string {
  return `${count} ${count === 1 ? 'record' : 'records'} of "${table}" cannot be read`
}

async function survey(records: RecordStore) {
  const tables = await records.verify((name) => stateTables.has(name))
  const damagedKeys = tables.flatMap(({ damaged }) => damaged)
  const unreadable = tables.filter(({ damaged }) => damaged.length > 0)
  const findings = unreadable.map(({ table, damaged }) => counted(damaged.length, table))
  let journal: Awaited<ReturnType<typeof surveyJournal>> | undefined
  if (!unreadable.some(({ table }) => table === 'journal')) {
    journal = await surveyJournal(records)
    findings.push(...journal.holes.map(holeText))
  }
  return { tables, damagedKeys, findings, journal }
}

/**
 * Checks a profile. Rejects with NOT_INITIALISED, LOCKED while a process runs it, WRONG_PASSPHRASE,
 * PROFILE_COPIED, or CORRUPT_STORE where the store does not open at all.
 */
export async function checkProfile(options: CheckOptions): Promise<CheckUp> {
  const { dir } = options
  await checkHeader(dir)
  const store = await openLevelStore(profilePaths(dir).store)
  try {
    const records = await openRecords(store, options)
    const { tables, findings, journal } = await survey(records)
    const sum = tables.reduce((total, one) => total + one.records, 0)
    const batches = journal === undefined ? 0 : journal.span.next - journal.span.oldest
    if (findings.length === 0) {
      await checkPlace(dir, records)
      const ledger = await ledgerOver(records)
      const lost = await ledger.read((turn) => findLostEntries(turn))
      findings.push(...lost.map(lostText))
    }
    return { records: sum, batches, findings }
  } finally {
    await store.close()
  }
}

/** Opens the copied store; where LevelDB itself finds it damaged, what LevelDB can save of it. */
async function openCopy(path: string): Promise<Store> {
  try {
    return await openLevelStore(path)
  } catch (error) {
    if (!(error instanceof NodeError) || error.code === 'LOCKED') throw error
    await repairLevelStore(path)
    return openLevelStore(path)
  }
}

async function freeName(dir: string): Promise<string> {
  for (let i = 1; ; i++) {
    const path = `${profilePaths(dir).store}.damaged-${i}`
    if (!(await isThere(path))) return path
  }
}

/**
 * Repairs a copy of the store: drops what cannot be read, begins the journal after the last hole,
 * ends every session (what is left of one may be older than what it sent), and puts the copy in the
 * place of the store, which stays under another name. Rejects as {@link checkProfile} does, and
 * with CORRUPT_STORE where the device's own keys are gone.
 */
export async function repairProfile(options: CheckOptions): Promise<Repaired> {
  const { dir } = options
  const { store: path, repair } = profilePaths(dir)
  await checkHeader(dir)
  // LevelDB's lock says whether anybody runs it; a store that is too damaged to open is nobody's.
  const lock = await openLevelStore(path).catch((error: unknown) => {
    if (error instanceof NodeError && error.code === 'CORRUPT_STORE') return undefined
    throw error
  })
  await lock?.close()
  try {
    await rm(repair, { recursive: true, force: true })
    await cp(path, repair, { recursive: true })
  } catch (error) {
    throw fileError(error, repair)
  }
  const store = await openCopy(repair)
  let before: CheckUp
  const gone: string[] = []
  try {
    const records = await openRecords(store, options)
    const { tables, damagedKeys, findings, journal } = await survey(records)
    const sum = tables.reduce((total, one) => total + one.records, 0)
    before = { records: sum, batches: 0, findings }
    gone.push(...findings)
    await records.write(damagedKeys.map((key) => ({ key, value: undefined })))
    const { span, holes } = journal ?? (await surveyJournal(records))
    const last = holes.at(-1)
    if (last !== undefined) await records.write(cutJournal(records, span, last.to + 1))
    const ledger = await ledgerOver(records)
    gone.push(...(await ledger.read((turn) => findLostEntries(turn))).map(lostText))
    const dropped = await ledger.run((turn) => startAnew(turn))
    if (dropped > 0) gone.push(`${dropped} messages that waited to go out are gone`)
    await ledger.settled()
  } finally {
    await store.close()
  }
  await makePrivateFiles(repair)
  const kept = await freeName(dir)
  try {
    await rename(path, kept)
    await rename(repair, path)
  } catch (error) {
    throw fileError(error, path)
  }
  return { before, gone, kept }
}
