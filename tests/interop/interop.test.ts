// A second implementation, written from SPEC.md alone, against the program that users run: processes
// of their own on loopback, through a relay and on a direct stream.
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Started,
  buildSotto,
  json,
  killAll,
  removeSotto,
  sotto,
  start,
} from '../cli/real-sotto.ts'
import { freePort } from '../e2e/child.ts'
import { Second } from './second-process.ts'

const FOLDER = 'tests/interop'
const PROGRAM = `${FOLDER}/second.mjs`
let root: string
let second: Second | undefined

beforeAll(async () => {
  await buildSotto()
  root = await mkdtemp(join(tmpdir(), 'sotto-interop-'))
}, 120_000)

afterAll(async () => {
  second?.kill()
  killAll()
  await removeSotto()
  await rm(root, { recursive: true, force: true, maxRetries: 5 })
})

async function stop({ child, ended }: Started, signal: NodeJS.Signals): Promise<void> {
  child.kill(signal)
  await ended
}

interface Shown {
  readonly id: string
  readonly text: string
  readonly state: string
  readonly mine: boolean
  readonly open: boolean
}

async function chat(dir: readonly string[]): Promise<readonly Shown[]> {
  const { stdout } = await sotto(['read', 'Second', '-n', '200', '--json', ...dir])
  const lines = stdout.trimEnd().split('\n')
  return lines.map((line) => JSON.parse(line) as Shown)
}

/** What is easily lost on the way: a byte order mark, joined emoji, CRLF, an override, the ends. */
const TEXTS = {
  hello: '\ufeff hello from the second 👩🏽‍🚀🎉\r\n',
  answer: '\ufeffשלום \u202e 🧑‍🤝‍🧑 e\u0301 \u{1f1ef}\u{1f1f5}\t\n',
  meanwhile: 'written while you were away 🌙',
  again: 'and after a restart 🐢 ',
}

const ROUTES = [
  { route: 'through a relay', direct: false, end: 'SIGKILL' },
  { route: 'on a direct stream', direct: true, end: 'SIGTERM' },
] as const

describe.each(ROUTES)('$route', ({ direct, end }) => {
  let dir: readonly string[]
  let daemon: Started
  let run: readonly string[]

  beforeAll(async () => {
    const name = direct ? 'direct' : 'relay'
    dir = ['--dir', join(root, name)]
    const init = ['init', '--name', 'Alice', '--no-passphrase', ...dir]
    run = ['daemon', 'run', ...dir]
    if (direct) {
      run = [...run, '--listen', `/ip4/127.0.0.1/tcp/${await freePort()}`]
      await json(init)
    } else {
      const relay = await start(['relay', 'run', '--open', '--dir', join(root, 'the-relay')])
      await json([...init, '--relay', String(relay.ready['address'])])
    }
    daemon = await start(run)
    const { link } = await json(['invite', ...dir])
    second = new Second(PROGRAM, String(link))
    await second.until(({ event }) => event === 'contact')
  })

  test('both become contacts and read each other byte for byte', async () => {
    const hello = await other().send(TEXTS.hello)
    await other().delivered(hello.id)
    expect(await json(['contact', 'list', ...dir])).toMatchObject({
      name: 'Second',
      state: 'ready',
    })
    const answer = await json(['send', 'Second', '-', '--wait', 'delivered', ...dir], TEXTS.answer)
    expect(answer['state']).toBe('delivered')
    const read = await other().until(({ id }) => id === answer['id'])
    expect(read).toMatchObject({ text: TEXTS.answer, closed: true })
    expect(await chat(dir)).toMatchObject([
      { id: hello.id, text: TEXTS.hello, mine: false, open: false },
      { id: answer['id'], text: TEXTS.answer, mine: true, state: 'delivered', open: false },
    ])
  })

  test('what is written while Alice is away arrives when she is back, and her answer too', async () => {
    await stop(daemon, end)
    const { id } = await other().send(TEXTS.meanwhile)
    if (!direct) await other().until((told) => told.event === 'relayed' && told.id === id)
    daemon = await start(run)
    await other().delivered(id)
    const again = await json(['send', 'Second', '-', '--wait', 'delivered', ...dir], TEXTS.again)
    expect(again['state']).toBe('delivered')
    await other().until((told) => told.id === again['id'])
    const shown = await chat(dir)
    expect(shown.map(({ text }) => text)).toEqual(Object.values(TEXTS))
    expect(other().texts.map(({ text }) => text)).toEqual([TEXTS.answer, TEXTS.again])
  })

  // Once is enough: the carrier knows nothing of what it carries.
  if (!direct) return
  test('a long chat goes through a post-quantum re-key', async () => {
    const many = await Promise.all(Array.from({ length: 52 }, (_, i) => other().send(`${i} 🧵`)))
    for (const { id } of many) await other().delivered(id)
    let pqEpoch: number | undefined = 0
    for (let turn = 0; pqEpoch === 0 && turn < 6; turn++) {
      const { id } = await json(['send', 'Second', `your turn ${turn}`, ...dir])
      await other().until((told) => told.id === id)
      const sent = await other().send(`my turn ${turn}`)
      await other().delivered(sent.id)
      pqEpoch = sent.pqEpoch
    }
    expect(pqEpoch).toBe(1)
    const texts = (await chat(dir)).map(({ text }) => text)
    expect(texts.filter((text) => text.endsWith('🧵'))).toHaveLength(52)
  })
})

function other(): Second {
  if (second === undefined) throw new Error('it was not started')
  return second
}

test('it stands on libp2p, noble, cborg and bip39 alone, and is as long as the README says', async () => {
  const files = (await readdir(FOLDER, { recursive: true })).filter((name) => name.endsWith('.mjs'))
  const sources = await Promise.all(files.map((name) => readFile(join(FOLDER, name), 'utf8')))
  const imported = [...sources.join('\n').matchAll(/\bfrom '([^']+)'|\bimport\(/gu)]
  const allowed =
    /^(?:node:|libp2p$|@libp2p\/|@multiformats\/multiaddr$|@noble\/|@scure\/bip39|cborg$)|^\.(?:\/second)?\/[\w-]+\.mjs$/u
  expect(imported.length).toBeGreaterThan(20)
  const names = imported.map(([, name]) => name)
  expect(names.filter((name) => name === undefined || !allowed.test(name))).toEqual([])
  const lines = sources.join('').trimEnd().split('\n').length
  const readme = await readFile('README.md', 'utf8')
  expect(readme).toContain(`a second implementation, ${Math.round(lines / 10) * 10} lines written`)
})
