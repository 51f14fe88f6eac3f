// sotto requests: people who wrote without an invite.
import { withNode } from '../session.ts'
import { terminalSafeLine } from '../terminal-safe.ts'
import type { Invocation } from '../tree/index.ts'
import { formatTime } from '../when.ts'

export async function list(invocation: Invocation): Promise<void> {
  await withNode(invocation, async ({ node, settle }) => {
    await settle()
    const found = await node.requests.list()
    const heading = ['NAME', 'SINCE', 'MESSAGES', 'INVITE', 'ADDRESS']
    invocation.output.table(heading, found, (contact) => [
      contact.name,
      formatTime(contact.addedAt),
      String(contact.unread),
      contact.refusal ?? 'none',
      contact.address,
    ])
  })
}

export async function accept(invocation: Invocation): Promise<void> {
  const { words, flags, output } = invocation
  const [who = ''] = words
  const name = flags.text('name')
  await withNode(invocation, async ({ node, settle }) => {
    const contact = await node.requests.accept(who, name === undefined ? {} : { name })
    await settle()
    output.record(contact, () => [[`${terminalSafeLine(contact.name)} is a contact now.`]])
  })
}

export async function reject(invocation: Invocation): Promise<void> {
  const [who = ''] = invocation.words
  await withNode(invocation, async ({ node }) => {
    await node.requests.reject(who)
    invocation.output.record({ rejected: who }, () => [['Rejected; they are told nothing.']])
  })
}
