// The change feed as events: from a durable cursor on, then live (SPEC.md §16). A reader that was
// away misses nothing; one that is slow is not buffered for: it reads the feed at its own pace.
import {
  type Step,
  type Turn,
  contactOf,
  get,
  groupByNumber,
  groupOf,
  membershipOf,
  range,
  readEntry,
} from '../../protocol/index.ts'
import { EMPTY, toHex, u64 } from '../../crypto/index.ts'
import type { CallOptions, NodeEvent } from '../api.ts'
import type { Core } from '../core.ts'
import { NodeError } from '../errors.ts'
import { type ChangeRow, changes } from '../ledger/change-feed.ts'
import { joinSignals } from '../signal.ts'
import { contactOfEntry } from './chats.ts'
import { groupMessageView, groupView } from './group-views.ts'
import { personAt } from './person-at.ts'
import { toNodeError } from './translate.ts'
import { contactView, contactWith, messageView, personOf, warningFields } from './views.ts'

/** Rows turned into events in one load. */
const PAGE = 64
/** Up to so many are loaded one by one: whoever follows finds them in memory, as they were written. */
const SINGLE_ROWS = 8

/** The contact of a direct conversation, as its user calls it. */
function* nameOf(turn: Turn, conversation: Uint8Array): Step<string> {
  const group = yield* groupOf(conversation)
  if (group !== undefined) return `#${group.name}`
  return (yield* contactWith(turn, conversation))?.name ?? 'somebody'
}

function* eventOf(turn: Turn, row: ChangeRow, requests: boolean): Step<NodeEvent | undefined> {
  const { change } = row
  const at = { cursor: row.cursor, at: row.atMs }
  switch (change.kind) {
    case 'message': {
      const entry = yield* readEntry(turn, change.entry)
      if (entry === undefined) return undefined
      const group = yield* groupOf(entry.conversation)
      if (group !== undefined) {
        return { ...at, event: 'message', message: yield* groupMessageView(turn, group, entry) }
      }
      const contact = yield* contactOfEntry(turn, entry)
      if (contact.state === 'blocked') return undefined
      if (contact.state === 'request' && !requests) return undefined
      return { ...at, event: 'message', message: yield* messageView(turn, contact, entry) }
    }
    case 'state': {
      const entry = yield* readEntry(turn, change.entry)
      if (entry === undefined) return undefined
      const group = yield* groupOf(entry.conversation)
      const name =
        group === undefined ? (yield* contactOfEntry(turn, entry)).name : `#${group.name}`
      return {
        ...at,
        event: 'message:state',
        id: toHex(change.entry),
        chat: name,
        ...(group?.gid === undefined ? {} : { group: toHex(group.gid) }),
        state: change.state,
      }
    }
    case 'contact': {
      const contact = yield* contactOf(change.account)
      if (contact === undefined) return undefined
      return { ...at, event: 'contact', contact: yield* contactView(turn, contact) }
    }
    case 'group': {
      const group = yield* groupByNumber(change.number)
      if (group === undefined || group.problem === 'SAME_GROUP') return undefined
      return { ...at, event: 'group', group: yield* groupView(turn, group) }
    }
    case 'gap':
    case 'irretrievable': {
      const gap = yield* gapFields(turn, change)
      return gap === undefined ? undefined : { ...at, event: 'gap', ...gap }
    }
    case 'warning':
      return { ...at, event: 'warning', ...(yield* warningFields(change)) }
    case 'fork': {
      const name = yield* nameOf(turn, change.conversation)
      const text = `Two messages of ${name} claim one place: a copy of that device is running, or it was set back. Both are shown.`
      return { ...at, event: 'warning', code: 'DEVICE_FORKED', text }
    }
    case 'placed':
    case 'body':
    case 'contradiction':
    case 'seen':
      return undefined
  }
}

/** Of which chat, and of whom, numbers are missing; undefined where that is not known any more. */
function* gapFields(
  turn: Turn,
  change: Extract<ChangeRow['change'], { kind: 'gap' | 'irretrievable' }>,
): Step<Omit<Extract<NodeEvent, { event: 'gap' }>, 'event' | 'cursor' | 'at'> | undefined> {
  const { from: first, to: last, author, conversation } = change
  const numbers =
    change.kind === 'gap'
      ? { first, last, missing: change.missing }
      : ({ first, last, missing: true, irretrievable: true } as const)
  const group = yield* groupOf(conversation)
  if (group !== undefined) {
    const account = (yield* membershipOf(turn, conversation))?.accountOf(author)
    if (account === undefined) return undefined
    const from = yield* personAt(turn, account)
    return { chat: `#${group.name}`, group: toHex(conversation), from, ...numbers }
  }
  const contact = yield* contactWith(turn, conversation)
  if (contact === undefined) return undefined
  return { chat: contact.name, from: personOf(turn.crypto, contact), ...numbers }
}

/** Rows from a cursor to another, without it; fewer where the first ones were trimmed. */
function* rowsOf(from: number, to: number): Step<readonly ChangeRow[]> {
  if (to - from > SINGLE_ROWS) {
    const query = { owner: EMPTY, from: u64(from), to: u64(to), limit: PAGE }
    return (yield* range(changes, query)).map(({ value }) => value)
  }
  const rows: ChangeRow[] = []
  for (let cursor = from; cursor < to; cursor++) {
    const row = yield* get(changes, cursor)
    if (row !== undefined) rows.push(row)
  }
  return rows
}

interface Page {
  readonly events: readonly NodeEvent[]
  readonly next: number
  /** Rows between the cursor and the first that is kept are gone. */
  readonly gone: boolean
}

function* eventsFrom(
  turn: Turn,
  options: { readonly cursor: number; readonly end: number; readonly requests: boolean },
): Step<Page> {
  const { cursor, end } = options
  const rows = yield* rowsOf(cursor, Math.max(cursor, Math.min(end, cursor + PAGE)))
  const events: NodeEvent[] = []
  let next = cursor
  // The feed has no gaps: what does not begin where the reader stands was trimmed.
  if (cursor < end && rows[0]?.cursor !== cursor) return { events, next, gone: true }
  for (const row of rows) {
    next = row.cursor + 1
    const event = yield* eventOf(turn, row, options.requests)
    if (event !== undefined) events.push(event)
  }
  return { events, next, gone: false }
}

/** The oldest cursor that is kept; `end` where nothing is. */
function* oldestCursor(end: number): Step<number> {
  const [first] = yield* range(changes, { owner: EMPTY, limit: 1 })
  return first?.value.cursor ?? end
}

function tooOld(cursor: number): NodeError {
  return new NodeError('CURSOR_TOO_OLD', `events from ${cursor} on are not kept any more`, {
    hint: 'Read the chats anew, then follow from 0: all events that are kept.',
  })
}

interface EventOptions extends CallOptions {
  /** Messages of people who wait in requests are events too. */
  readonly requests?: boolean | undefined
}

/** What the feed is read with. */
export interface Feed {
  readonly core: Core
  /** Resolves when the feed grew, or the signal aborts. */
  readonly moved: (signal: AbortSignal) => Promise<void>
}

/**
 * Events from a cursor on; 0: all that are kept; undefined: from the moment of the call. Throws
 * CURSOR_TOO_OLD where the feed no longer reaches back that far, also for a reader that was
 * overtaken, and for a cursor that this profile never gave out.
 */
export function eventsSince(
  feed: Feed,
  cursor: number | undefined,
  options: EventOptions = {},
): AsyncGenerator<NodeEvent, void, undefined> {
  if (cursor !== undefined && !(Number.isSafeInteger(cursor) && cursor >= 0)) {
    throw new NodeError('INVALID', 'a cursor is a whole number, 0 or above')
  }
  // Taken now: an iterator that is asked for its first event later misses none in between.
  return follow(feed, cursor ?? feed.core.ledger.cursor, options)
}

/** Failures of a disk that may be over later: until then the store is opened anew again and again. */
const PASSING: ReadonlySet<string> = new Set(['DISK_FULL', 'NOT_WRITABLE', 'STORE_FAILED'])

/**
 * Reads; where the store is being opened anew waits until something happened, and resolves with
 * undefined. Whoever follows would miss what comes after, for want of a disk that is there again.
 */
async function readAnyway<T>(
  ledger: Core['ledger'],
  moved: () => Promise<void>,
  machine: (turn: Turn) => Step<T>,
): Promise<T | undefined> {
  const worked = ledger.writable
  try {
    return await ledger.read(machine)
  } catch (error) {
    const passes = error instanceof NodeError && PASSING.has(error.code)
    if (!passes || (worked && ledger.writable)) throw error
    if (!ledger.writable) await moved()
    return undefined
  }
}

async function* follow(
  { core, moved }: Feed,
  cursor: number,
  options: EventOptions,
): AsyncGenerator<NodeEvent, void, undefined> {
  const { ledger } = core
  const { signal, release } = joinSignals(core.stopping, options.signal)
  try {
    let next = cursor
    if (cursor === 0) next = await ledger.read(() => oldestCursor(ledger.cursor))
    if (next > ledger.cursor) throw tooOld(next)
    while (!signal.aborted) {
      const [from, end] = [next, ledger.cursor]
      const page = await readAnyway(
        ledger,
        () => moved(signal),
        (turn) => eventsFrom(turn, { cursor: from, end, requests: options.requests === true }),
      )
      if (page === undefined) continue
      if (page.gone) throw tooOld(from)
      next = page.next
      for (const event of page.events) {
        if (signal.aborted) return
        yield event
      }
      // Compared and waited for in one go: what lands in between is not slept through.
      if (next >= ledger.cursor) await moved(signal)
    }
  } catch (error) {
    if (!signal.aborted) throw toNodeError(error)
  } finally {
    release()
  }
}
