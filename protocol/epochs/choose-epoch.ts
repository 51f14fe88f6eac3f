// Which epoch to send in (SPEC.md §20.8): a pure decision. Nobody outside the members that the
// sender knows gets a message, and nobody inside is left out in silence.
import {
  type Bytes32,
  GROUP_CHAIN_MAX_MESSAGES,
  GROUP_CHAIN_ROTATE_AT,
  compareBytes,
} from '../../crypto/index.ts'
import { TOP_UP_DEVICES_MAX } from '../group-limits.ts'

export interface SendableEpoch {
  readonly opId: Bytes32
  readonly lamport: number
  /** Ascending. */
  readonly recipients: readonly Bytes32[]
  /** Messages this device sent in it. */
  readonly ownCount: number
  /** Its operation does not stand. */
  readonly isVoid: boolean
  /** S6: the judgement of the membership (SPEC.md §19). */
  readonly eligible: boolean
}

export type SendChoice =
  /** Every device of every member has the epoch. */
  | { readonly kind: 'send'; readonly opId: Bytes32 }
  /** In this epoch, and over one-to-one sessions to these devices, in one batch; then repair (R3). */
  | { readonly kind: 'topUp'; readonly opId: Bytes32; readonly missing: readonly Bytes32[] }
  /** The entry stays queued: "waiting for the group's key". */
  | { readonly kind: 'wait' }
  /** The own chain nears its end: rotate now; where that fails, go on as `otherwise` says. */
  | { readonly kind: 'rotate'; readonly otherwise: Exclude<SendChoice, { kind: 'rotate' }> }

/** Members that an epoch lacks; undefined where it has somebody who is no member. Both ascend. */
export function missingFrom(
  recipients: readonly Bytes32[],
  members: readonly Bytes32[],
): readonly Bytes32[] | undefined {
  const missing: Bytes32[] = []
  let at = 0
  for (const member of members) {
    const recipient = recipients[at]
    const order = recipient === undefined ? 1 : compareBytes(recipient, member)
    if (order < 0) return undefined
    if (order === 0) at++
    else missing.push(member)
  }
  return at === recipients.length ? missing : undefined
}

interface Usable {
  readonly epoch: SendableEpoch
  readonly missing: readonly Bytes32[]
}

/** Fewest missing first, then the highest Lamport timestamp, then the smallest id. */
function compareUsable(a: Usable, b: Usable): number {
  return (
    a.missing.length - b.missing.length ||
    b.epoch.lamport - a.epoch.lamport ||
    compareBytes(a.epoch.opId, b.epoch.opId)
  )
}

function choiceOf({ epoch, missing }: Usable): Exclude<SendChoice, { kind: 'rotate' }> {
  const { opId } = epoch
  return missing.length === 0 ? { kind: 'send', opId } : { kind: 'topUp', opId, missing }
}

/** S1 to S5 over the epochs held (their commits were checked) and the devices of all members. */
export function chooseEpoch(
  epochs: readonly SendableEpoch[],
  members: readonly Bytes32[],
): SendChoice {
  const usable: Usable[] = []
  let spent = false
  for (const epoch of epochs) {
    const lacks = members.length - epoch.recipients.length
    if (epoch.isVoid || !epoch.eligible || lacks < 0 || lacks > TOP_UP_DEVICES_MAX) continue
    const missing = missingFrom(epoch.recipients, members)
    if (missing === undefined) continue
    if (epoch.ownCount >= GROUP_CHAIN_MAX_MESSAGES) spent = true
    else usable.push({ epoch, missing })
  }
  const [best] = usable.toSorted(compareUsable)
  if (best === undefined) {
    return spent ? { kind: 'rotate', otherwise: { kind: 'wait' } } : { kind: 'wait' }
  }
  const choice = choiceOf(best)
  return best.epoch.ownCount >= GROUP_CHAIN_ROTATE_AT
    ? { kind: 'rotate', otherwise: choice }
    : choice
}
