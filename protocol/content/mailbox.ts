// The mailbox and rendezvous arrays that intro and endpoints share with the card (SPEC.md §2).
//
// Mailbox = [serviceKey32, [addr] 1..4, mailboxId16, cap45|""] +     addr = multiaddr text <= 128 B
// Rdv     = [serviceKey32, addr, idNow16, idNext16] +
import {
  type Bytes,
  type Bytes16,
  type Bytes32,
  type CborArray,
  type CborValue,
  decodeText,
  EMPTY,
  encodeText,
  FieldReader,
  malformed,
} from '../../crypto/index.ts'
import { ADDRESS_MAX_BYTES, ADDRESSES_MAX } from '../limits.ts'

export interface Mailbox {
  /** The relay's long-lived key. */
  readonly serviceKey: Bytes32
  /** Multiaddrs without /p2p, 1..4. */
  readonly addresses: readonly string[]
  readonly mailboxId: Bytes16
  /** What lets its holder deposit; undefined in cards, which anybody may read. */
  readonly capability: Bytes<45> | undefined
}

export interface Rendezvous {
  readonly serviceKey: Bytes32
  readonly address: string
  /** Mailbox ids of this generation and of the next. */
  readonly idNow: Bytes16
  readonly idNext: Bytes16
}

export function encodeAddress(address: string): Uint8Array<ArrayBuffer> {
  return encodeText(address)
}

export function decodeAddress(value: CborValue): string {
  const text = value instanceof Uint8Array ? decodeText(value) : undefined
  if (text === undefined || !(value instanceof Uint8Array)) malformed('address: not UTF-8')
  if (value.length < 1 || value.length > ADDRESS_MAX_BYTES) malformed('address: too long or empty')
  return text
}

export function encodeMailbox(mailbox: Mailbox): CborArray {
  return [
    mailbox.serviceKey,
    mailbox.addresses.map(encodeAddress),
    mailbox.mailboxId,
    mailbox.capability ?? EMPTY,
  ]
}

export function decodeMailbox(value: CborValue): Mailbox {
  const fields = new FieldReader(value, 'mailbox')
  return {
    serviceKey: fields.bytes('serviceKey', 32),
    addresses: fields.array('addresses', 1, ADDRESSES_MAX).map(decodeAddress),
    mailboxId: fields.bytes('id', 16),
    capability: fields.optional('cap', 45),
  }
}

export function encodeRendezvous(rendezvous: Rendezvous): CborArray {
  const { serviceKey, address, idNow, idNext } = rendezvous
  return [serviceKey, encodeAddress(address), idNow, idNext]
}

export function decodeRendezvous(value: CborValue): Rendezvous {
  const fields = new FieldReader(value, 'rendezvous')
  return {
    serviceKey: fields.bytes('serviceKey', 32),
    address: decodeAddress(fields.raw()),
    idNow: fields.bytes('idNow', 16),
    idNext: fields.bytes('idNext', 16),
  }
}
