// examples/echo-bot.ts as it stands, in a process of its own.
import { mkdtemp, rm } from 'node:fs/promises'
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { expect, it } from 'vitest'
import { createNode, createRelay, initProfile } from '../../node/index.ts'
import { BUILT } from './build-programs.ts'

const root = join(import.meta.dirname, '../..')

it('the echo bot of the examples echoes', async () => {
  await build({
    entryPoints: [join(root, 'examples/echo-bot.ts')],
    outfile: join(BUILT, 'echo-bot.js'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    alias: { sotto: join(root, 'node/index.ts') },
    external: ['classic-level'],
    logLevel: 'warning',
    banner: {
      js: "import{createRequire as __sottoRequire}from'node:module';const require=__sottoRequire(import.meta.url);",
    },
  })
  const dir = await mkdtemp(join(tmpdir(), 'sotto-echo-'))
  const relay = await createRelay({ dir: join(dir, 'relay'), listen: ['/ip4/127.0.0.1/tcp/0'] })
  const [address = ''] = relay.addresses
  const bot = spawn(process.execPath, [join(BUILT, 'echo-bot.js'), address], {
    cwd: dir,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const [line] = await new Promise<string[]>((resolve) =>
      createInterface({ input: bot.stdout }).once('line', (text: string) => resolve([text])),
    )
    const link = line?.split(' ').at(-1) ?? ''
    await initProfile({ dir: join(dir, 'alice'), name: 'Alice', relays: [address] })
    await using alice = await createNode({ dir: join(dir, 'alice') })
    const events = alice.events.since(undefined, { signal: AbortSignal.timeout(20_000) })
    const echo = await alice.contacts.add(link)
    await alice.chats.send(echo.address, 'hello')
    let answer = ''
    for await (const event of events) {
      if (event.event !== 'message' || event.message.mine) continue
      answer = event.message.text
      break
    }
    expect(answer).toBe('You said: hello')
  } finally {
    bot.kill('SIGKILL')
    await relay[Symbol.asyncDispose]()
    await rm(dir, { recursive: true, force: true })
  }
})
