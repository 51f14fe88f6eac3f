// What a conversation leaves on the disk: nothing in clear, nothing for others to read.
import { mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { nativeCrypto } from '../../node/native-crypto.ts'
import { parseAddress } from '../../crypto/index.ts'
import { createNode, initProfile } from '../../node/index.ts'

let root: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sotto-secrecy-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

async function files(folder: string): Promise<readonly (readonly [string, Buffer])[]> {
  const out: (readonly [string, Buffer])[] = []
  for (const name of await readdir(folder, { recursive: true })) {
    const path = join(folder, name)
    if ((await stat(path)).isFile()) out.push([name, await readFile(path)])
  }
  return out
}

it('no text, name, address or key of a conversation is in any file, and modes are private', async () => {
  const [one, other] = [join(root, 'one'), join(root, 'other')]
  const before = process.umask(0)
  try {
    await initProfile({ dir: one, name: 'Ludmilla Quendelson' })
    await initProfile({ dir: other, name: 'Balthasar Zwetschge' })
    const alice = await createNode({ dir: one, listen: ['/ip4/127.0.0.1/tcp/0'] })
    const bob = await createNode({ dir: other, listen: ['/ip4/127.0.0.1/tcp/0'] })
    const { link } = await alice.invites.create()
    await bob.contacts.add(link, { name: 'Pumpernickel' })
    const text = 'the treasure lies under the third poplar'
    const { id } = await bob.chats.send('Pumpernickel', text)
    await bob.chats.waitFor(id, 'delivered', { timeoutMs: 10_000 })
    const answer = await alice.chats.send(bob.address, 'north or south of the rivulet?')
    await alice.chats.waitFor(answer.id, 'delivered', { timeoutMs: 10_000 })
    const addresses = [alice.address, bob.address]
    const listening = [...alice.addresses(), ...bob.addresses()]
    await alice.close()
    await bob.close()

    const words = [
      text,
      'third poplar',
      'rivulet',
      'Ludmilla',
      'Zwetschge',
      'Pumpernickel',
      link,
      link.slice(6, 40),
      id,
      ...addresses,
      ...listening,
    ]
    const keys = addresses.map((address) => Buffer.from(parseAddress(nativeCrypto, address)))
    const secrets = [
      ...words.flatMap((word) => [Buffer.from(word), Buffer.from(word, 'utf16le')]),
      ...keys,
    ]
    const found: string[] = []
    let read = 0
    for (const [name, bytes] of await files(root)) {
      read += bytes.length
      for (const secret of secrets)
        if (bytes.includes(secret)) found.push(`${name}: ${secret.toString('hex')}`)
    }
    expect(found).toEqual([])
    expect(read).toBeGreaterThan(10_000)
    for (const name of await readdir(root, { recursive: true })) {
      const { mode } = await stat(join(root, name))
      const isFolder = (await stat(join(root, name))).isDirectory()
      expect([name, (mode & 0o777).toString(8)]).toEqual([name, isFolder ? '700' : '600'])
    }
  } finally {
    process.umask(before)
  }
})
