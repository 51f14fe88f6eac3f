// sotto relays: where this profile's messages are kept while it is away.
import type { Node, RelayStatus } from '../../node/api.ts'
import type { Output } from '../output.ts'
import { GLANCE_MS, HAND_OVER_MS, withNode } from '../session.ts'
import { terminalSafeLine } from '../terminal-safe.ts'
import type { Invocation } from '../tree/index.ts'

/** The address, which troubles begin with, stands beside it. */
export function relayState({ address, connected, trouble }: RelayStatus): string {
  if (connected) return 'connected'
  return trouble.replace(`${address} `, '') || 'not connected'
}

async function show(output: Output, node: Node): Promise<void> {
  const { relays } = await node.status()
  output.table(['SERVICE', 'STATE', 'ADDRESS'], relays, (relay) => [
    relay.service || '-',
    terminalSafeLine(relayState(relay)),
    relay.address,
  ])
}

export async function list(invocation: Invocation): Promise<void> {
  await withNode(invocation, async ({ node, settle }) => {
    await settle()
    await show(invocation.output, node)
  })
}

export async function add(invocation: Invocation): Promise<void> {
  const { output, words, signal } = invocation
  await withNode(invocation, async ({ node, lasting }) => {
    await node.relays.add(words[0] ?? '', { signal })
    // With a daemon, too: whether it answers is what one wants to see.
    await node.settle(lasting() ? GLANCE_MS : HAND_OVER_MS, { signal })
    await show(output, node)
    output.talk(
      'Contacts are told once it was met. Whom only a lost relay reached needs a new link.',
    )
  })
}

export async function remove(invocation: Invocation): Promise<void> {
  const { output, words, signal } = invocation
  await withNode(invocation, async ({ node, settle }) => {
    await node.relays.remove(words[0] ?? '', { signal })
    await settle()
    await show(output, node)
    output.talk('Contacts are told. Links that were made for it work no more: make new ones.')
  })
}
