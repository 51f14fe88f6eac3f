import { cp, mkdtemp, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../node/clock.ts'
import { createNode } from '../../../node/create-node.ts'
import { initProfile } from '../../../node/init-profile.ts'
import { nativeCrypto } from '../../../node/native-crypto.ts'
import { createProfile } from '../../../node/profile/create-profile.ts'
import { SCHEMA, identities } from '../../../node/profile/identity-record.ts'
import { type OpenedProfile, openProfile } from '../../../node/profile/open-profile.ts'
import type { NodeErrorCode } from '../../../node/errors.ts'

let root: string
let dir: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sotto-profile-'))
  dir = join(root, 'alice')
})
afterEach(() => rm(root, { recursive: true, force: true }))

const random = (length: number): Uint8Array<ArrayBuffer> => new Uint8Array(randomBytes(length))
const code = (value: NodeErrorCode) => expect.objectContaining({ code: value })

const create = (folder = dir, passphrase?: string) =>
  createProfile({
    dir: folder,
    name: 'alice',
    passphrase,
    phrase: undefined,
    provider: nativeCrypto,
    random,
    clock: systemClock,
    relays: [],
  })
const open = (folder = dir, passphrase?: string): Promise<OpenedProfile> =>
  openProfile({ dir: folder, passphrase, provider: nativeCrypto, random })

async function openAndClose(folder = dir): Promise<void> {
  await (await open(folder)).records.close()
}

/** Every file and folder below, with its mode. */
async function modes(folder: string): Promise<Record<string, string>> {
  const out: Record<string, string> = { '.': ((await stat(folder)).mode & 0o777).toString(8) }
  for (const name of await readdir(folder, { recursive: true })) {
    out[name] = ((await stat(join(folder, name))).mode & 0o777).toString(8)
  }
  return out
}

describe('making a profile', () => {
  it('gives every folder mode 0700 and every file 0600, whatever the umask', async () => {
    const before = process.umask(0)
    try {
      await create()
      await openAndClose()
    } finally {
      process.umask(before)
    }
    for (const [name, mode] of Object.entries(await modes(dir))) {
      expect([name, mode]).toEqual([name, ['.', 'db'].includes(name) ? '700' : '600'])
    }
  })

  it('is refused where there is one, and leaves that one alone', async () => {
    await create()
    const before = await readFile(join(dir, 'vault.hdr'))
    await expect(create()).rejects.toEqual(code('EXISTS'))
    expect(await readFile(join(dir, 'vault.hdr'))).toEqual(before)
    await openAndClose()
  })

  it('is refused in a folder with other things in it, whose mode stays', async () => {
    await writeFile(join(root, 'letter.txt'), 'mine')
    await expect(create(root)).rejects.toEqual(code('EXISTS'))
    expect(await readdir(root)).toEqual(['letter.txt'])
  })

  it('is refused where a profile lost its vault.hdr: its store is not deleted', async () => {
    await create()
    await rename(join(dir, 'vault.hdr'), join(root, 'kept'))
    await expect(create()).rejects.toEqual(code('EXISTS'))
    await rename(join(root, 'kept'), join(dir, 'vault.hdr'))
    await openAndClose()
  })

  it('begins anew where an attempt was broken off at any file', async () => {
    await create()
    for (const missing of [['vault.hdr'], ['vault.hdr', 'state.key'], ['vault.hdr', 'place']]) {
      for (const name of missing) await rm(join(dir, name), { force: true })
      await writeFile(join(dir, 'unfinished'), '')
      await create()
      await openAndClose()
    }
    // Broken off after the header, before the mark was removed.
    await writeFile(join(dir, 'unfinished'), '')
    await create()
    await openAndClose()
  })

  it('twice at once ends with one', async () => {
    const outcomes = await Promise.allSettled([create(), create()])
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    await openAndClose()
  })

  it.each([
    ['an empty name', { name: '  ' }],
    ['a name of 65 bytes', { name: 'x'.repeat(65) }],
    ['words that are no phrase', { name: 'a', phrase: 'one two three' }],
  ])('refuses %s', async (_, options) => {
    await expect(initProfile({ dir, ...options })).rejects.toEqual(code('INVALID'))
    await expect(stat(dir)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('with the 24 words gives the same address and another device', async () => {
    const first = await create()
    const second = await createProfile({
      dir: join(root, 'other'),
      name: 'alice',
      passphrase: undefined,
      phrase: first.phrase,
      provider: nativeCrypto,
      random,
      clock: systemClock,
      relays: [],
    })
    expect(second.address).toBe(first.address)
    const [one, other] = [await open(), await open(join(root, 'other'))]
    expect(one.identity.self.account).toEqual(other.identity.self.account)
    expect(one.identity.self.device).not.toEqual(other.identity.self.device)
    await one.records.close()
    await other.records.close()
  })

  const asRoot = process.getuid?.() === 0
  it.skipIf(asRoot)(
    'says NOT_WRITABLE for a folder of somebody else (skipped as root)',
    async () => {
      await expect(create('/sotto-cannot-be-made-here')).rejects.toEqual(code('NOT_WRITABLE'))
    },
  )

  it('says NOT_WRITABLE where the path leads through a file', async () => {
    await writeFile(join(root, 'file'), '')
    await expect(create(join(root, 'file', 'alice'))).rejects.toEqual(code('NOT_WRITABLE'))
  })
})

describe('opening a profile', () => {
  beforeEach(async () => {
    await create()
  })

  it('says NOT_INITIALISED where there is none, and makes nothing', async () => {
    await expect(open(join(root, 'nobody'))).rejects.toEqual(code('NOT_INITIALISED'))
    await expect(stat(join(root, 'nobody'))).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(createNode({ dir: join(root, 'nobody') })).rejects.toEqual(code('NOT_INITIALISED'))
  })

  it('says LOCKED while another has it open, before it asks for keys', async () => {
    const { records } = await open()
    await rm(join(dir, 'state.key'))
    await expect(open()).rejects.toEqual(code('LOCKED'))
    await records.close()
  })

  it('says WRONG_PASSPHRASE for a wrong one and for none, and lets the lock go', async () => {
    const locked = join(root, 'locked')
    await create(locked, 'correct horse')
    await expect(open(locked, 'wrong')).rejects.toEqual(code('WRONG_PASSPHRASE'))
    await expect(open(locked)).rejects.toEqual(code('WRONG_PASSPHRASE'))
    await (await open(locked, 'correct horse')).records.close()
  })

  it.each(['vault.hdr', 'state.key'])('says CORRUPT_STORE for a damaged %s', async (name) => {
    const path = join(dir, name)
    const bytes = await readFile(path)
    for (const at of [0, 9 + 1, 20, bytes.length - 1]) {
      const damaged = Buffer.from(bytes)
      damaged[at]! ^= 1
      await writeFile(path, damaged)
      await expect(open(), `byte ${at}`).rejects.toEqual(
        expect.objectContaining({
          code: expect.stringMatching(/CORRUPT_STORE|VERSION_UNSUPPORTED/),
        }),
      )
    }
    for (const size of [0, 7, bytes.length - 1, bytes.length + 1]) {
      await writeFile(path, Buffer.concat([bytes, Buffer.alloc(1)]).subarray(0, size))
      await expect(open(), `${size} bytes`).rejects.toEqual(code('CORRUPT_STORE'))
    }
    await writeFile(path, bytes)
    await openAndClose()
  })

  it.each(['state.key', 'db'])(
    'says CORRUPT_STORE where %s is missing, and makes none',
    async (name) => {
      await rm(join(dir, name), { recursive: true })
      await expect(open()).rejects.toEqual(code('CORRUPT_STORE'))
      await expect(stat(join(dir, name))).rejects.toMatchObject({ code: 'ENOENT' })
    },
  )

  it.each([
    ['vault.hdr', 9],
    ['state.key', 9],
  ])('says VERSION_UNSUPPORTED for a newer %s', async (name, at) => {
    const bytes = await readFile(join(dir, name))
    bytes[at] = 2
    await writeFile(join(dir, name), bytes)
    await expect(open()).rejects.toEqual(code('VERSION_UNSUPPORTED'))
  })

  it('says VERSION_UNSUPPORTED for a newer schema, whatever else it holds', async () => {
    const { records, identity } = await open()
    const place = identities.place(0)
    await records.write([
      records.seal(identities as never, place, { ...identity, schema: SCHEMA + 1 }),
    ])
    await records.close()
    await expect(open()).rejects.toEqual(code('VERSION_UNSUPPORTED'))
  })

  it('says CORRUPT_STORE for a record that was moved from another place', async () => {
    const place = identities.place(0)
    for (const [name, from] of [
      ['identities2', place],
      [identities.name, { ...place, order: Uint8Array.of(1) }],
    ] as const) {
      const { records, identity } = await open()
      const write = records.seal({ ...identities, name } as never, from, identity)
      const right = records.seal(identities as never, place, identity)
      await records.write([{ key: right.key, value: write.value }])
      await expect(records.get(identities as never, place), name).rejects.toEqual(
        code('CORRUPT_STORE'),
      )
      await records.write([right])
      await records.close()
    }
  })
})

describe('a copied profile', () => {
  beforeEach(async () => {
    await create()
  })

  it('is noticed, refused, and told what to do', async () => {
    const copy = join(root, 'copy')
    await cp(dir, copy, { recursive: true, preserveTimestamps: true })
    await expect(open(copy)).rejects.toMatchObject({
      code: 'PROFILE_COPIED',
      hint: expect.stringContaining('24 words'),
    })
    await openAndClose()
    await expect(createNode({ dir: copy, online: false })).rejects.toEqual(code('PROFILE_COPIED'))
  })

  it('is noticed also where it took the place of the original', async () => {
    const copy = join(root, 'copy')
    await cp(dir, copy, { recursive: true, preserveTimestamps: true })
    await rm(dir, { recursive: true })
    await rename(copy, dir)
    await expect(open()).rejects.toEqual(code('PROFILE_COPIED'))
  })

  it('is told where its original was, which a move to another disk took away', async () => {
    await openAndClose()
    const copy = join(root, 'copy')
    await cp(dir, copy, { recursive: true, preserveTimestamps: true })
    await rm(dir, { recursive: true })
    await expect(open(copy)).rejects.toMatchObject({
      code: 'PROFILE_COPIED',
      hint: expect.stringContaining(`was in ${dir} and is there no more`),
    })
  })

  it('is noticed where the file that marks the place is gone', async () => {
    await rm(join(dir, 'place'))
    await expect(open()).rejects.toEqual(code('PROFILE_COPIED'))
  })

  it('is not a folder that was moved on its file system', async () => {
    const moved = join(root, 'moved')
    await rename(dir, moved)
    await openAndClose(moved)
    await rename(moved, dir)
    await openAndClose()
  })

  it('is opened by who only looks into it', async () => {
    const copy = join(root, 'copy')
    await cp(dir, copy, { recursive: true })
    const { records } = await openProfile({
      dir: copy,
      passphrase: undefined,
      provider: nativeCrypto,
      random,
      checksPlace: false,
    })
    await records.close()
  })
})
