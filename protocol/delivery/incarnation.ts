// Which incarnation of a mailbox we deposit in the relay last showed. Another one means that it lost
// its store: what it signed for before is void, and what it held goes out again (SPEC.md §10, §13).
import {
  type Bytes16,
  type Bytes32,
  type Bytes8,
  EMPTY,
  concat,
  equalBytes,
} from '../../crypto/index.ts'
import { CUSTODY_DOUBT_MS } from '../limits.ts'
import { encodeRecord, readRecord } from '../record.ts'
import { type Step, type Table, type Turn, get } from '../step.ts'
import { addEvidence } from './evidence.ts'
import { eachItem, putItem } from './outbox.ts'
import { scoreDown } from './relay-score.ts'

interface ShownIncarnation {
  readonly incarnation: Bytes8
  /** When it was first shown, guarded clock. */
  readonly atMs: number
}

const shownIncarnations: Table<{ device: Bytes32; mailboxId: Bytes16 }, ShownIncarnation> = {
  name: 'incarnations',
  sealing: 'value',
  place: ({ device, mailboxId }) => ({ owner: concat(device, mailboxId), order: EMPTY }),
  encode: (row) => encodeRecord([row.incarnation, row.atMs]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'incarnation')
    return { incarnation: fields.bytes('incarnation', 8), atMs: fields.uint('at') }
  },
}

export interface ShownMailbox {
  readonly device: Bytes32
  readonly serviceKey: Bytes32
  readonly mailboxId: Bytes16
  readonly incarnation: Bytes8
}

/** Notes the incarnation that a reply showed; a new one voids what was signed under the one before. */
export function* noteMailboxIncarnation(turn: Turn, shown: ShownMailbox): Step<void> {
  const { device, serviceKey, mailboxId, incarnation } = shown
  const before = yield* get(shownIncarnations, { device, mailboxId })
  if (before !== undefined && equalBytes(before.incarnation, incarnation)) return
  turn.put(shownIncarnations, { device, mailboxId }, { incarnation, atMs: turn.safeNowMs })
  if (before === undefined) return
  // A relay that shows another one with every reply would have us deposit for ever.
  const hasty = turn.safeNowMs - before.atMs < CUSTODY_DOUBT_MS
  if (hasty) yield* scoreDown(turn, serviceKey, device)
  yield* eachItem(device, function* (item) {
    const { content } = item
    const lost = item.deposits.some(
      (one) => one.holds && equalBytes(one.mailboxId, mailboxId) && !isOf(one, incarnation),
    )
    if (!lost) return
    if (content.kind === 'entry') {
      yield* addEvidence(turn, content.entry, device, (one) => ({
        ...one,
        custody: one.custody.map((custody) =>
          equalBytes(custody.serviceKey, serviceKey) && !isOf(custody, incarnation)
            ? { ...custody, void: true }
            : custody,
        ),
      }))
    }
    if (hasty) return
    putItem(turn, {
      ...item,
      deposits: item.deposits.map((one) =>
        equalBytes(one.mailboxId, mailboxId) && !isOf(one, incarnation)
          ? { ...one, holds: false }
          : one,
      ),
    })
  })
  turn.effect({ kind: 'outbox', device })
}

function isOf(row: { readonly incarnation: Bytes8 | undefined }, incarnation: Bytes8): boolean {
  return row.incarnation !== undefined && equalBytes(row.incarnation, incarnation)
}
