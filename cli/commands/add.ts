// sotto add: accept an invite.
import { withNode } from '../session.ts'
import { readInput } from '../stdin.ts'
import type { Invocation } from '../tree/index.ts'

export async function run(invocation: Invocation): Promise<void> {
  const { words, flags, output, signal } = invocation
  const [word = ''] = words
  const link = (word === '-' ? await readInput(process.stdin) : word).trim()
  const name = flags.text('name')
  await withNode(invocation, async ({ node, settle, lasting }) => {
    const added = await node.contacts.add(link, {
      signal,
      ...(name === undefined ? {} : { name }),
    })
    await settle()
    const contact = await node.contacts.get(added.address)
    output.record(
      { contact: { name: contact.name, address: contact.address, state: contact.state } },
      () => [
        [
          `Added ${contact.name}: ${contact.state === 'ready' ? 'connected' : 'waiting for their answer'}.`,
        ],
      ],
    )
    output.talk(`Next: sotto send ${contact.name} "hello"`)
    if (contact.state === 'pending' && !lasting()) {
      output.talk('Run `sotto daemon start`, or `sotto read` later, to take their answer.')
    }
  })
}
