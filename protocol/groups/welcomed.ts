// Somebody unknown takes us in (SPEC.md §21): by a link that others than its maker may answer.
import { groupWelcomeFrame } from '../content/group-welcome.ts'
import { readFrame } from '../content/kind.ts'
import type { Frame } from '../frames.ts'
import type { Step } from '../step.ts'
import { groupOf } from './group.ts'

/** Whether a stranger's first message takes us into a group that we asked to join, or were in. */
export function* isWelcome(frames: readonly Frame[]): Step<boolean> {
  for (const frame of frames) {
    const welcome = readFrame(groupWelcomeFrame, frame)
    const group = welcome && (yield* groupOf(welcome.group))
    if (group !== undefined && group.standing !== 'joined') return true
  }
  return false
}
