// Who gets the epoch that an operation makes, and V10: the hash of them (SPEC.md §19.2).
import { type Bytes32, equalBytes, groupRecipientsHash, isFreshOp } from '../../crypto/index.ts'
import type { GroupFault } from './fault.ts'
import type { GroupState } from './group-state.ts'
import { epochOf, type Judging } from './judging.ts'

/** Who gets the epoch that an operation makes; `after` is state(past + op). */
export function recipientsOf(judging: Judging, after: GroupState): readonly number[] | undefined {
  const { facts, history } = judging
  const { payload } = facts.op
  if (isFreshOp(payload)) return after.devices(history.devices)
  if (payload.kind === 'add') {
    const newcomers = facts.about.flatMap((account) => after.account(account).list?.devices ?? [])
    const extended = epochOf(judging, payload.epochOp) ?? []
    return history.devices.sorted([...extended, ...newcomers])
  }
  if (payload.kind === 'refresh') {
    const targets = payload.devices.map((device) => history.devices.number(device))
    return history.devices.sorted([...(epochOf(judging, payload.epochOp) ?? []), ...targets])
  }
  return undefined
}

function hashOf(judging: Judging, after: GroupState, recipients: readonly number[]): Bytes32 {
  const { provider, history } = judging
  const { membership } = after
  const shared = membership.devices === recipients
  if (shared && membership.recipientsHash !== undefined) return membership.recipientsHash
  const keys = recipients.map((device) => history.devices.key(device))
  const hash = groupRecipientsHash(provider, keys)
  if (shared) membership.recipientsHash = hash
  return hash
}

/** V10. */
export function recipientsFault(
  judging: Judging,
  after: GroupState,
  recipients: readonly number[],
): GroupFault | undefined {
  const { payload } = judging.facts.op
  const stated = 'recipientsHash' in payload ? payload.recipientsHash : undefined
  if (stated === undefined) return undefined
  return equalBytes(stated, hashOf(judging, after, recipients)) ? undefined : 'recipients'
}
