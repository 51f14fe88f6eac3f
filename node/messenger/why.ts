// Why a message's state may be believed: the chain of evidence, or what stands in the way.
import { type Bytes32, toHex } from '../../crypto/index.ts'
import {
  type DeviceEvidence,
  type Step,
  type Turn,
  evidence,
  get,
  shownState,
} from '../../protocol/index.ts'
import type { Why, WhyStep } from '../api.ts'
import { NodeError } from '../errors.ts'
import { explainGroup } from './why-group.ts'
import { type Troubles, waitsOf } from './why-waits.ts'

function short(key: Bytes32): string {
  return toHex(key).slice(0, 8)
}

function deviceSteps(row: DeviceEvidence): readonly WhyStep[] {
  const by = `device ${short(row.device)}`
  const steps: WhyStep[] = row.custody.map((one) => ({
    at: one.atMs,
    what: 'relayed',
    by: `relay ${short(one.serviceKey)}`,
    until: one.holdUntilS * 1000,
    evidence: one.void ? 'void: the relay lost its store since' : 'custody signature',
  }))
  if (row.committedAtMs > 0) {
    steps.push({ at: row.committedAtMs, what: 'delivered', by, evidence: 'committed answer' })
  }
  if (row.receiptAtMs > 0) {
    steps.push({ at: row.receiptAtMs, what: 'delivered', by, evidence: 'receipt' })
  }
  if (row.readAtMs > 0) steps.push({ at: row.readAtMs, what: 'read', by, evidence: 'receipt' })
  return steps
}

/** Explains one of one's own messages. Throws UNKNOWN_MESSAGE for any other id. */
export function* explain(
  turn: Turn,
  entry: Bytes32,
  troubles: Troubles,
  groupTroubles: (gid: Bytes32) => readonly string[] = () => [],
): Step<Why> {
  const row = yield* get(evidence, entry)
  if (row === undefined) {
    throw new NodeError('UNKNOWN_MESSAGE', 'no message of yours has this id', {
      hint: 'Ids are shown by: sotto read WHO --json',
    })
  }
  const { state } = shownState(row, turn.safeNowMs)
  const queued: WhyStep = { at: row.queuedAtMs, what: 'queued', evidence: 'fdatasync' }
  const { group, conversation } = row
  const told =
    group === undefined
      ? undefined
      : yield* explainGroup(turn, entry, { ...row, group }, groupTroubles(conversation))
  const all = [queued, ...row.devices.flatMap(deviceSteps), ...(told?.steps ?? [])]
  const steps = all.sort((a, b) => a.at - b.at)
  if (told !== undefined) return { id: toHex(entry), state, steps, missing: told.missing }
  const done = state === 'delivered' || state === 'read'
  return {
    id: toHex(entry),
    state,
    steps,
    missing: done ? [] : yield* waitsOf(turn, row, troubles),
  }
}
