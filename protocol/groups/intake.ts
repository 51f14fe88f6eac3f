// Operations on their way in, from whatever carries them: opened, judged, stored, and followed; then
// whatever waited for them (SPEC.md §21).
import {
  type Bytes32,
  CryptoError,
  type GroupOp,
  decodeGroupOp,
  equalBytes,
  openGroupOp,
} from '../../crypto/index.ts'
import type { EpochSource } from '../epochs/keep-epoch.ts'
import { GROUP_SECRETS_PENDING_MAX } from '../group-limits.ts'
import type { Step, Turn } from '../step.ts'
import { followBoxes, followOperations } from './consequences.ts'
import { keepGroupEpoch } from './grants.ts'
import { type Intake, type Membership, addOperations, membershipOf } from './membership.ts'
import { type PendingSeed, dropSeed, keepSeed, pendingSeeds } from './pending-secrets.ts'
import { pendingWelcomes } from './pending-welcomes.ts'
import { settleWelcomes } from './settle-welcome.ts'

/** Opens operations of this group; what does not verify is nothing. */
function* openAll(
  turn: Turn,
  gid: Bytes32,
  encoded: readonly Uint8Array[],
): Step<readonly GroupOp[]> {
  const members = yield* membershipOf(turn, gid)
  return encoded.flatMap((bytes) => {
    try {
      // A newcomer gets each from whoever took it in and finds it in the mailbox: verified once.
      const known = members?.op(decodeGroupOp(turn.crypto, bytes).id)
      if (known !== undefined) return [known]
      const op = openGroupOp(turn.crypto, bytes)
      return equalBytes(op.groupId, gid) ? [op] : []
    } catch (error) {
      if (error instanceof CryptoError) return []
      throw error
    }
  })
}

/** Takes encoded operations of a group in; `from` is the account that handed them on over a session. */
export function* takeOperations(
  turn: Turn,
  gid: Bytes32,
  encoded: readonly Uint8Array[],
  from?: Bytes32,
): Step<Intake> {
  return yield* takeOpened(turn, gid, yield* openAll(turn, gid, encoded), from)
}

/** Takes operations in whose signatures hold: one's own among them. */
export function* takeOpened(
  turn: Turn,
  gid: Bytes32,
  ops: readonly GroupOp[],
  from?: Bytes32,
): Step<Intake> {
  const intake = yield* addOperations(turn, gid, ops, from)
  const { members, accepted, missing } = intake
  if (accepted.length > 0) {
    // A seed may be what takes us in.
    const welcomes = yield* pendingWelcomes(gid)
    if (welcomes.some(({ pages }) => pages === 0)) yield* settleSeeds(turn, members)
    yield* settleWelcomes(turn, members)
    yield* followOperations(turn, members, accepted)
    yield* settleSeeds(turn, members)
  }
  if (missing.length > 0) turn.effect({ kind: 'group', gid })
  return intake
}

/**
 * Takes an operation and its secret, as a seed frame brings them. Where it cannot be used yet and too
 * many wait it is dropped, and asked for again.
 */
export function* takeSeed(
  turn: Turn,
  gid: Bytes32,
  operation: Uint8Array,
  secret: Omit<PendingSeed, 'opId'>,
): Step<void> {
  const [op] = yield* openAll(turn, gid, [operation])
  if (op === undefined) return
  yield* keepSeed(turn, gid, { ...secret, opId: op.id })
  const { members } = yield* takeOpened(turn, gid, [op])
  const waiting = yield* settleSeeds(turn, members)
  if (waiting > GROUP_SECRETS_PENDING_MAX) dropSeed(turn, gid, op.id)
  yield* settleWelcomes(turn, members)
}

function sourceOf({ secretKind, secret, lineage }: PendingSeed): EpochSource {
  if (secretKind === 'seed') return { kind: 'seed', seed: secret }
  return { kind: 'secret', epoch: secret, ...(lineage === undefined ? {} : { lineage }) }
}

/**
 * Makes epochs of the seeds whose operations are here by now, and drops those whose operations will
 * never be; how many wait.
 */
function* settleSeeds(turn: Turn, members: Membership): Step<number> {
  const { gid } = members
  let kept = false
  let waiting = 0
  for (const seed of yield* pendingSeeds(gid)) {
    if (members.op(seed.opId) === undefined) {
      if (members.dag.isWaiting(seed.opId)) waiting++
      else dropSeed(turn, gid, seed.opId)
      continue
    }
    const outcome = yield* keepGroupEpoch(turn, members, seed.opId, sourceOf(seed))
    dropSeed(turn, gid, seed.opId)
    if (outcome.kind === 'kept') kept = true
    if (outcome.kind === 'refused' && isProof(outcome.reason)) {
      turn.change({
        kind: 'warning',
        code: 'GROUP_SECRET_CONFLICT',
        text: 'A key of a group is not the one its operation committed to: somebody gave out two. It is not used.',
      })
    }
  }
  if (kept) {
    yield* followBoxes(turn, members)
    turn.effect({ kind: 'group', gid })
  }
  return waiting
}

function isProof(reason: string): boolean {
  return reason === 'commit' || reason === 'lineageCommit'
}
