// Where the demonstration plays: a temporary folder, and processes of this same program. All of it
// is gone afterwards, whatever way it ends.
import { type ChildProcess, spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CliError } from '../cli-error.ts'
import { selfCommand } from '../self-command.ts'

const COMMAND_PATIENCE_MS = 30_000
const GOODBYE_MS = 5_000

/** A program that goes on running. */
export interface Running {
  /** What it said when it was ready. */
  readonly ready: Readonly<Record<string, unknown>>
  /** Asks it to end (SIGTERM) and waits. */
  stop(): Promise<void>
  /** Waits for its end. */
  readonly ended: Promise<void>
}

type Event = Readonly<Record<string, unknown>>

/** The events of somebody, from the beginning. */
export interface Following {
  /** Waits for an event, that came or comes. Rejects with DEMO_FAILED. */
  until(met: (event: Event) => boolean, what: string): Promise<void>
  stop(): Promise<void>
}

function endOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve()
    else child.once('exit', () => resolve())
  })
}

export class Stage {
  readonly folder: string
  readonly #signal: AbortSignal
  readonly #children = new Set<ChildProcess>()
  readonly #onExit = (): void => {
    for (const child of this.#children) child.kill('SIGKILL')
    rmSync(this.folder, { recursive: true, force: true })
  }

  private constructor(folder: string, signal: AbortSignal) {
    this.folder = folder
    this.#signal = signal
    // The last line of defence: process.exit and uncaught errors come by here.
    process.once('exit', this.#onExit)
  }

  static async open(signal: AbortSignal): Promise<Stage> {
    return new Stage(await mkdtemp(join(tmpdir(), 'sotto-demo-')), signal)
  }

  #spawn(who: string, words: readonly string[]): ChildProcess {
    this.#signal.throwIfAborted()
    const { command, prefix } = selfCommand()
    const child = spawn(command, [...prefix, ...words, '--dir', join(this.folder, who)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      // Nothing of the user's own set-up may change what is shown.
      env: { PATH: process.env['PATH'], HOME: this.folder, TZ: process.env['TZ'], NO_COLOR: '1' },
    })
    this.#children.add(child)
    child.once('exit', () => this.#children.delete(child))
    return child
  }

  /** Runs a command of somebody to its end and gives the lines of its stdout. */
  async run(who: string, words: readonly string[]): Promise<readonly string[]> {
    const child = this.#spawn(who, words)
    let stdout = ''
    let stderr = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    const abort = (): void => void child.kill('SIGTERM')
    this.#signal.addEventListener('abort', abort, { once: true })
    const timer = setTimeout(abort, COMMAND_PATIENCE_MS)
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', () => resolve())
    })
    clearTimeout(timer)
    this.#signal.removeEventListener('abort', abort)
    this.#signal.throwIfAborted()
    if (child.exitCode !== 0) {
      const how = child.exitCode ?? child.signalCode ?? 'unknown'
      throw new CliError(
        'DEMO_FAILED',
        `sotto ${words.join(' ')} (${who}) ended with ${how}: ${stderr.trim().slice(0, 500)}`,
      )
    }
    return stdout
      .trimEnd()
      .split('\n')
      .filter((line) => line !== '')
  }

  /** Starts what goes on running; resolves when it printed its ready line. */
  async start(who: string, words: readonly string[]): Promise<Running> {
    const child = this.#spawn(who, [...words, '--json'])
    let stdout = ''
    let stderr = ''
    child.stderr
      ?.setEncoding('utf8')
      .on('data', (text: string) => (stderr = (stderr + text).slice(-2_000)))
    const ready = await new Promise<Record<string, unknown>>((resolve, reject) => {
      const fail = (): void =>
        reject(
          new CliError(
            'DEMO_FAILED',
            `sotto ${words.join(' ')} (${who}) did not start: ${stderr.trim()}`,
          ),
        )
      const timer = setTimeout(fail, COMMAND_PATIENCE_MS)
      child.once('error', reject)
      child.once('close', fail)
      child.stdout?.setEncoding('utf8').on('data', (text: string) => {
        stdout += text
        const end = stdout.indexOf('\n')
        if (end === -1) return
        clearTimeout(timer)
        child.off('close', fail)
        resolve(JSON.parse(stdout.slice(0, end)) as Record<string, unknown>)
      })
    })
    const ended = endOf(child)
    return {
      ready,
      ended,
      async stop() {
        child.kill('SIGTERM')
        await ended
      },
    }
  }

  /**
   * Follows what happens to somebody, by a `watch` of its own. One that goes on after the daemon of
   * its profile ended would take its place, so it is stopped before.
   */
  follow(who: string): Following {
    const child = this.#spawn(who, ['watch', '--since', '0', '--json'])
    const ended = endOf(child)
    const seen: Event[] = []
    let wake: () => void = () => undefined
    let rest = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) seen.push(JSON.parse(line) as Event)
      wake()
    })
    return {
      async until(met, what) {
        const timer = setTimeout(() => wake(), COMMAND_PATIENCE_MS)
        const endMs = performance.now() + COMMAND_PATIENCE_MS
        try {
          while (!seen.some(met)) {
            if (performance.now() >= endMs || child.exitCode !== null) {
              throw new CliError('DEMO_FAILED', `${who} did not see that ${what}`)
            }
            await Promise.race([new Promise<void>((resolve) => (wake = resolve)), ended])
          }
        } finally {
          clearTimeout(timer)
        }
      },
      async stop() {
        child.kill('SIGTERM')
        await ended
      },
    }
  }

  /** Ends all processes and removes the folder. */
  async close(): Promise<void> {
    const children = [...this.#children]
    for (const child of children) child.kill('SIGTERM')
    const late = setTimeout(() => {
      for (const child of children) child.kill('SIGKILL')
    }, GOODBYE_MS)
    await Promise.all(children.map(endOf))
    clearTimeout(late)
    await rm(this.folder, { recursive: true, force: true })
    process.off('exit', this.#onExit)
  }
}
