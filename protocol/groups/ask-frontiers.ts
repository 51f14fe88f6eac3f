// In a group too large for everybody to say what they hold, who wrote asks (SPEC.md §21): seldom, and
// few answer, so that a group of a thousand does not talk about itself all day.
import { frontierRequestFrame } from '../content/group-frontier.ts'
import { FRONTIER_ASK_AGAIN_MS, FRONTIER_ASKED_MEMBERS, FRONTIER_MAX_MS } from '../group-limits.ts'
import { authorFrontier } from '../log/frontier.ts'
import type { Step, Turn } from '../step.ts'
import type { Membership } from './membership.ts'
import { ownControl, signOwnControl, waitingControls } from './own-control.ts'
import { reachedN } from './reached.ts'

/** Asks for what nobody is known to hold of ours, when it is time to; when to look again. */
export function* askFrontiers(turn: Turn, members: Membership): Step<number | undefined> {
  const { gid } = members
  if (members.view.memberCount <= FRONTIER_ASKED_MEMBERS) return undefined
  const n = (yield* authorFrontier(turn, gid, turn.self.device))?.headN ?? 0
  if (n <= (yield* reachedN(gid))) return undefined
  const { askedN, askedAtMs } = yield* ownControl(gid)
  const waitMs = n > askedN ? FRONTIER_MAX_MS : FRONTIER_ASK_AGAIN_MS
  const dueMs = askedAtMs === 0 ? turn.safeNowMs : askedAtMs + waitMs
  if (dueMs > turn.safeNowMs) return dueMs
  const value = { author: turn.self.device, n }
  const note = { askedN: n, askedAtMs: turn.safeNowMs }
  const frame = yield* signOwnControl(turn, gid, frontierRequestFrame, value, note)
  turn.put(waitingControls, { gid, kind: frame.kind }, { frame })
  turn.effect({ kind: 'group', gid })
  return turn.safeNowMs + FRONTIER_ASK_AGAIN_MS
}
