// Making an invite: a link that works from a file, judged by this device alone (SPEC.md §3).
import {
  type Bytes16,
  type Bytes32,
  encodeInviteLink,
  encodeText,
  inviteId,
  serviceKeyHash,
} from '../../crypto/index.ts'
import { ProtocolError } from '../errors.ts'
import { INVITES_MAX } from '../limits.ts'
import type { Step, Turn } from '../step.ts'
import { type InvitedGroup, invites, makeInviteRoom } from './invite.ts'

export interface InviteRequest {
  readonly reusable: boolean
  readonly expiresAtS: number
  /** Multiaddr of the relay, or of the home host. */
  readonly address: string
  readonly where:
    | { readonly kind: 'relay'; readonly serviceKey: Bytes32; readonly mailboxId: Bytes16 }
    | { readonly kind: 'direct'; readonly transportKey: Bytes32 }
  /** The group that it lets in to; left out: it makes contacts. */
  readonly group?: InvitedGroup
}

export interface CreatedInvite {
  readonly inviteId: Bytes16
  readonly secret: Bytes16
  readonly link: string
}

/** Makes and records an invite. Throws ERR_PROTOCOL_LIMIT where too many are open. */
export function* createInvite(turn: Turn, request: InviteRequest): Step<CreatedInvite> {
  const { where } = request
  if (!(yield* makeInviteRoom(turn, where.kind === 'relay' ? where.serviceKey : undefined))) {
    throw new ProtocolError('ERR_PROTOCOL_LIMIT', 'too many invites are open', {
      detail: { reason: 'invites', max: INVITES_MAX },
    })
  }
  const secret = turn.random(16)
  const link = encodeInviteLink(turn.crypto, {
    account: turn.self.account,
    secret,
    where:
      where.kind === 'direct'
        ? where
        : {
            kind: 'relay',
            mailboxId: where.mailboxId,
            serviceHash: serviceKeyHash(turn.crypto, where.serviceKey),
          },
    address: request.address,
    expiresAtS: request.expiresAtS,
    group: request.group !== undefined,
  })
  const id = inviteId(turn.crypto, secret)
  turn.put(invites, id, {
    inviteId: id,
    secret,
    link: encodeText(link),
    serviceKey: where.kind === 'relay' ? where.serviceKey : undefined,
    reusable: request.reusable,
    revoked: false,
    createdAtMs: turn.nowMs,
    expiresAtS: request.expiresAtS,
    claims: [],
    group: request.group,
    published: undefined,
  })
  turn.effect({ kind: 'publish' })
  return { inviteId: id, secret, link }
}
