// What one batch holds until it is durable: writes, and what waits for them.
import type { Effect } from '../../protocol/index.ts'
import type { ChangeRow } from './change-feed.ts'
import { Overlay } from './overlay.ts'

export interface Batch {
  readonly overlay: Overlay
  readonly effects: Effect[]
  readonly rows: ChangeRow[]
  readonly settle: (() => void)[]
  readonly fail: ((error: unknown) => void)[]
}

export function newBatch(): Batch {
  return { overlay: new Overlay(), effects: [], rows: [], settle: [], fail: [] }
}
