// Who may have the body of an entry (SPEC.md §21.8): who was a member at its operation, and whoever this
// device sent it to. To others it is served as a header, and nothing they say of it is evidence.
import { type Bytes32, equalBytes } from '../../crypto/index.ts'
import { evidence } from '../delivery/evidence.ts'
import type { GroupDag } from '../membership/group-dag.ts'
import { deviceIndex } from '../membership/group-epochs.ts'
import { type Step, get } from '../step.ts'

/** A device of a member. */
export interface MemberDevice {
  readonly account: Bytes32
  readonly device: Bytes32
}

/**
 * Whether a member's account was one at an entry's operation, or this device sent the entry to the device.
 * Where members were added side by side no operation has all of them in its past, and who has the epoch
 * may be no member at the entry's.
 */
export function* isEntitled(
  dag: GroupDag,
  { id, op }: { readonly id: Bytes32; readonly op: Bytes32 | undefined },
  { account, device }: MemberDevice,
): Step<boolean> {
  const wasMember = op !== undefined && dag.viewAfter(op)?.member(account) !== undefined
  return wasMember || (yield* wasSentTo(dag, id, device))
}

/** Whether this device wrote it, and to a device: in an epoch that it is a recipient of, or as a top-up. */
function* wasSentTo(dag: GroupDag, id: Bytes32, device: Bytes32): Step<boolean> {
  const row = yield* get(evidence, id)
  if (row?.devices.some((one) => equalBytes(one.device, device)) === true) return true
  const epoch = row?.group?.epoch
  return epoch !== undefined && deviceIndex(dag, epoch, device) !== undefined
}
