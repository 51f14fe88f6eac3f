// Secrets that came before what they belong to: their operations wait for their past (SPEC.md §20.9).
// Under the state key, until they are used.
import type { Bytes32 } from '../../crypto/index.ts'
import { GROUP_SECRETS_PENDING_MAX } from '../group-limits.ts'
import { encodeRecord, orEmpty, readRecord } from '../record.ts'
import { type Step, type Table, type Turn, get, range } from '../step.ts'

export interface PendingSeed {
  readonly opId: Bytes32
  readonly secretKind: 'seed' | 'epoch'
  readonly secret: Bytes32
  readonly lineage: Bytes32 | undefined
}

/** By group and the rank in which they came: an operation's id would name its group. */
const seeds: Table<{ gid: Bytes32; opId: Bytes32 }, PendingSeed> = {
  name: 'group-seeds',
  sealing: 'state',
  place: ({ gid, opId }) => ({ owner: gid, order: opId }),
  encode: ({ opId, secretKind, secret, lineage }) =>
    encodeRecord([opId, secretKind === 'seed' ? 0 : 1, secret, orEmpty(lineage)]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'pending seed')
    return {
      opId: fields.bytes('opId', 32),
      secretKind: fields.flag('kind') ? 'epoch' : 'seed',
      secret: fields.bytes('secret', 32),
      lineage: fields.optional('lineage', 32),
    }
  },
}

/** One more than may wait: the newest is tried before it is counted. */
export function* pendingSeeds(gid: Bytes32): Step<readonly PendingSeed[]> {
  const rows = yield* range(seeds, { owner: gid, limit: GROUP_SECRETS_PENDING_MAX + 1 })
  return rows.map(({ value }) => value)
}

/** Keeps a seed until it is settled; of two for one operation the first, or a later lie would win. */
export function* keepSeed(turn: Turn, gid: Bytes32, seed: PendingSeed): Step<void> {
  const { opId } = seed
  if ((yield* get(seeds, { gid, opId })) === undefined) turn.put(seeds, { gid, opId }, seed)
}

export function dropSeed(turn: Turn, gid: Bytes32, opId: Bytes32): void {
  turn.remove(seeds, { gid, opId })
}
