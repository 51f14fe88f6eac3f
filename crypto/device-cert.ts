// A device's certificate: the device key vouches for its X25519 key and names its account. The
// account's assent is the device list that holds it, so it carries no account signature (SPEC.md §2).
import type { Bytes32, Bytes64 } from './bytes.ts'
import { type CborArray, FieldReader } from './cbor.ts'
import { type CborValue, encodeCbor } from './cbor-encoder.ts'
import { CryptoError } from './errors.ts'
import { sign, verify } from './kdf.ts'
import type { CryptoProvider } from './provider.ts'
import { checkX25519PublicKey } from './strict-x25519.ts'

/** `[1, DK32, DDH32, sig64]`: 136 bytes of CBOR. */
export interface DeviceCert {
  /** DK: Ed25519, signs prekeys, cards and group entries. */
  readonly device: Bytes32
  /** DDH: X25519, enters handshakes and seals. */
  readonly dh: Bytes32
  /** Sign(DK, device-cert, CBOR [1, AK, DK, DDH]). */
  readonly signature: Bytes64
}

function certifiedBytes(account: Bytes32, device: Bytes32, dh: Bytes32): Uint8Array<ArrayBuffer> {
  return encodeCbor([1, account, device, dh])
}

/** Certifies a device's DH key under its own seed, for one account. */
export function signDeviceCert(
  provider: CryptoProvider,
  account: Bytes32,
  deviceSeed: Bytes32,
  dh: Bytes32,
): DeviceCert {
  const device = provider.ed25519PublicKey(deviceSeed)
  const message = certifiedBytes(account, device, dh)
  return { device, dh, signature: sign(provider, deviceSeed, 'device-cert', message) }
}

/** The plain array of a certificate, as a list holds it. */
export function encodeDeviceCert(cert: DeviceCert): CborArray {
  return [1, cert.device, cert.dh, cert.signature]
}

/** Reads one certificate without judging it. Throws ERR_WIRE_MALFORMED or ERR_WIRE_UNSUPPORTED. */
export function decodeDeviceCert(value: CborValue): DeviceCert {
  const fields = new FieldReader(value, 'DeviceCert')
  if (fields.uint('version') !== 1) {
    throw new CryptoError('ERR_WIRE_UNSUPPORTED', 'device certificate of another version')
  }
  const device = fields.bytes('DK', 32)
  const dh = fields.bytes('DDH', 32)
  const signature = fields.bytes('sig', 64)
  fields.end()
  return { device, dh, signature }
}

/**
 * Reads and verifies one certificate of an account. Throws ERR_WIRE_MALFORMED, ERR_WIRE_UNSUPPORTED
 * (version), ERR_CRYPTO_KEY (a key that must not be used) or ERR_CRYPTO_UNAUTHENTIC.
 */
export function openDeviceCert(
  provider: CryptoProvider,
  account: Bytes32,
  value: CborValue,
): DeviceCert {
  const cert = decodeDeviceCert(value)
  const { device, dh, signature } = cert
  if (!provider.ed25519KeyAccepted(device)) {
    throw new CryptoError('ERR_CRYPTO_KEY', 'device key: not an acceptable Ed25519 key')
  }
  checkX25519PublicKey(dh)
  if (!verify(provider, device, 'device-cert', certifiedBytes(account, device, dh), signature)) {
    throw new CryptoError(
      'ERR_CRYPTO_UNAUTHENTIC',
      'device certificate: the signature does not hold',
    )
  }
  return cert
}
