import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { EMPTY, stateGeneration } from '../../../crypto/index.ts'
import { systemClock } from '../../../node/clock.ts'
import { nativeCrypto } from '../../../node/native-crypto.ts'
import { createProfile } from '../../../node/profile/create-profile.ts'
import { replaceSecretFile, shredReplaced } from '../../../node/profile/files.ts'
import { openProfile } from '../../../node/profile/open-profile.ts'
import {
  type StateKeys,
  resealState,
  rotateStateKey,
} from '../../../node/profile/rotate-state-key.ts'
import { STATE_TABLE_NAMES, get, range } from '../../../protocol/index.ts'
import { LedgerWorld, quiet, secrets } from '../../support/ledger-world.ts'
import { bytesOf } from '../../support/relay-world.ts'

const DAY_MS = 86_400_000

/** State keys in memory that stop at a step, as a crash does. */
class MemoryKeys implements StateKeys {
  readonly #world: LedgerWorld
  stopAt: 'begin' | 'finish' | '' = ''
  finished = 0

  constructor(world: LedgerWorld) {
    this.#world = world
  }

  get rotating(): boolean {
    return this.#world.keys.stateKeys.length > 1
  }

  async begin(): Promise<void> {
    if (this.stopAt === 'begin') throw new Error('power cut')
    const generation = Math.max(...this.#world.keys.stateKeys.map((one) => one.generation)) + 1
    const key = bytesOf(`state ${generation}`)
    this.#world.keys.replaceStateKeys([...this.#world.keys.stateKeys, { generation, key }])
  }

  async finish(): Promise<void> {
    if (this.stopAt === 'finish') throw new Error('power cut')
    this.#world.keys.replaceStateKeys(this.#world.keys.stateKeys.slice(-1))
    this.finished += 1
  }

  clean(): Promise<void> {
    return Promise.resolve()
  }
}

/** Generations of the state values on the disk. */
function generations(world: LedgerWorld): readonly number[] {
  const values = world.map.rows().map(([, value]) => value)
  return [...new Set(values.filter(([type]) => type === 2).map(stateGeneration))].toSorted(
    (a, b) => a - b,
  )
}

describe('the rotation of the state key', () => {
  let world: LedgerWorld
  let keys: MemoryKeys

  beforeEach(async () => {
    world = new LedgerWorld()
    await world.open()
    keys = new MemoryKeys(world)
    await world.ledger.run(function* (turn) {
      for (let i = 0; i < 700; i++) turn.put(secrets, i, i)
    })
  })

  const values = (): Promise<readonly number[]> =>
    world.ledger.read(function* () {
      return (yield* range(secrets, { owner: EMPTY, limit: 1_000 })).map(({ value }) => value)
    })

  it('waits a day, then seals everything anew under a key of the next generation', async () => {
    expect(await rotateStateKey(world.ledger, keys)).toBe(false)
    world.time.skipTo(DAY_MS - 1)
    expect(await rotateStateKey(world.ledger, keys)).toBe(false)
    expect(generations(world)).toEqual([1])
    world.time.skipTo(DAY_MS)
    expect(await rotateStateKey(world.ledger, keys)).toBe(true)
    expect(generations(world)).toEqual([2])
    await world.open()
    expect(await values()).toEqual(Array.from({ length: 700 }, (_, i) => i))
    expect(await rotateStateKey(world.ledger, keys)).toBe(false)
  })

  it('lets turns pass in between, and never puts back an older value', async () => {
    await rotateStateKey(world.ledger, keys)
    world.time.skipTo(DAY_MS)
    const rotating = rotateStateKey(world.ledger, keys)
    for (let i = 0; i < 50; i++) {
      await world.ledger.run(function* (turn) {
        const key = (i * 14) % 700
        turn.put(secrets, key, ((yield* get(secrets, key)) ?? 0) + 10_000)
      })
    }
    await rotating
    await world.open()
    const raised = (await values()).filter((value) => value >= 10_000)
    expect(raised).toHaveLength(50)
    expect(generations(world)).toEqual([2])
  })

  it.each(['begin', 'finish'] as const)('goes on after a crash at %s', async (step) => {
    await rotateStateKey(world.ledger, keys)
    world.time.skipTo(DAY_MS)
    keys.stopAt = step
    await expect(rotateStateKey(world.ledger, keys)).rejects.toThrow('power cut')
    await world.open()
    expect(await values()).toHaveLength(700)
    keys.stopAt = ''
    expect(await rotateStateKey(world.ledger, keys)).toBe(true)
    expect(generations(world)).toEqual([2])
    expect(keys.rotating).toBe(false)
  })

  it.each([0, 1, 2])('goes on after a crash within batch %s of the sealing', async (batches) => {
    await rotateStateKey(world.ledger, keys)
    await keys.begin()
    const before = world.store.writes
    world.store.holds = true
    const sealing = resealState(world.ledger).catch(() => undefined)
    for (let i = 0; i < batches; i++) {
      await quiet()
      await world.store.held.shift()?.land()
    }
    await quiet()
    expect(world.store.writes).toBe(before + batches + 1)
    void sealing
    // Power cut: the batch in the air is gone.
    world.reopen()
    await world.open()
    expect(await values()).toHaveLength(700)
    expect(await rotateStateKey(world.ledger, keys)).toBe(true)
    expect(generations(world)).toEqual([2])
    expect(await values()).toEqual(Array.from({ length: 700 }, (_, i) => i))
  })

  it('is a failed batch like any other where the disk fills', async () => {
    await rotateStateKey(world.ledger, keys)
    world.time.skipTo(DAY_MS)
    world.store.fault = { code: 'DISK_FULL' } as never
    await expect(rotateStateKey(world.ledger, keys)).rejects.toMatchObject({
      code: expect.stringMatching(/DISK_FULL|STORE_FAILED/),
    })
    expect(world.failures).toHaveLength(1)
    await world.ledger.recover(world.reopen())
    expect(await rotateStateKey(world.ledger, keys)).toBe(true)
  })

  it('knows every table of state', async () => {
    const found: string[] = []
    const root = join(import.meta.dirname, '../../../protocol')
    for (const name of await readdir(root, { recursive: true })) {
      if (!name.endsWith('.ts') || name === 'state-tables.ts') continue
      const source = await readFile(join(root, name), 'utf8')
      for (const [, table = ''] of source.matchAll(/name: '([^']+)',\s*sealing: 'state'/g)) {
        found.push(table)
      }
      const count = source.match(/sealing: 'state'/g)?.length ?? 0
      expect(found.length >= count, name).toBe(true)
    }
    expect(found.toSorted()).toEqual([...STATE_TABLE_NAMES].toSorted())
  })
})

describe('state.key on the disk', () => {
  let dir: string
  const random = (length: number): Uint8Array<ArrayBuffer> => new Uint8Array(randomBytes(length))

  beforeEach(async () => {
    const root = await mkdtemp(join(tmpdir(), 'sotto-rotate-'))
    dir = join(root, 'alice')
    await createProfile({
      dir,
      name: 'alice',
      passphrase: undefined,
      phrase: undefined,
      provider: nativeCrypto,
      random,
      clock: systemClock,
      relays: [],
    })
  })
  afterEach(() => rm(join(dir, '..'), { recursive: true, force: true }))

  const open = () => openProfile({ dir, passphrase: undefined, provider: nativeCrypto, random })

  it('holds two keys while a rotation runs, and one after it', async () => {
    const { records, stateKeys } = await open()
    const path = join(dir, 'state.key')
    expect((await readFile(path)).length).toBe(87)
    await stateKeys.begin()
    expect((await readFile(path)).length).toBe(163)
    await records.close()
    const again = await open()
    expect(again.stateKeys.rotating).toBe(true)
    await again.stateKeys.finish()
    expect((await readFile(path)).length).toBe(87)
    expect(await readdir(dir)).not.toContain('state.key.old')
    await again.records.close()
    const last = await open()
    expect(last.stateKeys.rotating).toBe(false)
    await last.records.close()
  })

  it('is overwritten where it lay when it is replaced, also after a crash in the middle', async () => {
    const path = join(dir, 'secret')
    await writeFile(path, 'the old secret')
    const { link } = await import('node:fs/promises')
    await link(path, join(dir, 'witness'))
    await replaceSecretFile(path, Buffer.from('the new one'))
    expect(await readFile(path, 'utf8')).toBe('the new one')
    expect(await readFile(join(dir, 'witness'))).toEqual(Buffer.alloc('the old secret'.length))
    // A crash after the rename: the old file is still there under its other name.
    await writeFile(`${path}.old`, 'another old secret')
    await link(`${path}.old`, join(dir, 'witness 2'))
    await shredReplaced(path)
    expect(await readFile(join(dir, 'witness 2'))).toEqual(
      Buffer.alloc('another old secret'.length),
    )
    // A crash before it: both names are the file in use, which stays.
    await link(path, `${path}.old`)
    await shredReplaced(path)
    expect(await readFile(path, 'utf8')).toBe('the new one')
    expect(await readdir(dir)).not.toContain('secret.old')
  })
})
