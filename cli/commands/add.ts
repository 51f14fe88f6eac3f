// sotto add: accept an invite.
import type { Node } from '../../node/api.ts'
import { HAND_OVER_MS, withNode } from '../session.ts'
import { readInput } from '../stdin.ts'
import type { Invocation } from '../tree/index.ts'

/** Waits until somebody answered an invite, for at most 5 s. */
async function answerOf(node: Node, address: string, signal: AbortSignal): Promise<void> {
  const soon = AbortSignal.any([signal, AbortSignal.timeout(HAND_OVER_MS)])
  const from = await node.events.cursor()
  if ((await node.contacts.get(address)).state !== 'pending') return
  for await (const event of node.events.since(from, { signal: soon })) {
    if (event.event !== 'contact' || event.contact.address !== address) continue
    if (event.contact.state !== 'pending') return
  }
}

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
    // An answer that comes at once, as from somebody with a daemon, saves a second command.
    if (!lasting()) await answerOf(node, added.address, signal)
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
