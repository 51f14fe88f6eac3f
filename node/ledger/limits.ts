// Bounds of the Ledger.

/** Turns of one batch at most: bounds what one failed write can undo. */
export const BATCH_MAX_TURNS = 512
/** Turns that may wait. Above it a call is refused: memory stays bounded however fast calls come. */
export const QUEUE_MAX_TURNS = 10_000
/** Attempts of a read beside the loop before it takes its place in the queue. */
export const READ_ATTEMPTS = 3
/** Sealed bytes of the records that the cache holds. */
export const CACHE_MAX_BYTES: number = 32 << 20
/** What a cached record costs beside its bytes: keys, map entries, the decoded object. */
export const CACHE_ROW_BYTES = 512
/** Sealed bytes of the records of owners that are held whole. */
export const WHOLE_OWNERS_MAX_BYTES: number = 8 << 20
/** Records of an owner that is held whole: of the largest, they are read at 16 MiB at most. */
export const WHOLE_OWNER_MAX_ROWS = 256
/** Loads after which an owner that had more is looked at again. */
export const WHOLE_OWNER_RETRY_LOADS = 256
/** Owners remembered as having more; beyond it all of them are looked at again. */
export const LARGE_OWNERS_MAX = 4_096
/** Journal rows kept: older ones have proved that nothing is missing. */
export const JOURNAL_KEEP_BATCHES = 4_096
/** Journal rows looked at in one load. */
export const JOURNAL_PAGE_ROWS = 1_024
/** Table names that a journal row holds. */
export const JOURNAL_TABLES_MAX = 64
/** How long a change row is kept: who was away longer reads the chats anew. */
export const CHANGES_KEEP_MS: number = 30 * 86_400_000
/** Change rows kept at most, whatever their age. */
export const CHANGES_MAX_ROWS = 100_000
/** How long a warning is shown in `status`. */
export const NOTICES_KEEP_MS: number = 14 * 86_400_000
/** Warnings looked at for it. */
export const NOTICES_MAX = 2_048
/** Bytes of a warning's text in the feed; longer ones are cut. */
export const WARNING_MAX_BYTES = 4_096
