// sotto group: what one sees of groups and does in them.
import type { Group, GroupMember } from '../../node/api-groups.ts'
import { CliError } from '../cli-error.ts'
import { problemText } from '../group-problem.ts'
import { gapText, heldText } from '../group-waits.ts'
import type { Part } from '../output.ts'
import { type Session, withNode } from '../session.ts'
import { terminalSafeLine } from '../terminal-safe.ts'
import type { Invocation } from '../tree/index.ts'

const ROLES = ['member', 'admin', 'owner'] as const

/** What scripts get of a group wherever it was changed. */
export function groupRecord(group: Group): object {
  const { id, name, state, role } = group
  return { group: { id, name, state, role } }
}

/** `#team`, safe to print. */
export function shownName({ name }: Pick<Group, 'name'>): string {
  return `#${terminalSafeLine(name)}`
}

/** One member: name, rank, address. */
export function memberLine({ name, role, you, address }: GroupMember): readonly Part[] {
  const rank = role === 'member' ? '' : `  ${role}`
  return [
    `  ${terminalSafeLine(name)}${you ? ' (you)' : ''}${rank}  `,
    { text: address, style: 'dim' },
  ]
}

function lines(group: Group): readonly (readonly Part[])[] {
  const rows: (readonly Part[])[] = [
    [{ text: shownName(group), style: 'bold' }, `  ${group.state}`],
    ...group.members.map(memberLine),
  ]
  for (const { name, address } of group.pending) {
    const text = `  ${terminalSafeLine(name)} asks to join  ${address}`
    rows.push([{ text, style: 'yellow' }])
  }
  if (group.epoch !== '') rows.push([`  keys     of operation ${group.epoch}`])
  rows.push([`  carried by ${group.relays.length === 0 ? 'no relay' : group.relays.join(', ')}`])
  if (group.settings.approval) rows.push(['  who joins by a link waits for an admin'])
  if (group.settings.membersAdd) rows.push(['  members may add people'])
  if (group.unread > 0) rows.push([`  unread  ${group.unread}`])
  if (group.waiting > 0) rows.push([`  waiting to go out  ${group.waiting}`])
  if (group.missing > 0) {
    const count = group.missing === 1 ? '1 message is' : `${group.missing} messages are`
    rows.push([{ text: `  ${count} missing`, style: 'yellow' }])
  }
  for (const gap of group.gaps) rows.push([`    ${gapText(gap)}`])
  if (group.problem !== undefined) {
    rows.push([{ text: `  ${terminalSafeLine(problemText(group.problem))}`, style: 'yellow' }])
  }
  for (const held of group.waits) rows.push([`    ${heldText(held)}`])
  return rows
}

export async function list(invocation: Invocation): Promise<void> {
  await withNode(
    invocation,
    async ({ node }) => {
      const heading = ['NAME', 'STATE', 'ROLE', 'MEMBERS', 'UNREAD', 'WAITING']
      invocation.output.table(heading, await node.groups.list(), (group) => [
        `#${group.name}`,
        group.state,
        group.role,
        String(group.members.length),
        String(group.unread),
        String(group.waiting),
      ])
    },
    { online: false },
  )
}

export async function show(invocation: Invocation): Promise<void> {
  const [which = ''] = invocation.words
  await withNode(
    invocation,
    async ({ node }) => {
      const group = await node.groups.get(which)
      const { id, name, state, role, ...rest } = group
      invocation.output.record({ group: { id, name, state, role }, ...rest }, () => lines(group))
    },
    { online: false },
  )
}

/** Changes one group and shows what it is now. */
async function change(
  invocation: Invocation,
  make: (node: Session['node'], which: string, word: string) => Promise<Group>,
  sentence: (group: Group, word: string) => string,
): Promise<void> {
  const [which = '', word = ''] = invocation.words
  await withNode(invocation, async ({ node, settle }) => {
    const group = await make(node, which, word)
    await settle()
    const text = sentence(group, terminalSafeLine(word))
    invocation.output.record(groupRecord(group), () => [[text]])
  })
}

export async function create(invocation: Invocation): Promise<void> {
  const { flags, words, output } = invocation
  const [name = ''] = words
  await withNode(invocation, async ({ node, settle }) => {
    const group = await node.groups.create(name, {
      approval: flags.on('approve'),
      membersAdd: flags.on('membersAdd'),
    })
    await settle()
    output.record(groupRecord(group), () => [[`Made ${shownName(group)}.`]])
    output.talk(`Let people in: sotto group invite ${shownName(group).slice(1)}`)
  })
}

export async function add(invocation: Invocation): Promise<void> {
  await change(
    invocation,
    (node, which, who) => node.groups.add(which, who),
    (group, who) => `${who} is in ${shownName(group)}.`,
  )
}

export async function approve(invocation: Invocation): Promise<void> {
  await change(
    invocation,
    (node, which, who) => node.groups.approve(which, who),
    (group, who) => `${who} is in ${shownName(group)}.`,
  )
}

export async function reject(invocation: Invocation): Promise<void> {
  await change(
    invocation,
    (node, which, who) => node.groups.reject(which, who),
    (group, who) => `${who} was not let into ${shownName(group)}.`,
  )
}

export async function remove(invocation: Invocation): Promise<void> {
  await change(
    invocation,
    (node, which, who) => node.groups.remove(which, who),
    (group, who) => `${who} is out of ${shownName(group)}; new keys are on their way.`,
  )
}

export async function role(invocation: Invocation): Promise<void> {
  const wanted = ROLES.find((one) => one === invocation.words[2])
  if (wanted === undefined) {
    throw new CliError('USAGE', `'${invocation.words[2] ?? ''}' is none of ${ROLES.join(', ')}`)
  }
  await change(
    invocation,
    (node, which, who) => node.groups.role(which, who, wanted),
    (group, who) => `${who} is ${wanted} in ${shownName(group)}.`,
  )
}

export async function rename(invocation: Invocation): Promise<void> {
  await change(
    invocation,
    (node, which, name) => node.groups.rename(which, name),
    (group) => `Now called ${shownName(group)}.`,
  )
}

export async function leave(invocation: Invocation): Promise<void> {
  await change(
    invocation,
    (node, which) => node.groups.leave(which),
    (group) => `You left ${shownName(group)}.`,
  )
}

export async function rotate(invocation: Invocation): Promise<void> {
  await change(
    invocation,
    (node, which) => node.groups.rotate(which),
    (group) => `New keys for ${shownName(group)} are on their way.`,
  )
}
