// The embedder's interface: what createNode returns, and what connect() gives over a daemon's socket.
// Times are Unix ms; ids and addresses are text: entry ids are 64 hex characters, addresses 56 of
// base32. Every async method takes { signal } last: aborted before, the call rejects with ABORTED and
// nothing is done; aborted meanwhile, it ends a wait, and a change is finished and its outcome told.
// A method of a node that was closed rejects with CLOSED.
import type { Group, Groups } from './api-groups.ts'

export interface CallOptions {
  readonly signal?: AbortSignal
}

export type MessageState = 'queued' | 'relayed' | 'delivered' | 'read' | 'failed' | 'expired'

export interface Person {
  readonly name: string
  readonly address: string
}

export interface Message {
  /** Entry id, 64 hex characters. */
  readonly id: string
  /** The contact's name, or `#` and the group's. */
  readonly chat: string
  /** The group it was said in, 64 hex characters; absent between two people. */
  readonly group?: string
  /** 'text'; 'unknown' for one this version cannot show; 'absent' where the body is gone. */
  readonly kind: 'text' | 'unknown' | 'absent'
  readonly from: Person
  /** In a group its name with `#` and its id. */
  readonly to: Person
  /** The text; for 'unknown' and 'absent' a sentence that says so. */
  readonly text: string
  readonly mine: boolean
  readonly lamport: number
  /** The author's wall clock: for display, never for order. */
  readonly sentAt: number
  /** When it came here; one's own: when it was written. */
  readonly arrivedAt: number
  /** Landed above what was already seen. */
  readonly late: boolean
  /** An entry it answers is missing: shown below the others. */
  readonly open: boolean
  /**
   * In a group: it was shown here, and then came a removal of its author that it stands behind. Others
   * may not have seen it, and will not. Absent elsewhere.
   */
  readonly behindRemoval?: boolean
  readonly replyTo?: string
  /** One's own: how far it got. Others': 'read' or 'delivered'. */
  readonly state: MessageState
  /** Relays that hold it, while state is 'relayed'. */
  readonly relays: number
  /** Position in the order of arrival on this device. */
  readonly arrival: number
}

/** Something its user should know: a code for programs, a sentence for people. */
export interface Warning {
  readonly at: number
  readonly code: string
  readonly text: string
  /** The contact that it is about. */
  readonly chat?: string
}

/** A relay of a contact, as this device fared with it. */
export interface ContactRelay {
  /** First 8 hex characters of the service key. */
  readonly service: string
  readonly address: string
  /** How often it signed for a message that the contact never had from it. */
  readonly doubts: number
}

export interface Contact {
  readonly name: string
  readonly address: string
  readonly state: 'pending' | 'ready' | 'request' | 'blocked' | 'removed'
  readonly verified: boolean
  /** The name it gave itself. */
  readonly theirName: string
  readonly addedAt: number
  readonly unread: number
  /** Messages waiting to go out. */
  readonly waiting: number
  /** Why a pending one cannot go on, e.g. INVITE_USED; absent while it can. */
  readonly problem?: string
  /** Messages known to be missing. */
  readonly missing: number
  /** How many of these nobody has any more: their author said so, or its device left its account. */
  readonly irretrievable: number
  /** Of a request: why the invite that it named did not admit it. */
  readonly refusal?: 'unknown' | 'revoked' | 'expired' | 'used'
  /** Where its mail is left. */
  readonly relays: readonly ContactRelay[]
  /** The latest of each kind about this contact in the last 14 days, newest first. */
  readonly warnings: readonly Warning[]
}

export interface Invite {
  readonly id: string
  readonly link: string
  readonly createdAt: number
  readonly expiresAt: number
  readonly reusable: boolean
  readonly revoked: boolean
  readonly usedBy: readonly string[]
}

export interface WhyStep {
  readonly at: number
  /** e.g. 'queued', 'relayed', 'delivered', 'read'. */
  readonly what: string
  /** Relay or device, shortened; absent for this device. */
  readonly by?: string
  /** Until when a relay promised to hold it. */
  readonly until?: number
  /** What it rests on: 'fdatasync', 'custody signature', 'committed answer', 'receipt'. */
  readonly evidence: string
}

export interface Why {
  readonly id: string
  readonly state: MessageState
  readonly steps: readonly WhyStep[]
  /** What stands in the way of the next state, as sentences. */
  readonly missing: readonly string[]
}

export interface RelayStatus {
  readonly address: string
  readonly connected: boolean
  /** First 8 hex characters of the service key; '' before it was ever met. */
  readonly service: string
  readonly trouble: string
  /** Its clock minus this device's, ms; absent while it is not connected. */
  readonly clockOffsetMs?: number
}

export interface Status {
  readonly name: string
  readonly address: string
  readonly listening: readonly string[]
  readonly relays: readonly RelayStatus[]
  readonly contacts: number
  /** Those that one is in, or asked to join. */
  readonly groups: number
  readonly requests: number
  /** Of contacts and groups. */
  readonly unread: number
  /** Messages in outboxes, those to groups included. */
  readonly waiting: number
  readonly readOnly: boolean
  /** First messages for which a relay gave no one-time keys: ever, all contacts together. */
  readonly degradedHandshakes: number
  /** What is wrong now. */
  readonly warnings: readonly string[]
  /** What happened: the latest of each kind and contact in the last 14 days, newest first. */
  readonly recent: readonly Warning[]
}

/** How long things took: half, 95 % and 99 % of them took at most so long, within a fifth. */
export interface TimeSums {
  readonly count: number
  readonly p50Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
}

/** Durable sums of what this profile did; nothing in them names a person or a message. */
export interface Stats {
  /** When counting began, Unix ms; 0 where nothing was counted yet. */
  readonly since: number
  readonly sent: number
  readonly received: number
  /** Messages known to be missing now. */
  readonly missing: number
  /**
   * From queued until `relayed`; until `delivered` over a stream (`direct`) or as a receipt told
   * (`byRelay`); until `read`. A name that never occurred is absent.
   */
  readonly times: Readonly<Record<string, TimeSums>>
  /** gapsFound, gapsRepaired, depositRetries, dialFailures, busyAnswers, streamsOpened, .. */
  readonly counts: Readonly<Record<string, number>>
  /** Errors met at work, by code. */
  readonly errors: Readonly<Record<string, number>>
}

/** A row of the change feed. */
export type NodeEvent = {
  /** Durable position: resume with `since`. */
  readonly cursor: number
  readonly at: number
} & (
  | { readonly event: 'message'; readonly message: Message }
  | {
      readonly event: 'message:state'
      readonly id: string
      readonly chat: string
      /** Id of the group, where the chat is one. */
      readonly group?: string
      readonly state: string
    }
  | { readonly event: 'contact'; readonly contact: Contact }
  /** A group came, or its members, roles, name, keys or one's own state in it changed. */
  | { readonly event: 'group'; readonly group: Group }
  | {
      readonly event: 'gap'
      readonly chat: string
      /** Id of the group, where the chat is one. */
      readonly group?: string
      readonly from: Person
      readonly first: number
      readonly last: number
      /** false: they came after all. */
      readonly missing: boolean
      /** They are missing for good: all who could have them were asked, and have none. */
      readonly irretrievable?: true
    }
  | {
      readonly event: 'warning'
      readonly code: string
      readonly text: string
      /** The contact that it is about. */
      readonly chat?: string
    }
)

export interface ReadOptions {
  /** The last n; 20 unless told. */
  readonly limit?: number
  /** Only what was not seen yet, in order of arrival. */
  readonly unread?: boolean
  /** Entries below this id in log order. */
  readonly before?: string
}

export interface SendResult {
  readonly id: string
  readonly state: MessageState
}

/**
 * A contact by WHO: its name, its address, or a unique prefix of at least four characters of its
 * address. Rejects with UNKNOWN_CONTACT or AMBIGUOUS_CONTACT: it never guesses.
 */
export type Who = string

/** A chat: a contact by WHO, or a group by its name or id with `#` before it. */
export type Chat = string

export interface Node {
  readonly name: string
  readonly address: string
  status(options?: CallOptions): Promise<Status>
  stats(options?: CallOptions): Promise<Stats>

  readonly relays: {
    /**
     * Uses a relay from now on, beside the others: multiaddr/p2p/PeerId, with # and a token where it
     * needs one. Contacts are told once it was met; `status` says how it stands. The same relay at
     * another address has moved there. Rejects with ADDRESS_INVALID, and LIMIT above three.
     */
    add(address: string, options?: CallOptions): Promise<void>
    /**
     * Leaves one, by its address, or how its service key begins (at least four characters): contacts
     * are told, and links that name it work no more. What it holds still, senders deposit again
     * elsewhere, for want of a receipt. Rejects with INVALID where none is meant, and NO_RELAY where it
     * is the only one.
     */
    remove(which: string, options?: CallOptions): Promise<void>
  }

  readonly invites: {
    /**
     * Points to a relay that answers now. Rejects with NO_RELAY where nobody could reach this device,
     * and RELAY_UNREACHABLE where none of its relays answers.
     */
    create(
      options?: { readonly reusable?: boolean; readonly expiresInMs?: number } & CallOptions,
    ): Promise<Invite>
    list(options?: CallOptions): Promise<readonly Invite[]>
    /** By id, or a unique prefix of it. */
    revoke(id: string, options?: CallOptions): Promise<void>
  }

  readonly contacts: {
    /**
     * Adds the maker of a link; resolves with the contact before the maker was reached. Rejects with
     * INVITE_INVALID, INVITE_EXPIRED, VERSION_UNSUPPORTED or LIMIT, and with GROUP_LINK for one that
     * joins a group: that is for `groups.join`. That a link was used or revoked only its maker or its
     * relay knows: the contact stays `pending`, and an event brings it with `problem` INVITE_USED or
     * INVITE_INVALID.
     */
    add(link: string, options?: { readonly name?: string } & CallOptions): Promise<Contact>
    list(options?: CallOptions): Promise<readonly Contact[]>
    get(who: Who, options?: CallOptions): Promise<Contact>
    rename(who: Who, name: string, options?: CallOptions): Promise<Contact>
    /** The 60 digits to compare, in groups of five. */
    safetyNumber(who: Who, options?: CallOptions): Promise<string>
    verify(who: Who, verified: boolean, options?: CallOptions): Promise<Contact>
    block(who: Who, blocked: boolean, options?: CallOptions): Promise<Contact>
    remove(who: Who, options?: CallOptions): Promise<Contact>
  }

  readonly requests: {
    list(options?: CallOptions): Promise<readonly Contact[]>
    accept(who: Who, options?: { readonly name?: string } & CallOptions): Promise<Contact>
    reject(who: Who, options?: CallOptions): Promise<void>
  }

  readonly groups: Groups

  readonly chats: {
    /**
     * Resolves once it is durably queued. Rejects with TOO_LARGE, EMPTY_TEXT, BLOCKED, PROFILE_BEHIND
     * where this profile was set back to an earlier state, ..
     */
    send(
      who: Chat,
      text: string,
      options?: {
        readonly replyTo?: string
        /**
         * An id of the caller's making, 1 to 64 bytes, new for each message: a call whose answer was
         * lost, by a crash or on the way, is made again with the same one. What was sent under it is
         * found, whatever the other arguments say, and not sent twice.
         */
        readonly once?: string
      } & CallOptions,
    ): Promise<SendResult>
    /** Resolves with the state once it is `state` or above. Rejects with TIMEOUT; it stays queued. */
    waitFor(
      id: string,
      state: 'relayed' | 'delivered' | 'read',
      options?: { readonly timeoutMs?: number } & CallOptions,
    ): Promise<SendResult>
    /** Messages of a chat in log order; without `who` of all chats in order of arrival. */
    messages(
      who: Chat | undefined,
      options?: ReadOptions & CallOptions,
    ): Promise<readonly Message[]>
    message(id: string, options?: CallOptions): Promise<Message>
    /** Marks everything that arrived up to here as read; receipts tell the sender. */
    markRead(who: Chat, arrival?: number, options?: CallOptions): Promise<void>
    why(id: string, options?: CallOptions): Promise<Why>
  }

  readonly events: {
    /**
     * The change feed from a cursor on (0: all that is kept; undefined: from now), then live.
     * Ends when the signal aborts or the node closes. Throws CURSOR_TOO_OLD.
     */
    since(cursor: number | undefined, options?: CallOptions): AsyncIterable<NodeEvent>
    /** The cursor that the next event will have. */
    cursor(options?: CallOptions): Promise<number>
  }

  /**
   * Calls back for every message of somebody else, one at a time, in order of arrival; never for
   * one's own. The first listener is also given what came while the node was starting. One that
   * throws is reported to the node's log and goes on with the next message. Returns the way to stop.
   */
  on(
    event: 'message',
    listener: (message: IncomingMessage) => unknown,
    options?: ListenOptions,
  ): () => void

  /** Waits until relays were drained to their head and first attempts were answered, at most `ms`. */
  settle(ms: number, options?: CallOptions): Promise<void>
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export interface ListenOptions {
  /**
   * A name, 1 to 64 bytes, under which the profile keeps how far this listener came: after a restart
   * it goes on there. Each message is given at least once; again only after a crash in the middle.
   */
  readonly resume?: string
  /** true: also messages of people who wait in requests. To be answered they must be accepted. */
  readonly requests?: boolean
}

/** A message as a listener gets it. */
export interface IncomingMessage extends Message {
  reply(text: string): Promise<SendResult>
}
