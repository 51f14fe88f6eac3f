// Sending a text to a group: entry, evidence, ciphertext and top-ups in one batch (SPEC.md §21).
import type { Bytes32 } from '../../crypto/index.ts'
import { textContent } from '../content/text.ts'
import { evidence } from '../delivery/evidence.ts'
import { type SentEntry, checkText } from '../delivery/send.ts'
import { ProtocolError } from '../errors.ts'
import { entryOp, waitingOp } from '../membership/entry-op.ts'
import { GROUP_OUTBOX_MAX } from '../group-limits.ts'
import { appendEntry } from '../log/append.ts'
import { authorFrontier } from '../log/frontier.ts'
import type { Step, Turn } from '../step.ts'
import { carryEntry, carryWaiting, sendableEpoch } from './carry.ts'
import type { GroupRecord } from './group.ts'
import { hasGroupRoom } from './group-outbox.ts'
import { joinedMembership } from './manage-group.ts'
import { keepWaiting, waitingEntries } from './waiting-entries.ts'

/**
 * Sends a text to a group one is in. Throws ERR_PROTOCOL_GROUP where one is not,
 * ERR_PROTOCOL_LIMIT where too much waits.
 */
export function* sendGroupText(
  turn: Turn,
  group: GroupRecord,
  text: string,
  replyTo?: Bytes32,
): Step<SentEntry> {
  checkText(text)
  const members = yield* joinedMembership(turn, group)
  const { gid } = members
  yield* carryWaiting(turn, members)
  const before = yield* waitingEntries(gid, 1)
  // They wait in order: all of ours behind the first wait as well.
  const [first] = before
  const last = (yield* authorFrontier(turn, gid, turn.self.device))?.headN ?? 0
  if (!(yield* hasGroupRoom(gid, first === undefined ? 0 : last - first.n + 1))) {
    throw new ProtocolError('ERR_PROTOCOL_LIMIT', 'too many messages wait for this group', {
      detail: { reason: 'outbox', max: GROUP_OUTBOX_MAX },
    })
  }
  const target = before.length > 0 ? undefined : yield* sendableEpoch(turn, members)
  const { id, n, lamport } = yield* appendEntry(turn, {
    conversation: gid,
    op:
      target === undefined
        ? (waitingOp(members.dag) ?? members.highestHead)
        : entryOp(members.dag, target.opId, target.missing),
    kind: textContent.kind,
    body: textContent.encode({ text, replyTo }),
    sentAtMs: turn.nowMs,
  })
  turn.put(evidence, id, {
    conversation: gid,
    n,
    queuedAtMs: turn.nowMs,
    devices: [],
    group: { custody: [], heldAtMs: 0, readAtMs: 0, closed: '', epoch: undefined },
  })
  const carried = target !== undefined && (yield* carryEntry(turn, members, target, id, n))
  if (!carried) keepWaiting(turn, gid, { entry: id, n })
  turn.effect({ kind: 'group', gid })
  return { entry: id, conversation: gid, n, lamport }
}
