// sotto add: accept an invite.
import type { Contact, Node } from '../../node/api.ts'
import { NodeError } from '../../node/errors.ts'
import { asWord } from '../../node/as-word.ts'
import { GLANCE_MS, HAND_OVER_MS, withNode } from '../session.ts'
import { readInput } from '../stdin.ts'
import type { Invocation } from '../tree/index.ts'
import { join } from './join.ts'

/** Waits until somebody answered an invite or it turned out that it will not work. */
async function answerOf(
  node: Node,
  address: string,
  { signal, waitMs }: { readonly signal: AbortSignal; readonly waitMs: number },
): Promise<void> {
  const soon = AbortSignal.any([signal, AbortSignal.timeout(waitMs)])
  const from = await node.events.cursor()
  const now = await node.contacts.get(address)
  if (now.state !== 'pending' || now.problem !== undefined) return
  for await (const event of node.events.since(from, { signal: soon })) {
    if (event.event !== 'contact' || event.contact.address !== address) continue
    if (event.contact.state !== 'pending' || event.contact.problem !== undefined) return
  }
}

function unusable({ name, address, problem }: Contact): NodeError {
  const used = problem === 'INVITE_USED'
  return new NodeError(
    used ? 'INVITE_USED' : 'INVITE_INVALID',
    used
      ? 'the invite was used already, by somebody else or by you on another device'
      : 'the invite does not work any more',
    {
      hint: `Ask for a new link and add it. Until then they stay pending; off your list: sotto contact remove ${asWord(name, address)}`,
    },
  )
}

/** Adds the maker of a link; undefined where the link joins a group. */
async function addContact(
  node: Node,
  link: string,
  options: Parameters<Node['contacts']['add']>[1],
): Promise<Contact | undefined> {
  try {
    return await node.contacts.add(link, options)
  } catch (error) {
    if (error instanceof NodeError && error.code === 'GROUP_LINK') return undefined
    throw error
  }
}

export async function run(invocation: Invocation): Promise<void> {
  const { words, flags, output, signal } = invocation
  const [word = ''] = words
  const link = (word === '-' ? await readInput(process.stdin) : word).trim()
  const name = flags.text('name')
  await withNode(invocation, async (session) => {
    const { node, settle, lasting } = session
    const options = { signal, ...(name === undefined ? {} : { name }) }
    const added = await addContact(node, link, options)
    if (added === undefined) return join(invocation, session, link)
    await settle()
    // An answer that comes at once, as from somebody with a daemon, saves a second command.
    const waitMs = lasting() ? GLANCE_MS : HAND_OVER_MS
    await answerOf(node, added.address, { signal, waitMs })
    const contact = await node.contacts.get(added.address)
    if (contact.problem !== undefined) throw unusable(contact)
    output.record(
      { contact: { name: contact.name, address: contact.address, state: contact.state } },
      () => [[`Added ${contact.name}.`]],
    )
    if (contact.state === 'pending') output.talk('Waiting for their answer.')
    output.talk(`Next: sotto send ${asWord(contact.name, contact.address)} "hello"`)
    if (contact.state === 'pending' && !lasting()) {
      output.talk('Run `sotto daemon start`, or `sotto read` later, to take their answer.')
    }
  })
}
