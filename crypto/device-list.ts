// The device list: which devices speak for an account, signed by the account key, which signs
// nothing else (SPEC.md §2).
import { type Bytes32, EMPTY, compareBytes } from './bytes.ts'
import { type CborArray, FieldReader, decodeCbor } from './cbor.ts'
import { type CborValue, encodeCbor } from './cbor-encoder.ts'
import {
  type DeviceCert,
  decodeDeviceCert,
  encodeDeviceCert,
  openDeviceCert,
} from './device-cert.ts'
import { CryptoError, malformed } from './errors.ts'
import { label } from './labels.ts'
import { LIST_MAX_BYTES, LIST_MAX_DEVICES, LIST_MAX_REVOKED } from './limits.ts'
import type { CryptoProvider } from './provider.ts'
import {
  type SignedObject,
  checkSignedObject,
  decodeSignedObject,
  signObject,
} from './signed-object.ts'

export interface DeviceListFields {
  /** max(previous + 1, Unix seconds), at least 1: see {@link nextListVersion}. */
  readonly version: number
  /** Hash of the list before, as evidence; undefined in the first. */
  readonly prevHash?: Bytes32
  /** 1 to 10 certificates. */
  readonly devices: readonly DeviceCert[]
  /** At most 32 keys of devices that once were in a list. */
  readonly revoked: readonly Bytes32[]
}

export interface DeviceList extends DeviceListFields {
  /** AK. */
  readonly account: Bytes32
  /** H(L("list") ‖ bytes). */
  readonly hash: Bytes32
  /** The signed object as received: what is hashed, stored and handed on. */
  readonly bytes: Uint8Array
}

/** The version of the next list: survives a restore that no longer knows the one before. */
export function nextListVersion(previous: number, nowS: number): number {
  return Math.max(previous + 1, Math.floor(nowS))
}

/** listHash = H(L("list") ‖ DeviceList): 32 bytes. */
export function deviceListHash(
  provider: CryptoProvider,
  bytes: Uint8Array,
): Uint8Array<ArrayBuffer> {
  return provider.sha256(label('list'), bytes)
}

function checkFields(fields: DeviceListFields): void {
  const { version, devices, revoked } = fields
  if (!Number.isSafeInteger(version) || version < 1) {
    throw new CryptoError('ERR_CRYPTO_PARAMETER', `device list version ${version}`)
  }
  if (devices.length < 1 || devices.length > LIST_MAX_DEVICES) {
    throw new CryptoError('ERR_PROTOCOL_LIMIT', `a list holds 1 to ${LIST_MAX_DEVICES} devices`)
  }
  if (revoked.length > LIST_MAX_REVOKED) {
    throw new CryptoError('ERR_PROTOCOL_LIMIT', `a list holds ${LIST_MAX_REVOKED} revoked keys`)
  }
}

/**
 * Signs a list: the bytes of a DeviceList, with devices and revoked keys put in order. The result
 * is verified before it is handed out, so a wrong certificate or a duplicate never gets signed into
 * the world. Throws ERR_CRYPTO_PARAMETER, ERR_PROTOCOL_LIMIT, or what {@link openDeviceList} does.
 */
export function signDeviceList(
  provider: CryptoProvider,
  accountSeed: Bytes32,
  fields: DeviceListFields,
): Uint8Array<ArrayBuffer> {
  checkFields(fields)
  const devices = fields.devices.toSorted((a, b) => compareBytes(a.device, b.device))
  const body = encodeCbor([
    1,
    provider.ed25519PublicKey(accountSeed),
    fields.version,
    fields.prevHash ?? EMPTY,
    devices.map(encodeDeviceCert),
    fields.revoked.toSorted(compareBytes),
  ])
  const bytes = signObject(provider, accountSeed, 'device-list', body)
  openDeviceList(provider, bytes)
  return bytes
}

function readRevoked(values: CborArray): readonly Bytes32[] {
  return values.map((value) => {
    if (!(value instanceof Uint8Array) || value.length !== 32) malformed('revoked: not 32 bytes')
    return value
  })
}

function checkAscending(keys: readonly Uint8Array[], what: string): void {
  for (const [index, key] of keys.entries()) {
    const before = keys[index - 1]
    if (before !== undefined && compareBytes(before, key) >= 0) malformed(`${what}: not ascending`)
  }
}

function readList(
  provider: CryptoProvider,
  bytes: Uint8Array,
  object: SignedObject,
  openCert: (account: Bytes32, value: CborValue) => DeviceCert,
): DeviceList {
  const fields = new FieldReader(decodeCbor(object.body, LIST_MAX_BYTES), 'ListBody')
  if (fields.uint('version of the format') !== 1) {
    throw new CryptoError('ERR_WIRE_UNSUPPORTED', 'device list of another format')
  }
  const account = fields.bytes('AK', 32)
  const version = fields.uint('version')
  const prevHash = fields.optional('prevHash', 32)
  const certs = fields.array('devices', 1, LIST_MAX_DEVICES)
  const revoked = readRevoked(fields.array('revoked', 0, LIST_MAX_REVOKED))
  fields.end()
  if (version === 0) malformed('ListBody.version: 0')
  checkAscending(revoked, 'ListBody.revoked')
  const devices = certs.map((cert) => openCert(account, cert))
  const keys = devices.map((cert) => cert.device)
  checkAscending(keys, 'ListBody.devices')
  if (keys.some((key) => revoked.some((other) => compareBytes(key, other) === 0))) {
    malformed('ListBody: a device is listed and revoked')
  }
  return {
    account,
    version,
    ...(prevHash === undefined ? {} : { prevHash }),
    devices,
    revoked,
    hash: deviceListHash(provider, bytes),
    bytes: new Uint8Array(bytes),
  }
}

/**
 * Reads a list without judging its signatures: for bytes that were verified when they came. Throws
 * ERR_WIRE_MALFORMED or ERR_WIRE_UNSUPPORTED.
 */
export function decodeDeviceList(provider: CryptoProvider, bytes: Uint8Array): DeviceList {
  const object = decodeSignedObject(bytes, LIST_MAX_BYTES, 'DeviceList')
  return readList(provider, bytes, object, (_account, value) => decodeDeviceCert(value))
}

/**
 * Reads and verifies a list in full: limits, order, key acceptance, the account's signature and
 * every certificate. Which account is expected is the caller's question. Throws ERR_WIRE_MALFORMED,
 * ERR_WIRE_UNSUPPORTED, ERR_CRYPTO_KEY or ERR_CRYPTO_UNAUTHENTIC.
 */
export function openDeviceList(provider: CryptoProvider, bytes: Uint8Array): DeviceList {
  const object = decodeSignedObject(bytes, LIST_MAX_BYTES, 'DeviceList')
  return readList(provider, bytes, object, openCertOnce(provider, object))
}

/** Certificates are verified after the list's own signature, which is checked once, with the first. */
function openCertOnce(
  provider: CryptoProvider,
  object: SignedObject,
): (account: Bytes32, value: CborValue) => DeviceCert {
  let checked = false
  return (account, value) => {
    if (!checked) checkSignedObject(provider, account, 'device-list', object)
    checked = true
    return openDeviceCert(provider, account, value)
  }
}

/** The certificate of a device, undefined where the list has no such device. */
export function findDevice(list: DeviceList, device: Bytes32): DeviceCert | undefined {
  return list.devices.find((cert) => compareBytes(cert.device, device) === 0)
}
