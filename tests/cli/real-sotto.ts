// The real program in processes of its own: the bundle that users run, made for the tests.
import { type ChildProcess, spawn } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { build } from 'esbuild'

// Inside the repository, so that the native store is found in node_modules.
const FOLDER = `build/cli-under-test-${process.pid}`
let main = `${FOLDER}/main.js`

export interface Ended {
  readonly stdout: string
  readonly stderr: string
  /** Exit status; a negative number where a signal ended it. */
  readonly exitCode: number
}

export interface Started {
  readonly child: ChildProcess
  readonly ready: Readonly<Record<string, unknown>>
  readonly ended: Promise<Ended>
  /** Resolves once stdout holds the text; rejects if it ends before. */
  readonly printed: (wanted: string) => Promise<void>
}

/** Bundles the command line as scripts/build.mjs does. */
export async function buildSotto(): Promise<void> {
  await build({
    entryPoints: ['cli/main.ts'],
    outdir: FOLDER,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    external: ['classic-level'],
    logLevel: 'silent',
    banner: {
      js: "import{createRequire as __sottoRequire}from'node:module';const require=__sottoRequire(import.meta.url);",
    },
  })
}

/** Runs another bundle, which is there already. */
export function useSotto(path: string): void {
  main = path
}

export async function removeSotto(): Promise<void> {
  await rm(FOLDER, { recursive: true, force: true })
}

const running = new Set<ChildProcess>()

/** Ends what a failed test left running. */
export function killAll(): void {
  for (const child of running) child.kill('SIGKILL')
}

/** A command whose input stays open. */
export interface Open {
  readonly child: ChildProcess
  readonly type: (text: string) => void
  /** Resolves once stdout and stderr hold the text so often; rejects if it ends before. */
  readonly said: (wanted: string, times?: number) => Promise<void>
  /** Ends the input, and waits for the end. */
  readonly end: () => Promise<Ended>
}

export function launchOpen(words: readonly string[]): Open {
  const child = launch(words, undefined, {}, true)
  const ended = endOf(child)
  let text = ''
  const waiting = new Set<() => void>()
  const heard = (part: string): void => {
    text += part
    for (const look of waiting) look()
  }
  child.stdout?.on('data', heard)
  child.stderr?.on('data', heard)
  return {
    child,
    type: (line) => child.stdin?.write(line),
    said: (wanted, times = 1) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (text.split(wanted).length <= times) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        void ended.then(({ stderr }) => reject(new Error(`${words.join(' ')} ended: ${stderr}`)))
        look()
      }),
    end: () => {
      child.stdin?.end()
      return ended
    },
  }
}

/** Starts a command and gives its process: whoever calls reads what it prints. */
export function launch(
  words: readonly string[],
  input: Uint8Array | string | undefined,
  environment: Readonly<Record<string, string>> = {},
  staysOpen = false,
): ChildProcess {
  const child = spawn(process.execPath, [main, ...words], {
    stdio: [input === undefined && !staysOpen ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], HOME: '/nonexistent', NO_COLOR: '1', ...environment },
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  if (!staysOpen) child.stdin?.end(input)
  return child
}

function endOf(child: ChildProcess): Promise<Ended> {
  let stdout = ''
  let stderr = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  return new Promise((resolve) => {
    child.once('close', (code) => resolve({ stdout, stderr, exitCode: code ?? -1 }))
  })
}

/** Runs a command to its end. */
export function sotto(
  words: readonly string[],
  input?: Uint8Array | string,
  environment: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  return endOf(launch(words, input, environment))
}

/** The last object that a command printed with --json. Throws where it failed. */
export async function json(
  words: readonly string[],
  input?: Uint8Array | string,
): Promise<Record<string, unknown>> {
  const { stdout, stderr, exitCode } = await sotto([...words, '--json'], input)
  if (exitCode !== 0) throw new Error(`${words.join(' ')} ended with ${exitCode}: ${stderr}`)
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>
}

/** Starts what goes on running; resolves with its first object. */
export async function start(
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Started> {
  const child = launch([...words, '--json'], undefined, environment)
  const ended = endOf(child)
  let text = ''
  child.stdout?.on('data', (part: string) => (text += part))
  const printed = (wanted: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (text.includes(wanted)) resolve()
      }
      child.stdout?.on('data', look)
      void ended.then(({ stderr }) => reject(new Error(`${words.join(' ')} ended: ${stderr}`)))
      look()
    })
  const first = new Promise<Record<string, unknown>>((resolve, reject) => {
    child.stdout?.on('data', () => {
      const at = text.indexOf('\n')
      if (at !== -1) resolve(JSON.parse(text.slice(0, at)) as Record<string, unknown>)
    })
    void ended.then(({ stderr }) => reject(new Error(`${words.join(' ')} ended: ${stderr}`)))
  })
  return { child, ready: await first, ended, printed }
}
