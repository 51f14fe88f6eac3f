// What is at hand while an operation is judged, and questions that several rules ask of it.
import type { Bytes32, CryptoProvider } from '../../crypto/index.ts'
import type { GroupState } from './group-state.ts'
import type { OpHistory } from './history.ts'
import type { OpFacts } from './op-node.ts'

export interface Judging {
  readonly provider: CryptoProvider
  readonly history: OpHistory
  readonly facts: OpFacts
  /** state(past). */
  readonly before: GroupState
}

/** Whether it takes rank away. */
export function lowers({ facts, before }: Judging): boolean {
  const { payload } = facts.op
  const [target = -1] = facts.about
  return payload.kind === 'role' && payload.role < before.role(target)
}

/** V7: the epoch that an add or refresh extends. */
export function epochOf(judging: Judging, epochOp: Bytes32): readonly number[] | undefined {
  const { history, facts } = judging
  const epoch = history.find(epochOp)
  if (epoch === undefined || !facts.past.has(epoch.index)) return undefined
  return epoch.recipients?.includes(facts.device) === true ? epoch.recipients : undefined
}

/** Devices of lists that a list takes out: those held before, and those it names. */
export function revokedBy({ facts, before }: Judging): readonly number[] {
  const [list] = facts.lists
  if (facts.op.payload.kind !== 'devices' || list === undefined) return []
  const held = before.account(list.account).list?.devices ?? []
  return [...new Set([...held, ...list.revoked])].filter((key) => !list.devices.includes(key))
}
