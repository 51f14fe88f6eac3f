// Frame 0x1000, entry: one entry of a log on its way (SPEC.md §8).
import { ENTRY_FRAME } from '../frames.ts'
import { decodeEntry, encodeEntry, type WireEntry } from '../log/entry.ts'
import type { ContentKind } from './kind.ts'

export const entryFrame: ContentKind<WireEntry> = {
  kind: ENTRY_FRAME,
  name: 'entry',
  encode: encodeEntry,
  decode: decodeEntry,
}
