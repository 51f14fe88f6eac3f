// The public surface of the protocol floor: wire formats and machines, all pure.
export type { Change } from './changes.ts'
export type { Effect } from './effects.ts'
export { ProtocolError, type ProtocolErrorCode } from './errors.ts'
export {
  type Load,
  type Place,
  type RangeQuery,
  type Row,
  type Step,
  type Table,
  type Turn,
  get,
  range,
} from './step.ts'

// The relay protocol (SPEC.md §12, §13).
export {
  type Capability,
  CAPABILITY_BYTES,
  decodeCapability,
  depositMac,
  deriveCapKey,
  encodeCapability,
  takeMac,
  takeSubject,
} from './relay/capability.ts'
export {
  type AskedDeposit,
  type CustodyContext,
  type CustodyEvidence,
  type CustodyLeaf,
  type CustodyResult,
  leafHash,
  leafNonce,
  signFlush,
  verifyCustody,
} from './relay/custody.ts'
export { type CustodyTree, buildCustodyTree } from './relay/custody-tree.ts'
export type { DepositAuth } from './relay/deposit-auth.ts'
export {
  type Descriptor,
  type DescriptorBody,
  type DescriptorLimits,
  decodeDescriptor,
  processOf,
  signDescriptor,
} from './relay/descriptor.ts'
export { type RelayFailure, failed } from './relay/failure.ts'
export {
  type CustodyRoot,
  type RelayFrame,
  type RelayPush,
  type ReplyFrame,
  type RequestFrame,
  decodeRelayFrame,
  decodeRequest,
  encodeMalformedReply,
  encodePushFrame,
  encodeReplyFrame,
  encodeRequest,
  peekRequestId,
} from './relay/frames.ts'
export type { RelayItem } from './relay/item.ts'
export {
  CARD_ITEM_MAX_BYTES,
  DESCRIPTOR_LIFE_S,
  DESCRIPTOR_MAX_BYTES,
  FRAME_OPS_MAX,
  ITEMS_MAX,
  ITEM_OVERHEAD_BYTES,
  PREKEY_ITEM_MAX_BYTES,
  PROCESS_CERT_LIFE_S,
  PROCESS_CERT_RENEW_S,
  RELAY_FRAME_MAX_BYTES,
} from './relay/limits.ts'
export {
  deviceMailboxSecret,
  deviceOwnerSeed,
  groupMailboxKeys,
  mailboxIdOf,
  rendezvousOwnerSeed,
  serviceKeyHash,
} from './relay/mailbox-keys.ts'
export {
  type OpKind,
  type OpReply,
  type OpRequest,
  type RelayOp,
  type UnknownOp,
  decodeReply,
  encodeReply,
  isFailure,
} from './relay/ops.ts'
export { DONE, type Done } from './relay/op-codec.ts'
export type { CardGetReply, PrekeyCounts, PrekeyItem, PrekeyTakeReply } from './relay/ops-keys.ts'
export { type Cursor, FLAG_EPHEMERAL, FLAG_URGENT } from './relay/ops-mailbox.ts'
export type { HelloReply, MailboxType, OpenGrant, OpenReply } from './relay/ops-session.ts'
export { type StreamBinding, signAuth, signOpen } from './relay/owner-proof.ts'
export { type ProcessCert, decodeProcessCert, signProcessCert } from './relay/process-cert.ts'
export { type Puzzle, solveWork, verifyWork } from './relay/proof-of-work.ts'
export { STATUS, type StatusName, type ScopeName } from './relay/status.ts'

// The rules of a mailbox at a relay (SPEC.md §14).
export type { MailboxCounters } from './mailbox/counters.ts'
export { type DepositOutcome, takeDeposit } from './mailbox/deposit.ts'
export { dueExpiry, dueLease, expireRows, sweepLease, trimMarks } from './mailbox/expiry.ts'
export {
  countPrekeys,
  deleteInvite,
  getCard,
  putCard,
  putInvite,
  putPrekeys,
  takePrekeys,
} from './mailbox/key-shelf.ts'
export { MAILBOX_LIMITS, type MailboxLimits, READ_PAGE, ROOM_BELOW } from './mailbox/limits.ts'
export { closeMailbox, openMailbox, proveMailbox, revokeCapabilities } from './mailbox/owner.ts'
export { acknowledge, fetchItems, headOf, itemsAfter } from './mailbox/read.ts'
export { cards, marks, mailboxes, stocks } from './mailbox/tables.ts'
export type { CountersCache, MailboxTurn, RateGate } from './mailbox/turn.ts'
export type { MarkRecord } from './mailbox/records.ts'
export type { ExpiryKey } from './mailbox/tables.ts'
