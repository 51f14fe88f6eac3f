// A second implementation, written from SPEC.md alone, against the program that users run: processes
// of their own on loopback, through a relay and on a direct stream.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
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

const FOLDER = 'tests/interop'
const PROGRAM = `${FOLDER}/second.mjs`
const PATIENCE_MS = 20_000

interface Told {
  readonly event: string
  readonly id?: string
  readonly text?: string
  readonly closed?: boolean
  readonly pqEpoch?: number
}

/** The other implementation, as a child process that was given a link. */
class Second {
  readonly #told: Told[] = []
  readonly #child: ChildProcess
  #waiting: (() => void)[] = []
  #written = 0
  #errors = ''

  constructor(link: string) {
    this.#child = spawn(process.execPath, [PROGRAM, link], { stdio: ['pipe', 'pipe', 'pipe'] })
    const { stdout, stderr } = this.#child
    if (stdout === null) throw new Error('no output')
    stderr?.on('data', (chunk: Buffer) => (this.#errors += chunk.toString()))
    createInterface({ input: stdout }).on('line', (line) => {
      this.#told.push(JSON.parse(line) as Told)
      this.#wake()
    })
    this.#child.once('exit', () => this.#wake())
  }

  get texts(): readonly Told[] {
    return this.#told.filter(({ event }) => event === 'text')
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const look of waiting) look()
  }

  /** The first thing told that is wanted, or the one after `skipped` such things. */
  async until(wanted: (told: Told) => boolean, skipped = 0): Promise<Told> {
    const limit = AbortSignal.timeout(PATIENCE_MS)
    limit.addEventListener('abort', () => this.#wake(), { once: true })
    for (;;) {
      const found = this.#told.filter(wanted)[skipped]
      if (found !== undefined) return found
      if (limit.aborted || this.#child.exitCode !== null) {
        throw new Error(`it told ${JSON.stringify(this.#told)} ${this.#errors}`)
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  /** Writes a text; resolves with what it tells of it. */
  async send(text: string): Promise<Told & { readonly id: string }> {
    const number = this.#written++
    this.#child.stdin?.write(`${JSON.stringify(text)}\n`)
    const sent = await this.until(({ event }) => event === 'sent', number)
    if (sent.id === undefined) throw new Error('a text without id')
    return { ...sent, id: sent.id }
  }

  async delivered(id: string): Promise<void> {
    await this.until((told) => told.event === 'delivered' && told.id === id)
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }
}

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
    second = new Second(String(link))
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

test('it stands on libp2p, noble, cborg and bip39 alone, and shares no code with the program', async () => {
  const modules = (await readdir(`${FOLDER}/second`)).map((name) => `${FOLDER}/second/${name}`)
  const sources = await Promise.all([PROGRAM, ...modules].map((path) => readFile(path, 'utf8')))
  const imported = [...sources.join('\n').matchAll(/\bfrom '([^']+)'|\bimport\(/gu)]
  const allowed =
    /^(?:node:|libp2p$|@libp2p\/|@multiformats\/multiaddr$|@noble\/|@scure\/bip39|cborg$)|^\.(?:\/second)?\/[\w-]+\.mjs$/u
  expect(imported.length).toBeGreaterThan(20)
  const names = imported.map(([, name]) => name)
  expect(names.filter((name) => name === undefined || !allowed.test(name))).toEqual([])
})
