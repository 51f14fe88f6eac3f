// Giving a group other relays (SPEC.md §21): when all of its own have been gone for long, an admin's
// device, the first by rank, names its own. It is told over sessions, which need no group mailbox.
import { type Bytes32, equalBytes, groupRepairRank } from '../../crypto/index.ts'
import { repairDelayMs } from './repair.ts'
import { CARRIAGE_DEAD_MS, CARRIAGE_RELAYS_MAX } from '../group-limits.ts'
import { activeMailboxes } from '../peers/own-mailbox.ts'
import type { Step, Turn } from '../step.ts'
import { membershipOf } from './membership.ts'
import { issue } from './operate.ts'

/**
 * Names new relays where it is time to; when to look again, guarded clock. `goneSinceMs`: since when
 * no relay of the group is reached. `usable`: service keys of own relays that are reached now.
 */
export function* moveCarriage(
  turn: Turn,
  gid: Bytes32,
  goneSinceMs: number,
  usable: readonly Bytes32[],
): Step<number | undefined> {
  const members = yield* membershipOf(turn, gid)
  if (members?.isMember !== true || (members.self?.role ?? 0) === 0) return undefined
  if (!members.allows('carriage')) return undefined
  const written = members.writtenRelays
  const isOther = (key: Bytes32): boolean =>
    usable.some((one) => equalBytes(one, key)) &&
    !written.some(({ serviceKey }) => equalBytes(serviceKey, key))
  const own = (yield* activeMailboxes()).filter(({ serviceKey }) => isOther(serviceKey))
  if (own.length === 0) return undefined
  const admins = members.members.filter(({ role }) => role > 0).flatMap(({ devices }) => devices)
  const rank = groupRepairRank(turn.crypto, members.highestHead, turn.self.device, admins)
  const dueMs = goneSinceMs + CARRIAGE_DEAD_MS + repairDelayMs(rank, 0)
  if (dueMs > turn.safeNowMs) return dueMs
  const relays = own
    .slice(0, CARRIAGE_RELAYS_MAX)
    .map(({ serviceKey, address }) => ({ serviceKey, addresses: [address] }))
  yield* issue(turn, members, { kind: 'carriage', relays })
  return undefined
}
