// What a group needs from time to time, and whenever something of it changed (SPEC.md §21): what
// waited for an operation or a key is tried again, what waits to go out is encrypted.
import { type Bytes32, EMPTY, toHex } from '../../crypto/index.ts'
import { heldMark } from '../epochs/held-epochs.ts'
import { markOf, markTable, setMark } from '../mark.ts'
import type { Step, Turn } from '../step.ts'
import { askFrontiers } from './ask-frontiers.ts'
import { askMissingOps } from './ask-ops.ts'
import { carryWaiting } from './carry.ts'
import { settleDoubt } from './doubts.ts'
import { fallBack } from './fall-back.ts'
import { groupOf } from './group.ts'
import { helpSilent } from './help-silent.ts'
import { heldMessageCount } from './held-messages.ts'
import { type Membership, membershipOf } from './membership.ts'
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

/** By group: others each time that what waits was tried. */
const tried = markTable<Bytes32>('group-tried', (gid) => ({ owner: gid, order: EMPTY }))

interface Tried {
  readonly stamp: object
  readonly epochs: string
  /** '': nothing waited. */
  readonly mark: string
}

/** Tries what waits for operations and epochs. With those that it was tried with it would fail again. */
function* tryAgain(turn: Turn, members: Membership): Step<void> {
  const { gid, dag } = members
  const { stamp } = dag
  const key = `tended ${toHex(gid)}`
  const epochs = yield* heldMark(gid)
  const before = turn.memory.get(key) as Tried | undefined
  const isSame = before?.stamp === stamp && before.epochs === epochs
  if (isSame && (before.mark === '' || before.mark === (yield* markOf(tried, gid)))) return
  const entries = yield* takeOpenEntries(turn, gid)
  const isHolding = (yield* heldMessageCount(gid)) > 0
  for (const entry of entries) yield* takeEntry(turn, members, entry)
  let from: number | undefined = isHolding ? 0 : undefined
  while (from !== undefined) from = yield* retryHeld(turn, members, from)
  const mark = entries.length > 0 || isHolding ? setMark(turn, tried, gid) : ''
  turn.memory.set(key, { stamp, epochs, mark })
}

export function* tendGroup(turn: Turn, gid: Bytes32): Step<Tended> {
  const group = yield* groupOf(gid)
  const members = yield* membershipOf(turn, gid)
  if (group === undefined) return NOTHING
  const askAtMs = yield* askMissingOps(turn, gid, members)
  if (members?.isKnown !== true || group.standing !== 'joined') {
    return { again: false, nextAtMs: askAtMs }
  }
  yield* tryAgain(turn, members)
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
