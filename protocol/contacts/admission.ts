// Who may write to us, and what becomes of a stranger: decided after decryption, before anything is
// kept (SPEC.md §3).
import { type Bytes32, equalBytes, inviteProof } from '../../crypto/index.ts'
import { type Intro, introFrame } from '../content/intro.ts'
import { readFrame } from '../content/kind.ts'
import type { Frame } from '../frames.ts'
import { CONTACTS_MAX } from '../limits.ts'
import { type Step, type Turn, get } from '../step.ts'
import {
  type AcceptedContact,
  type Contact,
  type InviteRefusal,
  allContacts,
  contactOf,
  isAccepted,
} from './contact.ts'
import { isCoMember } from '../groups/co-members.ts'
import { isWelcome } from '../groups/welcomed.ts'
import { type InvitedGroup, type OwnInvite, invites, judgeInvite } from './invite.ts'
import { requestRoom } from './requests.ts'

/** Somebody whose first message was decrypted. */
export interface Candidate {
  readonly account: Bytes32
  readonly device: Bytes32
  readonly frames: readonly Frame[]
  readonly transcript: Bytes32
  /** When a relay stored it, Unix s; undefined on a direct stream. */
  readonly storedAtS: number | undefined
}

export type Admission =
  | { readonly kind: 'accepted'; readonly contact: AcceptedContact }
  | { readonly kind: 'invited'; readonly invite: OwnInvite; readonly intro: Intro }
  /** Asks to join a group by a link of ours, or is of a group of ours: heard for group frames. */
  | { readonly kind: 'member' }
  /** Waits in requests until its user accepts. */
  | {
      readonly kind: 'request'
      readonly contact: Contact | undefined
      readonly intro: Intro | undefined
      readonly refusal: InviteRefusal | undefined
    }
  | { readonly kind: 'busy' }
  | { readonly kind: 'blocked' }

export function introOf(frames: readonly Frame[]): Intro | undefined {
  for (const frame of frames) {
    const intro = readFrame(introFrame, frame)
    if (intro !== undefined) return intro
  }
  return undefined
}

export function* admit(turn: Turn, candidate: Candidate): Step<Admission> {
  const { account, frames } = candidate
  const contact = yield* contactOf(account)
  if (contact?.state === 'ready') {
    return { kind: 'accepted', contact: { ...contact, state: 'ready' } }
  }
  const intro = introOf(frames)
  const groupLink = yield* groupInviteNamed(turn, intro, candidate.transcript)
  const member = groupLink !== undefined || (yield* isCoMember(turn, account))
  const heard = member || (yield* isWelcome(turn, frames))
  // Silence towards somebody who is blocked ends where a group is that both are in.
  if (contact?.state === 'blocked') return { kind: heard ? 'member' : 'blocked' }
  const isFull = contact === undefined && (yield* allContacts()).length >= CONTACTS_MAX
  const refusal = isFull ? undefined : yield* inviteRefusal(turn, candidate, intro)
  // Who is known from a group becomes a contact by a link, as anybody does.
  const invited = refusal !== undefined && typeof refusal !== 'string'
  if (heard && !isAccepted(contact) && !invited) return { kind: 'member' }
  if (isFull) return { kind: 'busy' }
  if (refusal !== undefined && typeof refusal !== 'string') {
    if (intro !== undefined) return { kind: 'invited', invite: refusal, intro }
  }
  // Whom we added ourselves needs no invite of ours.
  if (isAccepted(contact)) return { kind: 'accepted', contact }
  if (!(yield* requestRoom(contact, 0))) return { kind: 'busy' }
  return {
    kind: 'request',
    contact,
    intro,
    refusal: typeof refusal === 'string' ? refusal : undefined,
  }
}

/** What an intro admits on a session that is known: of a co-member who answers a link of ours. */
export function* admitMember(
  turn: Turn,
  candidate: Candidate,
): Step<Extract<Admission, { kind: 'invited' }> | undefined> {
  if (introOf(candidate.frames)?.invite === undefined) return undefined
  const admission = yield* admit(turn, candidate)
  return admission.kind === 'invited' ? admission : undefined
}

/** The invite of ours that an intro proves to hold, whatever it is worth by now. */
function* inviteNamed(
  turn: Turn,
  intro: Intro | undefined,
  transcript: Bytes32,
): Step<OwnInvite | undefined> {
  if (intro?.invite === undefined) return undefined
  const invite = yield* get(invites, intro.invite.id)
  if (invite === undefined) return undefined
  const proof = inviteProof(turn.crypto, invite.secret, transcript)
  return equalBytes(proof, intro.invite.proof) ? invite : undefined
}

/** The same, where it is a link to a group. */
export function* groupInviteNamed(
  turn: Turn,
  intro: Intro | undefined,
  transcript: Bytes32,
): Step<(OwnInvite & { readonly group: InvitedGroup }) | undefined> {
  const invite = yield* inviteNamed(turn, intro, transcript)
  return invite?.group === undefined ? undefined : { ...invite, group: invite.group }
}

/** The invite that admits the candidate, why one does not, or undefined where none is named. */
function* inviteRefusal(
  turn: Turn,
  candidate: Candidate,
  intro: Intro | undefined,
): Step<OwnInvite | InviteRefusal | undefined> {
  if (intro?.invite === undefined) return undefined
  const invite = yield* inviteNamed(turn, intro, candidate.transcript)
  if (invite === undefined || invite.group !== undefined) return 'unknown'
  const nowS = Math.floor(turn.nowMs / 1000)
  const atS = Math.min(candidate.storedAtS ?? nowS, nowS)
  const verdict = judgeInvite(invite, candidate.account, atS)
  return verdict === 'accepted' ? invite : verdict
}
