// What the owner of a mailbox may do with it as a whole: open, prove, close, revoke
// (SPEC.md §14.4). The signatures bind one stream; the stream checks nothing else afterwards.
import { type Bytes16, concat, equalBytes, u16 } from '../../crypto/index.ts'
import { type RelayFailure, failed } from '../relay/failure.ts'
import { startChain } from '../relay/group-chain.ts'
import { mailboxIdOf } from '../relay/mailbox-keys.ts'
import type { AuthGranted, AuthProof, OpenReply, OpenRequest } from '../relay/ops-session.ts'
import { type StreamBinding, verifyAuth, verifyOpen } from '../relay/owner-proof.ts'
import { verifyWork } from '../relay/proof-of-work.ts'
import { type Step, get } from '../step.ts'
import { leaseEndS, putLeased } from './lease.ts'
import { CLOSING_RETRY_MS, LEASE_AWAY_DAYS_MAX, QUOTA_RETRY_MS } from './limits.ts'
import type { MailboxRecord, RingState } from './records.ts'
import { charges, leases, mailboxes } from './tables.ts'
import { useTicket } from './tickets.ts'
import { type MailboxTurn, shownIncarnation } from './turn.ts'

const DAY_S = 86_400
const NO: RelayFailure = failed('auth', { scope: 'mailbox' })

/** Proves one mailbox and renews its lease. `unknown` only where the signature holds. */
export function* proveMailbox(
  turn: MailboxTurn,
  stream: StreamBinding,
  proof: AuthProof,
): Step<AuthGranted | RelayFailure> {
  const { type, ownerKey, bind } = proof
  const mailboxId = mailboxIdOf(turn.crypto, type, ownerKey, type === 2 ? bind : undefined)
  if (!verifyAuth(turn.crypto, proof, stream, { type, mailboxId })) return NO
  const record = yield* get(mailboxes, mailboxId)
  if (record === undefined || record.closing) return failed('unknown', { scope: 'mailbox' })
  const leaseUntilS = leaseEndS(turn, record.awayDays)
  // Once a day is enough: a lease that is hours short ends nobody's mailbox.
  if (leaseUntilS >= record.leaseUntilS + DAY_S) {
    putLeased(turn, mailboxId, { ...record, leaseUntilS })
  }
  return {
    kind: 'granted',
    mailboxId,
    incarnation: shownIncarnation(turn, record),
    leaseUntilS: Math.max(leaseUntilS, record.leaseUntilS),
  }
}

/** Opens or re-opens a mailbox; a good one is a proof on this stream as well. */
export function* openMailbox(
  turn: MailboxTurn,
  stream: StreamBinding,
  request: OpenRequest,
  isTicket: (ticket: Uint8Array) => boolean,
): Step<OpenReply | RelayFailure> {
  const { type, ownerKey, gen } = request
  const secret = request.secret
  if ((type === 3) !== (secret === undefined)) return failed('refused', { scope: 'mailbox' })
  if (type !== 1 && gen !== 0) return failed('refused', { scope: 'mailbox' })
  const bind = type === 2 && secret !== undefined ? turn.crypto.sha256(secret) : undefined
  const mailboxId = mailboxIdOf(turn.crypto, type, ownerKey, bind)
  if (!verifyOpen(turn.crypto, request, stream, { type, mailboxId, secret, gen })) return NO
  const held = yield* get(mailboxes, mailboxId)
  if (held?.closing === true) {
    return failed('busy', { scope: 'mailbox', retryAfterMs: CLOSING_RETRY_MS })
  }
  if (held !== undefined && !mayReplace(held, request)) {
    return failed('conflict', { scope: 'mailbox' })
  }
  let account = held?.ring?.account
  if (held === undefined) {
    const right = yield* mayCreate(turn, request, mailboxId, isTicket)
    if (right.kind === 'failed') return right
    account = right.account
  }
  const record = opened(turn, request, { held, mailboxId, account })
  putLeased(turn, mailboxId, record)
  return {
    mailboxId,
    incarnation: shownIncarnation(turn, record),
    leaseUntilS: record.leaseUntilS,
    ttlS: record.ttlS,
  }
}

/** What entitles to a new mailbox, and who is charged with it. */
interface MayCreate {
  readonly kind: 'granted'
  readonly account: Bytes16 | undefined
}

const FREE: MayCreate = { kind: 'granted', account: undefined }

function* mayCreate(
  turn: MailboxTurn,
  request: OpenRequest,
  mailboxId: Bytes16,
  isTicket: (ticket: Uint8Array) => boolean,
): Step<MayCreate | RelayFailure> {
  if (turn.diskUsed >= turn.limits.diskOpen) {
    return failed('full', { scope: 'service', retryAfterMs: QUOTA_RETRY_MS })
  }
  const { grant } = request
  if (grant.kind === 'ticket' && isTicket(grant.ticket)) return FREE
  if (turn.openBits === 0) return FREE
  if (grant.kind === 'ticket' && request.type === 2) {
    const account = yield* useTicket(turn, grant.ticket)
    if (account !== undefined) {
      turn.put(charges, { account, kind: 'group', id: mailboxId }, new Uint8Array(0))
      return { kind: 'granted', account }
    }
  }
  const wanted = failed('pow', { scope: 'mailbox', detail: turn.openBits })
  if (grant.kind !== 'work') return wanted
  const puzzle = {
    serviceKey: turn.serviceKey,
    mailboxId,
    subject: request.ownerKey,
    hour: grant.hour,
  }
  const inTime = Math.abs(grant.hour - Math.floor(turn.nowS / 3600)) <= 1
  return inTime && verifyWork(turn.crypto, puzzle, grant.nonce, turn.openBits) ? FREE : wanted
}

/** The same secret again, or a higher generation. */
function mayReplace(held: MailboxRecord, request: OpenRequest): boolean {
  if (request.gen !== held.gen) return request.gen > held.gen
  if (request.secret === undefined || held.secret === undefined) {
    return request.secret === held.secret
  }
  return equalBytes(request.secret, held.secret)
}

/** What is there already, and who pays for what is not. */
interface Opening {
  readonly held: MailboxRecord | undefined
  readonly mailboxId: Bytes16
  readonly account: Bytes16 | undefined
}

function opened(turn: MailboxTurn, request: OpenRequest, opening: Opening): MailboxRecord {
  const { type, ownerKey, secret, gen } = request
  const { held, mailboxId, account } = opening
  const wantedS = request.ttlS === 0 ? turn.limits.ttlMaxS : request.ttlS
  const isGroup = type === 2
  // One member must not shorten what is kept for all: in a group's mailbox an OPEN only prolongs.
  const awayDays = Math.min(
    isGroup ? Math.max(request.awayDays, held?.awayDays ?? 0) : request.awayDays,
    LEASE_AWAY_DAYS_MAX,
  )
  const leaseUntilS = leaseEndS(turn, awayDays)
  const record: MailboxRecord = {
    type,
    ownerKey,
    secret,
    gen,
    ttlS: isGroup ? turn.limits.groupTtlS : Math.min(wantedS, turn.limits.ttlMaxS),
    leaseUntilS: isGroup ? Math.max(leaseUntilS, held?.leaseUntilS ?? 0) : leaseUntilS,
    awayDays,
    incarnation: held?.incarnation ?? turn.random(8),
    seqHigh: held?.seqHigh ?? 0,
    // Another generation ends every capability of the old one: nothing is left to revoke.
    revoked: held !== undefined && held.gen === gen ? held.revoked : new Uint8Array(0),
    closing: false,
  }
  if (!isGroup) return record
  const chain = startChain(turn.crypto, mailboxId, shownIncarnation(turn, record))
  const fresh: RingState = { chain, trimmedUpTo: 0, trimChain: chain, account }
  return { ...record, ring: held?.ring ?? fresh }
}

/** Takes a mailbox out of use; purgeMailbox (expiry.ts) empties it. */
export function* closeMailbox(turn: MailboxTurn, mailboxId: Bytes16): Step<boolean> {
  const record = yield* get(mailboxes, mailboxId)
  if (record === undefined || record.closing) return false
  turn.put(mailboxes, mailboxId, { ...record, closing: true })
  turn.put(leases, { day: 0, mailboxId }, u16(0))
  return true
}

/** Adds capability ids to the revoked ones. */
export function* revokeCapabilities(
  turn: MailboxTurn,
  mailboxId: Bytes16,
  capIds: readonly Uint8Array[],
): Step<RelayFailure | undefined> {
  const record = yield* get(mailboxes, mailboxId)
  if (record === undefined || record.closing) return failed('unknown', { scope: 'mailbox' })
  let revoked = record.revoked
  for (const capId of capIds) {
    const known = Array.from({ length: revoked.length / 8 }, (_, i) =>
      revoked.subarray(8 * i, 8 * i + 8),
    )
    if (!known.some((id) => equalBytes(id, capId))) revoked = concat(revoked, capId)
  }
  if (revoked.length / 8 > turn.limits.revoked) return failed('quota', { scope: 'mailbox' })
  turn.put(mailboxes, mailboxId, { ...record, revoked })
  return undefined
}
