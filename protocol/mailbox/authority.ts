// Who may deposit and take (SPEC.md §14.2, B3). An unknown mailbox, a bad MAC, an expired and a
// revoked capability get one answer, after the same work: which of them it was is nobody's business.
import { type Bytes8, type Bytes16, type Bytes32, equalBytes } from '../../crypto/index.ts'
import { LANE_GROUP, deriveCapKey } from '../relay/capability.ts'
import type { DepositAuth } from '../relay/deposit-auth.ts'
import { type RelayFailure, failed } from '../relay/failure.ts'
import type { MailboxType } from '../relay/ops-session.ts'
import { verifyWork } from '../relay/proof-of-work.ts'
import { type Step, get } from '../step.ts'
import type { InviteRecord, MailboxRecord } from './records.ts'
import { invites, mailboxes } from './tables.ts'
import type { MailboxTurn } from './turn.ts'

/** A request to be judged. */
export interface Claimed {
  readonly mailboxId: Bytes16
  readonly lane: number
  readonly auth: DepositAuth
  /** What the proof of work is about. */
  readonly subject: Bytes32
  /** The MAC that the holder of capKey would send. */
  readonly mac: (capKey: Bytes32, claim?: Bytes16) => Bytes32
}

export interface Authorized {
  readonly kind: 'authorized'
  readonly record: MailboxRecord
  readonly capId: Bytes8 | undefined
  readonly share: Bytes8 | undefined
  /** The invite it came by, and whether its claim is a new one. */
  readonly invite?: {
    readonly record: InviteRecord
    readonly capId: Bytes8
    readonly claim: Bytes16
    readonly isNew: boolean
  }
}

function isRevoked(record: MailboxRecord | undefined, capId: Bytes8): boolean {
  const list = record?.revoked ?? new Uint8Array(0)
  let found = false
  for (let at = 0; at < list.length; at += 8) {
    if (equalBytes(list.subarray(at, at + 8), capId)) found = true
  }
  return found
}

/** A mailbox that takes deposits in a lane: there, of the lane's type, and not being emptied. */
function takesDeposits(record: MailboxRecord | undefined, lane: number): record is MailboxRecord {
  return record !== undefined && record.type === typeOfLane(lane) && !record.closing
}

/** Lane 3 is a group's, all others are a device's. */
function typeOfLane(lane: number): MailboxType {
  return lane === LANE_GROUP ? 2 : 1
}

const NO: RelayFailure = failed('auth', { scope: 'capability' })

export function* authorize(turn: MailboxTurn, claimed: Claimed): Step<Authorized | RelayFailure> {
  const { auth } = claimed
  const record = yield* get(mailboxes, claimed.mailboxId)
  switch (auth.kind) {
    case 'capability':
      return byCapability(turn, claimed, auth, record)
    case 'work':
      return byWork(turn, claimed, auth, record)
    case 'invite':
      return yield* byInvite(turn, claimed, auth, record)
  }
}

function byCapability(
  turn: MailboxTurn,
  claimed: Claimed,
  auth: DepositAuth & { readonly kind: 'capability' },
  record: MailboxRecord | undefined,
): Authorized | RelayFailure {
  const { capId, expiresS } = auth
  const capKey = deriveCapKey(turn.crypto, turn.serviceKey, record?.secret ?? turn.dummySecret, {
    lane: claimed.lane,
    expiresS,
    capId,
  })
  const holds = equalBytes(claimed.mac(capKey), auth.mac)
  const revoked = isRevoked(record, capId)
  if (!holds || revoked || expiresS <= turn.nowS || claimed.lane === 1) return NO
  if (!takesDeposits(record, claimed.lane)) return NO
  return { kind: 'authorized', record, capId, share: capId }
}

function byWork(
  turn: MailboxTurn,
  claimed: Claimed,
  auth: DepositAuth & { readonly kind: 'work' },
  record: MailboxRecord | undefined,
): Authorized | RelayFailure {
  const scope = 'lane' as const
  if (claimed.lane !== 1) return NO
  if (!turn.limits.strangers) return failed('refused', { scope })
  const hourNow = Math.floor(turn.nowS / 3600)
  const { mailboxId, subject } = claimed
  const puzzle = { serviceKey: turn.serviceKey, mailboxId, subject, hour: auth.hour }
  const solved = verifyWork(turn.crypto, puzzle, auth.nonce, turn.depositBits)
  if (!solved || Math.abs(auth.hour - hourNow) > 1) {
    return failed('pow', { scope, detail: turn.depositBits })
  }
  if (!takesDeposits(record, claimed.lane)) return NO
  return { kind: 'authorized', record, capId: undefined, share: undefined }
}

function* byInvite(
  turn: MailboxTurn,
  claimed: Claimed,
  auth: DepositAuth & { readonly kind: 'invite' },
  record: MailboxRecord | undefined,
): Step<Authorized | RelayFailure> {
  const { capId, claim } = auth
  const invite = yield* get(invites, { mailboxId: claimed.mailboxId, capId })
  const holds = equalBytes(claimed.mac(invite?.capKey ?? turn.dummySecret, claim), auth.mac)
  const revoked = isRevoked(record, capId)
  if (!holds || revoked || claimed.lane !== 0 || invite === undefined) return NO
  if (invite.expiresS <= turn.nowS || !takesDeposits(record, claimed.lane)) return NO
  const isNew = !invite.claims.some((known) => equalBytes(known, claim))
  if (isNew && invite.claims.length >= invite.uses) {
    return failed('used', { scope: 'capability' })
  }
  return {
    kind: 'authorized',
    record,
    capId,
    share: claim.slice(0, 8),
    invite: { record: invite, capId, claim, isNew },
  }
}
