// A member of a group is heard (SPEC.md §20.8, R1, §21.8): it may have what is lacking here, and may
// have been away when it was asked.
import type { Bytes32 } from '../../crypto/index.ts'
import type { Step, Turn } from '../step.ts'
import { askHeard } from './asked-seeds.ts'
import type { Membership } from './membership.ts'
import { putRepairs, repairState } from './repair-state.ts'

/** Asks a device that was just heard for the secrets that are lacking. */
export function* heardSource(turn: Turn, members: Membership, device: Bytes32): Step<void> {
  const state = yield* repairState(members.gid)
  if (state.seeds.length === 0 || members.accountOf(device) === undefined) return
  const seeds = yield* askHeard(turn, members, device, state.seeds)
  yield* putRepairs(turn, members.gid, { ...state, seeds })
}
