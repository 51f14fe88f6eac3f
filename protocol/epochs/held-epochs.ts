// The epochs of a group that are kept. They are asked for at each turn, and there is one for each
// member that was added: so they are kept between turns, under a mark that changes with every write.
// A turn that was undone leaves a mark that the store has not, and then they are read anew.
import {
  type Bytes8,
  type Bytes32,
  EMPTY,
  equalBytes,
  expectLength,
  toHex,
} from '../../crypto/index.ts'
import { EPOCHS_SCAN_MAX } from '../group-limits.ts'
import { type Step, type Table, type Turn, get, range } from '../step.ts'
import type { EpochRecord } from './epoch-record.ts'
import { type EpochKey, epochs } from './epoch-tables.ts'

/** By group: 8 random bytes, others after each change of its epochs. */
const marks: Table<Bytes32, Bytes8> = {
  name: 'group-held-mark',
  sealing: 'value',
  place: (group) => ({ owner: group, order: EMPTY }),
  encode: (mark) => mark,
  decode: (bytes) => {
    expectLength(bytes, 8, 'mark of held epochs')
    return bytes.slice()
  },
}

interface Held {
  /** Undefined: nothing was written since there are marks. */
  mark: Bytes8 | undefined
  readonly byOp: Map<string, EpochRecord>
  /** What `byOp` has, until it changes. */
  all: readonly EpochRecord[] | undefined
}

function* heldOf(turn: Turn, group: Bytes32): Step<Held> {
  const key = `epochs ${toHex(group)}`
  const mark = yield* get(marks, group)
  const kept = turn.memory.get(key) as Held | undefined
  if (kept?.mark !== undefined && mark !== undefined && equalBytes(kept.mark, mark)) return kept
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
export function* heldMark(group: Bytes32): Step<string> {
  const mark = yield* get(marks, group)
  return mark === undefined ? '' : toHex(mark)
}

function changed(turn: Turn, group: Bytes32, held: Held): void {
  const mark = turn.random(8)
  turn.put(marks, group, mark)
  held.mark = mark
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
