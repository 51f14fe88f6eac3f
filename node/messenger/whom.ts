// Whom a command about a group means: one of its members, or somebody who waits to be let in, by the
// name shown, the address, or a prefix of it. It never guesses: what a member calls itself is not
// taken for the address of another.
import { type Bytes32, toHex } from '../../crypto/index.ts'
import {
  type GroupRecord,
  type Membership,
  type Step,
  type Turn,
  foldName,
  joinedMembership,
  pendingJoins,
} from '../../protocol/index.ts'
import type { Person } from '../api.ts'
import { asWord } from '../as-word.ts'
import { NodeError } from '../errors.ts'
import { personAt } from './person-at.ts'
import { PREFIX_MIN_CHARS, resolveWho } from './who.ts'

/** Candidates that an error names. */
const NAMED_MAX = 5

interface Found {
  readonly account: Bytes32
  readonly person: Person
}

function oneOf(found: readonly Found[], who: string): Bytes32 | undefined {
  const [only, second] = found
  if (second === undefined) return only?.account
  const named = found.slice(0, NAMED_MAX).map(({ person }) => `${person.name} (${person.address})`)
  const more = found.length > NAMED_MAX ? ', ..' : ''
  throw new NodeError(
    'AMBIGUOUS_CONTACT',
    `"${who.slice(0, 80)}" may be ${named.join(', ')}${more}`,
    { hint: 'Give the address, or more of it.' },
  )
}

function* among(turn: Turn, accounts: readonly Bytes32[], who: string): Step<Bytes32 | undefined> {
  const address = who.trim().toLowerCase().replaceAll('-', '')
  const people: Found[] = []
  for (const account of accounts) people.push({ account, person: yield* personAt(turn, account) })
  const exact = people.find(({ person }) => person.address === address)
  if (exact !== undefined) return exact.account
  const named = people.filter(({ person }) => foldName(person.name) === foldName(who))
  if (named.length > 0) return oneOf(named, who)
  if (address.length < PREFIX_MIN_CHARS) return undefined
  return oneOf(
    people.filter(({ person }) => person.address.startsWith(address)),
    who,
  )
}

function membersOf({ members }: Membership): readonly Bytes32[] {
  return members.map(({ account }) => account)
}

/** A group as a word of a command. */
function wordOf({ name, gid }: GroupRecord): string {
  return asWord(name, gid === undefined ? 'GROUP' : toHex(gid))
}

function alreadyIn(group: GroupRecord, who: string): NodeError {
  return new NodeError('ALREADY_MEMBER', `"${who.slice(0, 80)}" is in #${group.name} already`, {
    hint: `See who is there: sotto group show ${wordOf(group)}`,
  })
}

/** A member of the group. Throws NOT_MEMBER, AMBIGUOUS_CONTACT. */
export function* memberNamed(
  turn: Turn,
  group: GroupRecord,
  members: Membership,
  who: string,
): Step<Bytes32> {
  const account = yield* among(turn, membersOf(members), who)
  if (account !== undefined) return account
  throw new NodeError('NOT_MEMBER', `"${who.slice(0, 80)}" is not in #${group.name}`, {
    hint: `See who is there: sotto group show ${wordOf(group)}`,
  })
}

/** Somebody who asked to join. Throws NOT_MEMBER, ALREADY_MEMBER, AMBIGUOUS_CONTACT. */
export function* waitingNamed(
  turn: Turn,
  group: GroupRecord,
  members: Membership,
  who: string,
): Step<Bytes32> {
  const waiting = (yield* pendingJoins(turn, members.gid)).map(({ account }) => account)
  const account = yield* among(turn, waiting, who)
  if (account !== undefined) return account
  if ((yield* among(turn, membersOf(members), who)) !== undefined) throw alreadyIn(group, who)
  throw new NodeError('NOT_MEMBER', `"${who.slice(0, 80)}" does not wait to be let in`, {
    hint: `See who does: sotto group show ${wordOf(group)}. Add a contact: sotto group add ${wordOf(group)} WHO`,
  })
}

/** The contact to add. Throws UNKNOWN_CONTACT, AMBIGUOUS_CONTACT, ALREADY_MEMBER. */
export function* contactToAdd(turn: Turn, group: GroupRecord, who: string): Step<Bytes32> {
  const members = yield* joinedMembership(turn, group)
  try {
    const { account } = yield* resolveWho(turn.crypto, who)
    if (members.roleOf(account) !== undefined) throw alreadyIn(group, who)
    return account
  } catch (error) {
    const unknown = error instanceof NodeError && error.code === 'UNKNOWN_CONTACT'
    // Who is a member need be no contact.
    if (unknown && (yield* among(turn, membersOf(members), who)) !== undefined) {
      throw alreadyIn(group, who)
    }
    throw error
  }
}
