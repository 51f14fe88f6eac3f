// The Node interface over calls by name: what stands between may be a socket, or the hand-over from
// one owner of a profile to the next.
import type { CallOptions, IncomingMessage, Message, Node, NodeEvent } from '../api.ts'
import { chatOf } from '../chat-of.ts'
import { NodeError } from '../errors.ts'

/** Makes calls by name. */
export interface Calls {
  readonly name: string
  readonly address: string
  request(method: string, parameters: object, options: CallOptions): Promise<unknown>
  /** The change feed; what `events.since` says. */
  subscribe(cursor: number | undefined, options: CallOptions): AsyncIterable<NodeEvent>
  /** A listener of `on` failed: nobody else would hear of it. */
  report(error: unknown): void
  close(): Promise<void>
}

type Ask = <T>(method: string, options: CallOptions | undefined, parameters?: object) => Promise<T>

function asker(calls: Calls): Ask {
  return async <T>(method: string, options: CallOptions | undefined, parameters: object = {}) => {
    const { signal, ...given } = { ...parameters, ...options }
    signal?.throwIfAborted()
    const present = Object.entries(given).filter(([, value]) => value !== undefined)
    const chosen = signal === undefined ? {} : { signal }
    return (await calls.request(method, Object.fromEntries(present), chosen)) as T
  }
}

function incoming(node: Node, message: Message): IncomingMessage {
  return {
    ...message,
    reply: (text) => node.chats.send(chatOf(message), text, { replyTo: message.id }),
  }
}

function listen(
  node: Node,
  calls: Calls,
  listener: (message: IncomingMessage) => unknown,
): () => void {
  const stop = new AbortController()
  const run = async (): Promise<void> => {
    for await (const event of calls.subscribe(undefined, { signal: stop.signal })) {
      if (event.event !== 'message' || event.message.mine) continue
      try {
        await listener(incoming(node, event.message))
      } catch (error) {
        calls.report(error)
      }
    }
  }
  run().catch((error: unknown) => {
    if (!stop.signal.aborted) calls.report(error)
  })
  return () => stop.abort()
}

/** A Node whose every method is a call. */
export function remoteNode(calls: Calls): Node {
  const ask = asker(calls)
  const node: Node = {
    name: calls.name,
    address: calls.address,
    status: (options) => ask('status', options),
    stats: (options) => ask('stats', options),
    relays: {
      add: (address, options) => ask('relays.add', options, { address }),
      remove: (which, options) => ask('relays.remove', options, { which }),
    },
    invites: {
      create: (options) => ask('invites.create', options),
      list: (options) => ask('invites.list', options),
      revoke: (id, options) => ask('invites.revoke', options, { id }),
    },
    contacts: {
      add: (link, options) => ask('contacts.add', options, { link }),
      list: (options) => ask('contacts.list', options),
      get: (who, options) => ask('contacts.get', options, { who }),
      rename: (who, name, options) => ask('contacts.rename', options, { who, name }),
      safetyNumber: (who, options) => ask('contacts.safetyNumber', options, { who }),
      verify: (who, verified, options) => ask('contacts.verify', options, { who, verified }),
      block: (who, blocked, options) => ask('contacts.block', options, { who, blocked }),
      remove: (who, options) => ask('contacts.remove', options, { who }),
    },
    requests: {
      list: (options) => ask('requests.list', options),
      accept: (who, options) => ask('requests.accept', options, { who }),
      reject: (who, options) => ask('requests.reject', options, { who }),
    },
    groups: {
      create: (name, options) => ask('groups.create', options, { name }),
      list: (options) => ask('groups.list', options),
      get: (which, options) => ask('groups.get', options, { which }),
      invite: (which, options) => ask('groups.invite', options, { which }),
      join: (link, options) => ask('groups.join', options, { link }),
      add: (which, who, options) => ask('groups.add', options, { which, who }),
      approve: (which, who, options) => ask('groups.approve', options, { which, who }),
      reject: (which, who, options) => ask('groups.reject', options, { which, who }),
      remove: (which, who, options) => ask('groups.remove', options, { which, who }),
      role: (which, who, role, options) => ask('groups.role', options, { which, who, role }),
      rename: (which, name, options) => ask('groups.rename', options, { which, name }),
      leave: (which, options) => ask('groups.leave', options, { which }),
      rotate: (which, options) => ask('groups.rotate', options, { which }),
    },
    chats: {
      send: (who, text, options) => ask('chats.send', options, { who, text }),
      waitFor: (id, state, options) => ask('chats.waitFor', options, { id, state }),
      messages: (who, options) => ask('chats.messages', options, { who }),
      message: (id, options) => ask('chats.message', options, { id }),
      markRead: (who, arrival, options) => ask('chats.markRead', options, { who, arrival }),
      why: (id, options) => ask('chats.why', options, { id }),
    },
    events: {
      since: (cursor, options) => calls.subscribe(cursor, options ?? {}),
      cursor: (options) => ask('events.cursor', options),
    },
    on(_event, listener, options = {}) {
      if (options.resume !== undefined || options.requests === true) {
        throw new NodeError('INVALID', 'resume and requests are for a node of this process', {
          hint: 'Follow events.since from a cursor of your own.',
        })
      }
      return listen(node, calls, listener)
    },
    settle: (ms, options) => ask('settle', options, { ms }),
    close: () => calls.close(),
    [Symbol.asyncDispose]: () => calls.close(),
  }
  return node
}
