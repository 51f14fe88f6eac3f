// What a test asks the second implementation about the operations of a group.
import type { State } from './membership.mjs'

interface EntryRef {
  readonly author: Uint8Array
  readonly op: Uint8Array
}
export class Operations {
  constructor(
    gid: Uint8Array,
    limits?: { readonly group: readonly number[]; readonly member: readonly number[] },
  )
  /** By id, in hex. */
  readonly held: ReadonlyMap<string, unknown>
  /** At all heads. */
  readonly now: State
  /** 'valid', 'open', 'invalid', 'hidden' or 'after'; isWithin judges a row of a cut. */
  judgeEntry(entry: EntryRef, isWithin: () => boolean): string
  /** Throws where one of them is not valid. */
  take(ops: readonly Uint8Array[]): readonly unknown[]
}
