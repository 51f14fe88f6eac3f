// Callbacks for messages of others, read from the durable feed: one loop each, so that a listener
// that is slow or throws holds up no other.
import { FieldReader, EMPTY, decodeCbor, encodeCbor, encodeText } from '../../crypto/index.ts'
import { type Table, get } from '../../protocol/index.ts'
import type { IncomingMessage, ListenOptions, Message, Node } from '../api.ts'
import { chatOf } from '../chat-of.ts'
import type { Core } from '../core.ts'
import { NodeError } from '../errors.ts'
import { joinSignals } from '../signal.ts'
import { type Feed, eventsSince } from './events.ts'
import { toNodeError } from './translate.ts'

export type Listener = (message: IncomingMessage) => unknown

const NAME_MAX_BYTES = 64
/** How long a listener waits when the feed cannot be read. */
const AGAIN_MS = 1_000

/** How far a named listener came: the cursor after the newest message it was given. */
const positions: Table<string, number> = {
  name: 'listeners',
  sealing: 'value',
  place: (name) => ({ owner: encodeText(name), order: EMPTY }),
  encode: (cursor) => encodeCbor([cursor]),
  decode: (bytes) => {
    const fields = new FieldReader(decodeCbor(bytes, 32), 'listener')
    const cursor = fields.uint('cursor')
    fields.end()
    return cursor
  },
}

export class Listeners {
  readonly #feed: Feed
  readonly #core: Core
  readonly #send: Node['chats']['send']
  /** Where the feed stood before the node went online; undefined once somebody took it. */
  #startCursor: number | undefined

  constructor(feed: Feed, startCursor: number, send: Node['chats']['send']) {
    this.#feed = feed
    this.#core = feed.core
    this.#startCursor = startCursor
    this.#send = send
  }

  /** Begins a listener; the function returned ends it. */
  on(listener: Listener, options: ListenOptions = {}): () => void {
    const { resume, requests } = options
    if (resume !== undefined && (resume === '' || encodeText(resume).length > NAME_MAX_BYTES)) {
      throw new NodeError('INVALID', `the name of a listener has 1 to ${NAME_MAX_BYTES} bytes`)
    }
    const stop = new AbortController()
    const { signal, release } = joinSignals(stop.signal, this.#core.stopping)
    // What came while the node was starting is for whoever listens first.
    const from = this.#startCursor ?? this.#core.ledger.cursor
    this.#startCursor = undefined
    void this.#run(listener, { resume, requests, from, signal }).finally(release)
    return () => stop.abort()
  }

  async #run(
    listener: Listener,
    at: {
      readonly resume: string | undefined
      readonly requests: boolean | undefined
      readonly from: number
      readonly signal: AbortSignal
    },
  ): Promise<void> {
    const { resume, requests, signal } = at
    let next: number | undefined
    // A message was given, and that it was is not written down yet.
    let isOwed = false
    const keep = async (): Promise<void> => {
      if (isOwed && resume !== undefined && next !== undefined) await this.#keep(resume, next)
      isOwed = false
    }
    while (!signal.aborted) {
      try {
        next ??= await this.#position(resume, at.from)
        await keep()
        for await (const event of eventsSince(this.#feed, next, { signal, requests })) {
          next = event.cursor + 1
          if (event.event !== 'message' || event.message.mine) continue
          await this.#give(listener, event.message)
          isOwed = true
          await keep()
        }
      } catch (error) {
        if (signal.aborted) return
        const { code, message } = toNodeError(error)
        this.#core.log('listener', `${code}: ${message}`)
        if (code === 'CURSOR_TOO_OLD') [next, isOwed] = [0, false]
        else await this.#core.clock.sleep(AGAIN_MS, signal).catch(() => undefined)
      }
    }
  }

  /** One call of a listener. What it throws is reported, and the next message is its next one. */
  async #give(listener: Listener, message: Message): Promise<void> {
    const reply = (text: string) => this.#send(chatOf(message), text, { replyTo: message.id })
    try {
      await listener({ ...message, reply })
    } catch (error) {
      if (!this.#core.stopping.aborted) this.#core.log('listener', String(error))
    }
  }

  async #position(resume: string | undefined, from: number): Promise<number> {
    if (resume === undefined) return from
    return (await this.#core.ledger.read(() => get(positions, resume))) ?? from
  }

  #keep(resume: string, cursor: number): Promise<void> {
    return this.#core.ledger.run(function* (turn) {
      turn.put(positions, resume, cursor)
    })
  }
}
