// Why a message's state may be believed: the chain of evidence, or what stands in the way.
import { type Bytes32, toHex } from '../../crypto/index.ts'
import {
  type DeviceEvidence,
  type Evidence,
  type Step,
  type Turn,
  evidence,
  get,
  outboxHead,
  peers,
  shownState,
} from '../../protocol/index.ts'
import type { Why, WhyStep } from '../api.ts'
import { NodeError } from '../errors.ts'
import { explainGroup } from './why-group.ts'

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

function* obstacles(
  row: Evidence,
  troubles: (device: Bytes32) => readonly string[],
): Step<readonly string[]> {
  const missing: string[] = []
  for (const { device, custody } of row.devices) {
    const peer = yield* get(peers, device)
    const head = yield* outboxHead(device)
    if (peer === undefined) {
      missing.push(
        'the keys of the contact are not here yet: its relay or its node was not reached',
      )
      continue
    }
    if (head.prepared < head.next - 1 && !peer.heard) {
      missing.push('the contact has not answered yet: a few messages go ahead, the rest wait')
    }
    if (custody.length === 0) {
      for (const why of troubles(device)) missing.push(why)
      const { mailboxes, home } = peer.endpoints
      if (mailboxes.length === 0 && (home?.addresses ?? []).length === 0) {
        missing.push('the contact told no relay and no address')
      }
    } else missing.push('the contact has not fetched it from the relay yet')
  }
  return missing
}

/** Explains one of one's own messages. Throws UNKNOWN_MESSAGE for any other id. */
export function* explain(
  turn: Turn,
  entry: Bytes32,
  troubles: (device: Bytes32) => readonly string[],
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
    missing: done ? [] : yield* obstacles(row, troubles),
  }
}
