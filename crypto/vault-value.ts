// Values at rest: each is sealed with its store and key as associated data, so encryption is also
// the checksum that a database does not give (SPEC.md §11).
import {
  type Bytes16,
  type Bytes32,
  type Random,
  concat,
  lengthPrefixed,
  readU32,
  u16,
  u32,
  u8,
} from './bytes.ts'
import { CryptoError, malformed } from './errors.ts'
import { hkdf } from './kdf.ts'
import { label } from './labels.ts'
import type { CryptoProvider } from './provider.ts'
import { encodeText } from './text.ts'

const VALUE = 0x01
const STATE_VALUE = 0x02
/** type 1, nonce 24, tag 16. */
const VALUE_OVERHEAD_BYTES = 41
/** The same and the generation, 4. */
const STATE_OVERHEAD_BYTES = 45

/** Which vault, and which root of keys in it: the data key, a state key, or a chat's body key. */
export interface VaultRoot {
  readonly root: Bytes32
  readonly storeId: Bytes16
}

/** Where a value lies: the names that enter its associated data. */
export interface ValuePlace {
  /** The store's name, ASCII. */
  readonly store: string
  /** The whole key in the store, at most 65 535 bytes. */
  readonly key: Uint8Array
}

/** K(root, store) = HKDF(storeId, root, L("vault-store") ‖ store, 32): kept by the caller per store. */
export function vaultSubkey(
  provider: CryptoProvider,
  vault: VaultRoot,
  store: string,
): Uint8Array<ArrayBuffer> {
  const info = concat(label('vault-store'), encodeText(store))
  return hkdf(provider, vault.storeId, vault.root, info, 32)
}

/** HKDF(storeId, DEK, L("vault-index"), 32): the key of {@link indexKey}. */
export function vaultIndexRoot(
  provider: CryptoProvider,
  vault: VaultRoot,
): Uint8Array<ArrayBuffer> {
  return hkdf(provider, vault.storeId, vault.root, label('vault-index'), 32)
}

/** HMAC(index root, LP(store) ‖ id)[0..16]: stands in a key wherever an id would name someone. */
export function indexKey(
  provider: CryptoProvider,
  indexRoot: Bytes32,
  store: string,
  id: Uint8Array,
): Bytes16 {
  return provider.hmac(indexRoot, lengthPrefixed(encodeText(store)), id).slice(0, 16)
}

/** L("vault-value") ‖ LP(store) of the stores met: a program has some dozens. */
const heads = new Map<string, Uint8Array>()

function headOf(store: string): Uint8Array {
  let head = heads.get(store)
  if (head === undefined) {
    head = concat(label('vault-value'), lengthPrefixed(encodeText(store)))
    heads.set(store, head)
  }
  return head
}

/** A = L("vault-value") ‖ LP(store) ‖ LP(key). */
function associatedData({ store, key }: ValuePlace): Uint8Array<ArrayBuffer> {
  if (key.length > 0xffff) {
    throw new CryptoError('ERR_CRYPTO_PARAMETER', 'vault: a key above 65 535 bytes')
  }
  return concat(headOf(store), u16(key.length), key)
}

function expectOpened(
  opened: Uint8Array<ArrayBuffer> | undefined,
  place: ValuePlace,
): Uint8Array<ArrayBuffer> {
  if (opened === undefined) {
    throw new CryptoError('ERR_CRYPTO_UNAUTHENTIC', `a damaged record in ${place.store}`)
  }
  return opened
}

/** Seals values of one vault: the provider and the source of nonces they share. */
export interface ValueSealer {
  readonly provider: CryptoProvider
  readonly random: Random
}

/** `0x01 ‖ nonce24 ‖ XAEAD(subkey, nonce, A, plain)`: 41 bytes more. */
export function sealValue(
  sealer: ValueSealer,
  subkey: Bytes32,
  place: ValuePlace,
  plain: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const nonce = sealer.random(24)
  const sealed = sealer.provider.xaeadSeal(subkey, nonce, associatedData(place), plain)
  return concat(u8(VALUE), nonce, sealed)
}

/** Throws ERR_WIRE_MALFORMED or ERR_CRYPTO_UNAUTHENTIC: damage, or a value of another place. */
export function openValue(
  provider: CryptoProvider,
  subkey: Bytes32,
  place: ValuePlace,
  sealed: Uint8Array,
): Uint8Array<ArrayBuffer> {
  if (sealed.length < VALUE_OVERHEAD_BYTES || sealed[0] !== VALUE) malformed('not a sealed value')
  const nonce = sealed.subarray(1, 25)
  const aad = associatedData(place)
  return expectOpened(provider.xaeadOpen(subkey, nonce, aad, sealed.subarray(25)), place)
}

/** A subkey of one state key, and that key's generation. */
export interface StateSubkey {
  readonly generation: number
  readonly subkey: Bytes32
}

/** `0x02 ‖ generation u32 ‖ nonce24 ‖ XAEAD(subkey, nonce, A ‖ generation, plain)`: 45 bytes more. */
export function sealStateValue(
  sealer: ValueSealer,
  key: StateSubkey,
  place: ValuePlace,
  plain: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const nonce = sealer.random(24)
  const generation = u32(key.generation)
  const aad = concat(associatedData(place), generation)
  const sealed = sealer.provider.xaeadSeal(key.subkey, nonce, aad, plain)
  return concat(u8(STATE_VALUE), generation, nonce, sealed)
}

/** The generation a state value is sealed under: which subkey opens it. Throws ERR_WIRE_MALFORMED. */
export function stateGeneration(sealed: Uint8Array): number {
  if (sealed.length < STATE_OVERHEAD_BYTES || sealed[0] !== STATE_VALUE) {
    malformed('not a sealed state value')
  }
  return readU32(sealed, 1)
}

/** Throws ERR_WIRE_MALFORMED or ERR_CRYPTO_UNAUTHENTIC, also under another generation's subkey. */
export function openStateValue(
  provider: CryptoProvider,
  key: StateSubkey,
  place: ValuePlace,
  sealed: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const aad = concat(associatedData(place), u32(stateGeneration(sealed)))
  const nonce = sealed.subarray(5, 29)
  return expectOpened(provider.xaeadOpen(key.subkey, nonce, aad, sealed.subarray(29)), place)
}
