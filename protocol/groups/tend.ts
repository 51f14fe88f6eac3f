// What a group needs from time to time, and whenever something of it changed (SPEC.md §21): what
// waited for an operation or a key is tried again, what waits to go out is encrypted.
import type { Bytes32 } from '../../crypto/index.ts'
import { causalEpochs } from '../epochs/group-cipher.ts'
import type { Step, Turn } from '../step.ts'
import { askFrontiers } from './ask-frontiers.ts'
import { askMissingOps } from './ask-ops.ts'
import { carryWaiting } from './carry.ts'
import { settleDoubt } from './doubts.ts'
import { fallBack } from './fall-back.ts'
import { groupOf } from './group.ts'
import { helpSilent } from './help-silent.ts'
import { heldMessageCount } from './held-messages.ts'
import { membershipOf } from './membership.ts'
import { mend } from './mend.ts'
import { takeOpenEntries } from './open-entries.ts'
import { settleReached } from './reached.ts'
import { retryHeld } from './receive.ts'
import { syncGroup } from './sync-group.ts'
import { takeEntry } from './take-entry.ts'
import { carryAgain } from './void-custody.ts'
import { tellAdding } from './tell-adding.ts'
import { tellFrontier } from './tell-frontier.ts'

export interface Tended {
  /** There is more to do at once. */
  readonly again: boolean
  /** When to look again, guarded clock; undefined: when something changes. */
  readonly nextAtMs: number | undefined
}

const NOTHING: Tended = { again: false, nextAtMs: undefined }

function earliest(...times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined)
  return known.length === 0 ? undefined : Math.min(...known)
}

export function* tendGroup(turn: Turn, gid: Bytes32): Step<Tended> {
  const group = yield* groupOf(gid)
  const members = yield* membershipOf(turn, gid)
  if (group === undefined) return NOTHING
  const askAtMs = yield* askMissingOps(turn, gid, members)
  if (members?.isKnown !== true || group.standing !== 'joined') {
    return { again: false, nextAtMs: askAtMs }
  }
  // What was tried with these operations and epochs fails again: only new ones are worth it.
  const key = `tended ${gid.join()}`
  const state = `${members.dag.size} ${(yield* causalEpochs.held(turn, gid)).length}`
  if (turn.memory.get(key) !== state) {
    for (const entry of yield* takeOpenEntries(turn, gid)) yield* takeEntry(turn, members, entry)
    if ((yield* heldMessageCount(gid)) > 0) {
      let from: number | undefined = 0
      while (from !== undefined) from = yield* retryHeld(turn, members, from)
    }
    turn.memory.set(key, state)
  }
  const mendAtMs = yield* mend(turn, members)
  // What was mended changed the membership.
  const now = (yield* membershipOf(turn, gid)) ?? members
  const doubtAtMs = yield* settleDoubt(turn, now)
  const tellAtMs = yield* tellFrontier(turn, now)
  const questionAtMs = yield* askFrontiers(turn, now)
  const syncAtMs = yield* syncGroup(turn, now)
  const fallAtMs = yield* fallBack(turn, now)
  const addingAtMs = yield* tellAdding(turn, now)
  const helpAtMs = yield* helpSilent(turn, now)
  const owes = yield* carryAgain(turn, now)
  const marks = yield* settleReached(turn, now)
  const again = (yield* carryWaiting(turn, now)) || owes || marks
  const times = [askAtMs, mendAtMs, doubtAtMs, tellAtMs, questionAtMs, syncAtMs, fallAtMs]
  return { again, nextAtMs: earliest(...times, addingAtMs, helpAtMs) }
}
