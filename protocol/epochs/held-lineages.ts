// The lineages of a group whose keys are held: their mailboxes are read, their topics heard.
import type { Bytes32 } from '../../crypto/index.ts'
import { GROUP_LINEAGES_MAX } from '../group-limits.ts'
import { type Step, range } from '../step.ts'
import { type LineageRecord, lineages } from './epoch-tables.ts'

/** All of them, in no order that means anything. */
export function* lineagesOf(group: Bytes32): Step<readonly LineageRecord[]> {
  const rows = yield* range(lineages, { owner: group, limit: GROUP_LINEAGES_MAX })
  return rows.map(({ value }) => value)
}
