// The story: a relay and two people; an invite, words both ways; one leaves, is written to, and
// comes back. Every line is the output of a real command.
import { CliError } from '../cli-error.ts'
import type { Following, Running, Stage } from './stage.ts'
import type { Transcript } from './transcript.ts'

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

  /** Starts daemons, each in a process of its own, at the same time. */
  async start(...people: readonly string[]): Promise<readonly Running[]> {
    const starting = people.map((who) => this.#stage.start(who, ['daemon', 'run', ...LISTEN]))
    const running = await Promise.all(starting)
    for (const who of people) this.#transcript.command(who, 'sotto daemon start')
    return running
  }

  /** Makes profiles, at the same time. */
  async init(people: readonly (readonly [who: string, name: string])[], relay: string) {
    const wordsOf = (name: string) => ['init', '--name', name, '--no-passphrase', '--relay']
    const making = people.map(([who, name]) => this.#stage.run(who, [...wordsOf(name), relay]))
    for (const [i, lines] of (await Promise.all(making)).entries()) {
      const [who = '', name = ''] = people[i] ?? []
      const address = found(lines, /\b[a-z2-7]{56}\b/)
      this.#transcript.normaliser.name(address, `ADDRESS_OF_${name.toUpperCase()}`)
      this.#transcript.command(who, typed([...wordsOf(name), 'RELAY_ADDRESS']))
      this.#transcript.result(lines.filter((line) => !line.startsWith('Folder:')))
    }
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
  await play.init(
    [
      ['alice', 'Alice'],
      ['bob', 'Bob'],
    ],
    address,
  )
  const [, bobRuns] = await play.start('alice', 'bob')
  const atAlice = stage.follow('alice')
  const atBob = stage.follow('bob')

  transcript.scene('Alice hands Bob a link.')
  const link = found(await play.types('alice', ['invite']), /^sotto:\S+/i)
  await play.types('bob', ['add', link, '--name', 'Alice'])
  await Promise.all([untilContact(atBob), untilContact(atAlice)])

  transcript.scene(
    'They write to each other. ✓✓ is in the log of a device of the other, on its disk.',
  )
  const first = await play.types('bob', ['send', 'Alice', 'Hello Alice!', '--wait', 'delivered'])
  await play.types('alice', ['read', 'Bob', '--mark'])
  await play.types('alice', ['send', 'Bob', 'Hello Bob.', '--wait', 'delivered'])
  await untilState(atBob, found(first, ID), 'read')
  await play.types('bob', ['read', 'Alice', '--mark'])

  transcript.scene('Bob closes his laptop. The relay signs for what Alice writes meanwhile.')
  await atBob.stop()
  await play.types('bob', ['daemon', 'stop'])
  await bobRuns?.ended
  const words = ['send', 'Bob', 'Read this when you are back.', '--wait', 'relayed']
  const id = found(await play.types('alice', words), ID)
  await play.types('alice', ['why', id])

  transcript.scene('Bob comes back.')
  await play.start('bob')
  await untilState(atAlice, id, 'delivered')
  await play.types('bob', ['read', 'Alice', '--unread', '--mark'])
  await untilState(atAlice, id, 'read')
  await play.types('alice', ['why', id])
}

function untilContact(of: Following): Promise<void> {
  const met = ({ contact }: Readonly<Record<string, unknown>>): boolean =>
    (contact as { readonly state?: string } | undefined)?.state === 'ready'
  return of.until(met, 'they are contacts')
}

function untilState(of: Following, id: string, state: string): Promise<void> {
  return of.until((event) => event['id'] === id && event['state'] === state, `it is ${state}`)
}
