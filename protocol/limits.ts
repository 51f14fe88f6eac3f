// Every bound of this floor, with its unit and reason (SPEC.md §15). Those of keys and sessions
// stand in crypto/limits.ts.

const SECOND_MS = 1_000
const MINUTE_MS: number = 60 * SECOND_MS
const HOUR_MS: number = 60 * MINUTE_MS
const DAY_MS: number = 24 * HOUR_MS

// --- Entries and log (SPEC.md §8) ---
/** Bytes of UTF-8 in one text. */
export const TEXT_MAX_BYTES = 49_152
/** Bytes of all frames of one message: the largest ladder size less every overhead. */
export const FRAMES_MAX_BYTES = 65_332
/** Bytes of one entry header. */
export const HEADER_MAX_BYTES = 1_024
/** Parents of an entry. */
export const PARENTS_MAX = 16
/** Lamport timestamps, entry numbers and wall times: 2^48. */
export const LAMPORT_MAX: number = 2 ** 48
/** How far above our highest closed Lamport timestamp an irretrievable parent may close as a base. */
export const ROOT_DISTANCE_MAX: number = 2 ** 20
/** Sibling headers kept per (author, n), and bodies of them. */
export const FORK_HEADERS_MAX = 8
export const FORK_BODIES_MAX = 2
/** Open entries per author and per conversation. */
export const OPEN_PER_AUTHOR_MAX = 1_000
export const OPEN_PER_CONVERSATION_MAX = 10_000
/** Of one author where there are two people: what somebody long away finds above a gap. */
export const OPEN_PER_AUTHOR_DIRECT_MAX = 5_000
/** Ranges of numbered frames received above the first hole: each is a lost one below it. */
export const NUMBERED_RANGES_MAX = 256
/** Unknown numbered frames kept per device pair. */
export const UNKNOWN_NUMBERED_MAX = 256
/** Bytes of UTF-8 in a display name. */
export const NAME_MAX_BYTES = 64
/** Bytes of an entry's body: with the largest header and a signature it fits one message. */
export const ENTRY_BODY_MAX_BYTES = 64_000
/** Kinds of entries end here: above it are frame kinds. */
export const ENTRY_KIND_MAX = 0x0fff
/** Ranges of numbers in one receipt or frontier row: each is a partial statement. */
export const WIRE_RANGES_MAX = 32
/** Authors at a base, authors, forks per author and heads in a frontier: 60 KiB hold them. */
export const BASE_AUTHORS_MAX = 256
export const FRONTIER_AUTHORS_MAX = 256
export const FRONTIER_FORKS_MAX = 8
export const FRONTIER_HEADS_MAX = 256
/** Conversations in a receipt, and authors of one. */
export const RECEIPT_CONVERSATIONS_MAX = 64
export const RECEIPT_AUTHORS_MAX = 64
/** Positions and lost sessions that a reset names. */
export const RESET_ENTRIES_MAX = 256
export const RESET_SESSIONS_MAX = 8
/** Ranges and ids of one sync request; entries and absences of one page, and its bytes. */
export const SYNC_RANGES_MAX = 32
export const SYNC_IDS_MAX = 64
export const SYNC_PAGE_ENTRIES_MAX = 64
export const SYNC_ABSENT_MAX = 64
export const SYNC_PAGE_MAX_BYTES: number = 60 << 10
/** Entries and ids that are looked up, all authors' together, for the ids of one sync request. */
export const SYNC_LOOKS_MAX = 2_048
/** Open entries that each author may have although the conversation is full: a flood by others
 * must not shut anybody out. */
export const OPEN_RESERVED_PER_AUTHOR = 10
/** Lamport timestamps of a base: half of all, so that nobody can use up the other half for us. */
export const BASE_LAMPORT_MAX: number = 2 ** 47
/** Closed heads looked at when an entry is appended. */
export const HEADS_CONSIDERED_MAX = 256
/** Rows loaded at once where a machine walks through many. */
export const WALK_PAGE_ROWS = 256

// --- Delivery (SPEC.md §9, §10) ---
/** Life of an envelope from the encryption of its inner message. */
export const ENVELOPE_LIFE_MS: number = 30 * DAY_MS
/** Inner ids are remembered this long: an envelope lives 30 days. */
export const INNER_ID_LIFE_MS: number = 60 * DAY_MS
/** Entries to somebody who never answered us, before anything came back. */
export const UNCONFIRMED_ENTRIES_MAX = 8
/** Messages of an unconfirmed session to somebody who answered before. */
export const UNCONFIRMED_MESSAGES_MAX = 900
/** An unconfirmed session dies after this. */
export const UNCONFIRMED_LIFE_MS: number = 30 * DAY_MS
/** No reply after this: one new handshake through another relay. */
export const UNANSWERED_FIRST_MS: number = 24 * HOUR_MS
export const UNANSWERED_SECOND_MS: number = 14 * DAY_MS
/** Sessions kept receive-only beside the sending one, per device pair. */
export const SESSIONS_BESIDE_MAX = 5
/** Bytes of stored records: a session with its ratchet and init, an index, a device list. */
export const SESSION_RECORD_MAX_BYTES = 16_384
export const SESSION_INDEX_MAX_BYTES = 1_024
export const DEVICE_LIST_RECORD_MAX_BYTES = 16_384
/** Skipped seeds read at once: all that one session may have. */
export const SKIPPED_SCAN_MAX = 2_000
/** Accepted handshakes forgotten in one turn. */
export const REPLAY_SCAN_MAX = 1_000
/** A session without a post-quantum refresh for longer than this is shown in the status. */
export const PQ_REFRESH_WARN_MS: number = 14 * DAY_MS
/** A device list, or the question for one, goes to a device at most this often per version. */
export const LIST_TALK_MS: number = HOUR_MS
/** Resets at once, then one per hour and device. */
export const RESETS_AT_ONCE_MAX = 3
export const RESET_INTERVAL_MS: number = HOUR_MS
/** Quarantine: bytes per peer, bytes in all, age. */
export const QUARANTINE_PEER_MAX_BYTES: number = 1 << 20
export const QUARANTINE_MAX_BYTES: number = 4 << 20
export const QUARANTINE_LIFE_MS: number = 45 * DAY_MS
/** An item quarantined longer than this triggers a reset. */
export const QUARANTINE_RESET_AFTER_MS: number = MINUTE_MS
/** Held messages per contact, and their bytes. */
export const HELD_MAX = 1_000
export const HELD_MAX_BYTES: number = 8 << 20
/** Requests: entries per account, in all, bytes in all. */
export const REQUESTS_PER_ACCOUNT_MAX = 8
export const REQUESTS_MAX = 200
export const REQUESTS_MAX_BYTES: number = 1 << 20
/** Receipts: one per this and conversation; a duplicate repeats it at most every REPEAT. */
export const RECEIPT_INTERVAL_MS: number = 2 * SECOND_MS
export const RECEIPT_REPEAT_MS: number = 10 * SECOND_MS
/** Custody older than this that a newer receipt does not cover: deposit elsewhere. */
export const CUSTODY_DOUBT_MS: number = MINUTE_MS
/** Custody that no receipt follows is asked about again after this. */
export const CUSTODY_PROBE_MS: number = 6 * HOUR_MS
/** A receipt waits this long for the relays that do not take it, once one has. */
export const NOTICE_WAIT_MS: number = HOUR_MS
/** Back-off of a destination: full jitter between these. */
export const BACKOFF_MIN_MS: number = SECOND_MS
export const BACKOFF_MAX_MS: number = 15 * MINUTE_MS
/** Direct first where a direct path worked this recently; then relays after the head start. */
export const DIRECT_RECENT_MS: number = 10 * MINUTE_MS
export const DIRECT_HEAD_START_MS = 1_500
/** A relay with more doubts than another of the same device gets its copy this much later. */
export const DOUBTED_RELAY_DELAY_MS = 1_500
/** What a device that cannot write now asks senders on a stream to wait. */
export const UNWRITABLE_BUSY_MS = 10_000
/** Items of all outboxes: beyond it sending is refused, never dropped. */
export const OUTBOX_MAX = 100_000
/** Undelivered entries carried per device at once; the rest wait in the log. */
export const CARRIED_PER_DEVICE_MAX = 10_000
/** Pages that answer one question, and entries served to a device in a minute. */
export const SYNC_PAGES_MAX = 4
export const SYNC_SERVED_PER_MINUTE = 10_000
/** Messages that wait for a device while its questions are answered: who takes nothing asks in vain. */
export const SERVED_WAITING_MAX = 1_000
/** A question that nothing answered is asked of another device after this, twice as long each time. */
export const SYNC_ANSWER_MS: number = 10 * SECOND_MS
export const SYNC_RETRY_MAX_MS: number = HOUR_MS
/** What all members of a group said they have not is asked for again after this. */
export const SYNC_GONE_MS: number = DAY_MS
/** What is missing of a contact's is asked for after this: until then its outbox may bring it. */
export const SYNC_CONTACT_WAIT_MS: number = MINUTE_MS
/** Generations of rendezvous mailboxes that a restore looks at. */
export const RENDEZVOUS_GENERATIONS_MAX = 64
/** Roots of rendezvous mailboxes are kept for relays that were not met yet, no longer than this. */
export const RENDEZVOUS_SETUP_MS: number = 7 * DAY_MS
/** A contact that nothing came from for this long while something waits is looked for; and so often. */
export const RENDEZVOUS_SEEK_MS: number = DAY_MS

// --- Direct protocol (SPEC.md §9) ---
/** Bytes of one frame on a direct stream. */
export const DIRECT_FRAME_MAX_BYTES = 66_560
/** Envelopes, and bytes of them, that wait for an answer at once. */
export const DIRECT_WINDOW_MESSAGES = 500
export const DIRECT_WINDOW_BYTES: number = 1 << 20
/** From opening to the hello; for an answer: longer is dead. */
export const DIRECT_HELLO_MS: number = 10 * SECOND_MS
export const DIRECT_ANSWER_MS: number = 30 * SECOND_MS
/** Silence after which one pings, at random between these, and that ends a stream. */
export const DIRECT_PING_MIN_MS: number = 25 * SECOND_MS
export const DIRECT_PING_MAX_MS: number = 45 * SECOND_MS
export const DIRECT_IDLE_MS: number = 60 * SECOND_MS
/** Streams of unknown transport keys while a direct invite lives, and bytes of all of them. */
export const DIRECT_UNKNOWN_STREAMS = 4
export const DIRECT_UNKNOWN_BYTES: number = 256 << 10
/** Card requests per peer and window. */
export const CARD_REQUESTS_MAX = 6
export const CARD_REQUESTS_WINDOW_MS: number = 10 * MINUTE_MS

// --- Prekeys (SPEC.md §4) ---
/** Signed and last-resort prekeys are made anew after this. */
export const PREKEY_RENEW_MS: number = 7 * DAY_MS
export const PREKEY_KEEP_MS: number = 45 * DAY_MS
export const PREKEY_CAP_MS: number = 90 * DAY_MS
export const OPK_PER_RELAY = 100
export const OPK_REFILL_BELOW = 30
export const OKEM_PER_RELAY = 20
export const OKEM_REFILL_BELOW = 6
/** One-time secrets of one slot that wait for their use; beyond it none are issued (promise 9). */
export const OPK_OUTSTANDING_MAX = 2_000
export const OKEM_OUTSTANDING_MAX = 400
/** Relays that prekeys were issued to: a byte of the id, without slot 0. */
export const PREKEY_SLOTS_MAX = 255
/** Which ids were used is known this long after their slot ended. */
export const PREKEY_TOMBSTONE_MS: number = 90 * DAY_MS
/** A slot is given to another relay this long after it ended: its last prekey is over by then. */
export const PREKEY_SLOT_REUSE_MS: number = 180 * DAY_MS
/** Seal keys kept: one a week for 45 to 90 days. */
export const SEAL_KEYS_MAX = 255
/** Rows of one page of a sweep. */
export const PREKEY_SWEEP_ROWS = 512
/** Bytes of one record of own prekeys: the ranges of used ids are the longest. */
export const PREKEY_RECORD_MAX_BYTES: number = 64 << 10
/** A card is signed again after this, half its life. */
export const CARD_RENEW_MS: number = 7 * DAY_MS

// --- Contacts (SPEC.md §3) ---
/** Bytes of UTF-8 in the name a contact is listed under: its own name and a suffix. */
export const LOCAL_NAME_MAX_BYTES = 80
/** Contacts of one profile: they are listed as a whole. */
export const CONTACTS_MAX = 10_000
/** Invites of one profile that can still be used. */
export const INVITES_MAX = 256
/** An invite for one that was used keeps its place at the relay so long: its user has our endpoints then. */
export const INVITE_USED_KEEP_MS = 3_600_000
/** Relays of this device and slots of prekeys, 1 to 255. */
export const RELAY_SLOTS_MAX = 255
/** A capability's life, and the use after which a new one is handed out. */
export const CAPABILITY_LIFE_S: number = 90 * 86_400
export const CAPABILITY_ROTATE_S: number = 7 * 86_400
/** One that was not used is told anew this long before its end: an absent contact must not lose us. */
export const CAPABILITY_RENEW_BEFORE_S: number = 30 * 86_400
/** Sealed copies kept of one message: three mailboxes, and earlier ones that were replaced. */
export const DEPOSITS_PER_ITEM_MAX = 8
/** Custody evidence kept of one entry and device. */
export const CUSTODY_PER_DEVICE_MAX = 8
/** Devices in one entry's evidence: ten listed at a time, and replaced ones. */
export const EVIDENCE_DEVICES_MAX = 64
/** Devices of all contacts. */
export const PEERS_MAX = 100_000
