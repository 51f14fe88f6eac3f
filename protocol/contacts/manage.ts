// What a user does with contacts: accept or reject a request, rename, verify, block, remove.
import { type Bytes32 } from '../../crypto/index.ts'
import { stopCarriage } from '../delivery/stop-carriage.ts'
import { ProtocolError } from '../errors.ts'
import { knownDevices } from '../peers/known-devices.ts'
import { sendEndpoints } from '../peers/own-endpoints.ts'
import { peers } from '../peers/peer.ts'
import { type Step, type Turn, get } from '../step.ts'
import { type Contact, allContacts, contactOf, isAccepted, putContact } from './contact.ts'
import { closeFirstContact, takeUpLink } from './first-contact.ts'
import { foldName, uniqueName } from './names.ts'
import { releaseRequest } from './requests.ts'
import { takeUp } from './take-up.ts'

function* known(account: Bytes32): Step<Contact> {
  const contact = yield* contactOf(account)
  if (contact === undefined) throw new ProtocolError('ERR_PROTOCOL_UNKNOWN', 'no such contact')
  return contact
}

/** Accepts somebody who wrote without an invite: a chat from now on, with receipts. */
export function* acceptRequest(turn: Turn, account: Bytes32, name?: string): Step<Contact> {
  const contact = yield* known(account)
  if (contact.state !== 'request') return contact
  const wanted = name ?? contact.name
  const accepted: Contact = {
    ...(yield* releaseRequest(turn, contact)),
    state: 'ready',
    wasAccepted: true,
    name: uniqueName(wanted, yield* allContacts(), contact),
  }
  putContact(turn, accepted)
  yield* takeUp(turn, account, sendEndpoints)
  return accepted
}

/** Gives a contact another name. Throws ERR_PROTOCOL_FORBIDDEN where another one has it. */
export function* renameContact(turn: Turn, account: Bytes32, name: string): Step<Contact> {
  const contact = yield* known(account)
  const others = (yield* allContacts()).filter((one) => one.number !== contact.number)
  if (others.some((one) => foldName(one.name) === foldName(name))) {
    throw new ProtocolError('ERR_PROTOCOL_FORBIDDEN', 'another contact has this name')
  }
  const renamed = { ...contact, name: uniqueName(name, others, contact), named: true }
  putContact(turn, renamed)
  return renamed
}

/** Notes that safety numbers were compared, or takes the mark back. */
export function* markVerified(turn: Turn, account: Bytes32, verified: boolean): Step<Contact> {
  const contact = { ...(yield* known(account)), verified }
  putContact(turn, contact)
  return contact
}

/**
 * Silence: nothing more is taken from, or sent to, this account. Unblocking brings back a contact
 * that was one before, and makes a stranger of whoever was none. The contact is told where we are, so that
 * its receipt names what it wrote meanwhile, and we ask for it.
 */
export function* blockContact(turn: Turn, account: Bytes32, blocked: boolean): Step<Contact> {
  const contact = yield* known(account)
  if (blocked === (contact.state === 'blocked')) return contact
  const met = (yield* wasHeard(account)) ? 'ready' : 'pending'
  const free = contact.wasAccepted ? met : 'removed'
  const changed: Contact = {
    ...(yield* releaseRequest(turn, contact)),
    state: blocked ? 'blocked' : free,
  }
  putContact(turn, changed)
  if (blocked) yield* endCarriage(turn, changed, 'blocked')
  else if (isAccepted(changed)) {
    yield* takeUp(turn, account, sendEndpoints)
    yield* takeUpLink(turn, changed.number)
  }
  return changed
}

function* wasHeard(account: Bytes32): Step<boolean> {
  for (const { device } of yield* knownDevices(account)) {
    if ((yield* get(peers, device))?.heard === true) return true
  }
  return false
}

/** Takes a contact off the list; the history stays, and a later message makes a request of it. */
export function* removeContact(turn: Turn, account: Bytes32): Step<Contact> {
  const before = yield* known(account)
  const contact: Contact = {
    ...(yield* releaseRequest(turn, before)),
    state: 'removed',
    wasAccepted: false,
  }
  putContact(turn, contact)
  closeFirstContact(turn, contact.number)
  yield* endCarriage(turn, contact, 'contact-removed')
  return contact
}

function* endCarriage(turn: Turn, contact: Contact, reason: string): Step<void> {
  for (const { device } of yield* knownDevices(contact.account)) {
    yield* stopCarriage(turn, device, reason)
  }
}
