// sotto invite: links that add their maker.
import type { Invite } from '../../node/api.ts'
import { withNode } from '../session.ts'
import type { Invocation } from '../tree/index.ts'
import { formatTime } from '../when.ts'

function stateOf(invite: Invite): string {
  if (invite.revoked) return 'revoked'
  if (invite.expiresAt <= Date.now()) return 'expired'
  if (!invite.reusable && invite.usedBy.length > 0) return 'used'
  return 'open'
}

async function qr(link: string): Promise<string> {
  const { renderUnicodeCompact } = await import('uqr')
  // Upper case fits the QR alphanumeric mode, which needs a third less room; links allow both.
  return renderUnicodeCompact(link.toUpperCase(), { ecc: 'L', border: 1 })
}

export async function create(invocation: Invocation): Promise<void> {
  const { flags, output, signal } = invocation
  const expiresInMs = flags.duration('expires')
  await withNode(invocation, async ({ node, settle, lasting }) => {
    const invite = await node.invites.create({
      reusable: flags.on('reusable'),
      signal,
      ...(expiresInMs === undefined ? {} : { expiresInMs }),
    })
    await settle()
    const image = output.onTerminal && flags.on('qr') ? [[await qr(invite.link)]] : []
    output.record(
      {
        id: invite.id,
        link: invite.link,
        expiresAt: invite.expiresAt,
        reusable: invite.reusable,
      },
      () => [...image, [invite.link]],
    )
    const uses = invite.reusable ? 'It works more than once' : 'It works once'
    output.talk(`${uses}, until ${formatTime(invite.expiresAt)}. The other side: sotto add LINK`)
    if (!lasting()) output.talk('Run `sotto daemon start` so that answers arrive at once.')
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
