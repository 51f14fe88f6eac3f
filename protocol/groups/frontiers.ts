// What members hold of a group's log (SPEC.md §21): each device's own word is evidence for itself, and
// a hint about others. So an entry of ours is delivered when a device of another member says that it
// holds it, and a tail that was lost shows by its author's own number.
import { type Bytes32, equalBytes, readU16 } from '../../crypto/index.ts'
import type { FrontierRequest, GroupFrontier } from '../content/group-frontier.ts'
import { FRONTIER_ANSWER_SPREAD_MS, FRONTIER_ANSWERS, FRONTIER_MAX_MS } from '../group-limits.ts'
import { noteHead } from '../log/frontier.ts'
import type { Step, Turn } from '../step.ts'
import { groupEpoch } from '../membership/group-epochs.ts'
import type { Membership } from './membership.ts'
import { noteOwnControl, ownControl } from './own-control.ts'
import { noteReached } from './reached.ts'
import { tellAgain } from './tell-frontier.ts'
import { noteHeads } from './unknown-heads.ts'

/** Takes what a device of a member says it holds. */
export function* takeFrontier(
  turn: Turn,
  members: Membership,
  device: Bytes32,
  frontier: GroupFrontier,
): Step<void> {
  const { gid } = members
  const account = members.accountOf(device)
  if (account === undefined) return
  yield* noteHead(turn, gid, device, frontier.ownN)
  const recipients = groupEpoch(members.dag, frontier.opId)?.recipients() ?? []
  const own = recipients.findIndex((one) => equalBytes(one, turn.self.device))
  const held = frontier.held.find(({ devIdx }) => devIdx === own)?.n ?? 0
  const read = frontier.read.find(({ devIdx }) => devIdx === own)?.n ?? 0
  if (!equalBytes(account, turn.self.account)) yield* noteReached(turn, members, device, held, read)
  yield* noteHeads(turn, members, frontier.heads)
}

/**
 * A device asks what is held of an author, mostly of itself: then it says how far it wrote. About 16
 * devices answer, each within a minute, at a moment of its own, and not within five minutes after its
 * last frontier. That one may have come under keys that the asker lacks: so the answer waits, and is
 * not left out.
 */
export function* takeFrontierRequest(
  turn: Turn,
  members: Membership,
  device: Bytes32,
  { author, n }: FrontierRequest,
): Step<void> {
  const { gid } = members
  if (members.accountOf(device) === undefined) return
  if (equalBytes(author, device)) yield* noteHead(turn, gid, device, n)
  tellAgain(turn, gid, author)
  const own = yield* ownControl(gid)
  if (own.frontierAskedMs > own.frontierAtMs) return
  const chance = FRONTIER_ANSWERS / Math.max(1, members.devices.length - 1)
  if (readU16(turn.random(2), 0) / 0x1_0000 >= chance) return
  const spread = readU16(turn.random(2), 0) / 0x1_0000
  const earliestMs = own.frontierAtMs === 0 ? 0 : own.frontierAtMs + FRONTIER_MAX_MS
  const dueMs = Math.max(turn.safeNowMs, earliestMs)
  const frontierAskedMs = dueMs + Math.floor(spread * FRONTIER_ANSWER_SPREAD_MS)
  yield* noteOwnControl(turn, gid, { frontierAskedMs })
  turn.effect({ kind: 'group', gid })
}
