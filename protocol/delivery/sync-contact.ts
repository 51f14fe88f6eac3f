// Asking a contact's device for its own entries that are missing here (SPEC.md §10.2). The outbox of
// the author is what brings them as a rule; this is for what it believes to be delivered and is not
// there: a disk that lost records, a bug on either side.
import { type Bytes32, EMPTY, equalBytes } from '../../crypto/index.ts'
import { type Contact, contactOf, isAccepted } from '../contacts/contact.ts'
import { frameOf } from '../content/kind.ts'
import type { SyncPage } from '../content/sync-page.ts'
import { syncRequestFrame } from '../content/sync-request.ts'
import { type DeviceSet, deviceSet } from '../device-set.ts'
import { LAMPORT_MAX, SYNC_CONTACT_WAIT_MS, SYNC_RETRY_MAX_MS } from '../limits.ts'
import { acceptEntry } from '../log/accept.ts'
import { authorTable } from '../log/author-table.ts'
import { directConversation } from '../log/entry.ts'
import { markLost, missingOf } from '../log/frontier.ts'
import { subtractRanges } from '../log/ranges.ts'
import type { SessionSource } from '../log/source.ts'
import { lostEntries } from '../log/tables.ts'
import { type Wanted, wantedFrom } from '../log/wanted.ts'
import { deviceLists, isListed } from '../peers/device-lists.ts'
import { peers } from '../peers/peer.ts'
import { encodeRecord, readRecord } from '../record.ts'
import { type Step, type Table, type Turn, get } from '../step.ts'
import type { Brought } from './brought.ts'
import { sendNotice } from './notice.ts'
import { drawRequest } from './sync-pages.ts'

/** All times by the guarded clock. */
interface Asking {
  /** Of the last question; pages of another one are not taken. 0: none was asked yet. */
  readonly req: number
  /** When something was first seen to be missing, or the last question. */
  readonly atMs: number
  /** Questions since something last came. */
  readonly vain: number
}

const askings: Table<Bytes32, Asking> = {
  name: 'sync-contact',
  sealing: 'value',
  place: (device) => ({ owner: device, order: EMPTY }),
  encode: ({ req, atMs, vain }) => encodeRecord([req, atMs, vain]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'sync with a contact')
    return {
      req: fields.uint('req', LAMPORT_MAX),
      atMs: fields.uint('at'),
      vain: fields.uint('vain'),
    }
  },
}

/** Devices of contacts whose own entries are missing here. */
const lacking: DeviceSet = deviceSet('sync-lacking')

/** Something came from a device: where entries of its are missing, it is to be asked for them. */
export function* noteLacking(turn: Turn, conversation: Bytes32, device: Bytes32): Step<void> {
  const row = yield* get(authorTable, { conversation, author: device })
  if (row === undefined || subtractRanges(missingOf(row), row.lost).length === 0) return
  yield* wantsSync(turn, device)
}

/** Has a device asked for what is missing, a minute from now. */
export function* wantsSync(turn: Turn, device: Bytes32): Step<void> {
  if ((yield* get(askings, device)) !== undefined) return
  turn.put(askings, device, { req: 0, atMs: turn.safeNowMs, vain: 0 })
  yield* lacking.add(turn, device)
}

function* wholeAgain(turn: Turn, device: Bytes32): Step<void> {
  turn.remove(askings, device)
  yield* lacking.remove(turn, device)
}

/** Asks every device that lacks an answer and is due. Once a minute. */
export function* syncContacts(turn: Turn): Step<void> {
  for (const device of yield* lacking.all()) {
    const asking = yield* get(askings, device)
    const account = (yield* get(peers, device))?.account
    if (asking === undefined || account === undefined) {
      yield* wholeAgain(turn, device)
      continue
    }
    if (!isListed(yield* get(deviceLists, account), device)) {
      yield* giveUpDevice(turn, account, device)
      continue
    }
    if (!isAccepted(yield* contactOf(account))) continue
    const waitMs = Math.min(SYNC_RETRY_MAX_MS, SYNC_CONTACT_WAIT_MS * 2 ** Math.min(asking.vain, 8))
    if (turn.safeNowMs < asking.atMs + waitMs) continue
    const conversation = directConversation(turn.crypto, turn.self.account, account)
    yield* askDevice(turn, conversation, device, asking)
  }
}

/** A device that left its account's list is heard no more: what is missing of it will not come. */
function* giveUpDevice(turn: Turn, account: Bytes32, device: Bytes32): Step<void> {
  const conversation = directConversation(turn.crypto, turn.self.account, account)
  const row = yield* get(authorTable, { conversation, author: device })
  for (const range of row === undefined ? [] : missingOf(row)) {
    yield* markLost(turn, conversation, device, range)
  }
  yield* wholeAgain(turn, device)
}

function* askDevice(
  turn: Turn,
  conversation: Bytes32,
  device: Bytes32,
  before: Asking,
): Step<void> {
  const wanted: Wanted = yield* wantedFrom(turn, conversation, device)
  if (wanted.ranges.length + wanted.ids.length === 0) return yield* wholeAgain(turn, device)
  const req = drawRequest(turn)
  const frame = frameOf(syncRequestFrame, { req, conversation: undefined, ...wanted })
  yield* sendNotice(turn, device, frame)
  turn.put(askings, device, { req, atMs: turn.safeNowMs, vain: before.vain + 1 })
}

/** Takes a page of the last question: entries into the log, and the author's word on what is gone. */
export function* takeContactPage(
  turn: Turn,
  contact: Contact,
  source: SessionSource,
  page: SyncPage,
): Step<Brought> {
  const { device } = source
  const asking = yield* get(askings, device)
  if (asking === undefined || asking.req === 0 || asking.req !== page.req) return 'nothing'
  const conversation = directConversation(turn.crypto, turn.self.account, contact.account)
  const wanted = yield* wantedFrom(turn, conversation, device)
  let news = false
  for (const entry of page.entries) {
    const taken = yield* acceptEntry(turn, { conversation, entry, source })
    if (taken.kind === 'refused' || taken.kind === 'beyondLimit') continue
    if (taken.kind !== 'duplicate' || taken.healed) news = true
  }
  yield* settleBodies(turn, conversation, wanted.ids, page)
  for (const { author, from, to } of page.absent) {
    // Nobody but the author says that what it wrote is gone.
    if (equalBytes(author, device)) yield* markLost(turn, conversation, author, [from, to])
  }
  const rest = yield* wantedFrom(turn, conversation, device)
  if (rest.ranges.length + rest.ids.length === 0) yield* wholeAgain(turn, device)
  else if (!page.more && news) yield* askDevice(turn, conversation, device, { ...asking, vain: 0 })
  return news ? 'news' : 'nothing'
}

/** What the other side has no more is no longer asked for. */
function* settleBodies(
  turn: Turn,
  conversation: Bytes32,
  ids: readonly Bytes32[],
  page: SyncPage,
): Step<void> {
  if (page.more) return
  for (const id of ids) turn.remove(lostEntries, { conversation, id })
}
