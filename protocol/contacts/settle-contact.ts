// The contact behind a message: made where an invite admits it, a request where none does
// (SPEC.md §3.4).
import { type Bytes32, toHex } from '../../crypto/index.ts'
import { endpointsFrame } from '../content/endpoints.ts'
import type { Intro } from '../content/intro.ts'
import { isControlOpen } from '../delivery/control.ts'
import { addressTo } from '../delivery/unaddressed.ts'
import { directConversation } from '../log/entry.ts'
import { knownDevices } from '../peers/known-devices.ts'
import { sendEndpoints } from '../peers/own-endpoints.ts'
import type { Step, Turn } from '../step.ts'
import type { Admission } from './admission.ts'
import {
  type Contact,
  type InviteRefusal,
  allContacts,
  contactOf,
  newContact,
  putContact,
} from './contact.ts'
import { closeFirstContact } from './first-contact.ts'
import { introduce } from './introduce.ts'
import { claimInvite } from './invite.ts'
import { foldName, standIn, uniqueName } from './names.ts'
import { countRequester, releaseRequest } from './requests.ts'

interface Sender {
  readonly account: Bytes32
  readonly device: Bytes32
  /** The verdict on a new session's peer; undefined on one that was known. */
  readonly admission: Admission | undefined
  readonly intro: Intro | undefined
}

export function* settleContact(turn: Turn, sender: Sender): Step<Contact> {
  const { account, admission, intro } = sender
  if (admission?.kind === 'invited') return yield* welcome(turn, sender, admission)
  const contact = yield* contactOf(account)
  const refusal = admission?.kind === 'request' ? admission.refusal : undefined
  if (refusal === 'used' && contact?.refusal !== 'used') tellUsed(turn, account)
  if (contact === undefined || contact.state === 'removed') {
    return yield* becomeRequest(turn, sender, contact, refusal)
  }
  // Each added the other by link: neither may wait for the other's endpoints.
  const met = contact.state === 'pending' && intro !== undefined
  const changed: Contact = {
    ...contact,
    ...(intro === undefined ? {} : yield* namesOf(contact, intro.name)),
    ...(refusal === undefined ? {} : { refusal }),
    ...(met ? { state: 'ready' } : {}),
  }
  if (met || changed.theirName !== contact.theirName || changed.refusal !== contact.refusal) {
    putContact(turn, changed)
  }
  if (met) yield* meet(turn, changed, sender.device)
  // Who answers a link of ours waits for our endpoints, whatever it is to us: it may have removed us.
  else if (contact.state === 'ready' && intro?.invite !== undefined) {
    yield* tellEndpoints(turn, sender.device)
  }
  return changed
}

function* tellEndpoints(turn: Turn, device: Bytes32): Step<void> {
  const isTold = yield* isControlOpen(device, ({ kind }) => kind === endpointsFrame.kind)
  if (!isTold) yield* sendEndpoints(turn, device)
}

/** A stand-in gives way to the name it tells; one that its user chose stays. */
function* namesOf(
  contact: Contact,
  theirName: string,
): Step<Pick<Contact, 'name' | 'named' | 'theirName'>> {
  const { name, named } = contact
  if (named || foldName(theirName) === '') return { name, named, theirName }
  return { name: uniqueName(theirName, yield* allContacts(), contact), named: true, theirName }
}

/** What somebody new is called: as they say, or by a stand-in until they do. */
function* firstName(
  turn: Turn,
  account: Bytes32,
  theirName: string,
): Step<Pick<Contact, 'name' | 'named' | 'theirName'>> {
  const named = foldName(theirName) !== ''
  const wanted = named ? theirName : standIn(turn.crypto, account)
  return { name: uniqueName(wanted, yield* allContacts()), named, theirName }
}

/** What is owed to a device that made itself known: where we are, and what waited for a first one. */
function* meet(turn: Turn, contact: Contact, device: Bytes32): Step<void> {
  // Its own message is worth more than its link, which need not be answered any more.
  closeFirstContact(turn, contact.number)
  yield* sendEndpoints(turn, device)
  const conversation = directConversation(turn.crypto, turn.self.account, contact.account)
  const devices = yield* knownDevices(contact.account)
  yield* addressTo(
    turn,
    conversation,
    devices.map((one) => one.device),
  )
}

/** An invite of ours admits the sender: a contact that knows us, and is told where we are. */
function* welcome(
  turn: Turn,
  { account, device }: Sender,
  { invite, intro }: Extract<Admission, { kind: 'invited' }>,
): Step<Contact> {
  claimInvite(turn, invite, account)
  const before = yield* contactOf(account)
  const theirName = intro.name
  let made: Contact
  if (before === undefined) {
    const names = yield* firstName(turn, account, theirName)
    made = yield* newContact(turn, { account, state: 'ready', ...names })
  } else {
    const released = yield* releaseRequest(turn, before)
    const names = yield* namesOf(before, theirName)
    made = { ...released, ...names, state: 'ready', wasAccepted: true }
    putContact(turn, made)
  }
  yield* meet(turn, made, device)
  yield* introduce(turn, device)
  return made
}

function* becomeRequest(
  turn: Turn,
  { account, intro }: Sender,
  before: Contact | undefined,
  refusal: InviteRefusal | undefined,
): Step<Contact> {
  yield* countRequester(turn)
  const theirName = intro?.name ?? before?.theirName ?? ''
  const made =
    before ??
    (yield* newContact(turn, {
      account,
      state: 'request',
      ...(yield* firstName(turn, account, theirName)),
    }))
  const request: Contact = { ...made, state: 'request', theirName, refusal: refusal ?? '' }
  putContact(turn, request)
  return request
}

function tellUsed(turn: Turn, account: Bytes32): void {
  turn.change({
    kind: 'warning',
    code: 'INVITE_USED_AGAIN',
    account,
    text: `Somebody else (${toHex(account).slice(0, 16)}) answered an invite that was used before: it waits in requests.`,
  })
}
