// sotto group: what one sees of groups and does in them.
import type { Group, GroupMember } from '../../node/api-groups.ts'
import { asWord } from '../../node/as-word.ts'
import { CliError } from '../cli-error.ts'
import { problemText } from '../group-problem.ts'
import { gapText, heldText } from '../group-waits.ts'
import type { Output, Part } from '../output.ts'
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

/** How one stands in a group: whom one waits for, while one is not in it. */
export function standingText({ state, problem, invitedBy }: Group): string {
  if (state !== 'joining') return state
  if (problem === 'PENDING') return 'waiting for an admin'
  return invitedBy === undefined ? state : `waiting for ${terminalSafeLine(invitedBy.name)}`
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
    [{ text: shownName(group), style: 'bold' }, `  ${standingText(group)}`],
    ...group.members.map(memberLine),
  ]
  const isIn = group.state !== 'joining' && group.state !== 'refused'
  if (!isIn && group.members.length === 0) rows.push(['  how it is called is told with the answer'])
  if (group.id !== '') rows.push([{ text: `  id       ${group.id}`, style: 'dim' }])
  for (const { name, address } of group.pending) {
    const text = `  ${terminalSafeLine(name)} asks to join  ${address}`
    rows.push([{ text, style: 'yellow' }])
  }
  if (group.epoch !== '') rows.push([`  keys     of operation ${group.epoch}`])
  if (isIn)
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
        standingText(group),
        group.state === 'joined' ? group.role : '-',
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
): Promise<Group> {
  const [which = '', word = ''] = invocation.words
  return withNode(invocation, async ({ node, settle }) => {
    const group = await make(node, which, word)
    await settle()
    const text = sentence(group, terminalSafeLine(word))
    invocation.output.record(groupRecord(group), () => [[text]])
    return group
  })
}

/** Here a group is called otherwise than for its members, where the name was taken. */
function tellOtherName(output: Output, { name }: Group, wanted: string): void {
  const given = wanted.trim()
  if (name === given || name === given.replace(/^#+/, '')) return
  output.talk(`You have a group of that name: this one is #${name} to you, #${given} to others.`)
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
    tellOtherName(output, group, name)
    output.talk(`Let people in: sotto group invite ${asWord(group.name, group.id)}`)
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
    (group, who) =>
      group.state === 'left'
        ? `You left ${shownName(group)}.`
        : `${who} is out of ${shownName(group)}; new keys are on their way.`,
  )
}

export async function role(invocation: Invocation): Promise<void> {
  const wanted = ROLES.find((one) => one === invocation.words[2])
  if (wanted === undefined) {
    const given = (invocation.words[2] ?? '').slice(0, 80)
    throw new CliError(
      'USAGE',
      `'${given}' is none of ${ROLES.join(', ')}`,
      'See: sotto group role --help',
    )
  }
  await change(
    invocation,
    (node, which, who) => node.groups.role(which, who, wanted),
    (group, who) => `${who} is ${wanted} in ${shownName(group)}.`,
  )
}

export async function rename(invocation: Invocation): Promise<void> {
  const group = await change(
    invocation,
    (node, which, name) => node.groups.rename(which, name),
    (renamed) => `Now called ${shownName(renamed)}.`,
  )
  tellOtherName(invocation.output, group, invocation.words[1] ?? '')
}

export async function leave(invocation: Invocation): Promise<void> {
  await change(
    invocation,
    (node, which) => node.groups.leave(which),
    (group) =>
      group.epoch === '' && group.members.length === 0
        ? `${shownName(group)} is off your list.`
        : `You left ${shownName(group)}.`,
  )
}

export async function rotate(invocation: Invocation): Promise<void> {
  await change(
    invocation,
    (node, which) => node.groups.rotate(which),
    (group) => `New keys for ${shownName(group)} are on their way.`,
  )
}
