// A page of a group's mailbox on its way into the Ledger: each item in a turn of its own, in the order
// of the queue, so that one that cannot be taken holds back no other. All are durable before the
// cursor says that they were read; what is read twice is known.
import {
  type GroupBox,
  type GroupCursor,
  type RelayItem,
  noteGroupDoubt,
  noteGroupRead,
  takeGroupItem,
} from '../../protocol/index.ts'
import type { Core } from '../core.ts'
import { NodeError } from '../errors.ts'

/** Takes a page. Throws what the disk says, and then the cursor stays where it was. */
export async function takePage(
  core: Core,
  box: GroupBox,
  items: readonly RelayItem[],
  cursor: GroupCursor,
): Promise<void> {
  const { ledger } = core
  const under = items.map((item) => ledger.run((turn) => takeGroupItem(turn, box, item)))
  let isNew = false
  for (const outcome of await Promise.allSettled(under)) {
    if (outcome.status === 'fulfilled') {
      isNew ||= outcome.value !== 'known'
      continue
    }
    const { reason }: { readonly reason: unknown } = outcome
    if (reason instanceof NodeError) throw reason
    // A defect of ours: what the item brought is asked of members, by what they say and cite.
    core.log('group', `an item was not taken: ${String(reason)}`)
    await ledger.run((turn) => noteGroupDoubt(turn, box.gid))
    isNew = true
  }
  await ledger.run((turn) => noteGroupRead(turn, box, cursor, isNew))
}
