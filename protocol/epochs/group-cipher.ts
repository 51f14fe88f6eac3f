// What a group's encryption must do for the rest of the program: a seam, so that another protocol
// (an MLS profile) can stand behind it. causalEpochs is the one there is (SPEC.md §20).
import type { Bytes8, Bytes32 } from '../../crypto/index.ts'
import { type Step, type Turn, get } from '../step.ts'
import { type GroupEncryptOutcome, encryptInEpoch } from './encrypt-message.ts'
import { epochsByTag } from './epoch-chains.ts'
import { recipientsOf } from './epoch-recipients.ts'
import type { EpochRecord } from './epoch-record.ts'
import { type EpochKey, type LineageRecord, lineages } from './epoch-tables.ts'
import {
  type Examination,
  type GenuineMessage,
  type IsNewEntry,
  commitGenuine,
  examineGroup,
} from './examine-message.ts'
import { epochsOf } from './held-epochs.ts'
import { type EpochGrant, type KeepOutcome, keepEpoch } from './keep-epoch.ts'
import { type GroupOpenOutcome, type OpenedCandidate, openGroup } from './open-message.ts'
import {
  type OperationsOutcome,
  openGroupOperations,
  sealGroupOperations,
} from './operations-message.ts'
import {
  type SweepRequest,
  type SweptEpochs,
  supersedeEpochs,
  sweepEpochs,
} from './sweep-epochs.ts'

export interface GroupCipher {
  readonly name: string
  /** Takes an epoch in, if its operation's commit vouches for the secret. */
  keep(turn: Turn, grant: EpochGrant): Step<KeepOutcome>
  /** An epoch above others is held: they begin to age. */
  supersede(
    turn: Turn,
    group: Bytes32,
    by: { readonly fresh: boolean; readonly isPast: (opId: Bytes32) => boolean },
  ): Step<void>
  /** Deletes keys whose time is over. */
  sweep(turn: Turn, request: SweepRequest): Step<SweptEpochs>
  /** The epochs that a tag in front of a message names. */
  byTag(tag: Bytes8): Step<readonly EpochRecord[]>
  held(turn: Turn, group: Bytes32): Step<readonly EpochRecord[]>
  recipients(epoch: EpochRecord): Step<readonly Bytes32[]>
  lineage(key: EpochKey): Step<LineageRecord | undefined>
  /** Encrypts frames under the own chain of an epoch. */
  encrypt(turn: Turn, epoch: EpochKey, frames: Uint8Array): Step<GroupEncryptOutcome>
  /** Phase one: opens and writes nothing. */
  open(turn: Turn, message: Uint8Array): Step<GroupOpenOutcome>
  /** Is it its sender's, and new? Writes nothing. */
  examine(turn: Turn, candidate: OpenedCandidate, isNew: IsNewEntry): Step<Examination>
  /** Phase two, in the batch that keeps the message. */
  commit(turn: Turn, message: GenuineMessage): Step<void>
  /** Operations for every member, under the keys of a lineage; undefined if it is not held. */
  sealOperations(
    turn: Turn,
    lineage: EpochKey,
    operations: readonly Uint8Array[],
  ): Step<Uint8Array | undefined>
  openOperations(turn: Turn, message: Uint8Array): Step<OperationsOutcome>
}

export const causalEpochs: GroupCipher = {
  name: 'causal-epochs',
  keep: keepEpoch,
  supersede: supersedeEpochs,
  sweep: sweepEpochs,
  byTag: epochsByTag,
  held: epochsOf,
  recipients: recipientsOf,
  lineage: (key) => get(lineages, key),
  encrypt: encryptInEpoch,
  open: openGroup,
  examine: examineGroup,
  commit: commitGenuine,
  sealOperations: sealGroupOperations,
  openOperations: openGroupOperations,
}
