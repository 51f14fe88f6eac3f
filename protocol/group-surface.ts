// What the floors above use of groups: membership, epochs, what carries and repairs them.
export { GossipPeerGate, GossipSenderGate } from './groups/gossip-gate.ts'
export { type GossipLineage, topicToPublish, topicsToHear } from './groups/gossip-topics.ts'
export {
  chooseEpoch,
  missingFrom,
  type SendableEpoch,
  type SendChoice,
} from './epochs/choose-epoch.ts'
export { isNewControl, noteControl } from './epochs/control-window.ts'
export { type GroupEncryptOutcome, encryptInEpoch } from './epochs/encrypt-message.ts'
export { chainAt, epochsByTag } from './epochs/epoch-chains.ts'
export { recipientsOf } from './epochs/epoch-recipients.ts'
export { epochsOf } from './epochs/held-epochs.ts'
export type { ChainRecord, EpochRecord, SkippedRecord } from './epochs/epoch-record.ts'
export {
  type DroppedEpoch,
  judgeRetention,
  type RetainedEpoch,
  type RetentionVerdict,
  type RetentionView,
} from './epochs/epoch-retention.ts'
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
} from './epochs/epoch-tables.ts'
export {
  commitGenuine,
  type Examination,
  examineGroup,
  type GenuineMessage,
  type GroupControl,
  type IsNewEntry,
} from './epochs/examine-message.ts'
export { causalEpochs, type GroupCipher } from './epochs/group-cipher.ts'
export {
  type EpochGrant,
  type EpochOperation,
  type EpochSource,
  keepEpoch,
  type KeepOutcome,
  type KeepRefusal,
} from './epochs/keep-epoch.ts'
export {
  commitGroup,
  type GroupOpenOutcome,
  type GroupOrigin,
  openGroup,
  type OpenedCandidate,
} from './epochs/open-message.ts'
export {
  openGroupOperations,
  type OperationsOutcome,
  sealGroupOperations,
} from './epochs/operations-message.ts'
export {
  answersSeedRequest,
  type MissingSeed,
  type Repair,
  repairDelayMs,
  repairsOf,
  type RepairView,
} from './groups/repair.ts'
export { chooseSendingEpoch, type SendingView } from './epochs/sending-epoch.ts'
export {
  supersedeEpochs,
  sweepEpochs,
  type SweepRequest,
  type SweptEpochs,
} from './epochs/sweep-epochs.ts'
export {
  type DraftAuthor,
  draftCreate,
  draftOp,
  type DraftPayload,
  type OpDraft,
} from './membership/draft-op.ts'
export {
  type EntryStanding,
  entryStanding,
  type GroupEntryRef,
  type IsBelowCut,
} from './membership/entry-standing.ts'
export { standingIn } from './groups/take-entry.ts'
export { entryOp, waitingOp } from './membership/entry-op.ts'
export type { GroupFault } from './membership/fault.ts'
export { type AddOutcome, GroupDag, type RefusedOp, type SeqProof } from './membership/group-dag.ts'
export {
  compareRecipients,
  deviceIndex,
  earnedSpan,
  type EligibleOptions,
  type GroupEpoch,
  groupEpoch,
  groupEpochs,
  isEligible,
} from './membership/group-epochs.ts'
export { type GroupMember, GroupView } from './membership/group-view.ts'
export { countOpsSince, opsSince, type ServedOps } from './membership/serve-ops.ts'
export { addGroupOp, loadGroup, type StoredGroup } from './membership/stored-group.ts'
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
export { coverageOf, speaksOf } from './groups/reached.ts'
export { moveCarriage } from './groups/move-carriage.ts'
export { noteStillDrained, sweepGroup } from './groups/sweep-group.ts'
export { tendGroup, type Tended } from './groups/tend.ts'
export { unanswered, wantsCompare } from './groups/sync-group.ts'
export { GOSSIP_DATA_MAX_BYTES, GOSSIP_PEERS_MAX, GOSSIP_TOPICS_MAX } from './group-limits.ts'
