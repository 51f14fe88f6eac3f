// The public surface of the protocol floor: wire formats and machines, all pure.
export type { Change } from './changes.ts'
export {
  type AcceptedContact,
  allContacts,
  type Contact,
  contactOf,
  type ContactState,
  type InviteRefusal,
  isAccepted,
} from './contacts/contact.ts'
export { type CreatedInvite, createInvite, type InviteRequest } from './contacts/create-invite.ts'
export {
  addByLink,
  failFirstContact,
  type FirstContact,
  firstContactOf,
  openFirstContacts,
} from './contacts/first-contact.ts'
export { allInvites, type OwnInvite, revokeInvite } from './contacts/invite.ts'
export {
  acceptRequest,
  blockContact,
  markVerified,
  removeContact,
  renameContact,
} from './contacts/manage.ts'
export { foldName, uniqueName } from './contacts/names.ts'
export { type ReceivedBundle, takeBundle } from './contacts/take-bundle.ts'
export { type Base, type BaseAuthor, type BaseFrame, baseFrame } from './content/base.ts'
export { type Endpoints, endpointsFrame, type HomeHost } from './content/endpoints.ts'
export { type EntryContent, readEntryContent } from './content/entry-content.ts'
export { entryFrame } from './content/entry.ts'
export {
  type ForkPoint,
  type Frontier,
  type FrontierAuthor,
  frontierFrame,
} from './content/frontier.ts'
export {
  type Control,
  controlIsGenuine,
  type ControlKind,
  type ControlSigner,
  signControlFrame,
} from './content/group-control.ts'
export {
  type CarriagePosition,
  type FrontierRequest,
  frontierRequestFrame,
  type GroupFrontier,
  groupFrontierFrame,
  type IndexedCount,
} from './content/group-frontier.ts'
export {
  type MemberEndpoints,
  groupMemberFrame,
  type HandedMembers,
  groupMembersFrame,
  type JoinPending,
  joinPendingFrame,
} from './content/group-member.ts'
export {
  type GroupOps,
  groupOpsFrame,
  type OpsRequest,
  opsRequestFrame,
} from './content/group-ops.ts'
export { type GroupSeed, groupSeedFrame } from './content/group-seed.ts'
export { type GroupWelcome, groupWelcomeFrame } from './content/group-welcome.ts'
export { type Intro, introFrame } from './content/intro.ts'
export { type JoinAck, joinAckFrame, type JoinState } from './content/join-ack.ts'
export { type ContentKind, frameOf, readFrame } from './content/kind.ts'
export { type ListRequest, listRequestFrame } from './content/list-request.ts'
export { type ListFrame, listFrame } from './content/list.ts'
export {
  type Receipt,
  type ReceiptAuthor,
  type ReceiptConversation,
  receiptFrame,
} from './content/receipt.ts'
export {
  decodeMessageFrames,
  kindName,
  type MessageFrames,
  type UnknownNumbered,
} from './content/registry.ts'
export { type Reset, resetFrame, type ResetPosition } from './content/reset.ts'
export { type SeedRequest, seedRequestFrame } from './content/seed-request.ts'
export { type SyncMore, syncMoreFrame } from './content/sync-more.ts'
export { type SyncAbsence, type SyncPage, syncPageFrame } from './content/sync-page.ts'
export { type SyncRange, type SyncRequest, syncRequestFrame } from './content/sync-request.ts'
export { type TextContent, textContent } from './content/text.ts'
export { type Typing, typingFrame } from './content/typing.ts'
export type { Arrival, ArrivalAnswer } from './delivery/arrival.ts'
export { noteCopied, noteCopiedFolder } from './delivery/behind.ts'
export { type Found, noteUnopened } from './delivery/probe.ts'
export { noteAnswer, noteCustody, type SealedCopy } from './delivery/carriage.ts'
export {
  type DeviceEvidence,
  type Evidence,
  type GroupEvidence,
  evidence,
  shownState,
  type ShownState,
} from './delivery/evidence.ts'
export { receiveInner } from './delivery/inbox.ts'
export { forgetSeen } from './delivery/seen.ts'
export { nextDeposits, type NextDeposits } from './delivery/next-deposits.ts'
export {
  type OutboxHead,
  outboxHead,
  unsentEntries,
  type OutboxItem,
  outboxItems,
  waitingDevices,
} from './delivery/outbox.ts'
export { unaddressedCount } from './delivery/unaddressed.ts'
export { type Blocked, prepareOutbox } from './delivery/prepare.ts'
export {
  markReceiptDue,
  receiptDelay,
  receiptDevices,
  sendReceipt,
} from './delivery/receipts-out.ts'
export { isBehind } from './delivery/behind.ts'
export { keptCount } from './delivery/kept.ts'
export {
  type RankedMailbox,
  rankMailboxes,
  relayDoubts,
  scoreDown,
} from './delivery/relay-score.ts'
export { retryKept } from './delivery/retry-kept.ts'
export { sweepDelivery, tendDelivery } from './delivery/upkeep.ts'
export { checkText, sendText, type SentEntry } from './delivery/send.ts'
export {
  type Answer,
  type AnswerCode,
  type CardReply,
  decodeDirectFrame,
  type DirectFrame,
  encodeDirectFrame,
  GOAWAY,
} from './direct/direct-frame.ts'
export type { Effect } from './effects.ts'
export { ProtocolError, type ProtocolErrorCode } from './errors.ts'
export {
  type Carrier,
  carrierAllows,
  decodeFrames,
  encodeFrames,
  type Frame,
  frameClass,
  type FrameClass,
} from './frames.ts'
export { GossipPeerGate, GossipSenderGate } from './group/gossip-gate.ts'
export { type GossipLineage, topicToPublish, topicsToHear } from './group/gossip-topics.ts'
export {
  chooseEpoch,
  missingFrom,
  type SendableEpoch,
  type SendChoice,
} from './group/choose-epoch.ts'
export { isNewControl, noteControl } from './group/control-window.ts'
export { type GroupEncryptOutcome, encryptInEpoch } from './group/encrypt-message.ts'
export { chainAt, epochsByTag } from './group/epoch-chains.ts'
export { recipientsOf } from './group/epoch-recipients.ts'
export { epochsOf } from './group/held-epochs.ts'
export type { ChainRecord, EpochRecord, SkippedRecord } from './group/epoch-record.ts'
export {
  type DroppedEpoch,
  judgeRetention,
  type RetainedEpoch,
  type RetentionVerdict,
  type RetentionView,
} from './group/epoch-retention.ts'
export {
  chains,
  type ControlWindow,
  controlWindows,
  type EpochKey,
  epochs,
  groupSkipped,
  type LineageRecord,
  lineages,
  skippedCounts,
} from './group/epoch-tables.ts'
export {
  commitGenuine,
  type Examination,
  examineGroup,
  type GenuineMessage,
  type GroupControl,
  type IsNewEntry,
} from './group/examine-message.ts'
export { causalEpochs, type GroupCipher } from './group/group-cipher.ts'
export {
  type EpochGrant,
  type EpochOperation,
  type EpochSource,
  keepEpoch,
  type KeepOutcome,
  type KeepRefusal,
} from './group/keep-epoch.ts'
export {
  commitGroup,
  type GroupOpenOutcome,
  type GroupOrigin,
  openGroup,
  type OpenedCandidate,
} from './group/open-message.ts'
export {
  openGroupOperations,
  type OperationsOutcome,
  sealGroupOperations,
} from './group/operations-message.ts'
export {
  answersSeedRequest,
  type MissingSeed,
  type Repair,
  repairDelayMs,
  repairsOf,
  type RepairView,
} from './group/repair.ts'
export { chooseSendingEpoch, type SendingView } from './group/sending-epoch.ts'
export {
  supersedeEpochs,
  sweepEpochs,
  type SweepRequest,
  type SweptEpochs,
} from './group/sweep-epochs.ts'
export {
  type DraftAuthor,
  draftCreate,
  draftOp,
  type DraftPayload,
  type OpDraft,
} from './group/draft-op.ts'
export {
  type EntryStanding,
  entryStanding,
  type GroupEntryRef,
  type IsBelowCut,
} from './group/entry-standing.ts'
export { standingIn } from './groups/take-entry.ts'
export { entryOp } from './group/entry-op.ts'
export type { GroupFault } from './group/fault.ts'
export { type AddOutcome, GroupDag, type RefusedOp, type SeqProof } from './group/group-dag.ts'
export {
  compareRecipients,
  deviceIndex,
  earnedSpan,
  type EligibleOptions,
  type GroupEpoch,
  groupEpoch,
  groupEpochs,
  isEligible,
} from './group/group-epochs.ts'
export { type GroupMember, GroupView } from './group/group-view.ts'
export { countOpsSince, opsSince, type ServedOps } from './group/serve-ops.ts'
export { addGroupOp, loadGroup, type StoredGroup } from './group/stored-group.ts'
export {
  addToGroup,
  approveJoin,
  giveRole,
  joinedMembership,
  leaveGroup,
  rejectJoin,
  removeFromGroup,
  renameGroup,
  rereadGroup,
  rotateGroup,
} from './groups/manage-group.ts'
export { askToJoin, failJoin, openJoinOf, openJoins } from './groups/ask.ts'
export { type BoxCursor, boxesOf, type GroupBox } from './groups/boxes.ts'
export {
  expireGroupItems,
  type GroupCopies,
  groupCopies,
  type GroupCopy,
  noteGroupCustody,
  noteGroupDrained,
  takeGroupPage,
} from './groups/carriage.ts'
export { sendableEpoch } from './groups/carry.ts'
export { gossipTopics } from './groups/gossip-plan.ts'
export { createGroup, type GroupOptions } from './groups/create-group.ts'
export {
  allGroups,
  groupByNumber,
  groupOf,
  type GroupRecord,
  type GroupStanding,
  isListedGroup,
} from './groups/group.ts'
export { unsentGroupEntries } from './groups/group-outbox.ts'
export type { AskedDevice } from './groups/asked-seed.ts'
export { repairState } from './groups/repair-state.ts'
export { syncState } from './groups/sync-state.ts'
export { type GroupWait, groupWaits } from './groups/waits.ts'
export { memberName } from './groups/member-devices.ts'
export { Membership, membershipOf } from './groups/membership.ts'
export { type PendingJoin, pendingJoins } from './groups/pending-joins.ts'
export { takeGroupMessage, type Taken } from './groups/receive.ts'
export { sendGroupText } from './groups/send-text.ts'
export { coverageOf } from './groups/frontiers.ts'
export { moveCarriage } from './groups/move-carriage.ts'
export { noteStillDrained, sweepGroup } from './groups/sweep-group.ts'
export { tendGroup, type Tended } from './groups/tend.ts'
export { unanswered, wantsCompare } from './groups/sync-group.ts'
export { wantedOf } from './log/wanted.ts'
export {
  BACKOFF_MAX_MS,
  BACKOFF_MIN_MS,
  CARD_REQUESTS_MAX,
  CARD_REQUESTS_WINDOW_MS,
  DIRECT_ANSWER_MS,
  DIRECT_FRAME_MAX_BYTES,
  DIRECT_HEAD_START_MS,
  DIRECT_HELLO_MS,
  DIRECT_IDLE_MS,
  DIRECT_PING_MAX_MS,
  DIRECT_PING_MIN_MS,
  DIRECT_RECENT_MS,
  DIRECT_UNKNOWN_BYTES,
  DIRECT_UNKNOWN_STREAMS,
  DIRECT_WINDOW_BYTES,
  DIRECT_WINDOW_MESSAGES,
  DOUBTED_RELAY_DELAY_MS,
  NAME_MAX_BYTES,
  PREKEY_KEEP_MS,
  RENDEZVOUS_GENERATIONS_MAX,
  UNWRITABLE_BUSY_MS,
} from './limits.ts'
export { GOSSIP_DATA_MAX_BYTES, GOSSIP_PEERS_MAX, GOSSIP_TOPICS_MAX } from './group/limits.ts'
export {
  type Acceptance,
  type AcceptedEntry,
  acceptEntry,
  type AcceptRequest,
  type RefusalReason,
} from './log/accept.ts'
export { type Appended, appendEntry, type AppendRequest } from './log/append.ts'
export { acceptBase, type BaseOutcome, giveUp, type GiveUpOutcome } from './log/base.ts'
export {
  ABSENCE,
  type AbsenceReason,
  absenceReason,
  compareOrder,
  decodeEntry,
  directConversation,
  elideEntry,
  type Elision,
  encodeEntry,
  type Entry,
  type EntryBody,
  type EntryContext,
  restoreEntry,
  type WireEntry,
} from './log/entry.ts'
export {
  type AuthorFrontier,
  authorFrontier,
  type ConversationFrontier,
  conversationFrontier,
  type Gap,
  gapsOf,
  markLost,
  noteHead,
} from './log/frontier.ts'
export {
  decodeHeader,
  type ElidedHeader,
  type EntryHeader,
  type EntryRef,
  headerFault,
} from './log/header.ts'
export type { NumberRange } from './log/ranges.ts'
export {
  type ConversationFacts,
  conversationFacts,
  type EntryView,
  entryWireForm,
  proofsOf,
  readArrivals,
  readEntry,
  readHeldEntry,
  readNumbers,
  readOrdered,
} from './log/read.ts'
export { eraseBody, markSeen, readPosition } from './log/seen.ts'
export { type EntrySource, type Standing, standingOf } from './log/source.ts'
export { frontierFrameOf, receiptAuthorOf } from './log/statements.ts'
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
  adoptDeviceList,
  type DeviceListRecord,
  deviceLists,
  isListed,
  type ListedDevice,
} from './peers/device-lists.ts'
export { knownDevices } from './peers/known-devices.ts'
export { refreshEndpoints, sendEndpoints } from './peers/own-endpoints.ts'
export {
  activeMailboxes,
  allRelayChoices,
  chooseRelay,
  mailboxOwnerSeed,
  mailboxSecret,
  type OwnMailbox,
  type RelayChoice,
  relayChoices,
} from './peers/own-mailbox.ts'
export { type InviteAnswer, type Peer, peers } from './peers/peer.ts'
export {
  meetRelay,
  noteIncarnation,
  notePublished,
  type Publication,
  publication,
} from './peers/publication.ts'
export {
  buildCard,
  buildDirectBundle,
  cardIsDue,
  type CardItem,
  type CardOffer,
  type DirectBundle,
  directPlace,
} from './prekeys/bundle.ts'
export { consumePrekey, findPrekey, type HandshakePrekey } from './prekeys/find.ts'
export { issuePrekeys, type PrekeyCounts, type PrekeyItems, refillCounts } from './prekeys/issue.ts'
export {
  currentSealKey,
  type OfferedPrekeys,
  offeredPrekeys,
  renewPrekeys,
  sealKeys,
} from './prekeys/renew.ts'
export { type PrekeyFate, prekeyFate } from './prekeys/retention.ts'
export { endSlot, type PrekeyPlace } from './prekeys/slots.ts'
export { sweepPrekeys, type Swept } from './prekeys/sweep.ts'
export { profile, type Profile, profiles } from './profile.ts'
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
export { type Memory, NO_MEMORY } from './memory.ts'
export type { Self } from './self.ts'
export {
  type EncryptLimit,
  type EncryptOptions,
  type EncryptOutcome,
  encryptTo,
} from './session/encrypt.ts'
export { findLostEntries, type LostEntries, startAnew } from './repair.ts'
export { endSessions, retireSessions } from './session/keep-session.ts'
export type { ListVersion, ListVersions } from './session/list-versions.ts'
export { type InnerInput, openInner } from './session/open-inner.ts'
export type {
  Candidate,
  Judge,
  OpenOutcome,
  OpenedInner,
  Remote,
  UnreadableReason,
} from './session/open-outcome.ts'
export { sweepReplays } from './session/replay-map.ts'
export { ownPrekeys } from './session/own-prekeys.ts'
export type { OneTime, PrekeySource, SecretKeyPair } from './session/prekey-source.ts'
export { type SessionIndex, sessionIndex, type SessionRef } from './session/session-index.ts'
export { type SessionInfo, sessionInfo } from './session/session-info.ts'
export { type SessionRecord, sessions } from './session/session-record.ts'
export { expireSkipped, skippedSeeds } from './session/skipped-seeds.ts'
export {
  type PeerBundle,
  type StartOptions,
  type StartOutcome,
  startSession,
} from './session/start-session.ts'
export {
  get,
  type Load,
  type Place,
  range,
  type RangeQuery,
  type Row,
  type Step,
  type Table,
  type Turn,
} from './step.ts'
export { STATE_TABLE_NAMES } from './state-tables.ts'
export { tallyOf } from './tallies.ts'
export { placesToSeek, takeRendezvousCard } from './contacts/seek-restored.ts'
export {
  noteRendezvousCard,
  rendezvousCard,
  rendezvousList,
  rendezvousRoots,
  rendezvousToFind,
  settleRendezvous,
} from './peers/rendezvous.ts'
