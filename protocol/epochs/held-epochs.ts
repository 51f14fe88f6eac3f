// The epochs of a group that are kept. They are asked for at each turn, and there is one for each
// member that was added: so they are kept between turns, under a mark that changes with every write.
// A turn that was undone leaves a mark that the store has not, and then they are read anew.
import { type Bytes32, EMPTY, toHex } from '../../crypto/index.ts'
import { EPOCHS_SCAN_MAX } from '../group-limits.ts'
import { markOf, markTable, setMark } from '../mark.ts'
import { type Step, type Turn, range } from '../step.ts'
import type { EpochRecord } from './epoch-record.ts'
import { type EpochKey, epochs } from './epoch-tables.ts'

/** By group: others after each change of its epochs. */
const marks = markTable<Bytes32>('group-held-mark', (group) => ({ owner: group, order: EMPTY }))

interface Held {
  /** '': nothing was written since there are marks. */
  mark: string
  readonly byOp: Map<string, EpochRecord>
  /** What `byOp` has, until it changes. */
  all: readonly EpochRecord[] | undefined
}

function* heldOf(turn: Turn, group: Bytes32): Step<Held> {
  const key = `epochs ${toHex(group)}`
  const mark = yield* heldMark(group)
  const kept = turn.memory.get(key) as Held | undefined
  if (mark !== '' && kept?.mark === mark) return kept
  const rows = yield* range(epochs, { owner: group, limit: EPOCHS_SCAN_MAX })
  const byOp = new Map(rows.map(({ value }) => [toHex(value.opId), value]))
  const held: Held = { mark, byOp, all: undefined }
  turn.memory.set(key, held)
  return held
}

/** All epochs of a group that are kept, in no order that means anything. */
export function* epochsOf(turn: Turn, group: Bytes32): Step<readonly EpochRecord[]> {
  const held = yield* heldOf(turn, group)
  held.all ??= [...held.byOp.values()]
  return held.all
}

/** Other bytes whenever the epochs of a group are others: what follows from them may be kept by it. */
export function heldMark(group: Bytes32): Step<string> {
  return markOf(marks, group)
}

function changed(turn: Turn, group: Bytes32, held: Held): void {
  held.mark = setMark(turn, marks, group)
  held.all = undefined
}

export function* putEpoch(turn: Turn, epoch: EpochRecord): Step<void> {
  const { group, opId } = epoch
  const held = yield* heldOf(turn, group)
  turn.put(epochs, { group, opId }, epoch)
  held.byOp.set(toHex(opId), epoch)
  changed(turn, group, held)
}

export function* dropEpoch(turn: Turn, { group, opId }: EpochKey): Step<void> {
  const held = yield* heldOf(turn, group)
  turn.remove(epochs, { group, opId })
  held.byOp.delete(toHex(opId))
  changed(turn, group, held)
}
