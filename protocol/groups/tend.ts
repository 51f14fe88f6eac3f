// What a group needs from time to time, and whenever something of it changed (SPEC.md §21): what
// waited for an operation or a key is tried again, what waits to go out is encrypted.
import type { Bytes32 } from '../../crypto/index.ts'
import { causalEpochs } from '../group/group-cipher.ts'
import type { Step, Turn } from '../step.ts'
import { carryWaiting } from './carry.ts'
import { groupOf } from './group.ts'
import { heldMessageCount } from './held-messages.ts'
import { membershipOf } from './membership.ts'
import { takeOpenEntries } from './open-entries.ts'
import { retryHeld } from './receive.ts'
import { takeEntry } from './take-entry.ts'

export interface Tended {
  /** There is more to do at once. */
  readonly again: boolean
  /** When to look again, guarded clock; undefined: when something changes. */
  readonly nextAtMs: number | undefined
}

const NOTHING: Tended = { again: false, nextAtMs: undefined }

export function* tendGroup(turn: Turn, gid: Bytes32): Step<Tended> {
  const group = yield* groupOf(gid)
  const members = yield* membershipOf(turn, gid)
  if (group === undefined || members?.isKnown !== true) return NOTHING
  if (group.standing !== 'joined') return NOTHING
  // What was tried with these operations and epochs fails again: only new ones are worth it.
  const key = `tended ${gid.join()}`
  const state = `${members.dag.size} ${(yield* causalEpochs.held(gid)).length}`
  if (turn.memory.get(key) !== state) {
    for (const entry of yield* takeOpenEntries(turn, gid)) yield* takeEntry(turn, members, entry)
    if ((yield* heldMessageCount(gid)) > 0) {
      let from: number | undefined = 0
      while (from !== undefined) from = yield* retryHeld(turn, members, from)
    }
    turn.memory.set(key, state)
  }
  const again = yield* carryWaiting(turn, members)
  return { again, nextAtMs: undefined }
}
