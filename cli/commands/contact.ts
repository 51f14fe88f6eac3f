// sotto contact: people one knows.
import type { Contact } from '../../node/api.ts'
import { asWord } from '../../node/as-word.ts'
import { CliError } from '../cli-error.ts'
import type { Part } from '../output.ts'
import { type Session, withNode } from '../session.ts'
import { terminalSafeLine } from '../terminal-safe.ts'
import type { Invocation } from '../tree/index.ts'
import { formatTime } from '../when.ts'

function trust(contact: Contact): string {
  return contact.verified ? 'verified' : 'not verified'
}

function lines(contact: Contact): readonly (readonly Part[])[] {
  const rows: (readonly Part[])[] = [
    [
      { text: terminalSafeLine(contact.name), style: 'bold' },
      `  ${contact.state}, ${trust(contact)}`,
    ],
    [`  address  ${contact.address}`],
  ]
  if (contact.theirName !== contact.name) {
    rows.push([`  calls itself  ${terminalSafeLine(contact.theirName)}`])
  }
  rows.push([`  since  ${formatTime(contact.addedAt)}`])
  if (contact.unread > 0) rows.push([`  unread  ${contact.unread}`])
  if (contact.waiting > 0) rows.push([`  waiting to go out  ${contact.waiting}`])
  if (contact.missing > 0) {
    const count = contact.missing === 1 ? '1 message is' : `${contact.missing} messages are`
    const { irretrievable } = contact
    const gone = irretrievable === 0 ? '' : `, ${irretrievable} of them for good: nobody has them`
    rows.push([{ text: `  ${count} missing${gone}`, style: 'yellow' }])
  }
  if (contact.problem !== undefined) rows.push([{ text: `  ${contact.problem}`, style: 'yellow' }])
  if (contact.refusal !== undefined) {
    const text = `  the invite that it answered is ${contact.refusal}`
    rows.push([{ text, style: 'yellow' }])
  }
  for (const { service, address, doubts } of contact.relays) {
    rows.push([`  relay  ${service}  ${terminalSafeLine(address)}`])
    if (doubts > 0) {
      const times = doubts === 1 ? 'once' : `${doubts} times`
      const text = `    doubted ${times}: it signed for messages that never came from it`
      rows.push([{ text, style: 'yellow' }])
    }
  }
  for (const { at, code, text } of contact.warnings) {
    const line = `  ${formatTime(at)} ${code}  ${terminalSafeLine(text)}`
    rows.push([{ text: line, style: 'yellow' }])
  }
  return rows
}

export async function list(invocation: Invocation): Promise<void> {
  await withNode(
    invocation,
    async ({ node }) => {
      const contacts = await node.contacts.list()
      const heading = ['NAME', 'STATE', 'TRUST', 'UNREAD', 'WAITING', 'ADDRESS']
      invocation.output.table(heading, contacts, (contact) => [
        contact.name,
        contact.problem === undefined ? contact.state : `${contact.state} (${contact.problem})`,
        trust(contact),
        String(contact.unread),
        String(contact.waiting),
        contact.address,
      ])
    },
    { online: false },
  )
}

export async function show(invocation: Invocation): Promise<void> {
  const [who = ''] = invocation.words
  await withNode(
    invocation,
    async ({ node }) => {
      const contact = await node.contacts.get(who)
      const safetyNumber = await node.contacts.safetyNumber(contact.address)
      invocation.output.record({ ...contact, safetyNumber }, () => [
        ...lines(contact),
        [`  safety number  ${safetyNumber}`],
      ])
    },
    { online: false },
  )
}

/** Changes one contact and shows what it is now. */
async function change(
  invocation: Invocation,
  make: (node: Session['node'], who: string) => Promise<Contact>,
  sentence: (contact: Contact) => string,
): Promise<void> {
  const [who = ''] = invocation.words
  await withNode(invocation, async ({ node, settle }) => {
    const contact = await make(node, who)
    await settle()
    invocation.output.record(contact, () => [[sentence(contact)]])
  })
}

export async function rename(invocation: Invocation): Promise<void> {
  const [, name = ''] = invocation.words
  await change(
    invocation,
    (node, who) => node.contacts.rename(who, name),
    (contact) => `Now called ${terminalSafeLine(contact.name)}.`,
  )
}

export async function verify(invocation: Invocation): Promise<void> {
  const { flags, words, output } = invocation
  if (flags.on('yes') && flags.on('undo')) {
    throw new CliError('USAGE', '--yes and --undo exclude each other')
  }
  if (flags.on('yes') || flags.on('undo')) {
    await change(
      invocation,
      (node, who) => node.contacts.verify(who, flags.on('yes')),
      (contact) => `${terminalSafeLine(contact.name)} is ${trust(contact)}.`,
    )
    return
  }
  const [who = ''] = words
  await withNode(
    invocation,
    async ({ node }) => {
      const { name, address, verified } = await node.contacts.get(who)
      const safetyNumber = await node.contacts.safetyNumber(address)
      output.record({ name, address, verified, safetyNumber }, () => [[safetyNumber]])
      output.talk(
        `Compare it by voice or in person; if it is the same: sotto contact verify ${asWord(name, address)} --yes`,
      )
    },
    { online: false },
  )
}

export async function block(invocation: Invocation): Promise<void> {
  await change(
    invocation,
    (node, who) => node.contacts.block(who, true),
    (contact) => `${terminalSafeLine(contact.name)} is blocked.`,
  )
}

export async function unblock(invocation: Invocation): Promise<void> {
  await change(
    invocation,
    (node, who) => node.contacts.block(who, false),
    (contact) => `${terminalSafeLine(contact.name)} is no longer blocked.`,
  )
}

export async function remove(invocation: Invocation): Promise<void> {
  await change(
    invocation,
    (node, who) => node.contacts.remove(who),
    (contact) => `${terminalSafeLine(contact.name)} is removed.`,
  )
}
