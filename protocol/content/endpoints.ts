// Frame 0x1100, endpoints (numbered): where the sending device is reached (SPEC.md §2). Unsigned: it
// is about the sending device only, and the session says who that is.
//
// [c, 1, counter, [Mailbox with cap] <=3, [[transportKey32, [addr] <=4]] <=1, [Rdv] <=2, [sealId, sealPub32], awayUntil s|0] +
import {
  ADDRESSES_MAX,
  type Bytes32,
  type CborArray,
  type CborValue,
  encodeCbor,
  encodeMailbox,
  encodeRendezvous,
  encodeText,
  FieldReader,
  type Mailbox,
  MAILBOXES_MAX,
  malformed,
  readAddress,
  readMailbox,
  readRendezvous,
  RENDEZVOUS_MAX,
  type Rendezvous,
} from '../../crypto/index.ts'
import { bodyFields, numberField } from './fields.ts'
import type { ContentKind } from './kind.ts'

/** The home host of a device. */
export interface HomeHost {
  /** Raw 32 bytes of the host's libp2p Ed25519 public key. */
  readonly transportKey: Bytes32
  /** Multiaddrs without /p2p; none where it only dials. */
  readonly addresses: readonly string[]
}

export interface Endpoints {
  readonly c: number
  /** Rises with mailboxes, transport, rendezvous or seal key; highest (counter, c) wins. */
  readonly counter: number
  readonly mailboxes: readonly Mailbox[]
  /** Told to accepted contacts and own devices only. */
  readonly home: HomeHost | undefined
  readonly rendezvous: readonly Rendezvous[]
  /** Key id 1..255, cyclic, and the X25519 public key envelopes are sealed to. */
  readonly seal: { readonly id: number; readonly publicKey: Bytes32 }
  /** Unix seconds until which the device says it is away; 0: not away. */
  readonly awayUntilS: number
}

function encode(endpoints: Endpoints): Uint8Array<ArrayBuffer> {
  const { home, seal } = endpoints
  return encodeCbor([
    endpoints.c,
    1,
    endpoints.counter,
    endpoints.mailboxes.map(encodeMailbox),
    home === undefined ? [] : [encodeHome(home)],
    endpoints.rendezvous.map(encodeRendezvous),
    [seal.id, seal.publicKey],
    endpoints.awayUntilS,
  ])
}

function decode(body: Uint8Array): Endpoints {
  const fields = bodyFields(body, 'endpoints')
  const c = numberField(fields)
  if (fields.uint('version') !== 1) malformed('endpoints: not version 1')
  const counter = fields.uint('counter')
  const mailboxes = fields.array('mailboxes', 0, MAILBOXES_MAX).map(readMailbox)
  if (mailboxes.some((mailbox) => mailbox.capability === undefined)) {
    malformed('endpoints: a mailbox without a capability')
  }
  const home = fields.array('home', 0, 1).map(decodeHome)[0]
  const rendezvous = fields.array('rdv', 0, RENDEZVOUS_MAX).map(readRendezvous)
  const sealFields = fields.nested('seal')
  const id = sealFields.uint('id', 255)
  if (id === 0) malformed('endpoints.seal: id 0')
  const seal = { id, publicKey: sealFields.bytes('key', 32) }
  sealFields.end()
  return { c, counter, mailboxes, home, rendezvous, seal, awayUntilS: fields.uint('awayUntil') }
}

/** [transportKey32, [addr] <=4]. */
export function encodeHome(home: HomeHost): CborArray {
  return [home.transportKey, home.addresses.map((address) => encodeText(address))]
}

/** Throws ERR_WIRE_MALFORMED. */
export function decodeHome(value: CborValue): HomeHost {
  const fields = new FieldReader(value, 'home host')
  const transportKey = fields.bytes('transportKey', 32)
  const addresses = fields.array('addresses', 0, ADDRESSES_MAX).map(readAddress)
  fields.end()
  return { transportKey, addresses }
}

export const endpointsFrame: ContentKind<Endpoints> = {
  kind: 0x1100,
  name: 'endpoints',
  encode,
  decode,
}
