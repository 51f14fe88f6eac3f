// The change feed as events: from a durable cursor on, then live (SPEC.md §16). A reader that was
// away misses nothing; one that is slow is not buffered for: it reads the feed at its own pace.
import {
  type Step,
  type Turn,
  allContacts,
  contactOf,
  range,
  readEntry,
} from '../../protocol/index.ts'
import { EMPTY, toHex, u64 } from '../../crypto/index.ts'
import type { CallOptions, NodeEvent } from '../api.ts'
import type { Core } from '../core.ts'
import { NodeError } from '../errors.ts'
import { type ChangeRow, changes } from '../ledger/change-feed.ts'
import { contactOfEntry } from './chats.ts'
import { contactView, conversationWith, messageView, personOf } from './views.ts'

/** Rows turned into events in one load. */
const PAGE = 64

function* eventOf(turn: Turn, row: ChangeRow): Step<NodeEvent | undefined> {
  const { change } = row
  const at = { cursor: row.cursor, at: row.atMs }
  switch (change.kind) {
    case 'message': {
      const entry = yield* readEntry(turn, change.entry)
      if (entry === undefined) return undefined
      const contact = yield* contactOfEntry(turn, entry)
      if (contact.state === 'request' || contact.state === 'blocked') return undefined
      return { ...at, event: 'message', message: yield* messageView(turn, contact, entry) }
    }
    case 'state': {
      const entry = yield* readEntry(turn, change.entry)
      if (entry === undefined) return undefined
      const { name } = yield* contactOfEntry(turn, entry)
      return {
        ...at,
        event: 'message:state',
        id: toHex(change.entry),
        chat: name,
        state: change.state,
      }
    }
    case 'contact': {
      const contact = yield* contactOf(change.account)
      if (contact === undefined) return undefined
      return { ...at, event: 'contact', contact: yield* contactView(turn, contact) }
    }
    case 'gap': {
      for (const contact of yield* allContacts()) {
        if (toHex(conversationWith(turn, contact.account)) !== toHex(change.conversation)) continue
        const { from: first, to: last, missing } = change
        const from = personOf(turn.crypto, contact)
        return { ...at, event: 'gap', chat: contact.name, from, first, last, missing }
      }
      return undefined
    }
    case 'warning':
      return { ...at, event: 'warning', code: change.code, text: change.text }
    case 'placed':
    case 'body':
    case 'fork':
    case 'contradiction':
    case 'seen':
    case 'irretrievable':
      return undefined
  }
}

function* eventsFrom(
  turn: Turn,
  cursor: number,
): Step<{ readonly events: readonly NodeEvent[]; readonly next: number }> {
  const rows = yield* range(changes, { owner: EMPTY, from: u64(cursor), limit: PAGE })
  const events: NodeEvent[] = []
  let next = cursor
  for (const { value } of rows) {
    next = value.cursor + 1
    const event = yield* eventOf(turn, value)
    if (event !== undefined) events.push(event)
  }
  return { events, next }
}

function* oldestCursor(): Step<number> {
  const [first] = yield* range(changes, { owner: EMPTY, limit: 1 })
  return first?.value.cursor ?? 1
}

/**
 * Events from a cursor on; undefined: from now. `moved` resolves when the feed grew, or the signal
 * aborts. Throws CURSOR_TOO_OLD where the feed no longer reaches back that far.
 */
export async function* eventsSince(
  core: Core,
  moved: (signal: AbortSignal) => Promise<void>,
  cursor: number | undefined,
  options: CallOptions = {},
): AsyncGenerator<NodeEvent, void, undefined> {
  const signal =
    options.signal === undefined ? core.stopping : AbortSignal.any([core.stopping, options.signal])
  let next = cursor ?? core.ledger.cursor
  if (cursor !== undefined && cursor > 0) {
    const oldest = await core.ledger.read(() => oldestCursor())
    if (cursor < oldest) {
      throw new NodeError('CURSOR_TOO_OLD', `events before ${oldest} are no longer kept`, {
        hint: 'Read the chats anew, then follow from 0.',
      })
    }
  }
  while (!signal.aborted) {
    const from = next
    const page = await core.ledger.read((turn) => eventsFrom(turn, from))
    next = page.next
    yield* page.events
    if (page.next === from) await moved(signal)
  }
}
