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
  readEntry,
  repairState,
  sendableEpoch,
  speaksOf,
  standingIn,
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
  entry: Bytes32,
  row: Evidence & { readonly group: GroupEvidence },
  troubles: readonly string[],
): Step<GroupReasons> {
  const { group } = row
  const members = yield* membershipOf(turn, row.conversation)
  const steps: WhyStep[] = group.custody.map((one) => ({
    at: one.atMs,
    what: 'relayed',
    by: `relay ${toHex(one.serviceKey).slice(0, 8)}`,
    until: one.holdUntilS * 1000,
    evidence: one.void ? 'void: the relay lost its store since' : 'custody signature',
  }))
  const { others, holders } =
    members === undefined ? NOBODY : yield* holdersOf(turn, members, entry, row.n)
  steps.push(...holders.map(({ step }) => step))
  const missing: string[] = []
  if (members !== undefined && group.custody.length === 0 && holders.length === 0) {
    if ((yield* sendableEpoch(turn, members)) === undefined) {
      const asked = yield* askedForKeys(turn, members)
      missing.push(`waiting for the group's key${asked === '' ? '' : `: asked ${asked}`}`)
    }
    missing.push(...troubles)
  }
  if (members !== undefined && (yield* isCutOff(turn, members, entry, row.n))) {
    missing.push(
      'you were removed before it was written: its place is kept, its text shown to nobody',
    )
  }
  const having = new Set(holders.map(({ account }) => toHex(account))).size
  if (others > 0 && having < others) {
    missing.push(`${having} of ${others} other members said that they have it`)
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

/** Whether a removal of ourselves, or that of who let us in, leaves of an entry of ours its header alone. */
function* isCutOff(turn: Turn, members: Membership, id: Bytes32, n: number): Step<boolean> {
  const op = (yield* readEntry(turn, id))?.op
  if (op === undefined) return false
  const { kind } = yield* standingIn(members, { id, author: turn.self.device, n, op })
  return kind === 'after-removal' || kind === 'void-author'
}

interface Holders {
  /** Members whom it is for. */
  readonly others: number
  readonly holders: readonly Holder[]
}

const NOBODY: Holders = { others: 0, holders: [] }

/** Of the members whom an entry is for, who said to have it: the others hold its header at most. */
function* holdersOf(turn: Turn, members: Membership, entry: Bytes32, n: number): Step<Holders> {
  const holders: Holder[] = []
  let others = 0
  for (const { account, devices } of members.members) {
    if (equalBytes(account, turn.self.account)) continue
    const { name } = yield* personAt(turn, account)
    let isFor = false
    for (const device of devices) {
      if (!(yield* speaksOf(turn, members, device, entry, n))) continue
      isFor = true
      const covered = yield* coverageOf(members.gid, device)
      if (covered === undefined || covered.n < n) continue
      const by = `${name}, device ${toHex(device).slice(0, 8)}`
      const what = covered.readN >= n ? 'read' : 'delivered'
      const step = { at: covered.atMs, what, by, evidence: 'signed frontier' }
      holders.push({ account, step })
    }
    if (isFor) others++
  }
  return { others, holders }
}
