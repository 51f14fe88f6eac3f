// Whom we know. A contact is an account key, nothing else: another key is a stranger, always.
import { type Bytes32, EMPTY, u64 } from '../../crypto/index.ts'
import { CONTACTS_MAX, LOCAL_NAME_MAX_BYTES, NAME_MAX_BYTES } from '../limits.ts'
import { encodeRecord, readRecord, text, textField } from '../record.ts'
import { type Step, type Table, type Turn, get, range } from '../step.ts'

/**
 * pending: added by link, nothing came back yet. ready: both sides know each other's endpoints.
 * request: wrote to us without a valid invite. blocked: silence. removed: kept so that the history
 * stays readable; writes to us like a stranger.
 */
export type ContactState = 'pending' | 'ready' | 'request' | 'blocked' | 'removed'

/** Why an invite does not make a contact. */
export type InviteRefusal = 'unknown' | 'revoked' | 'expired' | 'used'

const REFUSALS: readonly ('' | InviteRefusal)[] = ['', 'unknown', 'revoked', 'expired', 'used']

const STATES: readonly ContactState[] = ['pending', 'ready', 'request', 'blocked', 'removed']

export interface Contact {
  /** Local number, 1, 2, ..: what the list is ordered by, so that no key names anybody. */
  readonly number: number
  readonly account: Bytes32
  readonly state: ContactState
  /** The name under which its user lists it; unique among contacts. */
  readonly name: string
  /** false: a stand-in from its address, until it tells its own name. */
  readonly named: boolean
  /** The name the peer gave itself in its intro; "" before one came. */
  readonly theirName: string
  readonly verified: boolean
  readonly addedAtMs: number
  /** Messages in requests, before acceptance. */
  readonly requestEntries: number
  /** Their bytes. */
  readonly requestBytes: number
  /** Why the invite that a request named did not admit it; "" where it named none. */
  readonly refusal: '' | InviteRefusal
  /** Was a contact before it was blocked. */
  readonly wasAccepted: boolean
}

const contactRows: Table<number, Contact> = {
  name: 'contacts',
  sealing: 'value',
  rows: 'few',
  place: (number) => ({ owner: EMPTY, order: u64(number) }),
  encode: (contact) =>
    encodeRecord([
      contact.number,
      contact.account,
      STATES.indexOf(contact.state),
      text(contact.name),
      contact.named ? 1 : 0,
      text(contact.theirName),
      contact.verified ? 1 : 0,
      contact.addedAtMs,
      contact.requestEntries,
      contact.requestBytes,
      REFUSALS.indexOf(contact.refusal),
      contact.wasAccepted ? 1 : 0,
    ]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'contact')
    return {
      number: fields.uint('number'),
      account: fields.bytes('account', 32),
      state: STATES[fields.uint('state', STATES.length - 1)] ?? 'removed',
      name: textField(fields, 'name', LOCAL_NAME_MAX_BYTES),
      named: fields.flag('named'),
      theirName: textField(fields, 'theirName', NAME_MAX_BYTES),
      verified: fields.flag('verified'),
      addedAtMs: fields.uint('addedAt'),
      requestEntries: fields.uint('requestEntries'),
      requestBytes: fields.uint('requestBytes'),
      refusal: REFUSALS[fields.uint('refusal', REFUSALS.length - 1)] ?? '',
      wasAccepted: fields.flag('wasAccepted'),
    }
  },
}

/** AK -> number. */
const numbers: Table<Bytes32, number> = {
  name: 'contact-numbers',
  sealing: 'value',
  place: (account) => ({ owner: account, order: EMPTY }),
  encode: (number) => encodeRecord([number]),
  decode: (bytes) => readRecord(bytes, 'contact number').uint('number'),
}

/** The contact of an account, if it was ever one. */
export function* contactOf(account: Bytes32): Step<Contact | undefined> {
  const number = yield* get(numbers, account)
  return number === undefined ? undefined : yield* get(contactRows, number)
}

/** Writes a contact. Where its state or name is new to its user, say so with a change row. */
export function putContact(turn: Turn, contact: Contact): void {
  turn.put(contactRows, contact.number, contact)
  turn.change({ kind: 'contact', account: contact.account, state: contact.state })
}

/** Makes a contact of an account that is none yet. */
export function* newContact(
  turn: Turn,
  fields: Pick<Contact, 'account' | 'state' | 'name' | 'named' | 'theirName'>,
): Step<Contact> {
  const [newest] = yield* range(contactRows, { owner: EMPTY, limit: 1, reverse: true })
  const contact: Contact = {
    ...fields,
    number: (newest?.value.number ?? 0) + 1,
    verified: false,
    addedAtMs: turn.nowMs,
    requestEntries: 0,
    requestBytes: 0,
    refusal: '',
    wasAccepted: fields.state === 'pending' || fields.state === 'ready',
  }
  turn.put(numbers, contact.account, contact.number)
  putContact(turn, contact)
  return contact
}

/** All contacts, oldest first. */
export function* allContacts(): Step<readonly Contact[]> {
  const rows = yield* range(contactRows, { owner: EMPTY, limit: CONTACTS_MAX })
  return rows.map((row) => row.value)
}

export type AcceptedContact = Contact & { readonly state: 'pending' | 'ready' }

/** A contact whose messages are taken, receipted and answered (SPEC.md §3: accepted peer). */
export function isAccepted(contact: Contact | undefined): contact is AcceptedContact {
  return contact?.state === 'pending' || contact?.state === 'ready'
}
