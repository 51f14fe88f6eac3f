// Taking a deposit: the rules B1 to B13 of SPEC.md §14.2 and §14.8, in their order. The mark comes before
// expiry, rate and quota, so that a crash between commit and reply always ends in a receipt.
import { type Bytes8, type Bytes16, type Bytes32, toHex } from '../../crypto/index.ts'
import { LANE_GROUP, depositMac } from '../relay/capability.ts'
import { type RelayFailure, failed } from '../relay/failure.ts'
import { chainMark, extendChain } from '../relay/group-chain.ts'
import { ENVELOPE_MAX_BYTES } from '../relay/limits.ts'
import { type DepositRequest, FLAG_COALESCE, FLAG_EPHEMERAL } from '../relay/ops-mailbox.ts'
import { type Step, get } from '../step.ts'
import { type Authorized, authorize } from './authority.ts'
import { type Replaced, applyReplaced, findReplaced } from './coalesce.ts'
import type { MailboxCounters, Usage } from './counters.ts'
import { putLeased } from './lease.ts'
import { QUOTA_RETRY_MS, RING_RETRY_MAX_MS, RING_ROW_BYTES, SEQ_BLOCK } from './limits.ts'
import type { MarkRecord, RingState, RowRecord } from './records.ts'
import { countsAsHeld } from './ring-usage.ts'
import { dropFront, planRoom } from './ring.ts'
import { coalesced, expiries, invites, mailboxes, marks, rows } from './tables.ts'
import { type MailboxTurn, countersOf, shownIncarnation } from './turn.ts'

export interface Stored {
  readonly kind: 'stored'
  readonly incarnation: Bytes8
  readonly seq: number
  readonly holdUntilS: number
  readonly envHash: Bytes32
  /** Of a group's mailbox. */
  readonly chain: Bytes8 | undefined
  /** Rows of a ring that went for it. */
  readonly dropped?: number
  /** It was to replace an earlier one: whether there was one. */
  readonly replaced?: boolean
  /** The mark of a replaced row, where its share then has too many of them. */
  readonly crowded?: MarkRecord
}

export interface Duplicate extends Omit<Stored, 'kind' | 'dropped' | 'replaced' | 'crowded'> {
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
  if (request.lane > LANE_GROUP) return failed('refused', { scope: 'lane' })
  if ((request.flags & FLAG_COALESCE) !== 0) {
    if (request.coalesce === undefined) return failed('malformed')
    // Strangers have nothing of their own that they could replace.
    if (request.lane === 1) return failed('refused', { scope: 'lane' })
  }
  if (request.lane === 1 && turn.shedding) {
    return failed('busy', { scope: 'service', retryAfterMs: QUOTA_RETRY_MS })
  }
  return undefined
}

/** An envelope may be 64 KiB: its hash is computed where it is asked for, and not a second time. */
function once(hash: () => Bytes32): () => Bytes32 {
  let known: Bytes32 | undefined
  return () => (known ??= hash())
}

export function* takeDeposit(turn: MailboxTurn, request: DepositRequest): Step<DepositOutcome> {
  const { mailboxId, envId } = request
  const refusal = checkForm(turn, request) // B1
  if (refusal !== undefined) return refusal
  const hashOnce = once(() => turn.crypto.sha256(request.env))
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
        hashOnce(),
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
  const coalesce = (request.flags & FLAG_COALESCE) === 0 ? undefined : request.coalesce
  const replaced = yield* findReplaced(mailboxId, { share: authority.share, coalesce }) // B8
  const envHash = hashOnce()
  const placed = { turn, request, envHash, authority, counters, coalesce, replaced }
  const { ring } = authority.record
  if (ring !== undefined) return yield* storeInRing(placed, ring) // B10 to B13
  const refused = checkQuota(placed) // B9
  return refused ?? (yield* store(placed)) // B10
}

function duplicate(turn: MailboxTurn, authority: Authorized, mark: MarkRecord): Duplicate {
  return {
    kind: 'dup',
    incarnation: shownIncarnation(turn, authority.record),
    seq: mark.seq,
    holdUntilS: mark.holdUntilS,
    held: mark.held,
    envHash: mark.envHash,
    chain: mark.chain,
  }
}

/** A deposit that is neither refused nor known, before it is looked at for room. */
interface Placed {
  readonly turn: MailboxTurn
  readonly request: DepositRequest
  readonly envHash: Bytes32
  readonly authority: Authorized
  readonly counters: MailboxCounters
  readonly coalesce: Bytes16 | undefined
  readonly replaced: Replaced | undefined
}

/**
 * Room in the lane, and a fair share of it while others hold rows; failing that, the rows reserved
 * for everybody: nobody can lock the others out, nor be locked out.
 */
function checkQuota(placed: Placed): RelayFailure | undefined {
  const { turn, request, authority, counters, replaced } = placed
  const limit = turn.limits.lanes[request.lane] ?? { rows: 0, bytes: 0 }
  const gone = { rows: replaced === undefined ? 0 : 1, bytes: replaced?.mark.sizeBytes ?? 0 }
  const without = (used: Usage): Usage => ({
    rows: used.rows - gone.rows,
    bytes: used.bytes - gone.bytes,
  })
  const lane = without(counters.lane(request.lane))
  const own = without(counters.share(authority))
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

function* store(placed: Placed): Step<Stored> {
  const { turn, request, authority, counters, coalesce, replaced } = placed
  const { mailboxId, env } = request
  const { record, invite } = authority
  const seq = counters.headSeq + 1
  const expiresS = turn.nowS + Math.min(request.ttlS, record.ttlS)
  const mark: MarkRecord = {
    ...markOf(placed, seq),
    expiresS,
    holdUntilS: expiresS,
    sizeBytes: env.length,
  }
  if (seq > record.seqHigh) turn.put(mailboxes, mailboxId, { ...record, seqHigh: seq + SEQ_BLOCK })
  if (invite?.isNew === true) {
    const claims = [...invite.record.claims, invite.claim]
    turn.put(invites, { mailboxId, capId: invite.capId }, { ...invite.record, claims })
  }
  const after =
    replaced === undefined ? undefined : applyReplaced(turn, mailboxId, counters, replaced)
  putRow(placed, mark, undefined)
  const isCrowded = after !== undefined && counters.isCrowded(after, turn.limits.ackedMarks)
  return {
    ...storedAs(placed, mark),
    ...(coalesce === undefined ? {} : { replaced: replaced !== undefined }),
    ...(isCrowded ? { crowded: after } : {}),
  }
}

/** Stores in a group's ring, dropping what has to go for it. */
function* storeInRing(placed: Placed, ring: RingState): Step<Stored | RelayFailure> {
  const { turn, request, authority, counters, replaced } = placed
  const { mailboxId, env, envId } = request
  const { record } = authority
  const { ringBytes, ringShare, groupHoldS } = turn.limits
  const sizeBytes = env.length + RING_ROW_BYTES
  const freed = replaced?.row.env.length ?? 0
  const own = counters.ring.heldBy(authority, turn.nowS)
  const freedOfOwn = replaced !== undefined && countsAsHeld(replaced.mark, turn.nowS) ? freed : 0
  if (own.bytes - freedOfOwn + sizeBytes > ringBytes * ringShare) {
    // Where it has none there, only a ring that is too small for the envelope refuses it.
    const waitMs = own.nextS === 0 ? RING_RETRY_MAX_MS : (own.nextS - turn.nowS) * 1_000
    const retryAfterMs = Math.min(waitMs, RING_RETRY_MAX_MS)
    return failed('quota', { scope: 'capability', retryAfterMs }) // B13
  }
  const bytes = counters.ring.bytes - freed + sizeBytes - ringBytes
  const drops = yield* planRoom(turn, mailboxId, ring, { bytes, replaced })
  if ('kind' in drops) return drops // B12
  // The envelope's ttl has no say: one life for all, so that rows end in the order of seq.
  const expiresS = turn.nowS + record.ttlS
  const chain = extendChain(turn.crypto, ring.chain, envId)
  const mark: MarkRecord = {
    ...markOf(placed, record.seqHigh + 1),
    expiresS,
    holdUntilS: Math.min(expiresS, turn.nowS + groupHoldS),
    sizeBytes,
    chain: chainMark(chain),
  }
  if (replaced !== undefined) applyReplaced(turn, mailboxId, counters, replaced)
  const trimmed = yield* dropFront(turn, mailboxId, ring, { counters, front: drops }) // B11
  putRow(placed, mark, { holdUntilS: mark.holdUntilS, chain: chainMark(chain) })
  putLeased(turn, mailboxId, {
    ...record,
    seqHigh: mark.seq,
    // What was signed for is not to end with a lease that nobody renewed.
    leaseUntilS: Math.max(record.leaseUntilS, mark.holdUntilS),
    ring: { ...trimmed, chain },
  })
  return {
    ...storedAs(placed, mark),
    dropped: drops.length,
    ...(placed.coalesce === undefined ? {} : { replaced: replaced !== undefined }),
  }
}

function markOf(
  { request, envHash, authority, coalesce }: Placed,
  seq: number,
): Pick<MarkRecord, 'seq' | 'lane' | 'share' | 'held' | 'envHash' | 'coalesce'> {
  return {
    seq,
    lane: request.lane,
    share: authority.share,
    held: true,
    envHash,
    ...(coalesce === undefined ? {} : { coalesce }),
  }
}

function putRow(placed: Placed, mark: MarkRecord, ring: RowRecord['ring']): void {
  const { turn, request, authority, counters } = placed
  const { mailboxId, envId, lane, env } = request
  const { seq, share, coalesce, expiresS } = mark
  const { capId } = authority
  const row = { lane, capId, storedAtS: turn.nowS, expiresS, envId, env }
  turn.put(rows, { mailboxId, seq }, ring === undefined ? row : { ...row, ring })
  turn.put(marks, { mailboxId, envId }, mark)
  turn.put(expiries, { hour: Math.floor(expiresS / 3600), mailboxId }, new Uint8Array(0))
  if (share !== undefined && coalesce !== undefined) {
    turn.put(coalesced, { mailboxId, share, coalesce }, seq)
  }
  counters.headSeq = seq
  counters.add(mark)
}

function storedAs({ turn, authority }: Placed, mark: MarkRecord): Stored {
  const { seq, holdUntilS, envHash, chain } = mark
  const incarnation = shownIncarnation(turn, authority.record)
  return { kind: 'stored', incarnation, seq, holdUntilS, envHash, chain }
}
