// Waiting for what no event tells: asked again and again, with an end.
import { setTimeout as sleep } from 'node:timers/promises'

/** Until a message or a membership must be everywhere. */
export const PATIENCE_MS = 300_000
const POLL_MS = 250

/** Whether it was met in time. */
export async function until(met: () => Promise<boolean>): Promise<boolean> {
  const endMs = performance.now() + PATIENCE_MS
  while (!(await met())) {
    if (performance.now() > endMs) return false
    await sleep(POLL_MS)
  }
  return true
}
