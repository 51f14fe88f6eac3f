// The methods of the local API: their names are the paths of node/api.ts, their parameters one
// object each, checked here before the node sees them.
import * as v from 'valibot'
import type { CallOptions, Node } from '../api.ts'
import { NodeError } from '../errors.ts'

/**
 * 'once': it changes something, and twice would be once too often. 'again': it may be called again
 * where its answer was lost. 'waits': so it may, and it may take long: an owner that stops does not
 * finish it.
 */
type Manner = 'once' | 'again' | 'waits'

interface Method {
  readonly manner: Manner
  readonly call: (node: Node, parameters: unknown, options: CallOptions) => Promise<unknown>
}

type Schema = v.GenericSchema

function method<S extends Schema>(
  schema: S,
  call: (node: Node, parameters: v.InferOutput<S>, options: CallOptions) => Promise<unknown>,
  manner: Manner = 'once',
): Method {
  return {
    manner,
    call: (node, parameters, options) => {
      const checked = v.safeParse(schema, parameters ?? {})
      if (checked.success) return call(node, checked.output, options)
      const [issue] = checked.issues
      const path = v.getDotPath(issue) ?? 'parameters'
      return Promise.reject(new NodeError('INVALID', `${path}: ${issue.message}`))
    },
  }
}

const count = v.pipe(v.number(), v.integer(), v.minValue(0))
const nothing = v.object({})
const who = v.object({ who: v.string() })
const id = v.object({ id: v.string() })
const which = v.object({ which: v.string() })
const member = v.object({ which: v.string(), who: v.string() })

const table: Readonly<Record<string, Method>> = {
  status: method(nothing, (node, _, options) => node.status(options), 'again'),
  stats: method(nothing, (node, _, options) => node.stats(options), 'again'),
  'relays.add': method(
    v.object({ address: v.string() }),
    (node, p, options) => node.relays.add(p.address, options),
    'again',
  ),
  'relays.remove': method(which, (node, p, options) => node.relays.remove(p.which, options)),
  'invites.create': method(
    v.object({ reusable: v.exactOptional(v.boolean()), expiresInMs: v.exactOptional(count) }),
    (node, parameters, options) => node.invites.create({ ...parameters, ...options }),
  ),
  'invites.list': method(nothing, (node, _, options) => node.invites.list(options), 'again'),
  'invites.revoke': method(id, (node, p, options) => node.invites.revoke(p.id, options)),
  'contacts.add': method(
    v.object({ link: v.string(), name: v.exactOptional(v.string()) }),
    (node, { link, ...rest }, options) => node.contacts.add(link, { ...rest, ...options }),
  ),
  'contacts.list': method(nothing, (node, _, options) => node.contacts.list(options), 'again'),
  'contacts.get': method(who, (node, p, options) => node.contacts.get(p.who, options), 'again'),
  'contacts.rename': method(v.object({ who: v.string(), name: v.string() }), (node, p, options) =>
    node.contacts.rename(p.who, p.name, options),
  ),
  'contacts.safetyNumber': method(
    who,
    (node, p, options) => node.contacts.safetyNumber(p.who, options),
    'again',
  ),
  'contacts.verify': method(
    v.object({ who: v.string(), verified: v.boolean() }),
    (node, p, options) => node.contacts.verify(p.who, p.verified, options),
  ),
  'contacts.block': method(
    v.object({ who: v.string(), blocked: v.boolean() }),
    (node, p, options) => node.contacts.block(p.who, p.blocked, options),
  ),
  'contacts.remove': method(who, (node, p, options) => node.contacts.remove(p.who, options)),
  'requests.list': method(nothing, (node, _, options) => node.requests.list(options), 'again'),
  'requests.accept': method(
    v.object({ who: v.string(), name: v.exactOptional(v.string()) }),
    (node, { who, ...rest }, options) => node.requests.accept(who, { ...rest, ...options }),
  ),
  'requests.reject': method(who, (node, p, options) => node.requests.reject(p.who, options)),
  'groups.create': method(
    v.object({
      name: v.string(),
      approval: v.exactOptional(v.boolean()),
      membersAdd: v.exactOptional(v.boolean()),
    }),
    (node, { name, ...rest }, options) => node.groups.create(name, { ...rest, ...options }),
  ),
  'groups.list': method(nothing, (node, _, options) => node.groups.list(options), 'again'),
  'groups.get': method(which, (node, p, options) => node.groups.get(p.which, options), 'again'),
  'groups.invite': method(
    v.object({
      which: v.string(),
      reusable: v.exactOptional(v.boolean()),
      expiresInMs: v.exactOptional(count),
      approve: v.exactOptional(v.boolean()),
    }),
    (node, { which, ...rest }, options) => node.groups.invite(which, { ...rest, ...options }),
  ),
  'groups.join': method(
    v.object({ link: v.string(), name: v.exactOptional(v.string()) }),
    (node, { link, ...rest }, options) => node.groups.join(link, { ...rest, ...options }),
  ),
  'groups.add': method(member, (node, p, options) => node.groups.add(p.which, p.who, options)),
  'groups.approve': method(member, (node, p, options) =>
    node.groups.approve(p.which, p.who, options),
  ),
  'groups.reject': method(member, (node, p, options) =>
    node.groups.reject(p.which, p.who, options),
  ),
  'groups.remove': method(member, (node, p, options) =>
    node.groups.remove(p.which, p.who, options),
  ),
  'groups.role': method(
    v.object({
      which: v.string(),
      who: v.string(),
      role: v.picklist(['member', 'admin', 'owner']),
    }),
    (node, p, options) => node.groups.role(p.which, p.who, p.role, options),
  ),
  'groups.rename': method(v.object({ which: v.string(), name: v.string() }), (node, p, options) =>
    node.groups.rename(p.which, p.name, options),
  ),
  'groups.leave': method(which, (node, p, options) => node.groups.leave(p.which, options)),
  'groups.rotate': method(which, (node, p, options) => node.groups.rotate(p.which, options)),
  'chats.send': method(
    v.object({
      who: v.string(),
      text: v.string(),
      replyTo: v.exactOptional(v.string()),
      once: v.exactOptional(v.string()),
    }),
    (node, { who, text, ...rest }, options) => node.chats.send(who, text, { ...rest, ...options }),
  ),
  'chats.waitFor': method(
    v.object({
      id: v.string(),
      state: v.picklist(['relayed', 'delivered', 'read']),
      timeoutMs: v.exactOptional(count),
    }),
    (node, { id, state, ...rest }, options) =>
      node.chats.waitFor(id, state, { ...rest, ...options }),
    'waits',
  ),
  'chats.messages': method(
    v.object({
      who: v.exactOptional(v.string()),
      limit: v.exactOptional(count),
      unread: v.exactOptional(v.boolean()),
      before: v.exactOptional(v.string()),
    }),
    (node, { who, ...rest }, options) => node.chats.messages(who, { ...rest, ...options }),
    'again',
  ),
  'chats.message': method(id, (node, p, options) => node.chats.message(p.id, options), 'again'),
  'chats.markRead': method(
    v.object({ who: v.string(), arrival: v.exactOptional(count) }),
    (node, p, options) => node.chats.markRead(p.who, p.arrival, options),
    'again',
  ),
  'chats.why': method(id, (node, p, options) => node.chats.why(p.id, options), 'again'),
  'events.cursor': method(nothing, (node, _, options) => node.events.cursor(options), 'again'),
  settle: method(
    v.object({ ms: count }),
    (node, p, options) => node.settle(p.ms, options),
    'waits',
  ),
}

/** The names of all methods that a node answers by itself. */
export const METHOD_NAMES: readonly string[] = Object.keys(table)

/** Whether an owner that stops lets the caller ask again elsewhere instead of finishing it. */
export function isWaiting(name: string): boolean {
  return table[name]?.manner === 'waits'
}

/** Whether a call whose answer was lost may be made again. */
export function mayRepeat(name: string): boolean {
  return table[name] !== undefined && table[name].manner !== 'once'
}

/** Calls a method by its name. Rejects with INVALID for parameters that do not fit. */
export async function callMethod(
  node: Node,
  name: string,
  parameters: unknown,
  options: CallOptions,
): Promise<unknown> {
  const found = Object.hasOwn(table, name) ? table[name] : undefined
  if (found === undefined) throw new NodeError('INVALID', `no method ${name.slice(0, 64)}`)
  return found.call(node, parameters, options)
}
