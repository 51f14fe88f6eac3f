// What came to a group and cannot be shown yet, by whose it is, what it waits for and who was asked for
// that (SPEC.md §20.4, §21.8).
import { type Bytes32, equalBytes, toHex } from '../../crypto/index.ts'
import { addToRanges, type NumberRange } from '../log/ranges.ts'
import { GROUP_HELD_MAX } from '../group-limits.ts'
import type { Step, Turn } from '../step.ts'
import type { AskedDevice } from './asked-seed.ts'
import { heldMessageCount, heldMessages } from './held-messages.ts'
import { openEntriesOf } from './open-entries.ts'
import { isPassedOver } from './passed-over.ts'
import { type RepairState, repairState } from './repair-state.ts'

export interface GroupWait {
  /** Whose it is; undefined while the operation that says so is not here. */
  readonly device: Bytes32 | undefined
  /**
   * operation: that it is of, or of its keys. key: the secret of its operation. author: its keys were
   * passed over, and its author is to say how far it wrote.
   */
  readonly waitsFor: 'operation' | 'key' | 'author'
  readonly opId: Bytes32 | undefined
  /** By its author's count, from 1: what waits for an operation. */
  readonly numbers: readonly NumberRange[]
  /** Places in the device's chain under the operation, from 1: what waits for a key. */
  readonly places: readonly NumberRange[]
  readonly count: number
  /** When the first of them came, guarded clock; 0: not noted. */
  readonly sinceMs: number
  readonly asked: readonly AskedDevice[]
}

/** Everything that waits in a group: for each author, operation and reason one. */
export function* groupWaits(turn: Turn, gid: Bytes32): Step<readonly GroupWait[]> {
  const waits = new Map<string, GroupWait>()
  const state = yield* repairState(gid)
  const isEmpty = (yield* heldMessageCount(gid)) === 0
  for (const row of isEmpty ? [] : yield* heldMessages(gid, 0, GROUP_HELD_MAX)) {
    const { origin, atMs } = row
    const isPassed = origin !== undefined && (yield* isPassedOver(turn, gid, origin))
    const waitsFor = origin === undefined ? 'operation' : isPassed ? 'author' : 'key'
    const about = { waitsFor, device: origin?.device, opId: origin?.opId } as const
    const key = keyOf(about)
    const before = waits.get(key) ?? { ...none(state, about), sinceMs: atMs }
    const places = origin ? addToRanges(before.places, origin.ctr + 1) : before.places
    waits.set(key, { ...before, places, count: before.count + 1 })
  }
  for (const { author, n, op } of yield* openEntriesOf(gid)) {
    const about = { waitsFor: 'operation', device: author, opId: op } as const
    const key = keyOf(about)
    const before = waits.get(key) ?? none(state, about)
    waits.set(key, {
      ...before,
      numbers: addToRanges(before.numbers, n),
      count: before.count + 1,
    })
  }
  return [...waits.values()]
}

type About = Pick<GroupWait, 'waitsFor' | 'device' | 'opId'>

function keyOf({ waitsFor, device, opId }: About): string {
  return [waitsFor, device && toHex(device), opId && toHex(opId)].join()
}

function none(state: RepairState, about: About): GroupWait {
  const asked = askedFor(state, about)
  return { ...about, numbers: [], places: [], count: 0, sinceMs: 0, asked }
}

function askedFor(state: RepairState, { waitsFor, device, opId }: About): readonly AskedDevice[] {
  switch (waitsFor) {
    case 'operation': {
      const { askedOpsOf, askedOpsMs } = state
      return askedOpsOf === undefined ? [] : [{ device: askedOpsOf, atMs: askedOpsMs }]
    }
    case 'key': {
      const seed = state.seeds.find((one) => opId !== undefined && equalBytes(one.opId, opId))
      return seed?.asked ?? []
    }
    case 'author':
      return device === undefined || state.doubtAskedMs === 0
        ? []
        : [{ device, atMs: state.doubtAskedMs }]
  }
}
