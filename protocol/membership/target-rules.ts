// V7 to V9: whom or what an operation is about (SPEC.md §19.2).
import { equalBytes } from '../../crypto/index.ts'
import type { GroupFault } from './fault.ts'
import { epochOf, type Judging, lowers, revokedBy } from './judging.ts'
import { compareAuthority } from './op-node.ts'

/** V9: a list is new, or its cut lets more stand than those before. */
function listFault(judging: Judging): GroupFault | undefined {
  const { facts, before, history } = judging
  const { payload } = facts.op
  const [list] = facts.lists
  if (payload.kind !== 'devices' || list === undefined) return undefined
  const { grants, list: held } = before.account(list.account)
  if (grants.length === 0) return 'target'
  if (held === undefined || list.version > held.version) return undefined
  if (list.version < held.version) return 'list'
  if (!held.hashes.includes(list.hash)) return undefined
  const known = held.ops.map((index) => history.at(index).op.payload)
  const revoked = revokedBy(judging)
  const raises = payload.cut.some(({ device, n }) => {
    const number = history.devices.find(device)
    if (number === undefined || !revoked.includes(number)) return false
    return known.every(
      (other) =>
        other.kind !== 'devices' ||
        other.cut.every((row) => row.n < n || !equalBytes(row.device, device)),
    )
  })
  return raises ? undefined : 'list'
}

/** V7, V8: who is added, refreshed, removed, given a role. */
export function targetFault(judging: Judging): GroupFault | undefined {
  const { facts, before, history } = judging
  const { payload } = facts.op
  const [target = -1] = facts.about
  switch (payload.kind) {
    case 'add':
      if (facts.about.some((account) => before.isMember(account))) return 'target'
      return epochOf(judging, payload.epochOp) === undefined ? 'epoch' : undefined
    case 'refresh': {
      if (epochOf(judging, payload.epochOp) === undefined) return 'epoch'
      const members = before.deviceSet(history.devices)
      // A recipient too: its secret may have been lost, and that of a fresh epoch nobody keeps.
      const allowed = payload.devices.every((device) => {
        const number = history.devices.find(device)
        return number !== undefined && members.has(number)
      })
      return allowed ? undefined : 'target'
    }
    case 'remove':
    case 'role': {
      if (!before.isMember(target)) return 'target'
      if (payload.kind === 'role') {
        // The same role anew would take away whatever seniority its holder had.
        if (payload.role === before.role(target)) return 'target'
        if (!lowers(judging) || target === facts.account) return undefined
      }
      const own = before.authority(facts.account)
      return compareAuthority(own, before.authority(target)) < 0 ? undefined : 'authority'
    }
    case 'devices':
      return listFault(judging)
    case 'create':
    case 'leave':
    case 'rotate':
    case 'merge':
    case 'carriage':
    case 'meta':
    case 'unknown':
      return undefined
  }
}
