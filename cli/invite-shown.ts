// How a new link is shown: to people with a QR code, to programs as one object.
import type { Invite } from '../node/api.ts'
import type { Output } from './output.ts'
import { formatTime } from './when.ts'

async function qr(link: string): Promise<string> {
  const { renderUnicodeCompact } = await import('uqr')
  // Upper case fits the QR alphanumeric mode, which needs a third less room; links allow both.
  return renderUnicodeCompact(link.toUpperCase(), { ecc: 'L', border: 1 })
}

export interface InviteShown {
  readonly withQr: boolean
  /** A daemon goes on: answers arrive at once. */
  readonly lasting: boolean
  /** What is wrong here now: a link may be of no use for it. */
  readonly warnings: readonly string[]
}

export async function showInvite(
  output: Output,
  invite: Invite,
  { withQr, lasting, warnings }: InviteShown,
): Promise<void> {
  const { id, link, expiresAt, reusable } = invite
  const image = output.onTerminal && withQr ? [[await qr(link)]] : []
  output.record({ id, link, expiresAt, reusable }, () => [...image, [link]])
  const uses = reusable ? 'It works more than once' : 'It works once'
  output.quote(`${uses}, until ${formatTime(expiresAt)}. The other side: sotto add LINK`)
  for (const text of warnings) output.quote(`Take care: ${text}.`)
  if (!lasting) output.talk('Run `sotto daemon start` so that answers arrive at once.')
}
