import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { openLevelStore } from '../../../node/store/level-store.ts'
import { describeStore } from '../../contracts/store.ts'

const folders: string[] = []
async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'sotto-store-'))
  folders.push(path)
  return path
}

afterAll(async () => {
  for (const path of folders) await rm(path, { recursive: true, force: true })
})

describeStore('LevelDB', async () => {
  const path = join(await folder(), 'store')
  return { open: () => openLevelStore(path, { createIfMissing: true }) }
})

describeStore('LevelDB, single values read inline', async () => {
  const path = join(await folder(), 'store')
  return { open: () => openLevelStore(path, { createIfMissing: true, readsInline: true }) }
})

describe('the LevelDB store', () => {
  it('creates nothing unless told', async () => {
    const path = await folder()
    await expect(openLevelStore(join(path, 'store'))).rejects.toMatchObject({
      code: 'NOT_INITIALISED',
    })
    expect(await readdir(path)).toEqual([])
  })

  it('keeps its folder to its owner', async () => {
    const path = join(await folder(), 'store')
    const store = await openLevelStore(path, { createIfMissing: true })
    expect((await stat(path)).mode & 0o777).toBe(0o700)
    await store.close()
  })

  it('is locked while another has it open, and free afterwards', async () => {
    const path = join(await folder(), 'store')
    const store = await openLevelStore(path, { createIfMissing: true })
    await expect(openLevelStore(path)).rejects.toMatchObject({ code: 'LOCKED', retryable: true })
    await store.close()
    await (await openLevelStore(path)).close()
  })

  it('names a damaged store as such', async () => {
    const path = join(await folder(), 'store')
    await (await openLevelStore(path, { createIfMissing: true })).close()
    await writeFile(join(path, 'CURRENT'), 'MANIFEST-999999\n')
    await expect(openLevelStore(path)).rejects.toMatchObject({ code: 'CORRUPT_STORE' })
  })

  it.skipIf(process.getuid?.() === 0)('says that a folder cannot be written', async () => {
    const path = await folder()
    await chmod(path, 0o500)
    await expect(
      openLevelStore(join(path, 'store'), { createIfMissing: true }),
    ).rejects.toMatchObject({ code: 'NOT_WRITABLE' })
  })
})
