// The node of a profile in this process, shared with other commands over its socket.
import type { CallOptions, NodeEvent } from '../node/api.ts'
import {
  callMethod,
  closingError,
  isWaiting,
  removeRunFile,
  serveNode,
  socketPath,
  writeRunFile,
} from '../node/rpc/index.ts'
import type { NodeDoor } from './node-door.ts'
import type { Owner, OwnerOptions } from './owner.ts'

type RunningNode = Awaited<ReturnType<NodeDoor['createNode']>>

async function share(
  node: RunningNode,
  { dir, online, stop }: OwnerOptions,
  giveUp: () => void,
): Promise<{ close(): Promise<void> }> {
  const path = await socketPath(dir)
  const server = await serveNode(node, path, {
    lasting: stop !== undefined,
    online,
    addresses: () => node.addresses(),
    ...(stop === undefined ? { giveUp } : { stop }),
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

/** Opens a profile in this process. Rejects with LOCKED where another process has it. */
export async function runHere(
  options: OwnerOptions,
  passphrase: string | undefined,
): Promise<Owner> {
  const { dir, listen, online, log, stop, stays } = options
  const door = await options.loadNode()
  const given = passphrase === undefined ? {} : { passphrase }
  const node = await door.createNode({ dir, listen, online, log, ...given })
  const wanted = new AbortController()
  const leaving = new AbortController()
  const calls = new Set<Promise<unknown>>()
  // What is over at once is not worth a socket.
  const server =
    online || stays === true
      ? await share(node, options, () => wanted.abort()).catch(async (error: unknown) => {
          await node.close()
          throw error
        })
      : undefined

  /** What only waits ends when this process lets go: whoever called asks the next owner. */
  const untilLeft = (signal: AbortSignal | undefined): AbortSignal =>
    signal === undefined ? leaving.signal : AbortSignal.any([signal, leaving.signal])

  async function request(method: string, parameters: object, call: CallOptions): Promise<unknown> {
    if (leaving.signal.aborted) throw closingError()
    if (!isWaiting(method)) {
      const run = callMethod(node, method, parameters, call)
      calls.add(run)
      return run.finally(() => calls.delete(run))
    }
    try {
      return await callMethod(node, method, parameters, { signal: untilLeft(call.signal) })
    } catch (error) {
      if (leaving.signal.aborted && call.signal?.aborted !== true) throw closingError()
      throw error
    }
  }

  async function* subscribe(
    cursor: number | undefined,
    call: CallOptions,
  ): AsyncGenerator<NodeEvent> {
    if (!leaving.signal.aborted) {
      yield* node.events.since(cursor, { signal: untilLeft(call.signal) })
    }
    if (leaving.signal.aborted && call.signal?.aborted !== true) throw closingError()
  }

  return {
    name: node.name,
    address: node.address,
    lasting: stop !== undefined,
    here: true,
    online,
    wanted: wanted.signal,
    addresses: () => node.addresses(),
    request,
    subscribe,
    report: (error) => log('node', String(error)),
    async close() {
      leaving.abort()
      await Promise.allSettled(calls)
      await server?.close()
      await node.close()
    },
  }
}
