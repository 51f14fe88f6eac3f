// One operation of a frame: which rule answers it, and what follows once its flush is durable
// (SPEC.md §12.2). The rules themselves are the protocol's; here they meet the stream.
import { type CborValue, toHex } from '../../crypto/index.ts'
import {
  type DepositOutcome,
  DONE,
  ITEM_OVERHEAD_BYTES,
  type Done,
  LANE_GROUP,
  type MailboxHead,
  type OpKind,
  type OpReply,
  type OpRequest,
  type RelayFailure,
  type RelayOp,
  type Step,
  type UnknownOp,
  acknowledge,
  closeMailbox,
  countPrekeys,
  deleteInvite,
  encodeReply,
  failed,
  fetchItems,
  getCard,
  headOf,
  isFailure,
  issueTickets,
  leafHash,
  leafNonce,
  openMailbox,
  proveMailbox,
  putCard,
  putInvite,
  putPrekeys,
  revokeCapabilities,
  takeDeposit,
  takePrekeys,
  takeSubject,
} from '../../protocol/index.ts'
import {
  NO_HELLO,
  type OpPlace,
  TOO_MANY,
  asDevice,
  asReader,
  bindingOf,
  owns,
  remember,
} from './op-place.ts'
import { END_CLOSED } from './subscriptions.ts'

type Handlers = {
  readonly [K in OpKind]: (request: OpRequest<K>, place: OpPlace) => Step<OpReply<K> | RelayFailure>
}

/** Of one proof that holds. */
const PROOF_ROOM_BYTES = 48
const CARD_ROOM_BYTES = 16_400
const TAKE_ROOM_BYTES = 20_600

function depositReply(
  place: OpPlace,
  request: OpRequest<'deposit'>,
  outcome: DepositOutcome,
): OpReply<'deposit'> | RelayFailure {
  const { core, turn, slot, state } = place
  if (outcome.kind === 'failed' || outcome.kind === 'accepted') {
    return outcome.kind === 'failed' ? outcome : { kind: 'accepted' }
  }
  const { incarnation, seq, holdUntilS, envHash, chain } = outcome
  const result = outcome.kind === 'stored' ? 0 : outcome.held ? 1 : 2
  const nonce = leafNonce(
    turn.crypto,
    state.nonce ?? turn.dummySecret,
    place.requestId,
    place.opIndex,
  )
  const leafIndex = slot.addLeaf(
    leafHash(turn.crypto, {
      nonce,
      mailboxId: request.mailboxId,
      envId: request.envId,
      envHash,
      lane: request.lane,
      incarnation,
      seq,
      holdUntilS,
      chain,
      result,
    }),
  )
  const custodied = { incarnation, seq, holdUntilS, chain, rootNo: 0, leafIndex }
  if (outcome.kind === 'dup') {
    place.after.push(() => void (core.figures.duplicates += 1))
    return { kind: 'dup', ...custodied, held: outcome.held, envHash }
  }
  place.after.push(() => {
    core.figures.stored += 1
    core.figures.storedBytes += request.env.length
    if (request.lane === LANE_GROUP) core.figures.groupStored += 1
    if (outcome.replaced === true) core.figures.replaced += 1
    core.figures.ringDropped += outcome.dropped ?? 0
    if (outcome.crowded !== undefined) core.trim(request.mailboxId, outcome.crowded.share)
    core.subscriptions.notify(request.mailboxId, seq)
  })
  return { kind: 'stored', ...custodied }
}

function startSub(
  place: OpPlace,
  request: OpRequest<'sub'>,
  head: MailboxHead,
  isShared: boolean,
): OpReply<'sub'> {
  const { core, state } = place
  const { incarnation, headSeq, trimmedUpTo, trimChain } = head
  place.after.push(() =>
    core.subscriptions.add(state.stream, {
      mailboxId: request.mailboxId,
      isShared,
      incarnation,
      afterSeq: Math.max(request.after?.seq ?? 0, trimmedUpTo),
      headSeq,
      messages: request.messages,
      bytes: request.bytes,
    }),
  )
  return { incarnation, headSeq, trimmedUpTo, trimChain }
}

const HANDLERS: Handlers = {
  *hello(_request, { core, state, turn }) {
    state.nonce ??= turn.random(32)
    return core.hello(state.nonce)
  },

  *desc(request, { core, room }) {
    const { seq, bytes } = core.descriptor()
    if (request.haveSeq === seq) return { descriptor: undefined }
    if (room.bytes < bytes.length) return failed('busy')
    room.take(bytes.length)
    return { descriptor: bytes }
  },

  *auth(request, place) {
    const binding = bindingOf(place)
    if (binding === undefined) return NO_HELLO
    const roomBytes = PROOF_ROOM_BYTES * request.proofs.length
    if (place.room.bytes < roomBytes) return failed('busy')
    place.room.take(roomBytes)
    const results: OpReply<'auth'>['results'][number][] = []
    for (const proof of request.proofs) {
      const result = yield* proveMailbox(place.turn, binding, proof)
      const isKept = result.kind === 'failed' || remember(place, result.mailboxId, proof.type)
      results.push(isKept ? result : TOO_MANY)
    }
    return { results }
  },

  *open(request, place) {
    const binding = bindingOf(place)
    if (binding === undefined) return NO_HELLO
    const result = yield* openMailbox(place.turn, binding, request, place.core.isTicket)
    if (isFailure(result)) return result
    return remember(place, result.mailboxId, request.type) ? result : TOO_MANY
  },

  close({ mailboxId }, place) {
    return asDevice<Done>(place, mailboxId, function* () {
      yield* closeMailbox(place.turn, mailboxId)
      place.after.push(() => place.core.subscriptions.end(mailboxId, END_CLOSED))
      return DONE
    })
  },

  *deposit(request, place) {
    const { core, slot, state } = place
    slot.markBlind()
    const outcome = yield* takeDeposit(place.turn, request)
    if (outcome.kind === 'accepted' && outcome.push) {
      place.after.push(() => core.subscriptions.pushEphemeral(request.mailboxId, request.env))
    }
    if (outcome.kind === 'failed' && outcome.status === 'quota') {
      place.after.push(() => core.room.wait(request.mailboxId, state.stream))
    }
    return depositReply(place, request, outcome)
  },

  fetch(request, place) {
    return asReader(place, request.mailboxId, function* () {
      const reply = yield* fetchItems(place.turn, request, Math.max(0, place.room.bytes))
      if (isFailure(reply)) return reply
      for (const item of reply.items) place.room.take(item.env.length + ITEM_OVERHEAD_BYTES)
      place.after.push(() => void (place.core.figures.fetchedItems += reply.items.length))
      return reply
    })
  },

  sub(request, place) {
    return asReader(place, request.mailboxId, function* (type) {
      const head = yield* headOf(place.turn, request.mailboxId, request.after)
      return 'kind' in head ? head : startSub(place, request, head, type === 2)
    })
  },

  credit({ mailboxId, messages, bytes }, place) {
    return asReader<Done>(place, mailboxId, function* () {
      const { core, state } = place
      place.after.push(() => core.subscriptions.credit(state.stream, mailboxId, messages, bytes))
      return DONE
    })
  },

  unsub({ mailboxId }, place) {
    return asReader<Done>(place, mailboxId, function* () {
      const { core, state } = place
      place.after.push(() => core.subscriptions.remove(state.stream, mailboxId))
      return DONE
    })
  },

  ack({ mailboxId, envIds }, place) {
    return asDevice(place, mailboxId, function* () {
      const { core, turn } = place
      const result = yield* acknowledge(turn, mailboxId, envIds)
      if ('kind' in result) return result
      place.after.push(() => {
        core.figures.acknowledged += result.count
        core.room.check(mailboxId, turn.counters.get(toHex(mailboxId)))
        for (const mark of result.crowded) core.trim(mailboxId, mark.share)
      })
      return { count: result.count }
    })
  },

  revoke({ mailboxId, capIds }, place) {
    return asDevice<Done>(place, mailboxId, function* () {
      return (yield* revokeCapabilities(place.turn, mailboxId, capIds)) ?? DONE
    })
  },

  *cardPut(request, place) {
    const type = owns(place, request.mailboxId)
    if (type === undefined) return failed('unauthenticated', { scope: 'mailbox' })
    // Any member proves a group's mailbox: nobody speaks for it.
    if (type === 2) return failed('refused', { scope: 'mailbox' })
    return yield* putCard(place.turn, request)
  },

  *cardGet({ mailboxId }, place) {
    place.slot.markBlind()
    if (place.room.bytes < CARD_ROOM_BYTES) return failed('busy')
    const card = yield* getCard(place.turn, mailboxId, place.state.source)
    if (!isFailure(card)) place.room.take(card.item.length)
    return card
  },

  prekeyPut(request, place) {
    return asDevice(place, request.mailboxId, () => putPrekeys(place.turn, request))
  },

  prekeyCount({ mailboxId }, place) {
    return asDevice(place, mailboxId, () => countPrekeys(mailboxId))
  },

  *prekeyTake(request, place) {
    const { state, turn, core } = place
    place.slot.markBlind()
    if (place.room.bytes < TAKE_ROOM_BYTES) return failed('busy')
    const nonce = state.nonce ?? turn.dummySecret
    const subject = takeSubject(turn.crypto, nonce, place.requestId, place.opIndex)
    const reply = yield* takePrekeys(turn, request, subject, state.source)
    if (isFailure(reply)) return reply
    for (const item of [reply.card, reply.opk, reply.okem]) place.room.take(item?.length ?? 0)
    place.after.push(() => void (core.figures.prekeysTaken += 1))
    return reply
  },

  *ping(request, { room }) {
    if (room.bytes < request.pad.length) return failed('busy')
    room.take(request.pad.length)
    return request
  },

  invitePut(request, place) {
    return asDevice(place, request.mailboxId, () => putInvite(place.turn, request))
  },

  inviteDelete({ mailboxId, capId }, place) {
    return asDevice<Done>(place, mailboxId, function* () {
      return (yield* deleteInvite(place.turn, mailboxId, capId)) ?? DONE
    })
  },

  ticket(request, place) {
    return asDevice(place, request.mailboxId, function* () {
      const reply = yield* issueTickets(place.turn, request)
      if (isFailure(reply)) return reply
      place.after.push(() => void (place.core.figures.tickets += reply.tickets.length))
      return reply
    })
  },
}

type AnyHandler = (request: unknown, place: OpPlace) => Step<OpReply<OpKind> | RelayFailure>

/** Answers one operation: the encoded reply. */
export function* runOp(op: RelayOp | UnknownOp, place: OpPlace): Step<CborValue> {
  if (op.kind === 'unknown') return failure(place, 'hello', failed('unsupported'))
  const handler = HANDLERS[op.kind] as AnyHandler
  const reply = yield* handler(op.request, place)
  return isFailure(reply) ? failure(place, op.kind, reply) : encodeReply(op.kind, reply)
}

function failure(place: OpPlace, kind: OpKind, reply: RelayFailure): CborValue {
  place.after.push(() => {
    const { failures } = place.core.figures
    failures[reply.status] = (failures[reply.status] ?? 0) + 1
  })
  return encodeReply(kind, reply)
}
