// sotto group invite: links that join a group.
import { showInvite } from '../invite-shown.ts'
import { withNode } from '../session.ts'
import type { Invocation } from '../tree/index.ts'
import { whenReachable } from '../when-reachable.ts'

export async function run(invocation: Invocation): Promise<void> {
  const { flags, output, signal, words } = invocation
  const [which = ''] = words
  const expiresInMs = flags.duration('expires')
  await withNode(invocation, async ({ node, settle, lasting }) => {
    const invite = await whenReachable(node, () =>
      node.groups.invite(which, {
        reusable: flags.on('reusable'),
        approve: flags.on('approve'),
        signal,
        ...(expiresInMs === undefined ? {} : { expiresInMs }),
      }),
    )
    await settle()
    const { warnings } = await node.status()
    await showInvite(output, invite, { withQr: flags.on('qr'), lasting: lasting(), warnings })
  })
}
