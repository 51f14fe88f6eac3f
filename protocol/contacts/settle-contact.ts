// The contact behind a message: made where an invite admits it, a request where none does
// (SPEC.md §3.4).
import { type Bytes32, toHex } from '../../crypto/index.ts'
import type { Intro } from '../content/intro.ts'
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
import { claimInvite } from './invite.ts'
import { uniqueName } from './names.ts'
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
  const named = { ...contact, theirName: intro?.name ?? contact.theirName }
  const judged = refusal === undefined ? named : { ...named, refusal }
  const changed = judged.theirName !== contact.theirName || judged.refusal !== contact.refusal
  if (changed) putContact(turn, judged)
  return judged
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
    const name = uniqueName(theirName, yield* allContacts())
    made = yield* newContact(turn, { account, state: 'ready', name, theirName })
  } else {
    const released = yield* releaseRequest(turn, before)
    made = { ...released, state: 'ready', wasAccepted: true, theirName }
    putContact(turn, made)
  }
  yield* sendEndpoints(turn, device)
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
      name: uniqueName(theirName, yield* allContacts()),
      theirName,
    }))
  const request: Contact = { ...made, state: 'request', theirName, refusal: refusal ?? '' }
  putContact(turn, request)
  return request
}

function tellUsed(turn: Turn, account: Bytes32): void {
  turn.change({
    kind: 'warning',
    code: 'INVITE_USED_AGAIN',
    text: `Somebody else (${toHex(account).slice(0, 16)}) answered an invite that was used before: it waits in requests.`,
  })
}
