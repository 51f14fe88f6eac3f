// The state key file: the one or two keys under which forward-secret state lies. It rotates daily;
// deleting a key is what deletes the old ratchet keys on disk (SPEC.md §11).
import {
  type Bytes32,
  type Random,
  concat,
  equalBytes,
  readU16,
  readU32,
  u16,
  u32,
  u8,
} from './bytes.ts'
import { CryptoError, expectLength, malformed } from './errors.ts'
import { hkdf } from './kdf.ts'
import { label } from './labels.ts'
import type { CryptoProvider } from './provider.ts'
import { encodeText } from './text.ts'
import type { ValueSealer, VaultRoot } from './vault-value.ts'

const MAGIC = encodeText('SOTTOKEY')
const HEAD_BYTES = 11
/** generation 4, nonce 24, key 32, tag 16. */
const ROW_BYTES = 76

export interface StateKey {
  readonly generation: number
  readonly key: Bytes32
}

function wrappingKey(provider: CryptoProvider, vault: VaultRoot): Uint8Array<ArrayBuffer> {
  return hkdf(provider, vault.storeId, vault.root, label('vault-state'), 32)
}

/** A new state key. */
export function createStateKey(random: Random, generation: number): StateKey {
  return { generation, key: random(32) }
}

/** The file of one key (87 bytes), or of two while a rotation runs (163). */
export function sealStateKeys(
  sealer: ValueSealer,
  vault: VaultRoot,
  keys: readonly StateKey[],
): Uint8Array<ArrayBuffer> {
  const generations = new Set(keys.map((key) => key.generation))
  if (keys.length < 1 || keys.length > 2 || generations.size !== keys.length) {
    throw new CryptoError('ERR_CRYPTO_PARAMETER', 'state key file: one or two generations')
  }
  const wrapping = wrappingKey(sealer.provider, vault)
  const rows = keys.map(({ generation, key }) => {
    const nonce = sealer.random(24)
    const aad = concat(label('vault-state'), u32(generation))
    return concat(u32(generation), nonce, sealer.provider.xaeadSeal(wrapping, nonce, aad, key))
  })
  return concat(MAGIC, u16(1), u8(keys.length), ...rows)
}

/**
 * The keys of a file, as they stand in it. Throws ERR_WIRE_MALFORMED, ERR_WIRE_UNSUPPORTED or
 * ERR_CRYPTO_UNAUTHENTIC.
 */
export function openStateKeys(
  provider: CryptoProvider,
  vault: VaultRoot,
  bytes: Uint8Array,
): readonly StateKey[] {
  if (bytes.length < HEAD_BYTES || !equalBytes(bytes.subarray(0, 8), MAGIC)) {
    malformed('not a state key file')
  }
  if (readU16(bytes, 8) !== 1) {
    throw new CryptoError('ERR_WIRE_UNSUPPORTED', 'state key file of another version')
  }
  const count = bytes[10] ?? 0
  if (count < 1 || count > 2) malformed('state key file: neither one nor two keys')
  expectLength(bytes, HEAD_BYTES + count * ROW_BYTES, 'state key file')
  const wrapping = wrappingKey(provider, vault)
  const keys: StateKey[] = []
  for (let at = HEAD_BYTES; at < bytes.length; at += ROW_BYTES) {
    const generation = readU32(bytes, at)
    const aad = concat(label('vault-state'), u32(generation))
    const nonce = bytes.subarray(at + 4, at + 28)
    const key = provider.xaeadOpen(wrapping, nonce, aad, bytes.subarray(at + 28, at + ROW_BYTES))
    if (key === undefined) {
      throw new CryptoError('ERR_CRYPTO_UNAUTHENTIC', 'state key file: a key does not open')
    }
    keys.push({ generation, key })
  }
  if (keys[0]?.generation === keys[1]?.generation) malformed('state key file: one generation twice')
  return keys
}
