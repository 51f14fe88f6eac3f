// What the floors above use of groups: membership, epochs, what carries and repairs them.
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
  noteGroupRead,
  takeGroupItem,
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
export { noteDoubt as noteGroupDoubt, repairState } from './groups/repair-state.ts'
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
export { GOSSIP_DATA_MAX_BYTES, GOSSIP_PEERS_MAX, GOSSIP_TOPICS_MAX } from './group/limits.ts'
