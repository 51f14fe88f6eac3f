// Who runs a profile: a process that runs it already, over its socket, or this one. The store's
// lock decides; sockets and the run file only say where to ask.
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Calls,
  Connection,
  type DaemonInfo,
  NodeError,
  readRunFile,
} from '../node/rpc/index.ts'
import { CliError } from './cli-error.ts'
import type { Log, NodeDoor } from './node-door.ts'
import { runHere } from './owner-here.ts'
import { askPassphrase } from './passphrase.ts'

/** How long a command waits for a profile that is being opened or closed by another process. */
const LOCKED_PATIENCE_MS = 10_000
const RETRY_LEAST_MS = 50
const RETRY_SPREAD_MS = 150
/** How long a command waits for a daemon that went before it runs the node itself. */
const GRACE_MS = 2_000
/** The longest pause between two looks for the next owner. */
const PAUSE_MAX_MS = 2_000

export interface OwnerOptions {
  readonly dir: string
  readonly passphraseFile: string | undefined
  /** false: no network. Whoever needs one takes the profile over. */
  readonly online: boolean
  readonly listen: readonly string[]
  /** Set for a daemon: what `daemon.stop` calls. */
  readonly stop?: () => void
  /** It goes on until it is told to stop, and waits for the next owner as long as that takes. */
  readonly stays?: boolean
  /** How long a daemon that went may take to come back; 2 s unless told. */
  readonly graceMs?: number
  readonly log: Log
  readonly signal: AbortSignal
  readonly loadNode: () => Promise<NodeDoor>
}

export interface Owner extends Calls {
  /** It goes on running when this command ends. */
  readonly lasting: boolean
  /** It runs in this process. */
  readonly here: boolean
  readonly online: boolean
  /** Aborts where a daemon, or who needs a network, wants the profile that a command runs here. */
  readonly wanted?: AbortSignal
  addresses(): readonly string[]
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

async function knock(options: OwnerOptions): Promise<Connection | undefined> {
  const found = await readRunFile(options.dir)
  if (found === undefined) return undefined
  try {
    const report = (error: unknown): void => options.log('rpc', String(error))
    return await Connection.open({ socket: found.socket, signal: options.signal, report })
  } catch (error) {
    const code = codeOf(error)
    if (['ENOENT', 'ECONNREFUSED', 'ENOTSOCK', 'ECONNRESET', 'EPIPE'].includes(code))
      return undefined
    if (error instanceof NodeError && error.code === 'CLOSED') return undefined
    if (code !== 'TIMEOUT') throw error
    throw new NodeError(
      'NODE_RUNNING',
      `process ${found.pid} runs this profile, and does not answer`,
      {
        hint: `It may be busy: try again. If it stays so, end it with: kill ${found.pid}`,
        cause: error,
      },
    )
  }
}

function remoteOwner(connection: Connection): Owner {
  const info: DaemonInfo = connection.info
  return {
    name: info.name,
    address: info.address,
    lasting: info.lasting,
    here: false,
    // One of an earlier version does not say; it was shared only where it had a network.
    online: info.online ?? true,
    addresses: () => info.addresses,
    request: (method, parameters, options) => connection.request(method, parameters, options),
    subscribe: (cursor, options) => connection.subscribe(cursor, options),
    report: (error) => connection.report(error),
    close: () => connection.close(),
  }
}

const RESTART = 'Go on with `sotto daemon start` in another terminal.'

/** A command that runs the node meanwhile hands it over; it may be gone already. */
async function askToYield(running: Owner): Promise<void> {
  try {
    await running.request('daemon.yield', {}, {})
  } catch (error) {
    if (codeOf(error) !== 'CLOSED') throw error
  } finally {
    await running.close()
  }
}

/** Errors that the next owner ends. */
const PASSING: Readonly<Record<string, string>> = {
  LOCKED: 'Another process has this profile and does not answer: waiting for it.',
  NODE_RUNNING: 'The process that runs this profile does not answer: waiting for it.',
  PASSPHRASE_NEEDED: `This profile has a passphrase. ${RESTART}`,
}

/** Finds or becomes the owner of a profile. Rejects with LOCKED after 10 s of somebody else. */
export class OwnerFinder {
  readonly #options: OwnerOptions
  #passphrase: { readonly value: string | undefined } | undefined

  constructor(options: OwnerOptions) {
    this.#options = options
  }

  /** The process that runs the profile already; undefined where there is none. */
  async running(): Promise<Owner | undefined> {
    const connection = await knock(this.#options)
    return connection === undefined ? undefined : remoteOwner(connection)
  }

  async #open(mayAsk: boolean): Promise<Owner> {
    const { dir, passphraseFile, loadNode } = this.#options
    if (this.#passphrase === undefined) {
      const needed = await (await loadNode()).profileNeedsPassphrase(dir)
      if (needed && passphraseFile === undefined && !mayAsk) {
        throw new CliError('PASSPHRASE_NEEDED', 'this profile has a passphrase', RESTART)
      }
      this.#passphrase = { value: needed ? await askPassphrase(passphraseFile) : undefined }
    }
    return runHere(this.#options, this.#passphrase.value)
  }

  /** `alone`: only this process will do, as for a daemon. `mayAsk`: for the passphrase. */
  async find(alone = false, mayAsk = true): Promise<Owner> {
    const { signal, online } = this.#options
    const patience = performance.now() + LOCKED_PATIENCE_MS
    for (;;) {
      signal.throwIfAborted()
      const running = await this.running()
      if (running !== undefined && !alone && (running.online || !online)) return running
      if (running?.lasting === true) {
        await running.close()
        throw new NodeError('NODE_RUNNING', 'this profile has a daemon already', {
          hint: 'Stop it with `sotto daemon stop`.',
        })
      }
      if (running !== undefined) await askToYield(running)
      try {
        return await this.#open(mayAsk)
      } catch (error) {
        if (codeOf(error) !== 'LOCKED' || performance.now() >= patience) throw error
      }
      await sleep(RETRY_LEAST_MS + Math.random() * RETRY_SPREAD_MS, undefined, { signal })
    }
  }

  async #returned(): Promise<Owner | undefined> {
    const { signal, graceMs = GRACE_MS } = this.#options
    const end = performance.now() + graceMs
    while (performance.now() < end) {
      const running = await this.running()
      if (running !== undefined) return running
      await sleep(RETRY_LEAST_MS + Math.random() * RETRY_SPREAD_MS, undefined, { signal })
    }
    return undefined
  }

  /**
   * The next owner, after one that went. `grace`: a daemon is given a moment before this process runs
   * the node itself. A command that stays waits on, and `tell` hears once what for.
   */
  async next(grace: boolean, tell: (text: string) => void): Promise<Owner> {
    const { signal, stays } = this.#options
    const returned = grace ? await this.#returned() : undefined
    if (returned !== undefined) return returned
    if (stays !== true) return this.find()
    let told = ''
    for (let pauseMs = RETRY_LEAST_MS; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MAX_MS)) {
      try {
        return await this.find(false, false)
      } catch (error) {
        const why = PASSING[codeOf(error)]
        if (why === undefined) throw error
        if (why !== told) tell(why)
        told = why
      }
      await sleep(pauseMs, undefined, { signal })
    }
  }
}
