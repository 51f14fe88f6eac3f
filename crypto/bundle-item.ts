// Items of a prekey bundle as a relay stores them: encrypted under a key that holders of the address
// derive, so a relay pops prekeys without learning whose they are (SPEC.md §2).
import { type Bytes16, type Bytes32, type Random, concat, u8 } from './bytes.ts'
import { CryptoError, malformed } from './errors.ts'
import { hkdf } from './kdf.ts'
import { label } from './labels.ts'
import { CARD_ITEM_STEP_BYTES, ITEM_MAX_BYTES } from './limits.ts'
import { padTo, unpadContent } from './padding.ts'
import type { CryptoProvider } from './provider.ts'

/** 0 card, 1 OPK, 2 OKEM. */
export type ItemKind = 0 | 1 | 2

/** Where an item lies, and whose it is: all that its key needs. */
export interface ItemPlace {
  readonly account: Bytes32
  /** The relay's service key; in a direct bundle, the home host's transport key. */
  readonly serviceKey: Bytes32
  /** In a direct bundle, 16 zeros. */
  readonly mailboxId: Bytes16
}

/** nonce 12 and tag 16. */
const OVERHEAD_BYTES = 28

/** K_b = HKDF(serviceKey ‖ mailboxId, AK, L("bundle"), 32). */
function itemKey(provider: CryptoProvider, place: ItemPlace): Uint8Array<ArrayBuffer> {
  const salt = concat(place.serviceKey, place.mailboxId)
  return hkdf(provider, salt, place.account, label('bundle'), 32)
}

/**
 * `nonce12 ‖ AEAD(K_b, nonce, L("bundle") ‖ kind, x)`: 28 bytes more than x; a card is padded so that
 * its item is a multiple of 512 bytes.
 */
export function sealItem(
  provider: CryptoProvider,
  random: Random,
  place: ItemPlace,
  item: { readonly kind: ItemKind; readonly content: Uint8Array },
): Uint8Array<ArrayBuffer> {
  const { kind, content } = item
  let plaintext = content
  if (kind === 0) {
    const steps = Math.ceil((content.length + 1 + OVERHEAD_BYTES) / CARD_ITEM_STEP_BYTES)
    plaintext = padTo(content, steps * CARD_ITEM_STEP_BYTES - OVERHEAD_BYTES)
  }
  const nonce = random(12)
  const aad = concat(label('bundle'), u8(kind))
  const sealed = provider.aeadSeal(itemKey(provider, place), nonce, aad, plaintext)
  return concat(nonce, sealed)
}

/** The content of an item. Throws ERR_WIRE_MALFORMED or ERR_CRYPTO_UNAUTHENTIC. */
export function openItem(
  provider: CryptoProvider,
  place: ItemPlace,
  kind: ItemKind,
  item: Uint8Array,
): Uint8Array {
  if (item.length < OVERHEAD_BYTES || item.length > ITEM_MAX_BYTES) {
    malformed(`bundle item of ${item.length} bytes`)
  }
  if (kind === 0 && item.length % CARD_ITEM_STEP_BYTES !== 0) malformed('card item: not padded')
  const aad = concat(label('bundle'), u8(kind))
  const nonce = item.subarray(0, 12)
  const opened = provider.aeadOpen(itemKey(provider, place), nonce, aad, item.subarray(12))
  if (opened === undefined) {
    throw new CryptoError('ERR_CRYPTO_UNAUTHENTIC', 'bundle item: does not open')
  }
  return kind === 0 ? unpadContent(opened) : opened
}
