// What no relay of the group took for a minute (SPEC.md §21): operations go to every member over its
// session, entries too where the group is small enough; what the relays take later is a copy.
import { type Bytes32, equalBytes } from '../../crypto/index.ts'
import { addEvidence } from '../delivery/evidence.ts'
import { enqueue } from '../delivery/outbox.ts'
import { FALL_BACK_MS, TOP_UP_DEVICES_MAX } from '../group-limits.ts'
import { heldEntry } from '../log/working.ts'
import type { Step, Turn } from '../step.ts'
import { type GroupItem, groupItems, putGroupItem } from './group-outbox.ts'
import { meetMemberDevice } from './member-devices.ts'
import type { Membership } from './membership.ts'
import { sendOps } from './operate.ts'

const SCAN_ITEMS = 256

/** Carries over sessions what waited too long; when the next item will have. */
export function* fallBack(turn: Turn, members: Membership): Step<number | undefined> {
  for (const item of yield* groupItems(members.gid, 0, SCAN_ITEMS)) {
    if (item.deposits.length > 0 || item.fellBack || item.content.kind === 'control') continue
    const dueMs = item.madeAtMs + FALL_BACK_MS
    if (dueMs > turn.safeNowMs) return dueMs
    yield* carryOver(turn, members, item)
    putGroupItem(turn, { ...item, fellBack: true })
  }
  return undefined
}

function* carryOver(turn: Turn, members: Membership, { content }: GroupItem): Step<void> {
  const others = members.devices.filter((device) => !equalBytes(device, turn.self.device))
  if (content.kind === 'entry' && others.length > TOP_UP_DEVICES_MAX) return
  for (const device of others) {
    const account = members.accountOf(device)
    if (account === undefined || !(yield* meetMemberDevice(turn, account, device))) continue
    if (content.kind === 'ops') {
      const ops = content.ops.flatMap((id) => members.op(id) ?? [])
      yield* sendOps(turn, members.gid, device, ops)
    }
    if (content.kind !== 'entry') continue
    const { entry, n } = content
    if (!(yield* isMeantFor(members, entry, device))) continue
    yield* enqueue(turn, device, { kind: 'entry', conversation: members.gid, entry, n })
    yield* addEvidence(turn, entry, device, (before) => before)
  }
}

/** Who joined after an entry was written is not told it, whenever it goes out. */
export function* isMeantFor({ dag }: Membership, id: Bytes32, device: Bytes32): Step<boolean> {
  const op = (yield* heldEntry(id))?.header.op
  return op !== undefined && dag.viewAfter(op)?.hasDevice(device) === true
}
