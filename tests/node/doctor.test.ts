// A profile whose disk lost or altered records: found by the check-up, and usable after the repair.
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type RunningNode, createNode } from '../../node/create-node.ts'
import { checkProfile, repairProfile } from '../../node/doctor.ts'
import { initProfile } from '../../node/init-profile.ts'
import { openLevelStore } from '../../node/store/level-store.ts'
import { u64 } from '../../crypto/index.ts'

let root: string
let dir: string
let bob: RunningNode

const listen = ['/ip4/127.0.0.1/tcp/0']
const openAlice = (): Promise<RunningNode> => createNode({ dir, listen })

async function deliver(from: RunningNode, to: string, text: string): Promise<void> {
  const { id } = await from.chats.send(to, text)
  await from.chats.waitFor(id, 'delivered', { timeoutMs: 20_000 })
}

const texts = async (of: RunningNode, who: string): Promise<readonly string[]> =>
  (await of.chats.messages(who)).map(({ text }) => text)

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sotto-doctor-'))
  dir = join(root, 'alice')
  await initProfile({ dir, name: 'alice' })
  await initProfile({ dir: join(root, 'bob'), name: 'bob' })
  const alice = await openAlice()
  bob = await createNode({ dir: join(root, 'bob'), listen })
  await alice.contacts.add((await bob.invites.create()).link, { name: 'bob' })
  for (const text of ['one', 'two', 'three']) await deliver(alice, bob.address, text)
  await deliver(bob, alice.address, 'four')
  await alice.close()
})
afterEach(async () => {
  await bob.close()
  await rm(root, { recursive: true, force: true, maxRetries: 5 })
})

const prefix = (table: string): Uint8Array => Uint8Array.from([table.length, ...Buffer.from(table)])

/** What lies in a table, as the disk has it. */
async function onDisk<T>(
  table: string,
  use: (
    rows: readonly (readonly [key: Uint8Array, value: Uint8Array])[],
    store: Awaited<ReturnType<typeof openLevelStore>>,
  ) => Promise<T>,
): Promise<T> {
  const store = await openLevelStore(join(dir, 'db'))
  try {
    const from = prefix(table)
    const to = new Uint8Array([...from, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])
    return await use(await store.range({ from, to, limit: 10_000 }), store)
  } finally {
    await store.close()
  }
}

/** The disk loses the journal rows of two batches from the middle. */
const loseBatches = (): Promise<void> =>
  onDisk('journal', async (rows, store) => {
    const keys = rows.map(([key]) => key).slice(5, 7)
    expect(keys.length).toBe(2)
    await store.write(keys.map((key) => ({ key, value: undefined })))
  })

/** A bit of a record of a table changes. */
const alter = (table: string): Promise<void> =>
  onDisk(table, async (rows, store) => {
    const [key, value] = rows.at(-1) ?? []
    if (key === undefined || value === undefined) throw new Error(`nothing in ${table}`)
    const changed = new Uint8Array(value)
    changed[changed.length - 1] = (changed[changed.length - 1] ?? 0) ^ 1
    await store.write([{ key, value: changed }])
  })

describe('a check-up', () => {
  it('finds nothing in a profile that is whole, and says how much it read', async () => {
    const { records, batches, findings } = await checkProfile({ dir })
    expect(findings).toEqual([])
    expect(records).toBeGreaterThan(50)
    expect(batches).toBeGreaterThan(8)
  })

  it('is refused where a node runs the profile, or there is none', async () => {
    const alice = await openAlice()
    await expect(checkProfile({ dir })).rejects.toMatchObject({ code: 'LOCKED' })
    await expect(repairProfile({ dir })).rejects.toMatchObject({ code: 'LOCKED' })
    await alice.close()
    await expect(checkProfile({ dir: join(root, 'nobody') })).rejects.toMatchObject({
      code: 'NOT_INITIALISED',
    })
  })

  it('names lost batches and altered records, and changes nothing', async () => {
    await loseBatches()
    await alter('log-body')
    await expect(openAlice()).rejects.toMatchObject({ code: 'CORRUPT_STORE' })
    for (let i = 0; i < 2; i++) {
      const { findings } = await checkProfile({ dir })
      expect(findings).toEqual([
        '1 record of "log-body" cannot be read',
        expect.stringMatching(/^the disk lost batches \d+ to \d+; the last of them wrote: /),
      ])
    }
  })
})

describe('a repair', () => {
  it('of a hole in the journal loses nothing that is there, and both sides talk on', async () => {
    await loseBatches()
    const { before, kept } = await repairProfile({ dir })
    expect(before.findings.length).toBe(1)
    // The store as it was found is there still.
    expect((await stat(kept)).isDirectory()).toBe(true)
    expect((await checkProfile({ dir })).findings).toEqual([])
    const alice = await openAlice()
    expect(await texts(alice, 'bob')).toEqual(['one', 'two', 'three', 'four'])
    await deliver(alice, bob.address, 'five')
    await deliver(bob, alice.address, 'six')
    expect(await texts(bob, 'alice')).toEqual(['one', 'two', 'three', 'four', 'five', 'six'])
    expect((await bob.status()).recent).toEqual([])
    await alice.close()
  })

  it.each(['sessions', 'log-body', 'log-entry', 'outbox-heads', 'session-index'])(
    'of an altered record of %s says what is gone, and both sides talk on',
    async (table) => {
      await alter(table)
      const { gone, kept } = await repairProfile({ dir })
      expect(gone[0]).toBe(`1 record of "${table}" cannot be read`)
      expect(kept).toBe(join(dir, 'db.damaged-1'))
      expect((await checkProfile({ dir })).findings).toEqual([])
      const alice = await openAlice()
      await deliver(bob, alice.address, 'five')
      expect(await texts(alice, 'bob')).toContain('five')
      await alice.close()
    },
  )

  it.each([
    ['log-entry', /^1 (of your messages to bob is gone|message of bob is gone; asked for again)$/],
    [
      'log-body',
      /^the text of 1 (of your messages to bob is gone|message of bob is gone; asked for again)$/,
    ],
  ])('says what of %s is gone, and what is asked for again', async (table, text) => {
    await alter(table)
    const { gone } = await repairProfile({ dir })
    expect(gone).toEqual([`1 record of "${table}" cannot be read`, expect.stringMatching(text)])
  })

  it('of a store that does not open at all saves what can be read of it', async () => {
    const names = await readdir(join(dir, 'db'))
    const manifest = names.find((name) => name.startsWith('MANIFEST')) ?? ''
    await writeFile(join(dir, 'db', manifest), 'not what LevelDB wrote')
    await expect(openAlice()).rejects.toMatchObject({ code: 'CORRUPT_STORE' })
    await expect(checkProfile({ dir })).rejects.toMatchObject({ code: 'CORRUPT_STORE' })
    const { gone } = await repairProfile({ dir })
    expect(gone).toEqual([])
    const alice = await openAlice()
    expect(await texts(alice, 'bob')).toEqual(['one', 'two', 'three', 'four'])
    await deliver(alice, bob.address, 'five')
    await alice.close()
  })

  it('is refused where the keys of the device are gone, and the store is left alone', async () => {
    await alter('identity')
    await expect(repairProfile({ dir })).rejects.toMatchObject({ code: 'CORRUPT_STORE' })
    await onDisk('identity', async (rows) => expect(rows.length).toBe(1))
  })
})

it('keys of records begin with the name of their table', async () => {
  // What the tests above rest on.
  await onDisk('journal', async (rows) => {
    expect(rows.length).toBeGreaterThan(8)
    const [key] = rows[0] ?? []
    expect(key?.subarray(0, 8)).toEqual(prefix('journal'))
    expect(key?.subarray(8)).toEqual(u64(1))
  })
})
