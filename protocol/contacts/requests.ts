// Room for people who write without being asked: a few messages each, and a bound on all of them
// together (SPEC.md §3). What waits is counted in one row, so that a stranger costs no walk.
import { EMPTY } from '../../crypto/index.ts'
import { REQUESTS_MAX, REQUESTS_MAX_BYTES, REQUESTS_PER_ACCOUNT_MAX } from '../limits.ts'
import { encodeRecord, readRecord } from '../record.ts'
import { type Step, type Table, type Turn, get } from '../step.ts'
import type { Contact } from './contact.ts'

interface RequestTotals {
  readonly accounts: number
  readonly entries: number
  readonly sizeBytes: number
}

const totals: Table<0, RequestTotals> = {
  name: 'request-totals',
  sealing: 'value',
  place: () => ({ owner: EMPTY, order: EMPTY }),
  encode: (row) => encodeRecord([row.accounts, row.entries, row.sizeBytes]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'request totals')
    return {
      accounts: fields.uint('accounts'),
      entries: fields.uint('entries'),
      sizeBytes: fields.uint('size'),
    }
  },
}

const NONE: RequestTotals = { accounts: 0, entries: 0, sizeBytes: 0 }

/** Whether one more entry of so many bytes fits: of a request, or of who would become one. */
export function* requestRoom(contact: Contact | undefined, sizeBytes: number): Step<boolean> {
  const all = (yield* get(totals, 0)) ?? NONE
  if (all.entries >= REQUESTS_MAX || all.sizeBytes + sizeBytes > REQUESTS_MAX_BYTES) return false
  if (contact?.state === 'request') return contact.requestEntries < REQUESTS_PER_ACCOUNT_MAX
  return all.accounts < REQUESTS_MAX
}

/** Counts an account that became a request. */
export function* countRequester(turn: Turn): Step<void> {
  const all = (yield* get(totals, 0)) ?? NONE
  turn.put(totals, 0, { ...all, accounts: all.accounts + 1 })
}

/** Counts an entry that was taken into requests; the contact as it is to be written. */
export function* countRequest(turn: Turn, contact: Contact, sizeBytes: number): Step<Contact> {
  const all = (yield* get(totals, 0)) ?? NONE
  turn.put(totals, 0, {
    ...all,
    entries: all.entries + 1,
    sizeBytes: all.sizeBytes + sizeBytes,
  })
  return {
    ...contact,
    requestEntries: contact.requestEntries + 1,
    requestBytes: contact.requestBytes + sizeBytes,
  }
}

/** Gives back the room of a request that is none any more; the contact as it is to be written. */
export function* releaseRequest(turn: Turn, contact: Contact): Step<Contact> {
  if (contact.state !== 'request') return contact
  const all = (yield* get(totals, 0)) ?? NONE
  turn.put(totals, 0, {
    accounts: Math.max(0, all.accounts - 1),
    entries: Math.max(0, all.entries - contact.requestEntries),
    sizeBytes: Math.max(0, all.sizeBytes - contact.requestBytes),
  })
  return { ...contact, requestEntries: 0, requestBytes: 0, refusal: '' }
}
