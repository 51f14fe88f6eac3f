// What a host may send that is no accepted peer's: enough to answer an invite (SPEC.md §9.2).
import { INIT_TYPE } from '../../crypto/index.ts'
import type { DirectFrame } from '../../protocol/index.ts'

/** False for what only an accepted peer's host may send: then the stream is over. */
export function mayStranger(frame: DirectFrame): boolean {
  if (frame.kind === 'envelope') return frame.inner[0] === INIT_TYPE
  return frame.kind !== 'ephemeral'
}
