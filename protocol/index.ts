// The public surface of the protocol floor: wire formats and machines, all pure.
export * from './group-surface.ts'
export * from './relay-surface.ts'
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
  openFirstContact,
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
  DEVICE_REMOVED,
  evidence,
  shownState,
  type ShownState,
  standingCustody,
} from './delivery/evidence.ts'
export { receiveInner } from './delivery/inbox.ts'
export { forgetSeen } from './delivery/seen.ts'
export { nextDeposits, type NextDeposits } from './delivery/next-deposits.ts'
export {
  entryItem,
  type OutboxHead,
  outboxHead,
  unsentEntries,
  type OutboxItem,
  outboxItems,
  waitingDevices,
} from './delivery/outbox.ts'
export { keepSentUnder, sentUnder } from './delivery/sent-once.ts'
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
  allOwnMailboxes,
  allRelayChoices,
  chooseRelay,
  leaveRelay,
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
