// The account card: one device's signed, short-lived offer of everything a first contact needs: the
// device list, the long-lived prekeys, the seal key, and where each device can be reached
// (SPEC.md §2).
import { type Bytes32, compareBytes } from './bytes.ts'
import { FieldReader, decodeCbor } from './cbor.ts'
import { type CborValue, encodeCbor } from './cbor-encoder.ts'
import { type DeviceCert } from './device-cert.ts'
import { type DeviceList, findDevice, openDeviceList } from './device-list.ts'
import { CryptoError, malformed } from './errors.ts'
import {
  CARD_LIFE_S,
  CARD_MAX_BYTES,
  LIST_MAX_BYTES,
  LIST_MAX_DEVICES,
  MAILBOXES_MAX,
  PREKEY_COUNTER_MAX,
  RENDEZVOUS_MAX,
} from './limits.ts'
import {
  type Mailbox,
  type Rendezvous,
  encodeMailbox,
  encodeRendezvous,
  readMailbox,
  readRendezvous,
} from './mailbox-record.ts'
import type { CryptoProvider } from './provider.ts'
import { checkSignedObject, decodeSignedObject, signObject } from './signed-object.ts'
import { checkX25519PublicKey } from './strict-x25519.ts'

/** A public key on offer, by its id. */
export interface OfferedKey {
  readonly id: number
  readonly publicKey: Uint8Array
}

/** Where one device of the account can be reached. */
export interface DeviceEndpoints {
  readonly device: Bytes32
  /** Rises with each change; orders this statement and `endpoints` frames. */
  readonly counter: number
  /** At most 3, without capabilities; none: met directly only. */
  readonly mailboxes: readonly Mailbox[]
}

export interface CardFields {
  /** The DeviceList as signed. */
  readonly list: Uint8Array
  readonly issuedAtS: number
  /** At most issuedAt + 14 days. */
  readonly expiresAtS: number
  /** SPK: the signed X25519 prekey. Its id is a slot-0 prekey id. */
  readonly signedPrekey: OfferedKey
  /** KEM-LR: the last-resort ML-KEM-768 key. Its id is a slot-0 prekey id. */
  readonly lastResortKem: OfferedKey
  /** The seal key, id 1 to 255. */
  readonly sealKey: OfferedKey
  /** At most one row per listed device. */
  readonly endpoints: readonly DeviceEndpoints[]
  readonly rendezvous: readonly Rendezvous[]
}

export interface Card extends Omit<CardFields, 'list'> {
  /** The certificate of the device that signed the card, from the highest list known. */
  readonly cert: DeviceCert
  readonly list: DeviceList
  /** The signed object as received. */
  readonly bytes: Uint8Array
}

export interface ExpectedCard {
  readonly account: Bytes32
  /** The highest verified list known so far: the card's device must be in the higher of the two. */
  readonly highest?: DeviceList
  readonly nowS: number
}

function encodeEndpoints(endpoints: DeviceEndpoints): CborValue {
  return [endpoints.device, endpoints.counter, endpoints.mailboxes.map(encodeMailbox)]
}

/**
 * Signs a card: 1 925 bytes for one device at two relays with one rendezvous. Throws
 * ERR_PROTOCOL_LIMIT above 16 000 bytes: the caller drops further addresses then.
 */
export function signCard(
  provider: CryptoProvider,
  deviceSeed: Bytes32,
  fields: CardFields,
): Uint8Array<ArrayBuffer> {
  const { signedPrekey, lastResortKem, sealKey } = fields
  const body = encodeCbor([
    1,
    provider.ed25519PublicKey(deviceSeed),
    fields.list,
    fields.issuedAtS,
    fields.expiresAtS,
    [signedPrekey.id, signedPrekey.publicKey],
    [lastResortKem.id, lastResortKem.publicKey],
    [sealKey.id, sealKey.publicKey],
    fields.endpoints
      .toSorted((a, b) => compareBytes(a.device, b.device))
      .map((endpoints) => encodeEndpoints(endpoints)),
    fields.rendezvous.map(encodeRendezvous),
  ])
  const bytes = signObject(provider, deviceSeed, 'card', body)
  if (bytes.length > CARD_MAX_BYTES) {
    throw new CryptoError('ERR_PROTOCOL_LIMIT', `a card of ${bytes.length} bytes`)
  }
  const account = openDeviceList(provider, fields.list).account
  openCard(provider, bytes, { account, nowS: fields.issuedAtS })
  return bytes
}

function readOffered(fields: FieldReader, maxId: number, length: number): OfferedKey {
  const id = fields.uint('id', maxId)
  const publicKey = fields.bytes('pk', length)
  fields.end()
  if (id === 0) malformed('card: a key of id 0')
  return { id, publicKey }
}

function readEndpoints(values: readonly CborValue[], list: DeviceList): readonly DeviceEndpoints[] {
  let before: Uint8Array | undefined
  return values.map((value) => {
    const fields = new FieldReader(value, 'CardBody.endpoints')
    const device = fields.bytes('DK', 32)
    const counter = fields.uint('counter')
    const mailboxes = fields.array('mailboxes', 0, MAILBOXES_MAX).map(readMailbox)
    fields.end()
    if (before !== undefined && compareBytes(before, device) >= 0) {
      malformed('CardBody.endpoints: not ascending')
    }
    before = device
    if (findDevice(list, device) === undefined) malformed('CardBody.endpoints: unlisted device')
    if (mailboxes.some((mailbox) => mailbox.capability !== undefined)) {
      malformed('CardBody.endpoints: a capability in a card')
    }
    return { device, counter, mailboxes }
  })
}

/** The card's device, in the highest list there is; its own list counts too. */
function certify(device: Bytes32, list: DeviceList, highest: DeviceList | undefined): DeviceCert {
  const decisive = highest !== undefined && highest.version > list.version ? highest : list
  const cert = findDevice(decisive, device)
  if (cert === undefined || findDevice(list, device) === undefined) {
    throw new CryptoError('ERR_CRYPTO_UNAUTHENTIC', 'card: its device is not in the device list')
  }
  return cert
}

/**
 * Reads a card and makes every check that concerns it: its list in full, that it is the expected
 * account's, that the card's device is in the highest list known, signature, life, keys. Throws
 * ERR_WIRE_MALFORMED, ERR_WIRE_UNSUPPORTED, ERR_CRYPTO_KEY, ERR_CRYPTO_UNAUTHENTIC or
 * ERR_CRYPTO_EXPIRED. A list of equal version and another hash is the caller's alarm.
 */
export function openCard(
  provider: CryptoProvider,
  bytes: Uint8Array,
  expected: ExpectedCard,
): Card {
  const object = decodeSignedObject(bytes, CARD_MAX_BYTES, 'Card')
  const fields = new FieldReader(decodeCbor(object.body, CARD_MAX_BYTES), 'CardBody')
  if (fields.uint('version') !== 1) {
    throw new CryptoError('ERR_WIRE_UNSUPPORTED', 'card of another version')
  }
  const device = fields.bytes('DK', 32)
  const listBytes = fields.bytes('list', 1, LIST_MAX_BYTES)
  const issuedAtS = fields.uint('issuedAt')
  const expiresAtS = fields.uint('expiresAt')
  const signedPrekey = readOffered(fields.nested('spk'), PREKEY_COUNTER_MAX, 32)
  const lastResortKem = readOffered(fields.nested('kem'), PREKEY_COUNTER_MAX, 1184)
  const sealKey = readOffered(fields.nested('seal'), 255, 32)
  const endpointRows = fields.array('endpoints', 0, LIST_MAX_DEVICES)
  const rendezvous = fields.array('rdv', 0, RENDEZVOUS_MAX).map(readRendezvous)
  const list = openDeviceList(provider, listBytes)
  if (compareBytes(list.account, expected.account) !== 0) {
    throw new CryptoError('ERR_CRYPTO_UNAUTHENTIC', 'card: of another account')
  }
  const cert = certify(device, list, expected.highest)
  checkSignedObject(provider, device, 'card', object)
  const endpoints = readEndpoints(endpointRows, list)
  if (expiresAtS <= issuedAtS || expiresAtS > issuedAtS + CARD_LIFE_S) {
    malformed('CardBody.expiresAt: not within 14 days of issuedAt')
  }
  if (expiresAtS < expected.nowS) throw new CryptoError('ERR_CRYPTO_EXPIRED', 'card: expired')
  checkX25519PublicKey(signedPrekey.publicKey)
  checkX25519PublicKey(sealKey.publicKey)
  return {
    cert,
    list,
    issuedAtS,
    expiresAtS,
    signedPrekey,
    lastResortKem,
    sealKey,
    endpoints,
    rendezvous,
    bytes: new Uint8Array(bytes),
  }
}
