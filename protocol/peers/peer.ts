// What we know of another device: its keys, where it is reached, and where our exchange of numbered
// frames and receipts with it stands. One record per device key.
import {
  ADDRESSES_MAX,
  type Bytes16,
  type Bytes32,
  EMPTY,
  MAILBOXES_MAX,
  type Mailbox,
  RENDEZVOUS_MAX,
  type Rendezvous,
  encodeMailbox,
  encodeRendezvous,
  encodeText,
  readAddress,
  readMailbox,
  readRendezvous,
} from '../../crypto/index.ts'
import type { HomeHost } from '../content/endpoints.ts'
import { LAMPORT_MAX, NUMBERED_RANGES_MAX } from '../limits.ts'
import { type NumberRange, decodeRanges, encodeRanges } from '../log/ranges.ts'
import { encodeRecord, orEmpty, readRecord } from '../record.ts'
import type { Table } from '../step.ts'

/** Where a device is reached, by its own word (endpoints frame, card or intro). */
export interface PeerEndpoints {
  /** 0: from an intro or a card only. */
  readonly counter: number
  readonly c: number
  readonly mailboxes: readonly Mailbox[]
  readonly home: HomeHost | undefined
  readonly rendezvous: readonly Rendezvous[]
  /** 0: none named yet; then envelopes are sealed to DDH. */
  readonly seal: { readonly id: number; readonly publicKey: Bytes32 } | undefined
  readonly awayUntilS: number
}

/** How a first contact answers an invite, until something came back. */
export interface InviteAnswer {
  readonly inviteId: Bytes16
  readonly secret: Bytes16
  /** 16 random bytes that make further deposits of this invitee pass. */
  readonly claim: Bytes16
  /** The link's mailbox; undefined for a direct invite. */
  readonly mailbox: { readonly serviceKey: Bytes32; readonly mailboxId: Bytes16 } | undefined
}

export interface Peer {
  readonly account: Bytes32
  readonly device: Bytes32
  readonly dh: Bytes32
  readonly endpoints: PeerEndpoints
  readonly invite: InviteAnswer | undefined
  /** Whether anything was ever received from it: until then each message carries an intro. */
  readonly heard: boolean
  readonly heardAtMs: number
  /** c of the last numbered frame to it, and how many of them its receipts cover. */
  readonly numberedSent: number
  /** Numbered frames received: 1..end, and ranges above. */
  readonly numberedEnd: number
  readonly numberedAbove: readonly NumberRange[]
  /** r of the last receipt to it. */
  readonly receiptsSent: number
}

export const NO_ENDPOINTS: PeerEndpoints = {
  counter: 0,
  c: 0,
  mailboxes: [],
  home: undefined,
  rendezvous: [],
  seal: undefined,
  awayUntilS: 0,
}

/** A device that nothing was heard from yet. */
export function newPeer(device: Pick<Peer, 'account' | 'device' | 'dh'>): Peer {
  return {
    ...device,
    endpoints: NO_ENDPOINTS,
    invite: undefined,
    heard: false,
    heardAtMs: 0,
    numberedSent: 0,
    numberedEnd: 0,
    numberedAbove: [],
    receiptsSent: 0,
  }
}

export const peers: Table<Bytes32, Peer> = {
  name: 'peers',
  sealing: 'value',
  place: (device) => ({ owner: device, order: EMPTY }),
  encode: (peer) => {
    const { endpoints, invite } = peer
    return encodeRecord([
      peer.account,
      peer.device,
      peer.dh,
      [
        endpoints.counter,
        endpoints.c,
        endpoints.mailboxes.map(encodeMailbox),
        endpoints.home === undefined
          ? []
          : [[endpoints.home.transportKey, endpoints.home.addresses.map(encodeText)]],
        endpoints.rendezvous.map(encodeRendezvous),
        endpoints.seal === undefined ? [] : [endpoints.seal.id, endpoints.seal.publicKey],
        endpoints.awayUntilS,
      ],
      invite === undefined
        ? []
        : [
            invite.inviteId,
            invite.secret,
            invite.claim,
            orEmpty(invite.mailbox?.serviceKey),
            orEmpty(invite.mailbox?.mailboxId),
          ],
      peer.heard ? 1 : 0,
      peer.heardAtMs,
      peer.numberedSent,
      peer.numberedEnd,
      encodeRanges(peer.numberedAbove),
      peer.receiptsSent,
    ])
  },
  decode: (bytes) => {
    const fields = readRecord(bytes, 'peer')
    return {
      account: fields.bytes('account', 32),
      device: fields.bytes('device', 32),
      dh: fields.bytes('dh', 32),
      endpoints: decodeEndpoints(fields.nested('endpoints')),
      invite: decodeInvite(fields.nested('invite')),
      heard: fields.flag('heard'),
      heardAtMs: fields.uint('heardAt'),
      numberedSent: fields.uint('numberedSent'),
      numberedEnd: fields.uint('numberedEnd', LAMPORT_MAX),
      numberedAbove: decodeRanges(
        fields.array('above', 0, NUMBERED_RANGES_MAX),
        1,
        NUMBERED_RANGES_MAX,
      ),
      receiptsSent: fields.uint('receiptsSent'),
    }
  },
}

type Fields = ReturnType<typeof readRecord>

function decodeEndpoints(fields: Fields): PeerEndpoints {
  const counter = fields.uint('counter')
  const c = fields.uint('c')
  const mailboxes = fields.array('mailboxes', 0, MAILBOXES_MAX).map(readMailbox)
  const homes = fields.nested('home')
  const home = homes.left === 0 ? undefined : decodeHome(homes.nested('home'))
  const rendezvous = fields.array('rdv', 0, RENDEZVOUS_MAX).map(readRendezvous)
  const sealFields = fields.nested('seal')
  const seal =
    sealFields.left === 0
      ? undefined
      : { id: sealFields.uint('id', 255), publicKey: sealFields.bytes('key', 32) }
  return { counter, c, mailboxes, home, rendezvous, seal, awayUntilS: fields.uint('away') }
}

function decodeHome(fields: Fields): HomeHost {
  return {
    transportKey: fields.bytes('transportKey', 32),
    addresses: fields.array('addresses', 0, ADDRESSES_MAX).map(readAddress),
  }
}

function decodeInvite(fields: Fields): InviteAnswer | undefined {
  if (fields.left === 0) return undefined
  const inviteId = fields.bytes('inviteId', 16)
  const secret = fields.bytes('secret', 16)
  const claim = fields.bytes('claim', 16)
  const serviceKey = fields.optional('serviceKey', 32)
  const mailboxId = fields.optional('mailboxId', 16)
  const mailbox =
    serviceKey === undefined || mailboxId === undefined ? undefined : { serviceKey, mailboxId }
  return { inviteId, secret, claim, mailbox }
}
