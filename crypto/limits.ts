// Every bound of this floor, with its unit and reason (SPEC.md §15).

/** Nesting of CBOR arrays: no recursion on bytes from outside. */
export const CBOR_MAX_DEPTH = 8
/** CBOR items in one value. */
export const CBOR_MAX_ITEMS = 32_768

/** Devices in one list: the list travels in every first message. */
export const LIST_MAX_DEVICES = 10
/** Revoked device keys in one list. */
export const LIST_MAX_REVOKED = 32
/** Bytes of a device list: 10 devices and 32 revoked are 2 596. */
export const LIST_MAX_BYTES = 4_096

/** Bytes of an account card: its item must fit 16 384 at a relay. */
export const CARD_MAX_BYTES = 16_000
/** Life of a card, in seconds. */
export const CARD_LIFE_S: number = 14 * 86_400
/** Relays (mailboxes) of one device. */
export const MAILBOXES_MAX = 3
/** Addresses of one mailbox or home host. */
export const ADDRESSES_MAX = 4
/** Bytes of one multiaddr in text form. */
export const ADDRESS_MAX_BYTES = 128
/** Rendezvous mailboxes in a card. */
export const RENDEZVOUS_MAX = 2

/** Life of a prekey on offer, in seconds after issue. */
export const PREKEY_LIFE_S: number = 60 * 86_400

/** Bytes of an invite link before base32: a QR code of 22 rows. */
export const LINK_MAX_BYTES = 112

/** Sealed totals, in bytes: an envelope has one of these sizes or is malformed (SPEC.md §7). */
export const LADDER: readonly number[] = [512, 1_024, 2_048, 4_096, 8_192, 16_384, 32_768, 65_536]
/** Bytes that sealing adds to sid ‖ inner: type 1, key id 1, ephemeral key 32, tag 16, sid 16. */
export const SEAL_OVERHEAD_BYTES = 66
/** Bytes that the ratchet adds to the padded plaintext: type 1, nonce 12, sealed header 60, tag 16. */
export const RATCHET_OVERHEAD_BYTES = 89
/** Bytes of the device-list versions at the head of each plaintext. */
export const LISTS_BYTES = 48

/** Messages of one sending chain without a DH step; then a new session. */
export const CHAIN_MAX_MESSAGES = 900
/** Message keys skipped on one chain by one message; beyond it the message is held. */
export const CHAIN_MAX_SKIP = 1_000
/** Skipped message seeds stored per session. */
export const SKIPPED_MAX = 2_000
/** Old receiving chains with outstanding messages per session. */
export const OLD_CHAINS_MAX = 64
/** Post-quantum epochs of one session (u16); at the end, a new session. */
export const PQ_EPOCH_MAX = 65_535
/** Messages since the last post-quantum epoch after which a new one is offered. */
export const PQ_OFFER_MESSAGES = 50
/** Milliseconds since the last post-quantum epoch after which a new one is offered. */
export const PQ_OFFER_AGE_MS: number = 24 * 3_600_000
/** An offer is repeated in the first message of each chain and every 16th. */
export const PQ_REPEAT_MESSAGES = 16

/** scrypt work factor, log2 N: below is weak, above exhausts memory before any check. */
export const SCRYPT_LOG2N_MIN = 14
export const SCRYPT_LOG2N_MAX = 20
export const SCRYPT_LOG2N_DEFAULT = 17
export const SCRYPT_P_MAX = 4
