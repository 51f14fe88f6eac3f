// The client of the local API: the same Node interface over a running node's socket. It loads
// neither libp2p nor the store.
import { type Socket, connect as connectSocket } from 'node:net'
import { JSONRPCClient } from 'json-rpc-2.0'
import type { CallOptions, Node, NodeEvent } from '../api.ts'
import { systemClock } from '../clock.ts'
import { NodeError, type NodeErrorCode } from '../errors.ts'
import { EventQueue } from './event-queue.ts'
import { ANSWER_MAX_BYTES, GREETING_TIMEOUT_MS } from './limits.ts'
import { LineDecoder, encodeLine } from './lines.ts'
import { type Calls, remoteNode } from './remote-node.ts'
import type { DaemonInfo } from './server.ts'
import { OwnerLost, closingError, fromAnswer } from './wire-errors.ts'

export interface ConnectOptions extends CallOptions {
  /** Path of the socket. */
  readonly socket: string
  /** Hears of errors that no caller waits for, e.g. of a listener. */
  readonly report?: (error: unknown) => void
}

interface Notification {
  readonly method?: unknown
  readonly params?: {
    readonly subscription?: unknown
    readonly event?: NodeEvent
    readonly error?: {
      readonly message: string
      readonly data: { readonly code: string; readonly hint: string; readonly retryable: boolean }
    }
  }
}

async function openSocket(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket(path)
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      resolve(socket)
    })
  })
}

/** A connection to the owner of a profile. */
export class Connection implements Calls {
  readonly #socket: Socket
  readonly #rpc: JSONRPCClient
  readonly #lines = new LineDecoder(ANSWER_MAX_BYTES)
  readonly #queues = new Map<number, EventQueue>()
  readonly #pending = new Set<(error: NodeError) => void>()
  readonly #report: (error: unknown) => void
  #info: DaemonInfo | undefined
  #lastId = 0
  #lastSubscription = 0
  #closed = false
  /** The owner said that whatever it did not answer was not carried out. */
  #ownerClosed = false

  // Private also for its type: what embedders compile against names nothing of node:net.
  private constructor(socket: Socket, report: (error: unknown) => void) {
    this.#socket = socket
    this.#report = report
    this.#rpc = new JSONRPCClient(
      (request: unknown) => {
        socket.write(encodeLine(request))
      },
      () => this.#lastId,
    )
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    // 'close' follows and tells every caller.
    socket.on('error', () => undefined)
    socket.once('close', () => this.#lost())
  }

  /** Connects; rejects with the system's error (ENOENT, ECONNREFUSED) where nobody listens. */
  static async open(options: ConnectOptions): Promise<Connection> {
    const socket = await openSocket(options.socket)
    const connection = new Connection(socket, options.report ?? (() => undefined))
    try {
      const signal = systemClock.timeout(GREETING_TIMEOUT_MS, options.signal)
      const info = (await connection.request('daemon.info', {}, { signal })) as DaemonInfo
      if (info.v !== 1) {
        throw new NodeError('VERSION_UNSUPPORTED', 'the running node is of another version', {
          hint: 'Stop it and start it again with the version that is installed now.',
        })
      }
      connection.#info = info
      return connection
    } catch (error) {
      socket.destroy()
      throw error
    }
  }

  /** Who runs there. */
  get info(): DaemonInfo {
    if (this.#info === undefined) throw new NodeError('CLOSED', 'not connected')
    return this.#info
  }

  get name(): string {
    return this.info.name
  }

  get address(): string {
    return this.info.address
  }

  report(error: unknown): void {
    this.#report(error)
  }

  #receive(chunk: Buffer): void {
    try {
      for (const line of this.#lines.push(chunk)) this.#take(JSON.parse(line))
    } catch (error) {
      this.#report(error)
      this.#socket.destroy()
    }
  }

  #take(value: object): void {
    if (!('method' in value)) {
      this.#rpc.receive(value as Parameters<JSONRPCClient['receive']>[0])
      return
    }
    const { method, params } = value as Notification
    if (method === 'rpc.closed') this.#ownerClosed = true
    const queue = this.#queues.get(Number(params?.subscription))
    if (method === 'events.next' && params?.event !== undefined) queue?.push(params.event)
    if (method !== 'events.end') return
    const { error } = params ?? {}
    queue?.end(
      error === undefined
        ? undefined
        : new NodeError(error.data.code as NodeErrorCode, error.message, error.data),
    )
  }

  #goneError(): NodeError {
    return this.#ownerClosed ? closingError() : new OwnerLost()
  }

  #lost(): void {
    const error = this.#closed
      ? new NodeError('CLOSED', 'the connection is closed')
      : this.#goneError()
    this.#closed = true
    for (const reject of this.#pending) reject(error)
    for (const queue of this.#queues.values()) queue.end(error)
  }

  async request(method: string, parameters: object, options: CallOptions): Promise<unknown> {
    if (this.#closed) throw this.#goneError()
    const { signal } = options
    signal?.throwIfAborted()
    this.#lastId += 1
    const id = this.#lastId
    return new Promise((resolve, reject) => {
      const cancel = (): void => {
        this.#rpc.notify('rpc.cancel', { id })
        fail(signal?.reason)
      }
      const settled = (): void => {
        this.#pending.delete(fail)
        signal?.removeEventListener('abort', cancel)
      }
      const fail = (error: unknown): void => {
        settled()
        reject(error)
      }
      this.#pending.add(fail)
      signal?.addEventListener('abort', cancel, { once: true })
      this.#rpc.request(method, parameters).then(
        (result: unknown) => {
          settled()
          resolve(result ?? undefined)
        },
        (error: unknown) => fail(fromAnswer(error)),
      )
    })
  }

  async *subscribe(cursor: number | undefined, options: CallOptions): AsyncGenerator<NodeEvent> {
    const { signal } = options
    if (signal?.aborted) return
    this.#lastSubscription += 1
    const subscription = this.#lastSubscription
    const queue = new EventQueue((count) => this.#notify('events.ack', { subscription, count }))
    this.#queues.set(subscription, queue)
    const stop = (): void => queue.end(undefined)
    signal?.addEventListener('abort', stop, { once: true })
    try {
      const since = cursor === undefined ? {} : { since: cursor }
      await this.request('events.subscribe', { subscription, ...since }, {})
      for (;;) {
        const event = await queue.next()
        if (event === undefined || signal?.aborted === true) return
        yield event
      }
    } finally {
      signal?.removeEventListener('abort', stop)
      this.#queues.delete(subscription)
      this.#notify('events.unsubscribe', { subscription })
    }
  }

  #notify(method: string, parameters: object): void {
    if (!this.#closed) this.#rpc.notify(method, parameters)
  }

  /** Asks the daemon to stop. */
  async stopDaemon(): Promise<void> {
    await this.request('daemon.stop', {}, {})
  }

  async close(): Promise<void> {
    if (this.#socket.destroyed) return
    this.#closed = true
    await new Promise<void>((resolve) => {
      this.#socket.once('close', () => resolve())
      this.#socket.end()
      this.#socket.resume()
    })
  }
}

/**
 * The Node that runs in another process, over its socket. Closing it closes the connection alone.
 * Rejects with CLOSED where nobody listens.
 */
export async function connect(options: ConnectOptions): Promise<Node> {
  try {
    return remoteNode(await Connection.open(options))
  } catch (error) {
    if (error instanceof NodeError) throw error
    throw new NodeError('CLOSED', `no node listens at ${options.socket}`, {
      hint: 'Start it with `sotto daemon start`.',
      cause: error,
    })
  }
}
