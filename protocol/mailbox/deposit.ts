// Taking a deposit: the rules B1 to B10 of SPEC.md §14.2, in their order. The mark comes before
// expiry, rate and quota, so that a crash between commit and reply always ends in a receipt.
import { type Bytes8, type Bytes32, toHex } from '../../crypto/index.ts'
import { depositMac } from '../relay/capability.ts'
import { type RelayFailure, failed } from '../relay/failure.ts'
import { ENVELOPE_MAX_BYTES } from '../relay/limits.ts'
import { type DepositRequest, FLAG_COALESCE, FLAG_EPHEMERAL } from '../relay/ops-mailbox.ts'
import { type Step, get } from '../step.ts'
import { type Authorized, authorize } from './authority.ts'
import type { MailboxCounters } from './counters.ts'
import { QUOTA_RETRY_MS, SEQ_BLOCK } from './limits.ts'
import type { MarkRecord } from './records.ts'
import { expiries, invites, mailboxes, marks, rows } from './tables.ts'
import { type MailboxTurn, countersOf, shownIncarnation } from './turn.ts'

export interface Stored {
  readonly kind: 'stored'
  readonly incarnation: Bytes8
  readonly seq: number
  readonly holdUntilS: number
  readonly envHash: Bytes32
}

export interface Duplicate extends Omit<Stored, 'kind'> {
  readonly kind: 'dup'
  readonly held: boolean
}

/** An ephemeral deposit: no evidence; `push` where it is to reach a subscriber. */
export interface Accepted {
  readonly kind: 'accepted'
  readonly push: boolean
}

export type DepositOutcome = Stored | Duplicate | Accepted | RelayFailure

function checkForm(turn: MailboxTurn, request: DepositRequest): RelayFailure | undefined {
  if (request.env.length === 0 || request.env.length > ENVELOPE_MAX_BYTES) {
    return failed('tooLarge')
  }
  if (request.lane > 2) return failed('refused', { scope: 'lane' })
  if ((request.flags & FLAG_COALESCE) !== 0) return failed('unsupported')
  if (request.lane === 1 && turn.shedding) {
    return failed('busy', { scope: 'service', retryAfterMs: QUOTA_RETRY_MS })
  }
  return undefined
}

export function* takeDeposit(turn: MailboxTurn, request: DepositRequest): Step<DepositOutcome> {
  const { mailboxId, envId } = request
  const refusal = checkForm(turn, request) // B1
  if (refusal !== undefined) return refusal
  const authority = yield* authorize(turn, {
    mailboxId,
    lane: request.lane,
    auth: request.auth,
    subject: envId,
    mac: (capKey, claim) =>
      depositMac(
        turn.crypto,
        { capKey, serviceKey: turn.serviceKey, ...(claim === undefined ? {} : { claim }) },
        request,
      ),
  })
  const mark = yield* get(marks, { mailboxId, envId })
  if ((request.flags & FLAG_EPHEMERAL) !== 0) {
    return { kind: 'accepted', push: authority.kind === 'authorized' } // B2
  }
  if (authority.kind === 'failed') return authority // B3
  if (mark !== undefined) return duplicate(turn, authority, mark) // B4
  if (request.ttlS === 0) return failed('expired') // B5
  if (authority.capId !== undefined) {
    const waitMs = turn.gate.take('deposit', toHex(mailboxId) + toHex(authority.capId)) // B6
    if (waitMs > 0) return failed('rate', { scope: 'capability', retryAfterMs: waitMs })
  }
  const full = request.lane === 1 ? turn.limits.diskStrangers : turn.limits.diskDeposit
  if (turn.diskUsed >= full) {
    return failed('full', { scope: 'service', retryAfterMs: QUOTA_RETRY_MS }) // B7
  }
  const counters = yield* countersOf(turn, mailboxId, authority.record)
  const refused = checkQuota(turn, request, authority, counters) // B9
  return refused ?? (yield* store(turn, request, authority, counters)) // B10
}

function duplicate(turn: MailboxTurn, authority: Authorized, mark: MarkRecord): Duplicate {
  return {
    kind: 'dup',
    incarnation: shownIncarnation(turn, authority.record),
    seq: mark.seq,
    holdUntilS: mark.holdUntilS,
    held: mark.held,
    envHash: mark.envHash,
  }
}

/**
 * Room in the lane, and a fair share of it while others hold rows; failing that, the rows reserved
 * for everybody: nobody can lock the others out, nor be locked out.
 */
function checkQuota(
  turn: MailboxTurn,
  request: DepositRequest,
  authority: Authorized,
  counters: MailboxCounters,
): RelayFailure | undefined {
  const limit = turn.limits.lanes[request.lane] ?? { rows: 0, bytes: 0 }
  const lane = counters.lane(request.lane)
  const own = counters.share(authority)
  const quota = (scope: 'lane' | 'capability'): RelayFailure =>
    failed('quota', { scope, retryAfterMs: QUOTA_RETRY_MS })
  if (authority.invite !== undefined && own.rows >= turn.limits.claimRows) {
    return quota('capability')
  }
  const bytes = request.env.length
  const fits = (part: number, used: { rows: number; bytes: number }): boolean =>
    used.rows + 1 <= limit.rows * part && used.bytes + bytes <= limit.bytes * part
  const laneFits = fits(1, lane)
  if (authority.share === undefined) return laneFits ? undefined : quota('lane')
  const shareFits = lane.rows === own.rows || fits(1 / 2, own)
  if (laneFits && shareFits) return undefined
  const { overflow, reservedRows } = turn.limits
  const overflowFits =
    lane.rows + 1 <= limit.rows + overflow.rows &&
    lane.bytes + bytes <= limit.bytes + overflow.bytes
  if (own.rows < reservedRows && overflowFits) return undefined
  return quota(laneFits ? 'capability' : 'lane')
}

function* store(
  turn: MailboxTurn,
  request: DepositRequest,
  authority: Authorized,
  counters: MailboxCounters,
): Step<Stored> {
  const { mailboxId, envId, lane, env } = request
  const { record, capId, share, invite } = authority
  const seq = counters.headSeq + 1
  const expiresS = turn.nowS + Math.min(request.ttlS, record.ttlS)
  const envHash = turn.crypto.sha256(env)
  const mark: MarkRecord = {
    seq,
    lane,
    share,
    expiresS,
    holdUntilS: expiresS,
    held: true,
    envHash,
    sizeBytes: env.length,
  }
  if (seq > record.seqHigh) turn.put(mailboxes, mailboxId, { ...record, seqHigh: seq + SEQ_BLOCK })
  turn.put(rows, { mailboxId, seq }, { lane, capId, storedAtS: turn.nowS, expiresS, envId, env })
  turn.put(marks, { mailboxId, envId }, mark)
  turn.put(expiries, { hour: Math.floor(expiresS / 3600), mailboxId }, new Uint8Array(0))
  if (invite?.isNew === true) {
    const claims = [...invite.record.claims, invite.claim]
    turn.put(invites, { mailboxId, capId: invite.capId }, { ...invite.record, claims })
  }
  counters.headSeq = seq
  counters.add(mark)
  const incarnation = shownIncarnation(turn, record)
  return { kind: 'stored', incarnation, seq, holdUntilS: mark.holdUntilS, envHash }
}
