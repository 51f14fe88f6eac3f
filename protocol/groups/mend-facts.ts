// What mending a group rests on and what only an operation or an epoch changes: looked for once for
// all of a group's members, operations and epochs, and kept until there are others.
import { type Bytes32, equalBytes, groupRepairRank, toHex } from '../../crypto/index.ts'
import { Bits } from '../membership/bits.ts'
import { compareRecipients, groupEpochs } from '../membership/group-epochs.ts'
import { causalEpochs } from '../epochs/group-cipher.ts'
import { heldMark } from '../epochs/held-epochs.ts'
import type { Step, Turn } from '../step.ts'
import { ASKED_SEEDS_MAX } from './asked-seed.ts'
import type { Membership } from './membership.ts'

export interface MendFacts {
  /** Epochs of ours that nothing held is above, and whose secret did not come. */
  readonly lacking: readonly Bytes32[]
  /** The newest fresh operation that stands. */
  readonly fresh: Bytes32 | undefined
  /** A leave, or a list that takes devices out, that no fresh operation followed. */
  readonly departure: Bytes32 | undefined
  /** An epoch that a refresh can extend: with members only, and as many of them as there is. */
  readonly extend: { readonly opId: Bytes32; readonly missing: readonly Bytes32[] } | undefined
  readonly rank: number
}

interface Kept {
  readonly stamp: object
  readonly mark: string
  readonly facts: MendFacts
}

export function* mendFacts(turn: Turn, members: Membership): Step<MendFacts> {
  const { gid, dag, highestHead, devices } = members
  const key = `mend ${toHex(gid)}`
  const mark = yield* heldMark(gid)
  const { stamp } = dag
  const kept = turn.memory.get(key) as Kept | undefined
  if (mark !== '' && kept?.stamp === stamp && kept.mark === mark) return kept.facts
  const facts = {
    lacking: yield* lackingSeeds(turn, members),
    fresh: newestFresh(members),
    departure: openDeparture(members),
    extend: yield* extendable(turn, members),
    rank: groupRepairRank(turn.crypto, highestHead, turn.self.device, devices),
  }
  turn.memory.set(key, { stamp, mark, facts })
  return facts
}

function* lackingSeeds(turn: Turn, members: Membership): Step<readonly Bytes32[]> {
  const { dag, gid } = members
  const { history } = dag
  const own = history.devices.find(turn.self.device)
  if (own === undefined) return []
  const held = yield* causalEpochs.held(turn, gid)
  const nodes = held.flatMap(({ opId }) => history.find(opId) ?? [])
  const covered = Bits.union(
    nodes.map(({ past }) => past),
    nodes.map(({ index }) => index),
  )
  const lacking: Bytes32[] = []
  for (const { op, isVoid } of groupEpochs(dag)) {
    if (lacking.length >= ASKED_SEEDS_MAX) break
    const node = history.find(op.id)
    if (isVoid || node === undefined || covered.has(node.index)) continue
    if (node.recipients?.includes(own) === true) lacking.push(op.id)
  }
  return lacking
}

function newestFresh({ dag }: Membership): Bytes32 | undefined {
  for (const epoch of groupEpochs(dag)) if (epoch.isFresh && !epoch.isVoid) return epoch.op.id
  return undefined
}

const FRESH: readonly string[] = ['create', 'remove', 'rotate', 'merge']

function openDeparture(members: Membership): Bytes32 | undefined {
  const { history } = members.dag
  for (let at = history.ordered.length - 1; at >= 0; at--) {
    const node = history.at(history.ordered[at] ?? 0)
    const leaves = node.op.payload.kind === 'leave' || node.revokes.length > 0
    if (!leaves || members.view.isVoidAt(node.index)) continue
    const isRenewed = history.nodes.some(
      ({ op, index, past }) =>
        FRESH.includes(op.payload.kind) && past.has(node.index) && !members.view.isVoidAt(index),
    )
    return isRenewed ? undefined : node.op.id
  }
  return undefined
}

/**
 * The epoch to extend: of those that lack a device, where one is named. The newest first: mostly it has
 * all of the members.
 */
export function* extendable(
  turn: Turn,
  members: Membership,
  lacking?: Bytes32,
): Step<MendFacts['extend']> {
  const held = yield* causalEpochs.held(turn, members.gid)
  let best: MendFacts['extend']
  for (const { opId, addKey } of held.toSorted((a, b) => b.lamport - a.lamport)) {
    if (addKey === undefined || members.isVoid(opId) || !members.isEligible(opId)) continue
    const compared = compareRecipients(members.dag, opId)
    if (compared?.within !== true) continue
    const { missing } = compared
    if (lacking !== undefined && !missing.some((one) => equalBytes(one, lacking))) continue
    if (best === undefined || missing.length < best.missing.length) best = { opId, missing }
    if (missing.length === 0) break
  }
  return best
}
