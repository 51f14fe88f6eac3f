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
import { type OwnInvite, invites, judgeInvite } from './invite.ts'
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
  if (contact?.state === 'blocked') return { kind: 'blocked' }
  if (contact?.state === 'ready') {
    return { kind: 'accepted', contact: { ...contact, state: 'ready' } }
  }
  if (contact === undefined && (yield* allContacts()).length >= CONTACTS_MAX) {
    return { kind: 'busy' }
  }
  const intro = introOf(frames)
  const refusal = yield* inviteRefusal(turn, candidate, intro)
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

/** The invite that admits the candidate, why one does not, or undefined where none is named. */
function* inviteRefusal(
  turn: Turn,
  candidate: Candidate,
  intro: Intro | undefined,
): Step<OwnInvite | InviteRefusal | undefined> {
  if (intro?.invite === undefined) return undefined
  const invite = yield* get(invites, intro.invite.id)
  if (invite === undefined) return 'unknown'
  const proof = inviteProof(turn.crypto, invite.secret, candidate.transcript)
  if (!equalBytes(proof, intro.invite.proof)) return 'unknown'
  const nowS = Math.floor(turn.nowMs / 1000)
  const atS = Math.min(candidate.storedAtS ?? nowS, nowS)
  const verdict = judgeInvite(invite, candidate.account, atS)
  return verdict === 'accepted' ? invite : verdict
}
