// The public surface of the protocol floor: wire formats and machines, all pure.
export type { Change } from './changes.ts'
export type { Effect } from './effects.ts'
export { ProtocolError, type ProtocolErrorCode } from './errors.ts'
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
