// Bounds of the bytes of /sotto/relay/1 (SPEC.md §12, §15): both sides enforce them. What a relay
// may set otherwise stands in mailbox/limits.ts.

/** Bytes of one frame. */
export const RELAY_FRAME_MAX_BYTES = 262_144
/** Operations of one request. */
export const FRAME_OPS_MAX = 64
/** Pushes of one push frame. */
export const FRAME_PUSHES_MAX = 256
/** Bytes of an envelope: the largest size of the ladder. */
export const ENVELOPE_MAX_BYTES = 65_536
/** Items of one FETCH reply, of one ITEM push, of one ACK. */
export const ITEMS_MAX = 256
/** Bytes of an item beside its envelope, and of its array head. */
export const ITEM_OVERHEAD_BYTES = 72
/** Mailboxes proven in one AUTH. */
export const AUTH_MAX = 32
/** Capabilities revoked by one CAPREVOKE. */
export const REVOKE_MAX = 64
/** Bytes of a card item and of a one-time prekey item. */
export const CARD_ITEM_MAX_BYTES = 16_384
export const PREKEY_ITEM_MAX_BYTES = 2_048
/** One-time prekeys of one PREKEY.PUT. */
export const PREKEYS_PER_PUT_MAX = 128
/** Bytes of padding in PING. */
export const PING_MAX_BYTES = 1_024
/** Bytes of an operator's ticket. */
export const TICKET_MAX_BYTES = 64
/** Bytes of a ticket that a relay makes, and how many one TICKET asks for. */
export const TICKET_BYTES = 32
export const TICKETS_PER_ASK_MAX = 8
/** End of a group capability, Unix s: never; a lineage ends before it. */
export const GROUP_CAPABILITY_EXPIRES_S = 0xffffffff
/** Places of a group's mailbox remembered for comparing, and claims of members about later ones. */
export const TRAIL_MAX = 1_024
export const TRAIL_CLAIMS_MAX = 256
/** Leaves under one custody root, and roots in one reply. */
export const CUSTODY_LEAVES_MAX = 4_096
export const CUSTODY_ROOTS_MAX = 4
/** Nodes of one proof: 64 leaves, 12 levels. */
export const CUSTODY_NODES_MAX = 768
/** Processes of one service, addresses of one process. */
export const PROCESSES_MAX = 64
export const PROCESS_ADDRESSES_MAX = 8
/** Bytes of a descriptor: 64 processes with 8 addresses of 128 bytes. */
export const DESCRIPTOR_MAX_BYTES = 96_000
/** Life of a descriptor, in seconds. */
export const DESCRIPTOR_LIFE_S: number = 48 * 3_600
/** Life of a process certificate, and how long before its end it is renewed, in seconds. */
export const PROCESS_CERT_LIFE_S: number = 90 * 86_400
export const PROCESS_CERT_RENEW_S: number = 30 * 86_400
/** A root signed further from the relay's time than this is no evidence, in milliseconds. */
export const CUSTODY_SKEW_MS: number = 10 * 60_000
/** Leading zero bits of a proof of work: minutes of a core. Its nonce is good for two hours at most. */
export const POW_MAX_BITS = 28
