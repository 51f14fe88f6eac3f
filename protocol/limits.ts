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

// --- Groups (SPEC.md §19-21) ---
/** Groups of one profile: they are listed as a whole. */
export const GROUPS_MAX = 1_000
/** Groups that tie one account to us. */
export const CO_MEMBER_TIES_MAX = 1_024
/** Somebody who was removed is still served its removal for this long. */
export const REMOVED_SERVED_MS: number = 30 * DAY_MS
/** A join that nobody judged lapses; a welcome for it is taken for as long. */
export const JOIN_LIFE_MS: number = 30 * DAY_MS
/** What waits for a group's relays: beyond it sending is refused, never dropped. */
export const GROUP_OUTBOX_MAX = 20_000
/** A message of a group is offered to its relays for as long as they would keep it. */
export const GROUP_CARRIAGE_MS: number = 14 * DAY_MS
/** Own entries, the newest, that go out again where a group's relay lost its store. */
export const REDEPOSITED_MAX = 2_000
/** Own operations, the newest, that do. */
export const RESPREAD_OPS_MAX = 16
/** A device tells its group anew where it is reached after this. */
export const MEMBER_RENEW_MS: number = 45 * DAY_MS
/** Lineages of one group that are held. */
export const GROUP_LINEAGES_MAX = 1_024
/** Newcomers who are told of one member once it is known itself. */
export const OWED_NEWCOMERS_MAX = 256
/** Messages of a group that cannot be opened yet: how many, their bytes, and how many of one source. */
export const GROUP_HELD_MAX = 1_000
export const GROUP_HELD_MAX_BYTES: number = 8 << 20
export const GROUP_HELD_PER_SOURCE_MAX = 64
/** Seeds of one group that wait for their operations. */
export const GROUP_SECRETS_PENDING_MAX = 256
/** Operations that are missing are asked for at intervals between these. */
export const OPS_ASK_MIN_MS: number = 10 * SECOND_MS
export const OPS_ASK_MAX_MS: number = 15 * MINUTE_MS
/** Heads that members named and nobody brought, and how long they are believed. */
export const UNKNOWN_HEADS_MAX = 64
export const UNKNOWN_HEAD_LIFE_MS: number = 7 * DAY_MS
/** A frontier goes out so long after a change, at intervals of so much for each ten members, at most
 * so long; above so many members only where somebody asks; every 24th names all devices. */
export const FRONTIER_SETTLE_MS: number = 2 * SECOND_MS
export const FRONTIER_STEP_MS: number = 30 * SECOND_MS
export const FRONTIER_MAX_MS: number = 5 * MINUTE_MS
export const FRONTIER_ASKED_MEMBERS = 50
export const FRONTIER_FULL_EVERY = 24
/** Counts in one frontier: the largest fit a group message; what found no room goes into the next. */
export const FRONTIER_COUNTS_MAX = 3_000
/** Who wrote in such a group asks for frontiers again after this where nobody is known to hold it. */
export const FRONTIER_ASK_AGAIN_MS: number = HOUR_MS
/** Devices that answer such a question, by chance. */
export const FRONTIER_ANSWERS = 16
/** Answers to one question for frontiers are spread over this. */
export const FRONTIER_ANSWER_SPREAD_MS: number = MINUTE_MS
/** Pages that answer one question, and entries served to a device in a minute. */
export const SYNC_PAGES_MAX = 4
export const SYNC_SERVED_PER_MINUTE = 10_000
/** A question that nothing answered is asked of another device after this, twice as long each time. */
export const SYNC_ANSWER_MS: number = 10 * SECOND_MS
export const SYNC_RETRY_MAX_MS: number = HOUR_MS
/** What is missing of a contact's is asked for after this: until then its outbox may bring it. */
export const SYNC_CONTACT_WAIT_MS: number = MINUTE_MS
/** Generations of rendezvous mailboxes that a restore looks at. */
export const RENDEZVOUS_GENERATIONS_MAX = 64
/** Roots of rendezvous mailboxes are kept for relays that were not met yet, no longer than this. */
export const RENDEZVOUS_SETUP_MS: number = 7 * DAY_MS
/** A contact that nothing came from for this long while something waits is looked for; and so often. */
export const RENDEZVOUS_SEEK_MS: number = DAY_MS
/** Two logs are compared again after this. */
export const COMPARE_INTERVAL_MS: number = 10 * MINUTE_MS
/** A mailbox that was not read for longer than this: the log is compared with somebody's. */
export const ABSENCE_MS: number = HOUR_MS
/** What no relay of a group took for this long goes over sessions. */
export const FALL_BACK_MS: number = MINUTE_MS
/** All relays of a group gone for this long: an admin gives it others. */
export const CARRIAGE_DEAD_MS: number = 10 * MINUTE_MS
/** A member's newer device list is told to its group by others after this and their delay. */
export const LISTS_TOLD_AFTER_MS: number = MINUTE_MS
/** A device that its group never heard is welcomed by the members' devices in turn: the first after
 * this long, each next one after twice as long, ten times, then at intervals as long as the last. */
export const WELCOME_HELP_STEP_MS: number = MINUTE_MS
export const WELCOME_HELP_DOUBLINGS = 10
export const WELCOME_HELP_END_MS: number = 45 * DAY_MS
/** A newcomer tells its group of its own adding where nobody did so within this. */
export const ADDING_TOLD_AFTER_MS: number = MINUTE_MS
/** Devices that a group never heard that are looked at in one turn. */
export const SILENT_DEVICES_PAGE = 256
/** Joins that wait for an admin: at once, and for how long. */
export const JOINS_PENDING_MAX = 100
export const JOINS_PENDING_MS: number = 14 * DAY_MS

// --- Direct protocol (SPEC.md §9) ---
export const DIRECT_FRAME_MAX_BYTES = 66_560
export const DIRECT_WINDOW_MESSAGES = 500
export const DIRECT_WINDOW_BYTES: number = 1 << 20
export const DIRECT_HELLO_MS: number = 10 * SECOND_MS
export const DIRECT_FRAME_MS: number = 30 * SECOND_MS
export const DIRECT_ANSWER_MS: number = 30 * SECOND_MS
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

// --- Groups: epochs and messages (SPEC.md §20) ---
/** Recipients of an epoch in one row. */
export const RECIPIENTS_PAGE_DEVICES = 64
/** Epochs of which each names only who came to the one before: then one names all. */
export const RECIPIENTS_CHAIN_MAX = 32
/** Epochs of a group that are kept, with chains or without: no operation makes more than one. */
export const EPOCHS_SCAN_MAX = 16_384
/** Epochs of one group that have chains; beyond it the oldest superseded ones go, loss named. */
export const EPOCHS_WITH_CHAINS_MAX = 64
/** Epochs looked at for one tag: groups may share its 8 bytes. */
export const EPOCHS_PER_TAG_MAX = 4
/** Skipped seeds and chains removed in one turn: an epoch with more takes several. */
export const EPOCH_SWEEP_ROWS = 4_096
/** An epoch and an add key are kept this long after they were superseded: the ttl of a mailbox. */
export const EPOCH_KEEP_MS: number = 14 * DAY_MS
/** They go after this whether or not the mailboxes were read to their ends; the loss is named. */
export const EPOCH_CAP_MS: number = 90 * DAY_MS
/** Devices that a message may miss by its epoch and reach one-to-one. */
export const TOP_UP_DEVICES_MAX = 16
/** Repair: delay per rank, its end, and the jitter beside it. */
export const REPAIR_STEP_MS = 500
export const REPAIR_STEP_END_MS: number = 60 * SECOND_MS
export const REPAIR_JITTER_MS = 500
/** Others are asked for a seed after this, then at intervals twice as long each time, up to the second;
 * a device answers one request this often, and is asked again this often where it is heard. */
export const SEED_ASK_OTHERS_MS: number = 10 * SECOND_MS
export const SEED_ASK_MAX_MS: number = DAY_MS
export const SEED_ANSWER_INTERVAL_MS: number = 10 * MINUTE_MS
/** Other recipients asked for a seed at once, and how many of those that were asked are remembered. */
export const SEED_ASK_OTHERS = 2
export const SEED_ASKED_MAX = 8
/** An epoch that others follow and whose secret has not come after this: what was said in it is asked
 * for as entries. */
export const SEED_COVERED_MS: number = MINUTE_MS
/** Devices that wait for a refresh of ours. */
export const OWED_REFRESHES_MAX = 64
/** Without a usable epoch, or with one for some only, a member repairs after this and its delay. */
export const REPAIR_WAIT_MS: number = 30 * SECOND_MS
/** Devices of one refresh operation, and the time between two of one device. */
export const REFRESH_DEVICES_MAX = 16
export const REFRESH_INTERVAL_MS: number = 2 * SECOND_MS
/** Merges of one device in an hour. */
export const MERGES_PER_HOUR = 3
export const MERGE_WINDOW_MS: number = HOUR_MS
/** The group is rotated when its newest fresh operation is this old, or this many entries back. */
export const ROTATE_AGE_MS: number = 7 * DAY_MS
export const ROTATE_ENTRIES = 10_000
/** Numbers of control objects below the highest that are told apart. */
export const CONTROL_WINDOW = 64
/** Heads in a request; authors per page of a welcome, and pages of one; operations of a group. */
export const GROUP_HEADS_MAX = 256
export const WELCOME_PAGE_AUTHORS_MAX = 500
export const WELCOME_PAGES_MAX = 64
export const GROUP_OPERATIONS_STORED_MAX = 8_192
/** Operations, and members, in one frame, and their bytes. */
export const GROUP_OPS_FRAME_MAX = 512
export const GROUP_OPS_FRAME_BYTES = 48_000
export const MEMBERS_FRAME_MAX = 512
export const MEMBERS_FRAME_BYTES = 48_000
/** Relays that carry a group; heads of operations in a frontier. */
export const CARRIAGE_RELAYS_MAX = 3
export const FRONTIER_OP_HEADS_MAX = 4

// --- Change feed ---
export const CHANGES_KEEP_MS: number = 30 * DAY_MS
export const CHANGES_KEEP_ROWS = 100_000

// --- Contacts (SPEC.md §3) ---
/** Bytes of UTF-8 in the name a contact is listed under: its own name and a suffix. */
export const LOCAL_NAME_MAX_BYTES = 80
/** Contacts of one profile: they are listed as a whole. */
export const CONTACTS_MAX = 10_000
/** Invites of one profile that can still be used. */
export const INVITES_MAX = 256
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

// --- Groups (SPEC.md §19) ---
/** Members of a group, and devices that get one epoch. */
export const GROUP_MEMBERS_MAX = 1_000
export const GROUP_RECIPIENTS_MAX = 4_096
/** Operations in the past of one, itself counted: of any kind, and of those a group cannot do without. */
export const GROUP_OPS_MAX = 4_096
export const GROUP_OPS_HARD_MAX = 8_192
/** Operations held of one group: forks of its members make more than any of them cites. */
export const GROUP_OPS_HELD_MAX = 16_384
/** Operations of one device with one number; more only where another device cites them. */
export const GROUP_SIBLINGS_MAX = 8
/** Operations that wait for a parent: of one group, and of one device in it. */
export const GROUP_PENDING_MAX = 1_024
export const GROUP_PENDING_PER_DEVICE_MAX = 64
/** Ids of operations found invalid that are remembered, of one group. */
export const GROUP_INVALID_KEPT = 1_024
/** States of head sets kept, beside one for each so many operations. */
export const GROUP_STATES_KEPT = 64
export const GROUP_STATE_ANCHOR_EVERY = 128
/** Of so many last operations before an epoch few are fresh ones of one author, else it is not sent in. */
export const GROUP_FRESH_WINDOW = 32
export const GROUP_FRESH_MIN = 3
/** Divided by the number of recipients: how many fresh operations a small group may have of one author. */
export const GROUP_FRESH_BUDGET = 64
/** Entries of its own after which a device's next fresh operation is earned. */
export const GROUP_EARNED_ENTRIES = 512
/** Operations read from the store at once. */
export const GROUP_OP_LOAD_ROWS = 256
// --- Groups: gossip (SPEC.md §22) ---
/** Bytes of what is published: the longest group message. */
export const GOSSIP_DATA_MAX_BYTES = 65_536
/** Topics subscribed at once; other groups are followed by mailbox. */
export const GOSSIP_TOPICS_MAX = 32
/** Transport keys that one topic is exchanged with. */
export const GOSSIP_PEERS_MAX = 24
/** Messages per second and at once from one peer, copies included. */
export const GOSSIP_PEER_PER_S = 50
export const GOSSIP_PEER_BURST = 200
/** Messages per second and at once of one sender of an epoch. */
export const GOSSIP_SENDER_PER_S = 10
export const GOSSIP_SENDER_BURST = 100
/** This many rejected messages within the window put a peer out for the time below. */
export const GOSSIP_REJECTS_MAX = 3
export const GOSSIP_REJECTS_WINDOW_MS: number = MINUTE_MS
export const GOSSIP_OUT_MS: number = 10 * MINUTE_MS
/** Peers and senders whose rates are kept in memory; the longest unused go. */
export const GOSSIP_PEERS_WATCHED_MAX = 1_024
export const GOSSIP_SENDERS_WATCHED_MAX = 4_096
/** A superseded lineage's topics are listened to this much longer. */
export const GOSSIP_LINEAGE_LINGER_S = 86_400
