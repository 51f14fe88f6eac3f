// Depositing and taking at other people's mailboxes (SPEC.md §12.4, §13.1): authority shown, work
// done, custody checked before anything counts as deposited.
import { type Bytes16, type Bytes32, CryptoError } from '../../crypto/index.ts'
import {
  type AskedDeposit,
  type CustodyEvidence,
  type DepositAuth,
  FLAG_COALESCE,
  FLAG_URGENT,
  type OpReply,
  type OpRequest,
  type PrekeyTakeReply,
  type RelayFailure,
  depositMac,
  isFailure,
  takeMac,
  takeSubject,
  verifyCustody,
} from '../../protocol/index.ts'
import { type ConnectionParts, relayHour, relayNowMs } from './connection-parts.ts'
import type { AnsweredFrame } from './operation-queue.ts'
import { work } from './proof-worker.ts'
import type { Deposit, DepositResult, DepositRight, TakeRequest } from './relay-types.ts'

const ZEROS32: Bytes32 = new Uint8Array(32)

/** Custody of a frame, checked once for all its deposits: evidence by operation index. */
type FrameEvidence = ReadonlyMap<number, CustodyEvidence>

export class Depositor {
  readonly #parts: ConnectionParts
  readonly #evidence = new WeakMap<AnsweredFrame, FrameEvidence>()

  constructor(parts: ConnectionParts) {
    this.#parts = parts
  }

  /** Deposits an envelope. Only `stored` and `dup` are evidence that the relay has it. */
  async deposit(deposit: Deposit, signal?: AbortSignal): Promise<DepositResult> {
    const { queue, hello } = this.#parts
    let bits = hello.depositBits
    for (let attempt = 0; ; attempt++) {
      const request = await this.#depositRequest(deposit, bits, signal)
      const answer = await queue.call('deposit', request, deposit.env.length)
      const { reply, frame, opIndex } = answer
      if (isFailure(reply)) {
        const wanted = reply.status === 'pow' ? reply.detail : undefined
        // The relay asks for more than HELLO said, or the hour turned: once more, then the caller's.
        if (deposit.auth.kind !== 'work' || typeof wanted !== 'number' || attempt > 0) return reply
        bits = wanted
        continue
      }
      if (reply.kind === 'accepted') return { kind: 'unproven' }
      const evidence = this.#evidenceOf(frame).get(opIndex)
      if (evidence === undefined) return { kind: 'unproven' }
      const { incarnation, holdUntilS, seq, chain } = reply
      const found = reply.kind === 'stored' ? 'new' : reply.held ? 'there' : 'taken'
      return { kind: reply.kind, evidence, incarnation, holdUntilS, seq, chain, found }
    }
  }

  async #depositRequest(
    deposit: Deposit,
    bits: number,
    signal: AbortSignal | undefined,
  ): Promise<OpRequest<'deposit'>> {
    const { provider } = this.#parts
    const { mailboxId, envId, lane, ttlS, env } = deposit
    const { coalesce } = deposit
    const flags =
      (deposit.urgent === true ? FLAG_URGENT : 0) | (coalesce === undefined ? 0 : FLAG_COALESCE)
    const macked = { mailboxId, envId, lane, flags, ttlS, coalesce, env }
    const auth = await this.#authority(deposit.auth, { mailboxId, subject: envId, bits }, signal)
    if (auth.kind === 'work') return { ...macked, auth }
    const mac = depositMac(provider, this.#macKeys(deposit.auth), macked)
    return { ...macked, auth: { ...auth, mac } }
  }

  #macKeys(right: DepositRight): {
    readonly capKey: Bytes32
    readonly serviceKey: Bytes32
    readonly claim?: Bytes16
  } {
    const { serviceKey } = this.#parts.known
    if (right.kind === 'work') return { capKey: ZEROS32, serviceKey }
    const { capKey } = right
    return right.kind === 'invite'
      ? { capKey, serviceKey, claim: right.claim }
      : { capKey, serviceKey }
  }

  /** The authority shown, its MAC still to be filled in; work is done here. */
  async #authority(
    right: DepositRight,
    about: { readonly mailboxId: Bytes16; readonly subject: Bytes32; readonly bits: number },
    signal: AbortSignal | undefined,
  ): Promise<DepositAuth> {
    const { provider, clock } = this.#parts
    if (right.kind === 'capability') {
      const { capId, expiresS } = right
      return { kind: 'capability', capId, expiresS, mac: ZEROS32 }
    }
    if (right.kind === 'invite') {
      return { kind: 'invite', capId: right.capId, claim: right.claim, mac: ZEROS32 }
    }
    const hour = relayHour(this.#parts)
    const { mailboxId, subject, bits } = about
    const puzzle = { serviceKey: this.#parts.known.serviceKey, mailboxId, subject, hour }
    const options = signal === undefined ? { bits } : { bits, signal }
    return { kind: 'work', hour, nonce: await work(provider, clock, puzzle, options) }
  }

  #evidenceOf(frame: AnsweredFrame): FrameEvidence {
    const known = this.#evidence.get(frame)
    if (known !== undefined) return known
    const { provider, hello, known: relay } = this.#parts
    const asked: AskedDeposit[] = []
    for (const [opIndex, op] of frame.ops.entries()) {
      const reply = frame.replies[opIndex] as OpReply<'deposit'> | RelayFailure | undefined
      if (op.kind !== 'deposit' || reply === undefined) continue
      if (reply.kind === 'stored' || reply.kind === 'dup') {
        asked.push({ opIndex, request: op.request, reply })
      }
    }
    const context = {
      nonce: hello.nonce,
      requestId: frame.requestId,
      serviceKey: this.#parts.known.serviceKey,
      cert: relay.cert,
      relayNowMs: relayNowMs(this.#parts),
    }
    const results = custodyOf(() => verifyCustody(provider, context, frame.custody, asked))
    const evidence = new Map<number, CustodyEvidence>()
    for (const [i, { opIndex }] of asked.entries()) {
      const found = results[i]
      if (found !== undefined) evidence.set(opIndex, found)
    }
    this.#evidence.set(frame, evidence)
    return evidence
  }

  /** Takes a card and one-time prekeys of somebody. `classes`: bit 0 card, 1 OPK, 2 OKEM. */
  async take(request: TakeRequest): Promise<PrekeyTakeReply | RelayFailure> {
    const { mailboxId, lane, auth: right, classes } = request
    if (right.kind === 'work') return this.#takeByWork(mailboxId, classes, request.signal)
    const { provider, queue, hello } = this.#parts
    const answer = await queue.call('prekeyTake', (requestId, opIndex) => {
      const subject = takeSubject(provider, hello.nonce, requestId, opIndex)
      const mac = takeMac(provider, this.#macKeys(right), mailboxId, subject)
      const auth: DepositAuth =
        right.kind === 'invite'
          ? { kind: 'invite', capId: right.capId, claim: right.claim, mac }
          : { kind: 'capability', capId: right.capId, expiresS: right.expiresS, mac }
      return { mailboxId, lane, auth, classes }
    })
    return answer.reply
  }

  /** The work is about the place of the request, so the place is reserved before it is done. */
  async #takeByWork(
    mailboxId: Bytes16,
    classes: number,
    signal: AbortSignal | undefined,
  ): Promise<PrekeyTakeReply | RelayFailure> {
    const { provider, queue, hello, clock } = this.#parts
    const requestId = queue.reserve()
    const hour = relayHour(this.#parts)
    const subject = takeSubject(provider, hello.nonce, requestId, 0)
    const puzzle = { serviceKey: this.#parts.known.serviceKey, mailboxId, subject, hour }
    const bits = hello.depositBits
    const options = signal === undefined ? { bits } : { bits, signal }
    const nonce = await work(provider, clock, puzzle, options)
    const auth: DepositAuth = { kind: 'work', hour, nonce }
    const answer = await queue.callAt(requestId, 'prekeyTake', {
      mailboxId,
      lane: 1,
      auth,
      classes,
    })
    return answer.reply
  }
}

/** A proof that no relay builds is worth as much as none. */
function custodyOf(
  verified: () => readonly (CustodyEvidence | undefined)[],
): readonly (CustodyEvidence | undefined)[] {
  try {
    return verified()
  } catch (error) {
    if (error instanceof CryptoError) return []
    throw error
  }
}
