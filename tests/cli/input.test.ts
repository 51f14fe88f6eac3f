import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { profileFolder } from '../../cli/folders.ts'
import { askNewPassphrase, askPassphrase, passphraseFile } from '../../cli/passphrase.ts'
import { STDIN_MAX_BYTES, decodeInput, readInput } from '../../cli/stdin.ts'

async function* pieces(...parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts
}

describe('standard input', () => {
  test('is taken byte for byte', async () => {
    const text = '\ufeff  two\r\n lines \n\n🎉'
    const bytes = Buffer.from(text)
    const each = Array.from(bytes, (byte) => Uint8Array.of(byte))
    expect(await readInput(pieces(...each))).toBe(text)
    expect(decodeInput(bytes)).toBe(text)
  })

  test.each([
    [0xff],
    [0xc3],
    [0xed, 0xa0, 0x80], // a surrogate
    [0xc0, 0x80], // overlong
    [0xf4, 0x90, 0x80, 0x80], // above U+10FFFF
  ])('that is no UTF-8 is refused', (...bytes) => {
    expect(() => decodeInput(Uint8Array.from(bytes))).toThrow(
      expect.objectContaining({ code: 'INPUT_INVALID' }),
    )
  })

  test('without end is refused before it fills memory', async () => {
    let given = 0
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        given += 1
        yield new Uint8Array(65_536)
      }
    }
    await expect(readInput(endless())).rejects.toMatchObject({ code: 'INPUT_INVALID' })
    expect(given).toBe(STDIN_MAX_BYTES / 65_536 + 1)
  })
})

describe('the passphrase', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sotto-pass-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  test.each([
    ['secret\n', 'secret'],
    ['secret', 'secret'],
    ['secret\r\n', 'secret'],
    [' se cret \n\n', ' se cret \n'],
  ])('%j in a file is %j', async (content, expected) => {
    const file = join(folder, 'f')
    await writeFile(file, content)
    expect(await askPassphrase(file)).toBe(expected)
    expect(await askNewPassphrase(file)).toBe(expected)
  })

  test('that cannot be had is said, never asked for in a pipe', async () => {
    const empty = join(folder, 'empty')
    await writeFile(empty, '\n')
    const broken = join(folder, 'broken')
    await writeFile(broken, Uint8Array.of(0xff))
    for (const file of [empty, broken, join(folder, 'none'), undefined]) {
      await expect(askPassphrase(file)).rejects.toMatchObject({ code: 'PASSPHRASE_NEEDED' })
      await expect(askNewPassphrase(file)).rejects.toMatchObject({ code: 'PASSPHRASE_NEEDED' })
    }
  })

  test('file is named by the flag before the environment', () => {
    const environment = { SOTTO_PASSPHRASE_FILE: '/env' }
    expect(passphraseFile('/flag', environment)).toBe('/flag')
    expect(passphraseFile(undefined, environment)).toBe('/env')
    expect(passphraseFile(undefined, { SOTTO_PASSPHRASE_FILE: '' })).toBeUndefined()
  })
})

describe('the folder of a profile', () => {
  const home = join(homedir(), '.local', 'share', 'sotto')
  test.each([
    ['d', {}, resolve('d')],
    ['d', { SOTTO_DIR: '/e' }, resolve('d')],
    [undefined, { SOTTO_DIR: '/e' }, '/e'],
    [undefined, { XDG_DATA_HOME: '/x' }, '/x/sotto/default'],
    [undefined, { XDG_DATA_HOME: 'relative' }, join(home, 'default')],
    [undefined, {}, join(home, 'default')],
  ])('for --dir %s and %j is %s', (dir, environment, expected) => {
    expect(profileFolder(dir, environment)).toBe(expected)
  })

  test('of a relay is another one', () => {
    expect(profileFolder(undefined, {}, 'relay')).toBe(join(home, 'relay'))
  })
})
