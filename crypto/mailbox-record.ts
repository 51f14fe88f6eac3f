// Where a device can be reached: its mailboxes at relays and its account's rendezvous mailboxes, as
// cards, intros and endpoints carry them (SPEC.md §2).
import { type Bytes16, type Bytes32, EMPTY } from './bytes.ts'
import { type CborArray, FieldReader } from './cbor.ts'
import { type CborValue } from './cbor-encoder.ts'
import { malformed } from './errors.ts'
import { ADDRESSES_MAX, ADDRESS_MAX_BYTES } from './limits.ts'
import { decodeText, encodeText } from './text.ts'

/** Bytes of a capability: lane u8 ‖ expiry u32 s ‖ capId 8 ‖ capKey 32. */
const CAPABILITY_BYTES = 45

/** `[serviceKey32, [addr] 1..4, mailboxId16, cap45|""] +` */
export interface Mailbox {
  /** The relay's Ed25519 service key. */
  readonly serviceKey: Bytes32
  /** Multiaddrs of the relay as text, without /p2p. */
  readonly addresses: readonly string[]
  readonly mailboxId: Bytes16
  /** The right to deposit (SPEC.md §12), 45 bytes; never in a card. */
  readonly capability?: Uint8Array
}

/** `[serviceKey32, addr, idNow16, idNext16] +` */
export interface Rendezvous {
  readonly serviceKey: Bytes32
  readonly address: string
  /** Mailbox ids of the current and the next generation. */
  readonly idNow: Bytes16
  readonly idNext: Bytes16
}

/** Text of an address: printable ASCII that begins with a slash. Throws ERR_WIRE_MALFORMED. */
export function readAddress(value: CborValue): string {
  if (!(value instanceof Uint8Array) || value.length < 2 || value.length > ADDRESS_MAX_BYTES) {
    malformed(`address: not a string of 2 to ${ADDRESS_MAX_BYTES} bytes`)
  }
  const printable = value.every((byte) => byte > 0x20 && byte < 0x7f)
  if (!printable || value[0] !== 0x2f) malformed('address: not a multiaddr')
  return decodeText(value) ?? ''
}

export function encodeMailbox(mailbox: Mailbox): CborArray {
  const { serviceKey, addresses, mailboxId, capability } = mailbox
  return [
    serviceKey,
    addresses.map((address) => encodeText(address)),
    mailboxId,
    capability ?? EMPTY,
  ]
}

/** Reads a mailbox; further elements are ignored. Throws ERR_WIRE_MALFORMED. */
export function readMailbox(value: CborValue): Mailbox {
  const fields = new FieldReader(value, 'Mailbox')
  const serviceKey = fields.bytes('serviceKey', 32)
  const addresses = fields.array('addresses', 1, ADDRESSES_MAX).map(readAddress)
  const mailboxId = fields.bytes('mailboxId', 16)
  const capability = fields.optional('cap', CAPABILITY_BYTES)
  return { serviceKey, addresses, mailboxId, ...(capability === undefined ? {} : { capability }) }
}

export function encodeRendezvous(rendezvous: Rendezvous): CborArray {
  const { serviceKey, address, idNow, idNext } = rendezvous
  return [serviceKey, encodeText(address), idNow, idNext]
}

/** Reads a rendezvous mailbox; further elements are ignored. Throws ERR_WIRE_MALFORMED. */
export function readRendezvous(value: CborValue): Rendezvous {
  const fields = new FieldReader(value, 'Rdv')
  const serviceKey = fields.bytes('serviceKey', 32)
  const address = readAddress(fields.raw())
  return {
    serviceKey,
    address,
    idNow: fields.bytes('idNow', 16),
    idNext: fields.bytes('idNext', 16),
  }
}
