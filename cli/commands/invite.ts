// sotto invite: links that add their maker.
import type { Invite, Node } from '../../node/api.ts'
import { NodeError } from '../../node/rpc/index.ts'
import { HAND_OVER_MS, withNode } from '../session.ts'
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

type CreateOptions = Parameters<Node['invites']['create']>[0]

/** A new profile has its mailbox only once its relay was met: gives that a moment. */
async function createReachable(node: Node, options: CreateOptions): Promise<Invite> {
  try {
    return await node.invites.create(options)
  } catch (error) {
    if (!(error instanceof NodeError) || error.code !== 'NO_RELAY') throw error
    const { relays } = await node.status()
    if (relays.length === 0) throw error
  }
  await node.settle(HAND_OVER_MS)
  try {
    return await node.invites.create(options)
  } catch (error) {
    if (!(error instanceof NodeError) || error.code !== 'NO_RELAY') throw error
    const troubles = (await node.status()).relays.map(
      ({ address, trouble }) => `${address} ${trouble}`,
    )
    throw new NodeError('RELAY_UNREACHABLE', `no relay answered: ${troubles.join('; ')}`, {
      hint: 'Without one nobody could use the link. Try again when it runs.',
      retryable: true,
      cause: error,
    })
  }
}

export async function create(invocation: Invocation): Promise<void> {
  const { flags, output, signal } = invocation
  const expiresInMs = flags.duration('expires')
  await withNode(invocation, async ({ node, settle, lasting }) => {
    const invite = await createReachable(node, {
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
