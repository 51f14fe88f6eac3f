// Adding somebody by link: the contact stands at once, the bundle is fetched when it can be, and
// the first message goes out by itself (SPEC.md §3).
import {
  type Bytes16,
  type Bytes32,
  EMPTY,
  type InviteLink,
  equalBytes,
  inviteId,
  parseInviteLink,
  u64,
} from '../../crypto/index.ts'
import { ProtocolError } from '../errors.ts'
import { CONTACTS_MAX } from '../limits.ts'
import { knownDevices } from '../peers/known-devices.ts'
import { peers } from '../peers/peer.ts'
import { encodeRecord, readRecord, text, textField } from '../record.ts'
import { type Step, type Table, type Turn, get, range } from '../step.ts'
import { type Contact, allContacts, contactOf, newContact, putContact } from './contact.ts'
import { standIn, uniqueName } from './names.ts'
import { releaseRequest } from './requests.ts'
import { takeUp } from './take-up.ts'

/** A link whose first message is not out yet. */
export interface FirstContact {
  readonly account: Bytes32
  readonly contactNumber: number
  readonly link: string
  /** 16 random bytes that tell our deposits from another holder's of the same link. */
  readonly claim: Bytes16
  /** Why it cannot go on; "" while it can. */
  readonly failed: string
}

const firstContacts: Table<number, FirstContact> = {
  name: 'first-contacts',
  sealing: 'value',
  place: (contactNumber) => ({ owner: EMPTY, order: u64(contactNumber) }),
  encode: (row) =>
    encodeRecord([row.account, row.contactNumber, text(row.link), row.claim, text(row.failed)]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'first contact')
    return {
      account: fields.bytes('account', 32),
      contactNumber: fields.uint('number'),
      link: textField(fields, 'link', 256),
      claim: fields.bytes('claim', 16),
      failed: textField(fields, 'failed', 64),
    }
  },
}

/** Every link that still waits to be answered; that of a contact that is blocked waits apart. */
export function* openFirstContacts(): Step<readonly FirstContact[]> {
  const open: FirstContact[] = []
  for (const { value } of yield* range(firstContacts, { owner: EMPTY, limit: CONTACTS_MAX })) {
    if (yield* mayAnswer(value)) open.push(value)
  }
  return open
}

function* mayAnswer({ account, failed }: FirstContact): Step<boolean> {
  return failed === '' && (yield* contactOf(account))?.state !== 'blocked'
}

/** The link of a contact that is to be answered now. */
export function* openFirstContact(contactNumber: number): Step<FirstContact | undefined> {
  const row = yield* firstContactOf(contactNumber)
  return row !== undefined && (yield* mayAnswer(row)) ? row : undefined
}

/** Has the link of a contact answered that waited while the contact was blocked. */
export function* takeUpLink(turn: Turn, contactNumber: number): Step<void> {
  if ((yield* openFirstContact(contactNumber)) === undefined) return
  turn.effect({ kind: 'first-contact', number: contactNumber })
}

/** The link of a contact whose first message is not out yet. */
export function* firstContactOf(contactNumber: number): Step<FirstContact | undefined> {
  return yield* get(firstContacts, contactNumber)
}

export function closeFirstContact(turn: Turn, contactNumber: number): void {
  turn.remove(firstContacts, contactNumber)
}

/**
 * Notes that a link will not work, and why: its user is told, the contact stays pending. One that is
 * there already lost nothing by it.
 */
export function* failFirstContact(turn: Turn, contactNumber: number, why: string): Step<void> {
  const row = yield* get(firstContacts, contactNumber)
  if (row === undefined) return
  if ((yield* contactOf(row.account))?.state === 'ready') {
    return closeFirstContact(turn, contactNumber)
  }
  turn.put(firstContacts, contactNumber, { ...row, failed: why })
  turn.change({ kind: 'contact', account: row.account, state: 'pending' })
  const contact = yield* contactOf(row.account)
  if (contact !== undefined) putContact(turn, contact)
}

/** Whether a link leads to a device of a contact that is known: it says nothing new. */
function* isKnownPlace({ account, where }: InviteLink): Step<boolean> {
  for (const { device } of yield* knownDevices(account)) {
    const endpoints = (yield* get(peers, device))?.endpoints
    const { home, mailboxes = [] } = endpoints ?? {}
    if (where.kind === 'direct') {
      if (home !== undefined && equalBytes(home.transportKey, where.transportKey)) return true
    } else if (mailboxes.some(({ mailboxId }) => equalBytes(mailboxId, where.mailboxId))) {
      return true
    }
  }
  return false
}

function startFirstContact(turn: Turn, { account, number }: Contact, link: string): void {
  const claim = turn.random(16)
  turn.put(firstContacts, number, { account, contactNumber: number, link, claim, failed: '' })
  turn.effect({ kind: 'first-contact', number })
}

/**
 * Adds the maker of a link as a contact. Adding the same account again only renews the link; a contact
 * that is there stays as it is, and is met where the link leads if that is not known: its account was
 * restored, or took other relays.
 * Throws InviteLinkError for a bad link, ERR_PROTOCOL_INVITE for one's own or an expired one.
 */
export function* addByLink(turn: Turn, linkText: string, name?: string): Step<Contact> {
  const link: InviteLink = parseInviteLink(turn.crypto, linkText)
  if (equalBytes(link.account, turn.self.account)) {
    throw new ProtocolError('ERR_PROTOCOL_INVITE', 'this is an invite of your own', {
      detail: { reason: 'own' },
    })
  }
  if (link.group) {
    throw new ProtocolError('ERR_PROTOCOL_INVITE', 'this link joins a group', {
      detail: { reason: 'group' },
    })
  }
  const before = yield* contactOf(link.account)
  const isOver = Math.floor(turn.nowMs / 1000) > link.expiresAtS
  if (before?.state === 'ready') {
    if (!isOver && !(yield* isKnownPlace(link))) startFirstContact(turn, before, linkText)
    return before
  }
  if (isOver) {
    throw new ProtocolError('ERR_PROTOCOL_INVITE', 'this invite has expired', {
      detail: { reason: 'expired', expiresAtS: link.expiresAtS },
    })
  }
  const others = yield* allContacts()
  if (before === undefined && others.length >= CONTACTS_MAX) {
    throw new ProtocolError('ERR_PROTOCOL_LIMIT', 'too many contacts', {
      detail: { reason: 'contacts', max: CONTACTS_MAX },
    })
  }
  const contact =
    before === undefined
      ? yield* newContact(turn, {
          account: link.account,
          state: 'pending',
          name: uniqueName(name ?? standIn(turn.crypto, link.account), others),
          named: name !== undefined,
          theirName: '',
        })
      : {
          ...(yield* releaseRequest(turn, before)),
          state: 'pending' as const,
          wasAccepted: true,
          name: uniqueName(name ?? before.name, others, before),
          named: before.named || name !== undefined,
        }
  if (before !== undefined) {
    putContact(turn, contact)
    yield* takeUp(turn, link.account)
  }
  startFirstContact(turn, contact, linkText)
  return contact
}

/** What answers an invite: its id, from the secret that never travels. */
export function inviteIdOf(turn: Pick<Turn, 'crypto'>, link: InviteLink): Bytes16 {
  return inviteId(turn.crypto, link.secret)
}
