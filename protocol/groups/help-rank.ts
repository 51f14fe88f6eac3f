// When a member's turn is to welcome a device that was not heard (SPEC.md §21.3): a hash for every device
// of the group. So it is worked out once for each of them, and again when the membership changed.
import { type Bytes32, equalBytes, groupRepairRank, toHex } from '../../crypto/index.ts'
import type { Turn } from '../step.ts'
import type { Membership } from './membership.ts'

interface Kept {
  readonly stamp: object
  readonly ranks: Map<string, number>
}

/** What of a membership the order rests on. */
export type Ranked = Pick<Membership, 'gid' | 'devices'> & {
  readonly dag: Pick<Membership['dag'], 'stamp'>
}

/** How many other devices come before this one in welcoming `device`. */
export function helpRank(
  turn: Pick<Turn, 'crypto' | 'memory' | 'self'>,
  members: Ranked,
  device: Bytes32,
): number {
  const key = `help ${toHex(members.gid)}`
  const { stamp } = members.dag
  let kept = turn.memory.get(key) as Kept | undefined
  if (kept?.stamp !== stamp) {
    kept = { stamp, ranks: new Map() }
    turn.memory.set(key, kept)
  }
  const name = toHex(device)
  let rank = kept.ranks.get(name)
  if (rank === undefined) {
    const others = members.devices.filter((one) => !equalBytes(one, device))
    rank = groupRepairRank(turn.crypto, device, turn.self.device, others)
    kept.ranks.set(name, rank)
  }
  return rank
}
