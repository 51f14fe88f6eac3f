// Writes the folders that every later version must open: tests/fixtures/{profile,relay}-vN. Run once
// per layout version, by hand; a folder that is there is never written again.
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const VERSION = 1
const profiles = `tests/fixtures/profile-v${VERSION}`
const relayFolder = `tests/fixtures/relay-v${VERSION}`
for (const path of [profiles, relayFolder]) {
  if (existsSync(path)) {
    console.error(`${path} is there: a fixture is what an old version wrote, and stays as it is`)
    process.exit(1)
  }
}
execFileSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit' })
const { createNode, createRelay, initProfile } = await import('../dist/node/index.js')

await mkdir(profiles, { recursive: true })
const relay = await createRelay({ dir: relayFolder, listen: ['/ip4/127.0.0.1/tcp/0'] })
const relays = [...relay.addresses]
const passphrase = 'correct horse battery staple'
const made = {
  alice: await initProfile({ dir: join(profiles, 'alice'), name: 'Alice', relays }),
  bob: await initProfile({ dir: join(profiles, 'bob'), name: 'Bob', relays, passphrase }),
}
const alice = await createNode({ dir: join(profiles, 'alice') })
const bob = await createNode({ dir: join(profiles, 'bob'), passphrase })
const { link } = await alice.invites.create()
await bob.contacts.add(link, { name: 'Alice' })
const said = async (from, to, text) => {
  const { id } = await from.chats.send(to, text)
  await from.chats.waitFor(id, 'delivered')
  return { id, text }
}
const messages = [await said(bob, alice.address, 'hello Alice')]
messages.push(await said(alice, bob.address, 'hello Bob'))
await bob.chats.markRead(alice.address)
await alice.chats.waitFor(messages[1].id, 'read')
await bob.close()
const waiting = await alice.chats.send(bob.address, 'this waits at the relay')
await alice.chats.waitFor(waiting.id, 'relayed')
messages.push({ id: waiting.id, text: 'this waits at the relay' })
await alice.settle(2_000)
await alice.close()
await relay[Symbol.asyncDispose]()
for (const name of ['LOCK', 'LOG', 'LOG.old']) {
  for (const folder of [
    join(profiles, 'alice/db'),
    join(profiles, 'bob/db'),
    `${relayFolder}/store`,
  ]) {
    await rm(join(folder, name), { force: true })
  }
}
const notes = {
  about: 'Keys of test profiles: they protect nothing.',
  passphrase,
  alice: { address: made.alice.address, phrase: made.alice.phrase },
  bob: { address: made.bob.address, phrase: made.bob.phrase },
  relay: relays[0],
  messages,
}
await writeFile(join(profiles, 'notes.json'), `${JSON.stringify(notes, undefined, 2)}\n`)
