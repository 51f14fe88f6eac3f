// The public surface of the protocol floor: wire formats and machines, all pure.
export type { Change } from './changes.ts'
export type { Effect } from './effects.ts'
export { ProtocolError, type ProtocolErrorCode } from './errors.ts'
export type { Self } from './self.ts'
export {
  type DeviceListRecord,
  type ListedDevice,
  adoptDeviceList,
  deviceLists,
  isListed,
} from './peers/device-lists.ts'
export {
  type EncryptLimit,
  type EncryptOptions,
  type EncryptOutcome,
  encryptTo,
} from './session/encrypt.ts'
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
export { ownPrekeys } from './session/own-prekeys.ts'
export type { OneTime, PrekeySource, SecretKeyPair } from './session/prekey-source.ts'
export { sweepReplays } from './session/replay-map.ts'
export { type SessionIndex, type SessionRef, sessionIndex } from './session/session-index.ts'
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
  type CardItem,
  type CardOffer,
  type DirectBundle,
  buildCard,
  buildDirectBundle,
  cardIsDue,
  directPlace,
} from './prekeys/bundle.ts'
export { type HandshakePrekey, consumePrekey, findPrekey } from './prekeys/find.ts'
export { type PrekeyCounts, type PrekeyItems, issuePrekeys, refillCounts } from './prekeys/issue.ts'
export {
  type OfferedPrekeys,
  currentSealKey,
  offeredPrekeys,
  renewPrekeys,
  sealKeys,
} from './prekeys/renew.ts'
export { type PrekeyFate, prekeyFate } from './prekeys/retention.ts'
export { type PrekeyPlace, endSlot } from './prekeys/slots.ts'
export { type Swept, sweepPrekeys } from './prekeys/sweep.ts'
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
