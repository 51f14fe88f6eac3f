// Choosing the epoch to send in from what is stored (SPEC.md §20.8). In the usual case, that one epoch
// has exactly the members, no list of recipients is read: equal hashes say so.
import { type Bytes32, equalBytes } from '../../crypto/index.ts'
import { TOP_UP_DEVICES_MAX } from '../group-limits.ts'
import type { Step, Turn } from '../step.ts'
import { type SendChoice, type SendableEpoch, chooseEpoch } from './choose-epoch.ts'
import { chainAt } from './epoch-chains.ts'
import { recipientsOf } from './epoch-recipients.ts'
import type { EpochRecord } from './epoch-record.ts'
import { epochsOf } from './held-epochs.ts'

export interface SendingView {
  readonly group: Bytes32
  /** M: devices of all members at the own heads, ascending, and H(L("g-rcpt") ‖ M). */
  readonly members: readonly Bytes32[]
  readonly membersHash: Bytes32
  readonly judge: (opId: Bytes32) => { readonly isVoid: boolean; readonly eligible: boolean }
}

function* sendable(
  turn: Turn,
  view: SendingView,
  epoch: EpochRecord,
  recipients: readonly Bytes32[],
): Step<SendableEpoch> {
  const own = yield* chainAt(turn, epoch, epoch.ownIndex)
  const { opId, lamport } = epoch
  return { opId, lamport, recipients, ownCount: own?.count ?? 0, ...view.judge(opId) }
}

/** The choice of chooseEpoch over the epochs kept. */
export function* chooseSendingEpoch(turn: Turn, view: SendingView): Step<SendChoice> {
  const { members, membersHash } = view
  const held = yield* epochsOf(turn, view.group)
  const exact: SendableEpoch[] = []
  for (const epoch of held) {
    if (!equalBytes(epoch.recipientsHash, membersHash)) continue
    exact.push(yield* sendable(turn, view, epoch, members))
  }
  const choice = chooseEpoch(exact, members)
  if (choice.kind === 'send') return choice
  const all = [...exact]
  for (const epoch of held) {
    const lacks = members.length - epoch.recipientCount
    if (lacks <= 0 || lacks > TOP_UP_DEVICES_MAX) continue
    all.push(yield* sendable(turn, view, epoch, yield* recipientsOf(epoch)))
  }
  return chooseEpoch(all, members)
}
