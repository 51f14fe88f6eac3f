// The story: a relay and two people; an invite, words both ways; one leaves, is written to, and
// comes back. Every line is the output of a real command.
import { setTimeout as sleep } from 'node:timers/promises'
import { CliError } from '../cli-error.ts'
import type { Running, Stage } from './stage.ts'
import type { Transcript } from './transcript.ts'

const READY_PATIENCE_MS = 15_000
const POLL_MS = 150
const ID = /\b[0-9a-f]{64}\b/
const LISTEN = ['--listen', '/ip4/127.0.0.1/tcp/0']

/** As it would be typed: words with blanks in quotes. */
function typed(words: readonly string[]): string {
  return ['sotto', ...words].map((word) => (/[\s"']/.test(word) ? `"${word}"` : word)).join(' ')
}

function found(lines: readonly string[], pattern: RegExp): string {
  const match = lines.map((line) => pattern.exec(line)?.[0]).find((text) => text !== undefined)
  if (match === undefined)
    throw new CliError('DEMO_FAILED', `nothing like ${String(pattern)} was printed`)
  return match
}

class Play {
  readonly #stage: Stage
  readonly #transcript: Transcript

  constructor(stage: Stage, transcript: Transcript) {
    this.#stage = stage
    this.#transcript = transcript
  }

  /** Somebody types a command; its output is shown. */
  async types(who: string, words: readonly string[]): Promise<readonly string[]> {
    const lines = await this.#stage.run(who, words)
    this.#transcript.command(who, typed(words))
    this.#transcript.result(lines)
    return lines
  }

  /** Repeats a command until its JSON is as wanted. */
  async until(
    who: string,
    words: readonly string[],
    met: (record: Readonly<Record<string, unknown>>) => boolean,
  ): Promise<void> {
    const patience = performance.now() + READY_PATIENCE_MS
    for (;;) {
      const lines = await this.#stage.run(who, [...words, '--json'])
      if (lines.some((line) => met(JSON.parse(line) as Record<string, unknown>))) return
      if (performance.now() >= patience) {
        throw new CliError('DEMO_FAILED', `${typed(words)} (${who}) did not show what it should`)
      }
      await sleep(POLL_MS)
    }
  }

  /** Until the receipt that a message was read came back. */
  async untilRead(who: string, sent: readonly string[]): Promise<void> {
    const id = found(sent, ID)
    await this.until(who, ['why', id], ({ state }) => state === 'read')
  }

  async starts(who: string): Promise<Running> {
    const running = await this.#stage.start(who, ['daemon', 'run', ...LISTEN])
    this.#transcript.command(who, 'sotto daemon start')
    return running
  }

  async init(who: string, name: string, relay: string): Promise<void> {
    const words = ['init', '--name', name, '--no-passphrase', '--relay']
    const lines = await this.#stage.run(who, [...words, relay])
    this.#transcript.normaliser.name(
      found(lines, /\b[a-z2-7]{56}\b/),
      `ADDRESS_OF_${name.toUpperCase()}`,
    )
    this.#transcript.command(who, typed([...words, 'RELAY_ADDRESS']))
    this.#transcript.result(lines.filter((line) => !line.startsWith('Folder:')))
  }
}

/** Plays it. Rejects with DEMO_FAILED where a command does not do what it should. */
export async function playScenario(stage: Stage, transcript: Transcript): Promise<void> {
  const play = new Play(stage, transcript)
  transcript.scene('A relay. Anybody can host one; it never sees who writes, or what.')
  const relay = await stage.start('relay', ['relay', 'run', '--open'])
  const address = String(relay.ready['address'])
  transcript.normaliser.name(address, 'RELAY_ADDRESS')
  transcript.command('relay', 'sotto relay run --open')
  transcript.result([address])

  transcript.scene('Two people, each with keys of their own.')
  await play.init('alice', 'Alice', address)
  await play.init('bob', 'Bob', address)
  await play.starts('alice')
  const bobRuns = await play.starts('bob')

  transcript.scene('Alice hands Bob a link.')
  const link = found(await play.types('alice', ['invite']), /^sotto:\S+/i)
  await play.types('bob', ['add', link, '--name', 'Alice'])
  const connected = (record: Readonly<Record<string, unknown>>): boolean =>
    record['state'] === 'ready'
  await play.until('bob', ['contact', 'list'], connected)
  await play.until('alice', ['contact', 'list'], connected)

  transcript.scene(
    'They write to each other. ✓✓ is in the log of a device of the other, on its disk.',
  )
  const first = await play.types('bob', ['send', 'Alice', 'Hello Alice!', '--wait', 'delivered'])
  await play.types('alice', ['read', 'Bob', '--mark'])
  await play.untilRead('bob', first)
  await play.types('alice', ['send', 'Bob', 'Hello Bob.', '--wait', 'delivered'])
  await play.types('bob', ['read', 'Alice', '--mark'])

  transcript.scene('Bob closes his laptop. The relay signs for what Alice writes meanwhile.')
  await play.types('bob', ['daemon', 'stop'])
  await bobRuns.ended
  const sent = await play.types('alice', [
    'send',
    'Bob',
    'Read this when you are back.',
    '--wait',
    'relayed',
  ])
  const id = found(sent, ID)
  await play.types('alice', ['why', id])

  transcript.scene('Bob comes back.')
  await play.starts('bob')
  await play.until('alice', ['why', id], ({ state }) => state === 'delivered')
  await play.types('bob', ['read', 'Alice', '--unread', '--mark'])
  await play.untilRead('alice', sent)
  await play.types('alice', ['why', id])
}
