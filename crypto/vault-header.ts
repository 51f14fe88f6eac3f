// The vault header: which key derivation opens the vault, and the data key wrapped under what it
// gives. A file of its own, so that a new passphrase rewrites nothing else (SPEC.md §11).
import { scrypt } from '@noble/hashes/scrypt.js'
import {
  type Bytes16,
  type Bytes32,
  type Random,
  concat,
  equalBytes,
  readU16,
  u16,
  u8,
} from './bytes.ts'
import { CryptoError, expectLength, malformed } from './errors.ts'
import { label } from './labels.ts'
import { SCRYPT_LOG2N_MAX, SCRYPT_LOG2N_MIN, SCRYPT_P_MAX, SCRYPT_R } from './limits.ts'
import type { CryptoProvider } from './provider.ts'
import { encodeText } from './text.ts'

const MAGIC = encodeText('SOTTOVLT')
const PREFIX_BYTES = 64
const HEADER_BYTES = 136

/** How the key-encryption key is found. */
export type VaultKdf =
  /** No passphrase: the key lies beside the data and protects nothing. */
  | { readonly kind: 'none' }
  | { readonly kind: 'scrypt'; readonly log2N: number; readonly r: number; readonly p: number }

export interface VaultParameters {
  readonly kdf: VaultKdf
  readonly salt: Bytes32
  readonly storeId: Bytes16
}

export interface VaultHeader extends VaultParameters {
  /** The header as read: its first 64 bytes authenticate the wrapped key. */
  readonly bytes: Uint8Array
}

function isWithinBounds(kdf: VaultKdf): boolean {
  if (kdf.kind === 'none') return true
  const { log2N, r, p } = kdf
  const costFits = log2N >= SCRYPT_LOG2N_MIN && log2N <= SCRYPT_LOG2N_MAX
  return costFits && r === SCRYPT_R && p >= 1 && p <= SCRYPT_P_MAX
}

function encodePrefix(parameters: VaultParameters): Uint8Array<ArrayBuffer> {
  const { kdf, salt, storeId } = parameters
  if (salt.length !== 32 || storeId.length !== 16 || !isWithinBounds(kdf)) {
    throw new CryptoError('ERR_CRYPTO_PARAMETER', 'vault header: length or scrypt cost')
  }
  const cost = kdf.kind === 'none' ? { log2N: 0, r: 0, p: 0 } : kdf
  const code = kdf.kind === 'none' ? 0 : 1
  const derivation = concat(u8(code), u8(cost.log2N), u16(cost.r), u16(cost.p))
  return concat(MAGIC, u16(1), derivation, salt, storeId)
}

/** A header of 136 bytes that wraps the data key. Throws ERR_CRYPTO_PARAMETER. */
export function sealVaultHeader(
  provider: CryptoProvider,
  random: Random,
  parameters: VaultParameters,
  keys: { readonly kek: Bytes32; readonly dataKey: Bytes32 },
): Uint8Array<ArrayBuffer> {
  const prefix = encodePrefix(parameters)
  const nonce = random(24)
  const aad = concat(label('vault'), prefix)
  return concat(prefix, nonce, provider.xaeadSeal(keys.kek, nonce, aad, keys.dataKey))
}

/**
 * Reads a header. Costs outside the bounds are refused here, before any work is done for them:
 * ERR_WIRE_MALFORMED, or ERR_WIRE_UNSUPPORTED for another version or derivation.
 */
export function parseVaultHeader(bytes: Uint8Array): VaultHeader {
  if (bytes.length < 10 || !equalBytes(bytes.subarray(0, 8), MAGIC)) malformed('not a vault header')
  if (readU16(bytes, 8) !== 1) {
    throw new CryptoError('ERR_WIRE_UNSUPPORTED', 'vault header of another version')
  }
  expectLength(bytes, HEADER_BYTES, 'vault header')
  const code = bytes[10] ?? 0xff
  if (code > 1) throw new CryptoError('ERR_WIRE_UNSUPPORTED', `vault key derivation ${code}`)
  const cost = { log2N: bytes[11] ?? 0, r: readU16(bytes, 12), p: readU16(bytes, 14) }
  if (code === 0 && (cost.log2N !== 0 || cost.r !== 0 || cost.p !== 0)) {
    malformed('vault header: a cost without a derivation')
  }
  const kdf: VaultKdf = code === 0 ? { kind: 'none' } : { kind: 'scrypt', ...cost }
  if (!isWithinBounds(kdf)) malformed('vault header: scrypt cost outside its bounds')
  return { kdf, salt: bytes.slice(16, 48), storeId: bytes.slice(48, 64), bytes: bytes.slice() }
}

/** The data key. Throws ERR_CRYPTO_UNAUTHENTIC: a wrong passphrase, or a changed header. */
export function openVaultHeader(
  provider: CryptoProvider,
  header: VaultHeader,
  kek: Bytes32,
): Bytes32 {
  const { bytes } = header
  const aad = concat(label('vault'), bytes.subarray(0, PREFIX_BYTES))
  const nonce = bytes.subarray(PREFIX_BYTES, PREFIX_BYTES + 24)
  const dataKey = provider.xaeadOpen(kek, nonce, aad, bytes.subarray(PREFIX_BYTES + 24))
  if (dataKey === undefined) {
    throw new CryptoError('ERR_CRYPTO_UNAUTHENTIC', 'the vault does not open with this key')
  }
  return dataKey
}

/** KEK of a vault without a passphrase: H(L("vault-open") ‖ salt). It protects nothing. */
export function openVaultKek(provider: CryptoProvider, salt: Bytes32): Bytes32 {
  return provider.sha256(label('vault-open'), salt)
}

/** The bytes scrypt takes: the passphrase in NFKC, as UTF-8. Throws ERR_CRYPTO_TEXT. */
export function passphraseBytes(passphrase: string): Uint8Array<ArrayBuffer> {
  return encodeText(passphrase.normalize('NFKC'))
}

/**
 * scrypt(passphrase, salt, 2^log2N, r, p, 32) (RFC 7914), synchronously and in JavaScript: for where
 * there is no faster one. Blocks for seconds at the default cost; checks the bounds first.
 */
export function scryptKek(passphrase: string, header: VaultParameters): Bytes32 {
  const { kdf, salt } = header
  if (kdf.kind !== 'scrypt' || !isWithinBounds(kdf)) {
    throw new CryptoError('ERR_CRYPTO_PARAMETER', 'scrypt: cost outside its bounds')
  }
  const { log2N, r, p } = kdf
  const maxmem = 128 * r * (2 ** log2N + p + 1)
  return new Uint8Array(
    scrypt(passphraseBytes(passphrase), salt, { N: 2 ** log2N, r, p, dkLen: 32, maxmem }),
  )
}
