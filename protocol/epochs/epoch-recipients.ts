// Who gets an epoch, as it is stored: all of them, ascending, in pages; of an epoch that extends
// another that is held, only who came to it. So a thousand members that were added one by one leave
// a thousand short rows, and not a thousand lists of up to a thousand.
import { type Bytes32, compareBytes } from '../../crypto/index.ts'
import { RECIPIENTS_CHAIN_MAX, RECIPIENTS_PAGE_DEVICES } from '../group-limits.ts'
import { type Step, type Turn, get, range } from '../step.ts'
import type { EpochRecord } from './epoch-record.ts'
import { addedRecipients, recipientPages } from './epoch-tables.ts'

type Listed = Pick<EpochRecord, 'opId' | 'recipientCount'>

/** Stores all of them. */
export function putRecipients(turn: Turn, opId: Bytes32, recipients: readonly Bytes32[]): void {
  for (let page = 0; page * RECIPIENTS_PAGE_DEVICES < recipients.length; page++) {
    const from = page * RECIPIENTS_PAGE_DEVICES
    const devices = recipients.slice(from, from + RECIPIENTS_PAGE_DEVICES)
    turn.put(recipientPages, { opId, page }, devices)
  }
}

/** Stores who came to an epoch that is held, or all where many epochs extend one another already. */
export function* putAddedRecipients(
  turn: Turn,
  opId: Bytes32,
  recipients: readonly Bytes32[],
  parent: Listed,
): Step<void> {
  const length = 1 + ((yield* get(addedRecipients, parent.opId))?.length ?? 0)
  const before = yield* recipientsOf(parent)
  const added = addedTo(before, recipients)
  if (length > RECIPIENTS_CHAIN_MAX || before.length + added.length !== recipients.length) {
    return putRecipients(turn, opId, recipients)
  }
  turn.put(addedRecipients, opId, { parent: parent.opId, count: before.length, length, added })
}

/** What is in the longer of two ascending lists and not in the shorter. */
function addedTo(before: readonly Bytes32[], after: readonly Bytes32[]): readonly Bytes32[] {
  let at = 0
  return after.filter((device) => {
    const known = before[at]
    if (known === undefined || compareBytes(known, device) !== 0) return true
    at++
    return false
  })
}

/** All recipients, ascending. */
export function* recipientsOf({ opId, recipientCount }: Listed): Step<readonly Bytes32[]> {
  const added: Bytes32[] = []
  let [at, count] = [opId, recipientCount]
  for (;;) {
    const row = yield* get(addedRecipients, at)
    if (row === undefined) break
    added.push(...row.added)
    ;[at, count] = [row.parent, row.count]
  }
  const limit = Math.ceil(count / RECIPIENTS_PAGE_DEVICES)
  const rows = yield* range(recipientPages, { owner: at, limit })
  const all = rows.flatMap(({ value }) => value)
  return added.length === 0 ? all : [...all, ...added].sort(compareBytes)
}

/** The device at a rank; undefined beyond the last. */
export function* recipientAt(epoch: EpochRecord, devIdx: number): Step<Bytes32 | undefined> {
  if (devIdx >= epoch.recipientCount) return undefined
  if ((yield* get(addedRecipients, epoch.opId)) !== undefined) {
    return (yield* recipientsOf(epoch))[devIdx]
  }
  const page = Math.floor(devIdx / RECIPIENTS_PAGE_DEVICES)
  const devices = yield* get(recipientPages, { opId: epoch.opId, page })
  return devices?.[devIdx % RECIPIENTS_PAGE_DEVICES]
}

/** Stores all of an epoch's whose parent goes. */
export function settleRecipients(turn: Turn, opId: Bytes32, recipients: readonly Bytes32[]): void {
  turn.remove(addedRecipients, opId)
  putRecipients(turn, opId, recipients)
}

export function removeRecipients(turn: Turn, { opId, recipientCount }: Listed): void {
  turn.remove(addedRecipients, opId)
  for (let page = 0; page * RECIPIENTS_PAGE_DEVICES < recipientCount; page++) {
    turn.remove(recipientPages, { opId, page })
  }
}
