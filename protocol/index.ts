// The public surface of the protocol floor: wire formats and machines, all pure.
export type { Change } from './changes.ts'
export type { Effect } from './effects.ts'
export { ProtocolError, type ProtocolErrorCode } from './errors.ts'
export type { Self } from './self.ts'
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

// Frames and content kinds (SPEC.md §8, §10)
export { type Base, type BaseAuthor, type BaseFrame, baseFrame } from './content/base.ts'
export { type Endpoints, endpointsFrame, type HomeHost } from './content/endpoints.ts'
export { entryFrame } from './content/entry.ts'
export {
  type ForkPoint,
  type Frontier,
  type FrontierAuthor,
  frontierFrame,
} from './content/frontier.ts'
export { type Intro, introFrame } from './content/intro.ts'
export { type ContentKind, frameOf, readFrame } from './content/kind.ts'
export { type ListFrame, listFrame } from './content/list.ts'
export { type ListRequest, listRequestFrame } from './content/list-request.ts'
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
export { type SyncMore, syncMoreFrame } from './content/sync-more.ts'
export { type SyncAbsence, type SyncPage, syncPageFrame } from './content/sync-page.ts'
export { type SyncRange, type SyncRequest, syncRequestFrame } from './content/sync-request.ts'
export { type TextContent, textContent } from './content/text.ts'
export { type Typing, typingFrame } from './content/typing.ts'
export {
  type Carrier,
  carrierAllows,
  decodeFrames,
  encodeFrames,
  type Frame,
  frameClass,
  type FrameClass,
} from './frames.ts'

// The log (SPEC.md §8)
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
  decodeHeader,
  type ElidedHeader,
  type EntryHeader,
  type EntryRef,
  headerFault,
} from './log/header.ts'
export type { NumberRange } from './log/ranges.ts'
export {
  type Acceptance,
  type AcceptedEntry,
  acceptEntry,
  type AcceptRequest,
  type RefusalReason,
} from './log/accept.ts'
export { appendEntry, type Appended, type AppendRequest } from './log/append.ts'
export { acceptBase, type BaseOutcome, giveUp, type GiveUpOutcome } from './log/base.ts'
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
  type ConversationFacts,
  conversationFacts,
  entryWireForm,
  type EntryView,
  proofsOf,
  readArrivals,
  readEntry,
  readHeldEntry,
  readNumbers,
  readOrdered,
} from './log/read.ts'
export { eraseBody, markSeen, readPosition } from './log/seen.ts'
export { frontierFrameOf, receiptAuthorOf } from './log/statements.ts'
export { type EntrySource, type Standing, standingOf } from './log/source.ts'
export { type EntryContent, readEntryContent } from './content/entry-content.ts'
