// The local API of a running node: JSON-RPC 2.0 on a unix socket, one JSON value a line. Whoever
// can open the socket is the user: its mode is 0600, its folder 0700.
import { chmod, rm } from 'node:fs/promises'
import { type Server, type Socket, createServer } from 'node:net'
import { JSONRPCServer } from 'json-rpc-2.0'
import type { Node } from '../api.ts'
import { type Clock, systemClock } from '../clock.ts'
import { fileError } from '../profile/files.ts'
import { GOODBYE_TIMEOUT_MS, MAX_CONNECTIONS } from './limits.ts'
import { METHOD_NAMES, callMethod } from './methods.ts'
import { type CallContext, ServerConnection } from './server-connection.ts'
import { errorResponse } from './wire-errors.ts'

/** The version of the local API. */
export const API_VERSION = 1

/** What `daemon.info` answers. */
export interface DaemonInfo {
  readonly v: number
  readonly pid: number
  readonly name: string
  readonly address: string
  /** Where other nodes may dial it. */
  readonly addresses: readonly string[]
  /** It runs until it is stopped; otherwise it is a command that will end by itself. */
  readonly lasting: boolean
  /** It has a network, unless it says false: then whoever needs one takes the profile over. */
  readonly online?: boolean
}

export interface ServeOptions {
  readonly lasting?: boolean
  /** false: the node has no network. */
  readonly online?: boolean
  readonly addresses?: () => readonly string[]
  /** What `daemon.stop` calls. Without it a caller is told that this is no daemon. */
  readonly stop?: () => void
  /** What `daemon.yield` calls: whoever wants the profile for itself that a command runs meanwhile. */
  readonly giveUp?: () => void
  readonly clock?: Clock
}

export interface NodeServer {
  /**
   * Stops listening, lets calls that change something finish, answers all others that the owner is
   * closing, and closes the connections. The node itself stays open.
   */
  close(): Promise<void>
}

function methodsOf(node: Node, options: ServeOptions): JSONRPCServer<CallContext> {
  const server = new JSONRPCServer<CallContext>({ errorListener: () => undefined })
  server.mapErrorToJSONRPCErrorResponse = errorResponse
  for (const name of METHOD_NAMES) {
    server.addMethod(name, (parameters, { signal }) =>
      callMethod(node, name, parameters, { signal }),
    )
  }
  server.addMethod('daemon.info', (): DaemonInfo => ({
    v: API_VERSION,
    pid: process.pid,
    name: node.name,
    address: node.address,
    addresses: options.addresses?.() ?? [],
    lasting: options.lasting ?? false,
    online: options.online ?? true,
  }))
  server.addMethod('daemon.stop', () => {
    options.stop?.()
    return { stopping: options.stop !== undefined }
  })
  server.addMethod('daemon.yield', () => {
    options.giveUp?.()
    return { yielding: options.giveUp !== undefined }
  })
  server.addMethod('events.subscribe', (parameters, { connection }) =>
    connection.subscribe(node, parameters),
  )
  server.addMethod('events.ack', (parameters, { connection }) => connection.acknowledge(parameters))
  server.addMethod('events.unsubscribe', (parameters, { connection }) =>
    connection.unsubscribe(parameters),
  )
  server.addMethod('rpc.cancel', (parameters, { connection }) => connection.cancel(parameters))
  return server
}

async function listen(server: Server, path: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(fileError(error, path)))
    server.listen(path, resolve)
  })
  await chmod(path, 0o600)
}

/**
 * Serves a node on a unix socket. A socket file that lies there is a stale one and replaced: the
 * caller holds the lock of the profile's store. Rejects with NOT_WRITABLE.
 */
export async function serveNode(
  node: Node,
  path: string,
  options: ServeOptions = {},
): Promise<NodeServer> {
  const clock = options.clock ?? systemClock
  const methods = methodsOf(node, options)
  const connections = new Set<ServerConnection>()
  const server = createServer((socket: Socket) => {
    const connection = new ServerConnection(socket, methods)
    connections.add(connection)
    socket.once('close', () => connections.delete(connection))
  })
  server.maxConnections = MAX_CONNECTIONS
  await rm(path, { force: true })
  await listen(server, path)

  return {
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      const finished = [...connections].map((connection) => connection.finish())
      await rm(path, { force: true })
      await Promise.all(finished)
      const timer = clock.after(GOODBYE_TIMEOUT_MS, () => {
        for (const connection of connections) connection.drop()
      })
      await closed
      timer.cancel()
    },
  }
}
