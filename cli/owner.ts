// Who runs a profile: a process that runs it already, over its socket, or this one. The store's
// lock decides; sockets and the run file only say where to ask.
import { setTimeout as sleep } from 'node:timers/promises'
import type { CallOptions, NodeEvent } from '../node/api.ts'
import {
  type Calls,
  Connection,
  type DaemonInfo,
  NodeError,
  callMethod,
  isClosing,
  readRunFile,
  removeRunFile,
  serveNode,
  socketPath,
  writeRunFile,
} from '../node/rpc/index.ts'
import { askPassphrase } from './passphrase.ts'
import type { Log, NodeDoor } from './node-door.ts'

/** How long a command waits for a profile that is being opened or closed by another process. */
const LOCKED_PATIENCE_MS = 10_000
const RETRY_LEAST_MS = 50
const RETRY_SPREAD_MS = 150

export interface OwnerOptions {
  readonly dir: string
  readonly passphraseFile: string | undefined
  /** false: no network, and nobody may share the node. */
  readonly online: boolean
  readonly listen: readonly string[]
  /** Set for a daemon: what `daemon.stop` calls. */
  readonly stop?: () => void
  readonly log: Log
  readonly signal: AbortSignal
  readonly loadNode: () => Promise<NodeDoor>
}

export interface Owner extends Calls {
  /** It goes on running when this command ends. */
  readonly lasting: boolean
  /** It runs in this process. */
  readonly here: boolean
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
    addresses: () => info.addresses,
    request: (method, parameters, options) => connection.request(method, parameters, options),
    subscribe: (cursor, options) => connection.subscribe(cursor, options),
    report: (error) => connection.report(error),
    close: () => connection.close(),
  }
}

async function runHere(options: OwnerOptions, passphrase: string | undefined): Promise<Owner> {
  const { dir, listen, online, log, stop } = options
  const door = await options.loadNode()
  const given = passphrase === undefined ? {} : { passphrase }
  const node = await door.createNode({ dir, listen, online, log, ...given })
  const server = online
    ? await share(node, options).catch(async (error: unknown) => {
        await node.close()
        throw error
      })
    : undefined
  return {
    name: node.name,
    address: node.address,
    lasting: stop !== undefined,
    here: true,
    addresses: () => node.addresses(),
    request: (method, parameters, call) => callMethod(node, method, parameters, call),
    subscribe: (cursor, call) => node.events.since(cursor, call),
    report: (error) => log('node', String(error)),
    async close() {
      await server?.close()
      await node.close()
    },
  }
}

async function share(
  node: Awaited<ReturnType<NodeDoor['createNode']>>,
  { dir, stop }: OwnerOptions,
): Promise<{ close(): Promise<void> }> {
  const path = await socketPath(dir)
  const server = await serveNode(node, path, {
    lasting: stop !== undefined,
    addresses: () => node.addresses(),
    ...(stop === undefined ? {} : { stop }),
  })
  await writeRunFile(dir, path)
  return {
    async close() {
      // First, so that whoever comes now waits for the lock instead of knocking.
      await removeRunFile(dir)
      await server.close()
    },
  }
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

  async #open(): Promise<Owner> {
    const { dir, passphraseFile, loadNode } = this.#options
    if (this.#passphrase === undefined) {
      const needed = await (await loadNode()).profileNeedsPassphrase(dir)
      this.#passphrase = { value: needed ? await askPassphrase(passphraseFile) : undefined }
    }
    return runHere(this.#options, this.#passphrase.value)
  }

  /** `alone`: only this process will do, as for a daemon. */
  async find(alone = false): Promise<Owner> {
    const { signal } = this.#options
    const patience = performance.now() + LOCKED_PATIENCE_MS
    for (;;) {
      signal.throwIfAborted()
      const running = await this.running()
      if (running !== undefined && !alone) return running
      if (running?.lasting === true) {
        await running.close()
        throw new NodeError('NODE_RUNNING', 'this profile has a daemon already', {
          hint: 'Stop it with `sotto daemon stop`.',
        })
      }
      await running?.close()
      try {
        return await this.#open()
      } catch (error) {
        if (codeOf(error) !== 'LOCKED' || performance.now() >= patience) throw error
      }
      await sleep(RETRY_LEAST_MS + Math.random() * RETRY_SPREAD_MS, undefined, { signal })
    }
  }
}

/**
 * Calls that outlive their owner: where one answers that it is closing, the next is found, or this
 * process becomes it, and the call is made again. Events go on after the last one seen.
 */
export class LastingCalls implements Calls {
  readonly #finder: OwnerFinder
  #owner: Owner
  #next: Promise<Owner> | undefined

  constructor(finder: OwnerFinder, owner: Owner) {
    this.#finder = finder
    this.#owner = owner
  }

  get owner(): Owner {
    return this.#owner
  }

  get name(): string {
    return this.#owner.name
  }

  get address(): string {
    return this.#owner.address
  }

  report(error: unknown): void {
    this.#owner.report(error)
  }

  async #replace(left: Owner): Promise<void> {
    if (this.#owner !== left) return
    this.#next ??= (async () => {
      await left.close()
      return this.#finder.find()
    })()
    try {
      this.#owner = await this.#next
    } finally {
      this.#next = undefined
    }
  }

  async request(method: string, parameters: object, options: CallOptions): Promise<unknown> {
    for (;;) {
      const owner = this.#owner
      try {
        return await owner.request(method, parameters, options)
      } catch (error) {
        if (owner.here || !isClosing(error)) throw error
        await this.#replace(owner)
      }
    }
  }

  async *subscribe(cursor: number | undefined, options: CallOptions): AsyncGenerator<NodeEvent> {
    let next = cursor ?? Number(await this.request('events.cursor', {}, options))
    for (;;) {
      const owner = this.#owner
      try {
        for await (const event of owner.subscribe(next, options)) {
          next = event.cursor + 1
          yield event
        }
        return
      } catch (error) {
        if (owner.here || !isClosing(error)) throw error
        await this.#replace(owner)
      }
    }
  }

  async close(): Promise<void> {
    await this.#owner.close()
  }
}
