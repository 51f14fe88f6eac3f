// Bounds of groups, with unit and reason (SPEC.md §15, §19-22).

const SECOND_MS = 1_000
const MINUTE_MS: number = 60 * SECOND_MS
const HOUR_MS: number = 60 * MINUTE_MS
const DAY_MS: number = 24 * HOUR_MS

// --- Groups (SPEC.md §19-21) ---
/** Groups of one profile: they are listed as a whole. */
export const GROUPS_MAX = 1_000
/** Groups that tie one account to us. */
export const CO_MEMBER_TIES_MAX = 1_024
/** Somebody who was removed is still served its removal for this long. */
export const REMOVED_SERVED_MS: number = 30 * DAY_MS
/** Welcomes to one group that wait for its operations, each of another account: a base has up to 2.4 MB. */
export const WELCOMES_MAX = 8
/** One that waited so long gives its place to another. */
export const WELCOME_WAITS_MS: number = DAY_MS
/** Entries that are looked at to tell what an add's heads rest on. */
export const ADD_BASE_LOOKS_MAX = 4_096
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
 * so long; above so many members only where somebody asks, and there every 24th alone names all devices. */
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
/** Two logs are compared again after this. */
export const COMPARE_INTERVAL_MS: number = 10 * MINUTE_MS
/** A mailbox that was not read for longer than this: the log is compared with somebody's. */
export const ABSENCE_MS: number = HOUR_MS
/** That a mailbox was read to its head, and how far copies alone brought its cursor, is noted this often. */
export const DRAINED_NOTED_MS: number = MINUTE_MS
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
/** Heads in a request; authors per page of a welcome, and pages of one. */
export const GROUP_HEADS_MAX = 256
export const WELCOME_PAGE_AUTHORS_MAX = 500
export const WELCOME_PAGES_MAX = 64
/** Operations, and members, in one frame, and their bytes. */
export const GROUP_OPS_FRAME_MAX = 512
export const GROUP_OPS_FRAME_BYTES = 48_000
export const MEMBERS_FRAME_MAX = 512
export const MEMBERS_FRAME_BYTES = 48_000
/** Relays that carry a group; heads of operations in a frontier. */
export const CARRIAGE_RELAYS_MAX = 3
export const FRONTIER_OP_HEADS_MAX = 4

// --- Groups (SPEC.md §19) ---
/** Members of a group, and devices that get one epoch. */
export const GROUP_MEMBERS_MAX = 1_000
export const GROUP_RECIPIENTS_MAX = 4_096
/** Operations in the past of one, itself counted, without those written by members of no rank: of any
 * kind, and of those a group cannot do without. */
export const GROUP_OPS_MAX = 4_096
export const GROUP_OPS_HARD_MAX = 8_192
/** Operations that a member of no rank wrote, in the past of one of its own, itself counted: of any
 * kind; and of leaving and of device lists, for a stolen device must be revoked whatever it wrote. */
export const GROUP_PLAIN_OPS_MAX = 1_024
export const GROUP_PLAIN_OPS_HARD_MAX = 2_048
/** Beyond those so many more of one account are taken in that did not know of each other. */
export const GROUP_PLAIN_OPS_APART = 1_024
/** Operations held of one group; and of all its members of no rank together, so that admins have room. */
export const GROUP_OPS_HELD_MAX = 16_384
export const GROUP_PLAIN_OPS_HELD_MAX = 12_288
/** Operations of one account that no other's follows: more than so many are handed on last. */
export const GROUP_OPS_SPARE_MAX = 64
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
