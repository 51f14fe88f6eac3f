// What changed between two states of a group, in sentences: who came and went, roles, name, requests.
import type { Group, GroupMember } from '../node/api-groups.ts'
import { problemText } from './group-problem.ts'
import { terminalSafeLine } from './terminal-safe.ts'

/** Names in one sentence; more are counted. */
const NAMED_MAX = 5

/** `bob`, `bob and carol`, `a, b, c, d, e and 7 more`. */
function named(people: readonly { readonly name: string }[]): string {
  const names = people.map(({ name }) => terminalSafeLine(name))
  const [first = '', second] = names
  if (second === undefined) return first
  const head = names.slice(0, Math.min(NAMED_MAX, names.length - 1))
  const rest = names.length - head.length
  const last = rest === 1 ? (names.at(-1) ?? '') : `${rest} more`
  return `${head.join(', ')} and ${last}`
}

function verb(count: number, one: string, many: string): string {
  return count === 1 ? one : many
}

function standingOf(before: Group, after: Group): string[] {
  if (after.state === before.state) return []
  switch (after.state) {
    case 'joined':
      return ['you are in']
    case 'left':
      return ['you left']
    case 'removed':
      return ['you were removed; what was said before stays readable']
    case 'joining':
      return ['you asked to join']
    case 'refused':
      return ['you were not let in']
  }
}

function rolesOf(before: Group, after: Group): string[] {
  const roles = new Map(before.members.map(({ address, role }) => [address, role]))
  const changed = after.members.filter(({ address, role }) => {
    const was = roles.get(address)
    return was !== undefined && was !== role
  })
  return changed.map(({ name, role, you }) => {
    const who = you ? 'you are' : `${terminalSafeLine(name)} is`
    return `${who} now ${role === 'member' ? 'a member' : `an ${role}`}`
  })
}

function notIn(these: readonly GroupMember[], those: readonly GroupMember[]): GroupMember[] {
  const known = new Set(those.map(({ address }) => address))
  return these.filter(({ address, you }) => !known.has(address) && !you)
}

/** The changes, in the order one would tell them; none where only keys or counts moved. */
export function groupChanges(before: Group, after: Group): readonly string[] {
  const out = standingOf(before, after)
  if (after.name !== before.name) out.push(`now called #${terminalSafeLine(after.name)}`)
  if (before.state === 'joined') {
    const came = notIn(after.members, before.members)
    if (came.length > 0) out.push(`${named(came)} ${verb(came.length, 'is', 'are')} in`)
    const gone = notIn(before.members, after.members)
    if (gone.length > 0) out.push(`${named(gone)} ${verb(gone.length, 'is', 'are')} out`)
    out.push(...rolesOf(before, after))
  }
  const asked = new Set(before.pending.map(({ address }) => address))
  const asks = after.pending.filter(({ address }) => !asked.has(address))
  if (asks.length > 0) out.push(`${named(asks)} ${verb(asks.length, 'asks', 'ask')} to join`)
  if (after.problem !== undefined && after.problem !== before.problem) {
    out.push(terminalSafeLine(problemText(after.problem)))
  }
  return out
}
