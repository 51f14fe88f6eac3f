// sotto invite: links that add their maker.
import type { Invite } from '../../node/api.ts'
import { showInvite } from '../invite-shown.ts'
import { withNode } from '../session.ts'
import type { Invocation } from '../tree/index.ts'
import { whenReachable } from '../when-reachable.ts'
import { formatTime } from '../when.ts'

function stateOf(invite: Invite): string {
  if (invite.revoked) return 'revoked'
  if (invite.expiresAt <= Date.now()) return 'expired'
  if (!invite.reusable && invite.usedBy.length > 0) return 'used'
  return 'open'
}

export async function create(invocation: Invocation): Promise<void> {
  const { flags, output, signal } = invocation
  const expiresInMs = flags.duration('expires')
  await withNode(invocation, async ({ node, settle, lasting }) => {
    const invite = await whenReachable(node, () =>
      node.invites.create({
        reusable: flags.on('reusable'),
        signal,
        ...(expiresInMs === undefined ? {} : { expiresInMs }),
      }),
    )
    await settle()
    const { warnings } = await node.status()
    await showInvite(output, invite, { withQr: flags.on('qr'), lasting: lasting(), warnings })
  })
}

export async function list(invocation: Invocation): Promise<void> {
  await withNode(
    invocation,
    async ({ node }) => {
      const invites = await node.invites.list()
      invocation.output.table(['ID', 'STATE', 'MADE', 'UNTIL', 'USED BY'], invites, (invite) => [
        invite.id.slice(0, 8),
        stateOf(invite),
        formatTime(invite.createdAt),
        formatTime(invite.expiresAt),
        invite.usedBy.join(', '),
      ])
    },
    { online: false },
  )
}

export async function revoke(invocation: Invocation): Promise<void> {
  const [id = ''] = invocation.words
  await withNode(invocation, async ({ node, settle }) => {
    await node.invites.revoke(id)
    await settle()
    invocation.output.record({ id, revoked: true }, () => [['Revoked: nobody new can use it.']])
  })
}
