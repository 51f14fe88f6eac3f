// Which control objects of a device are new (SPEC.md §20.5): its numbers r rise, messages overtake
// each other, and an old object must never count as new again, or it could be used to move a chain.
import { CONTROL_WINDOW } from '../group-limits.ts'
import type { ControlWindow } from './epoch-tables.ts'

const NONE: ControlWindow = { highest: 0, seen: [0, 0] }

function isSeen({ highest, seen }: ControlWindow, r: number): boolean {
  const below = highest - r
  if (below >= CONTROL_WINDOW) return true
  return ((below < 32 ? seen[0] >>> below : seen[1] >>> (below - 32)) & 1) === 1
}

/** Whether r was neither seen nor is too far below the highest to tell. */
export function isNewControl(window: ControlWindow | undefined, r: number): boolean {
  const { highest } = window ?? NONE
  return r > highest || !isSeen(window ?? NONE, r)
}

/** Moves a 64-bit row of bits up, older numbers out. */
function shift([low, high]: readonly [number, number], by: number): readonly [number, number] {
  if (by >= 64) return [0, 0]
  if (by >= 32) return [0, (low << (by - 32)) >>> 0]
  if (by === 0) return [low, high]
  return [(low << by) >>> 0, ((high << by) | (low >>> (32 - by))) >>> 0]
}

/** The window once r was seen. */
export function noteControl(window: ControlWindow | undefined, r: number): ControlWindow {
  const before = window ?? NONE
  const highest = Math.max(before.highest, r)
  const [low, high] = shift(before.seen, highest - before.highest)
  const below = highest - r
  if (below >= CONTROL_WINDOW) return before
  const seen: readonly [number, number] =
    below < 32 ? [(low | (1 << below)) >>> 0, high] : [low, (high | (1 << (below - 32))) >>> 0]
  return { highest, seen }
}
