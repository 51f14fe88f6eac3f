// Why the state of a group message may be believed: which relays signed for it, which devices of which
// members said that they hold it, or what stands in the way.
import { type Bytes32, equalBytes, toHex } from '../../crypto/index.ts'
import {
  type Evidence,
  type GroupEvidence,
  type Membership,
  type Step,
  type Turn,
  coverageOf,
  membershipOf,
  repairState,
  sendableEpoch,
} from '../../protocol/index.ts'
import type { WhyStep } from '../api.ts'
import { personAt } from './person-at.ts'

export interface GroupReasons {
  readonly steps: readonly WhyStep[]
  readonly missing: readonly string[]
}

/** The evidence about a group message beside that of single devices. */
export function* explainGroup(
  turn: Turn,
  row: Evidence,
  group: GroupEvidence,
  troubles: readonly string[],
): Step<GroupReasons> {
  const members = yield* membershipOf(turn, row.conversation)
  const steps: WhyStep[] = group.custody.map((one) => ({
    at: one.atMs,
    what: 'relayed',
    by: `relay ${toHex(one.serviceKey).slice(0, 8)}`,
    until: one.holdUntilS * 1000,
    evidence: one.void ? 'void: the relay lost its store since' : 'custody signature',
  }))
  const holders = members === undefined ? [] : yield* holdersOf(turn, members, row)
  steps.push(...holders.map(({ step }) => step))
  const missing: string[] = []
  if (members !== undefined && group.custody.length === 0 && holders.length === 0) {
    if ((yield* sendableEpoch(turn, members)) === undefined) {
      const asked = yield* askedForKeys(turn, members)
      missing.push(`waiting for the group's key${asked === '' ? '' : `: asked ${asked}`}`)
    }
    missing.push(...troubles)
  }
  const others = (members?.members ?? []).filter(
    ({ account }) => !equalBytes(account, turn.self.account),
  )
  const having = new Set(holders.map(({ account }) => toHex(account))).size
  if (others.length > 0 && having < others.length) {
    missing.push(`${having} of ${others.length} other members said that they have it`)
  }
  return { steps, missing }
}

/** Who was asked for the keys that are lacking, as names. */
function* askedForKeys(turn: Turn, members: Membership): Step<string> {
  const names = new Set<string>()
  for (const { asked } of (yield* repairState(members.gid)).seeds) {
    for (const { device } of asked) {
      const account = members.accountOf(device)
      if (account !== undefined) names.add((yield* personAt(turn, account)).name)
    }
  }
  return [...names].join(', ')
}

interface Holder {
  readonly account: Bytes32
  readonly step: WhyStep
}

function* holdersOf(turn: Turn, members: Membership, row: Evidence): Step<readonly Holder[]> {
  const holders: Holder[] = []
  for (const { account, devices } of members.members) {
    if (equalBytes(account, turn.self.account)) continue
    const { name } = yield* personAt(turn, account)
    for (const device of devices) {
      const covered = yield* coverageOf(members.gid, device)
      if (covered === undefined || covered.n < row.n) continue
      const by = `${name}, device ${toHex(device).slice(0, 8)}`
      const what = covered.readN >= row.n ? 'read' : 'delivered'
      const step = { at: covered.atMs, what, by, evidence: 'signed frontier' }
      holders.push({ account, step })
    }
  }
  return holders
}
