// Waiting for what may never come, with an end.
import type { Clock } from './clock.ts'

/** Resolves when every part settled, or after `ms`: whichever is first. Never rejects. */
export function within(
  clock: Clock,
  ms: number,
  parts: readonly (Promise<unknown> | undefined)[],
): Promise<void> {
  return new Promise((resolve) => {
    const late = clock.after(ms, resolve)
    void Promise.allSettled(parts.map(async (part) => part)).then(() => {
      late.cancel()
      resolve()
    })
  })
}
