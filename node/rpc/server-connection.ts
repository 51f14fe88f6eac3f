// One program's connection to the local API: its calls, and its subscriptions with their windows.
import type { Socket } from 'node:net'
import { type JSONRPCRequest, type JSONRPCServer, isJSONRPCRequest } from 'json-rpc-2.0'
import * as v from 'valibot'
import type { Node } from '../api.ts'
import { NodeError } from '../errors.ts'
import {
  ANSWER_MAX_BYTES,
  EVENT_WINDOW,
  MAX_CALLS,
  MAX_SUBSCRIPTIONS,
  REQUEST_MAX_BYTES,
  UNSENT_MAX_BYTES,
} from './limits.ts'
import { LineDecoder, encodeLine } from './lines.ts'
import { isWaiting } from './methods.ts'
import { closingError, errorResponse, isClosing, toNodeError } from './wire-errors.ts'

/** What the handler of a method gets beside its parameters. */
export interface CallContext {
  readonly connection: ServerConnection
  readonly signal: AbortSignal
}

interface Call {
  readonly method: string
  readonly controller: AbortController
}

interface Subscription {
  readonly controller: AbortController
  /** Events that may be sent before the client takes some. */
  credit: number
  /** Wakes the pump when credit arrives. */
  wake: () => void
}

const subscribeSchema = v.object({
  subscription: v.pipe(v.number(), v.integer()),
  since: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(0))),
})
const ackSchema = v.object({
  subscription: v.number(),
  count: v.pipe(v.number(), v.integer(), v.minValue(1)),
})
const cancelSchema = v.object({ id: v.union([v.string(), v.number()]) })

function check<S extends v.GenericSchema>(schema: S, parameters: unknown): v.InferOutput<S> {
  const checked = v.safeParse(schema, parameters)
  if (checked.success) return checked.output
  throw new NodeError('INVALID', checked.issues[0].message)
}

export class ServerConnection {
  readonly #socket: Socket
  readonly #methods: JSONRPCServer<CallContext>
  readonly #lines = new LineDecoder(REQUEST_MAX_BYTES)
  readonly #calls = new Map<unknown, Call>()
  readonly #running = new Set<Promise<void>>()
  readonly #subscriptions = new Map<number, Subscription>()
  #closing = false

  constructor(socket: Socket, methods: JSONRPCServer<CallContext>) {
    this.#socket = socket
    this.#methods = methods
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    // 'close' follows, and ends everything; a client that went away is no event worth telling.
    socket.on('error', () => undefined)
    socket.once('close', () => this.#abortAll(() => true, undefined))
  }

  #receive(chunk: Buffer): void {
    try {
      for (const line of this.#lines.push(chunk)) this.#start(line)
    } catch (error) {
      this.#write(errorResponse(null, error))
      this.#socket.destroySoon()
    }
  }

  #start(line: string): void {
    let request: unknown
    try {
      request = JSON.parse(line)
    } catch {
      this.#write({ jsonrpc: '2.0', id: null, error: { code: -32_700, message: 'not JSON' } })
      return
    }
    if (!isJSONRPCRequest(request)) {
      const message = 'not a request of JSON-RPC 2.0'
      this.#write({ jsonrpc: '2.0', id: null, error: { code: -32_600, message } })
      return
    }
    // Not at once: a method that closes the server must find itself among what is running.
    const run = Promise.resolve()
      .then(() => this.#answer(request))
      .finally(() => this.#running.delete(run))
    this.#running.add(run)
  }

  async #answer(request: JSONRPCRequest): Promise<void> {
    const { id, method } = request
    if (this.#closing) return this.#refuse(id, closingError())
    if (id !== undefined && this.#calls.has(id)) {
      return this.#refuse(id, new NodeError('INVALID', 'this id has a call that is not answered'))
    }
    if (id !== undefined && this.#calls.size >= MAX_CALLS) {
      return this.#refuse(id, new NodeError('INVALID', `more than ${MAX_CALLS} calls at once`))
    }
    const controller = new AbortController()
    const call: Call = { method, controller }
    if (id !== undefined) this.#calls.set(id, call)
    try {
      const context = { connection: this, signal: controller.signal }
      const response = await this.#methods.receive(request, context)
      if (response === null || id === undefined) return
      // Whatever the node made of the abort: the caller may ask the next owner.
      const closing = response.error !== undefined && isClosing(controller.signal.reason)
      if (closing) this.#refuse(id, closingError())
      else this.#write(response)
    } finally {
      if (this.#calls.get(id) === call) this.#calls.delete(id)
    }
  }

  #refuse(id: JSONRPCRequest['id'], error: NodeError): void {
    if (id !== undefined) this.#write(errorResponse(id, error))
  }

  #write(value: object): void {
    if (this.#socket.destroyed || this.#socket.writableEnded) return
    const line = encodeLine(value)
    if (line.length > ANSWER_MAX_BYTES && 'id' in value) {
      const error = new NodeError('TOO_LARGE', 'the answer is too large', {
        hint: 'Ask for fewer.',
      })
      this.#socket.write(encodeLine(errorResponse(value.id as string, error)))
      return
    }
    if (this.#socket.writableLength > UNSENT_MAX_BYTES) this.#socket.destroy()
    else this.#socket.write(line)
  }

  /** events.subscribe: events follow as notifications, at most EVENT_WINDOW ahead of `events.ack`. */
  subscribe(node: Node, parameters: unknown): { readonly window: number } {
    const { subscription: key, since } = check(subscribeSchema, parameters)
    if (this.#subscriptions.has(key)) throw new NodeError('EXISTS', 'there is such a subscription')
    if (this.#subscriptions.size >= MAX_SUBSCRIPTIONS) {
      throw new NodeError('INVALID', `more than ${MAX_SUBSCRIPTIONS} subscriptions`)
    }
    const controller = new AbortController()
    const subscription: Subscription = {
      controller,
      credit: EVENT_WINDOW,
      wake: () => undefined,
    }
    controller.signal.addEventListener('abort', () => subscription.wake())
    this.#subscriptions.set(key, subscription)
    const run = this.#pump(node, key, subscription, since).finally(() => this.#running.delete(run))
    this.#running.add(run)
    return { window: EVENT_WINDOW }
  }

  async #pump(
    node: Node,
    key: number,
    subscription: Subscription,
    since: number | undefined,
  ): Promise<void> {
    const { signal } = subscription.controller
    let error: unknown
    try {
      for await (const event of node.events.since(since, { signal })) {
        if (signal.aborted) break
        this.#notify('events.next', { subscription: key, event })
        subscription.credit -= 1
        while (subscription.credit <= 0 && !signal.aborted) {
          await new Promise<void>((resolve) => (subscription.wake = resolve))
        }
      }
    } catch (failure) {
      if (!signal.aborted) error = failure
    }
    this.#subscriptions.delete(key)
    if (isClosing(signal.reason)) error = closingError()
    const { code, message, hint, retryable } = toNodeError(error)
    this.#notify('events.end', {
      subscription: key,
      ...(error === undefined ? {} : { error: { message, data: { code, hint, retryable } } }),
    })
  }

  #notify(method: string, parameters: object): void {
    this.#write({ jsonrpc: '2.0', method, params: parameters })
  }

  /** events.ack: the subscriber took `count` more. */
  acknowledge(parameters: unknown): void {
    const { subscription: key, count } = check(ackSchema, parameters)
    const subscription = this.#subscriptions.get(key)
    if (subscription === undefined) return
    subscription.credit = Math.min(EVENT_WINDOW, subscription.credit + count)
    subscription.wake()
  }

  /** events.unsubscribe. */
  unsubscribe(parameters: unknown): void {
    const { subscription } = check(v.object({ subscription: v.number() }), parameters)
    this.#subscriptions.get(subscription)?.controller.abort()
  }

  /** rpc.cancel: nobody waits for that answer any more. */
  cancel(parameters: unknown): void {
    const { id } = check(cancelSchema, parameters)
    this.#calls.get(id)?.controller.abort()
    this.#calls.delete(id)
  }

  #abortAll(which: (method: string) => boolean, reason: unknown): void {
    for (const call of this.#calls.values()) {
      if (which(call.method)) call.controller.abort(reason)
    }
    for (const subscription of this.#subscriptions.values()) subscription.controller.abort(reason)
  }

  /** Ends what only waits, lets the rest finish, then closes. */
  async finish(): Promise<void> {
    this.#closing = true
    this.#abortAll(isWaiting, closingError())
    while (this.#running.size > 0) await Promise.allSettled(this.#running)
    // Everything that was carried out is answered by now: the rest may be asked elsewhere.
    this.#notify('rpc.closed', {})
    this.#socket.end()
  }

  /** Closes at once. */
  drop(): void {
    this.#socket.destroy()
  }
}
