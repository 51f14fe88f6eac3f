// The operations of /sotto/relay/1 that this version speaks, by name (SPEC.md §12.2).
import { type CborValue, FieldReader } from '../../crypto/index.ts'
import { type RelayFailure, decodeFailure, encodeFailure } from './failure.ts'
import type { Done, OpCodec } from './op-codec.ts'
import * as keys from './ops-keys.ts'
import * as mailbox from './ops-mailbox.ts'
import * as session from './ops-session.ts'
import * as tickets from './ops-ticket.ts'

/** Request and reply of each operation. */
export interface OpTypes {
  readonly hello: readonly [session.HelloRequest, session.HelloReply]
  readonly desc: readonly [session.DescRequest, session.DescReply]
  readonly auth: readonly [session.AuthRequest, session.AuthReply]
  readonly open: readonly [session.OpenRequest, session.OpenReply]
  readonly close: readonly [session.MailboxRequest, Done]
  readonly deposit: readonly [mailbox.DepositRequest, mailbox.DepositReply]
  readonly fetch: readonly [mailbox.FetchRequest, mailbox.FetchReply]
  readonly sub: readonly [mailbox.SubRequest, mailbox.SubReply]
  readonly credit: readonly [mailbox.CreditRequest, Done]
  readonly unsub: readonly [session.MailboxRequest, Done]
  readonly ack: readonly [mailbox.AckRequest, mailbox.CountReply]
  readonly revoke: readonly [mailbox.RevokeRequest, Done]
  readonly cardPut: readonly [keys.CardPutRequest, keys.CardPutReply]
  readonly cardGet: readonly [session.MailboxRequest, keys.CardGetReply]
  readonly prekeyPut: readonly [keys.PrekeyPutRequest, keys.PrekeyCounts]
  readonly prekeyCount: readonly [session.MailboxRequest, keys.PrekeyCounts]
  readonly prekeyTake: readonly [keys.PrekeyTakeRequest, keys.PrekeyTakeReply]
  readonly ping: readonly [session.PingExchange, session.PingExchange]
  readonly invitePut: readonly [keys.InvitePutRequest, keys.InvitePutReply]
  readonly inviteDelete: readonly [keys.InviteDeleteRequest, Done]
  readonly ticket: readonly [tickets.TicketRequest, tickets.TicketReply]
}

export type OpKind = keyof OpTypes
export type OpRequest<K extends OpKind> = OpTypes[K][0]
export type OpReply<K extends OpKind> = OpTypes[K][1]

const CODECS: { readonly [K in OpKind]: OpCodec<OpRequest<K>, OpReply<K>> } = {
  hello: session.hello,
  desc: session.desc,
  auth: session.auth,
  open: session.open,
  close: session.close,
  deposit: mailbox.deposit,
  fetch: mailbox.fetch,
  sub: mailbox.sub,
  credit: mailbox.credit,
  unsub: mailbox.unsub,
  ack: mailbox.ack,
  revoke: mailbox.revoke,
  cardPut: keys.cardPut,
  cardGet: keys.cardGet,
  prekeyPut: keys.prekeyPut,
  prekeyCount: keys.prekeyCount,
  prekeyTake: keys.prekeyTake,
  ping: session.ping,
  invitePut: keys.invitePut,
  inviteDelete: keys.inviteDelete,
  ticket: tickets.ticket,
}

/** An operation with its name. */
export type RelayOp = {
  readonly [K in OpKind]: { readonly kind: K; readonly request: OpRequest<K> }
}[OpKind]

/** An operation of a later version: answered `unsupported`. */
export interface UnknownOp {
  readonly kind: 'unknown'
  readonly code: number
}

type AnyCodec = OpCodec<unknown, unknown>

const KINDS: ReadonlyMap<number, OpKind> = new Map(
  Object.entries(CODECS).map(([kind, codec]) => [codec.code, kind as OpKind]),
)

export function encodeOp(op: RelayOp): CborValue {
  const codec = CODECS[op.kind] as AnyCodec
  return [codec.code, ...codec.encode(op.request)]
}

export function decodeOp(value: CborValue): RelayOp | UnknownOp {
  const fields = new FieldReader(value, 'op')
  const code = fields.uint('code', 0xffff)
  const kind = KINDS.get(code)
  if (kind === undefined) return { kind: 'unknown', code }
  const request = (CODECS[kind] as AnyCodec).decode(fields)
  return { kind, request } as RelayOp
}

/** The reply to an operation of this kind. */
export function encodeReply<K extends OpKind>(
  kind: K,
  reply: OpReply<K> | RelayFailure,
): CborValue {
  return isFailure(reply) ? encodeFailure(reply) : (CODECS[kind] as AnyCodec).encodeReply(reply)
}

export function decodeReply<K extends OpKind>(
  kind: K,
  value: CborValue,
): OpReply<K> | RelayFailure {
  const fields = new FieldReader(value, 'reply')
  const status = fields.uint('status', 0xffff)
  if (status >= 16) return decodeFailure(status, fields)
  return (CODECS[kind] as AnyCodec).decodeReply(fields, status) as OpReply<K>
}

/** Whether a reply says that the operation did not take effect. */
export function isFailure(reply: object): reply is RelayFailure {
  return 'kind' in reply && reply.kind === 'failed'
}
