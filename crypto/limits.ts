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

/** Words of a recovery phrase: 256 bits. */
export const PHRASE_WORDS = 24
/** Hash rounds of one half of a safety number: libsignal's, about 2^12 on top of a search. */
export const SAFETY_NUMBER_ROUNDS = 5_200

/** Bytes of an account card: its item must fit 16 384 at a relay. */
export const CARD_MAX_BYTES = 16_000
/** A card's item is a multiple of this, in bytes: a relay learns the number of devices at most. */
export const CARD_ITEM_STEP_BYTES = 512
/** Bytes of one bundle item: what a relay stores. */
export const ITEM_MAX_BYTES = 16_384
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

/** Bytes of a signed prekey: an OKEM has 1 304, with later times 1 308. */
export const PREKEY_MAX_BYTES = 1_536
/** Highest counter of a prekey id (u24). */
export const PREKEY_COUNTER_MAX: number = 2 ** 24 - 1

/** Bytes of an invite link before base32: a QR code of 22 rows. */
export const LINK_MAX_BYTES = 112
/** Bytes of a host name in an invite link: what is left of 112. */
export const LINK_HOST_MAX_BYTES = 21
/** Characters of text looked at as an invite link: 186 with room for line breaks and indentation. */
export const LINK_TEXT_MAX_CHARS = 1_024

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

/** Messages of one sender chain of a group epoch. */
export const GROUP_CHAIN_MAX_MESSAGES = 1_000
/** Own messages of one group epoch after which the group is rotated. */
export const GROUP_CHAIN_ROTATE_AT = 900
/** Seeds of skipped messages stored per sender chain: an honest jump is never longer. */
export const GROUP_CHAIN_SKIP_MAX = 1_000
/** Seeds of skipped messages stored per group. */
export const GROUP_SKIPPED_MAX = 20_000
/** Bytes that a group message adds to its padded frames: type 1, tag 8, nonce 12, header 24, tag 16. */
export const GROUP_OVERHEAD_BYTES = 61
/** Bytes that an operations message adds to its padded array: type 1, tag 8, nonce 12, tag 16. */
export const OPERATIONS_OVERHEAD_BYTES = 37
/** Operations in one message: what fits 64 KiB. */
export const OPERATIONS_MAX = 512
/** Recipient devices of one epoch. */
export const EPOCH_RECIPIENTS_MAX = 4_096
/** A gossip topic lasts a week, in seconds; both are listened to this long around its end. */
export const TOPIC_WEEK_S = 604_800
export const TOPIC_OVERLAP_S = 86_400

/** scrypt work factor, log2 N: below is weak, above exhausts memory before any check. */
export const SCRYPT_LOG2N_MIN = 14
export const SCRYPT_LOG2N_MAX = 20
/** scrypt block size and the bound of its parallelism. */
export const SCRYPT_R = 8
export const SCRYPT_P_MAX = 4

/** Bytes of one group operation: 16 accounts of 10 devices are added by one, and it fits one message. */
export const GROUP_OP_MAX_BYTES = 57_344
/** Parents of a group operation. */
export const GROUP_PARENTS_MAX = 16
/** Lamport timestamps and sequence numbers of group operations: 2^32. */
export const GROUP_LAMPORT_MAX: number = 2 ** 32
/** Kinds of group operations (u16). */
export const GROUP_KIND_MAX = 65_535
/** Bytes of UTF-8 in a group's name. */
export const GROUP_NAME_MAX_BYTES = 256
/** Settings of a group: 16 bits, of which three have a meaning. */
export const GROUP_SETTINGS_MAX = 65_535
/** Relays that carry a group. */
export const GROUP_RELAYS_MAX = 3
/** Accounts added, or devices refreshed, by one operation. */
export const GROUP_TARGETS_MAX = 16
/** Heads of the log that an add names. */
export const GROUP_BASE_HEADS_MAX = 16
/** Devices in one cut: those of one account, now and lately. */
export const GROUP_CUT_MAX = 64
/** Reasons of a removal (u8). */
export const GROUP_REASON_MAX = 255
/** Bytes of a commitment in an operation of an unknown kind. */
export const GROUP_COMMIT_MAX_BYTES = 255
/** Entry numbers and Lamport timestamps of entries: 2^48, as in protocol/limits.ts. */
export const GROUP_ENTRY_NUMBER_MAX: number = 2 ** 48
