// What the floors above use of the relay protocol: frames of its operations, mailbox rules, custody.
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
export {
  acknowledge,
  fetchItems,
  headOf,
  itemsAfter,
  type MailboxHead,
  ringItemsAfter,
  type RingPage,
} from './mailbox/read.ts'
export type { MarkRecord } from './mailbox/records.ts'
export { cards, type ExpiryKey, mailboxes, marks, stocks } from './mailbox/tables.ts'
export { expireTickets, issueTickets } from './mailbox/tickets.ts'
export type { CountersCache, MailboxTurn, RateGate } from './mailbox/turn.ts'
export {
  type Capability,
  CAPABILITY_BYTES,
  decodeCapability,
  depositMac,
  deriveCapKey,
  encodeCapability,
  groupCapability,
  LANE_GROUP,
  takeMac,
  takeSubject,
} from './relay/capability.ts'
export { buildCustodyTree, type CustodyTree } from './relay/custody-tree.ts'
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
export type { DepositAuth } from './relay/deposit-auth.ts'
export {
  decodeDescriptor,
  type Descriptor,
  type DescriptorBody,
  type DescriptorLimits,
  processOf,
  signDescriptor,
} from './relay/descriptor.ts'
export { ChainTrail, type ChainClaim, type ChainVerdict } from './relay/chain-trail.ts'
export { failed, type RelayFailure } from './relay/failure.ts'
export { chainMark, extendChain, startChain } from './relay/group-chain.ts'
export {
  beginReading,
  checkHead,
  type GroupCursor,
  type Lie,
  passItem,
  type SeqSpan,
  wireCursor,
} from './relay/group-reader.ts'
export {
  type CustodyRoot,
  decodeRelayFrame,
  decodeRequest,
  encodeMalformedReply,
  encodePushFrame,
  encodeReplyFrame,
  encodeRequest,
  peekRequestId,
  type RelayFrame,
  type RelayPush,
  type ReplyFrame,
  type RequestFrame,
} from './relay/frames.ts'
export type { RelayItem } from './relay/item.ts'
export {
  CARD_ITEM_MAX_BYTES,
  DESCRIPTOR_LIFE_S,
  DESCRIPTOR_MAX_BYTES,
  FRAME_OPS_MAX,
  ITEM_OVERHEAD_BYTES,
  ITEMS_MAX,
  PREKEY_ITEM_MAX_BYTES,
  PROCESS_CERT_LIFE_S,
  PROCESS_CERT_RENEW_S,
  RELAY_FRAME_MAX_BYTES,
} from './relay/limits.ts'
export {
  deviceMailboxSecret,
  deviceOwnerSeed,
  type GroupMailboxKeys,
  groupMailboxKeys,
  mailboxIdOf,
  serviceKeyHash,
} from './relay/mailbox-keys.ts'
export { DONE, type Done } from './relay/op-codec.ts'
export type { CardGetReply, PrekeyItem, PrekeyTakeReply } from './relay/ops-keys.ts'
export { type Cursor, FLAG_COALESCE, FLAG_EPHEMERAL, FLAG_URGENT } from './relay/ops-mailbox.ts'
export type { HelloReply, MailboxType, OpenGrant, OpenReply } from './relay/ops-session.ts'
export {
  decodeReply,
  encodeReply,
  isFailure,
  type OpKind,
  type OpReply,
  type OpRequest,
  type RelayOp,
  type UnknownOp,
} from './relay/ops.ts'
export { signAuth, signOpen, type StreamBinding } from './relay/owner-proof.ts'
export { decodeProcessCert, type ProcessCert, signProcessCert } from './relay/process-cert.ts'
export { type Puzzle, solveWork, verifyWork } from './relay/proof-of-work.ts'
export { type ScopeName, STATUS, type StatusName } from './relay/status.ts'
