// What a test asks the second implementation about the operations of a group.
import type { State } from './membership.mjs'

export class Operations {
  constructor(gid: Uint8Array)
  /** By id, in hex. */
  readonly held: ReadonlyMap<string, unknown>
  /** At all heads. */
  readonly now: State
  /** Throws where one of them is not valid. */
  take(ops: readonly Uint8Array[]): readonly unknown[]
}
