// What of a device's entries stands when it is taken out of a group: all that is held without a hole.
import type { Bytes32, GroupCut } from '../../crypto/index.ts'
import { authorFrontier } from '../log/frontier.ts'
import type { Step, Turn } from '../step.ts'

export function* cutOf(
  turn: Turn,
  gid: Bytes32,
  devices: readonly Bytes32[],
): Step<readonly GroupCut[]> {
  const cut: GroupCut[] = []
  for (const device of devices) {
    const frontier = yield* authorFrontier(turn, gid, device)
    if (frontier?.last === undefined || frontier.n === 0) continue
    cut.push({ device, n: frontier.n, entry: frontier.last.id })
  }
  return cut
}
