// The groups of a node, as embedders see them. A group is named by WHICH: `#` and its local name, its
// id (64 hex characters), or a unique prefix of at least eight of them. Its messages are those of
// `chats`, with `#name` for who.
import type { CallOptions, Invite, Person, Who } from './api.ts'

export type GroupRole = 'member' | 'admin' | 'owner'

export interface GroupMember {
  /** The contact's name where it is one, else the name it gave itself, else the address's start. */
  readonly name: string
  readonly address: string
  readonly role: GroupRole
  readonly you: boolean
}

/** Somebody who asked to join by a link that needs approval. */
export interface GroupJoin {
  readonly name: string
  readonly address: string
  readonly at: number
}

/** A device of a member that was asked for something, and when (Unix ms). */
export interface GroupAsked {
  readonly name: string
  /** First 16 hex characters of its key. */
  readonly device: string
  readonly at: number
}

/** Messages of one device that are known to be missing, by its own count: `from` to `to`. */
export interface GroupGap {
  readonly name: string
  readonly address: string
  readonly device: string
  readonly from: number
  readonly to: number
  /** Every device of a member was asked for them and has not one. They are still asked for, daily. */
  readonly irretrievable: boolean
  /** The device that wrote them did not answer yet: they come when it is there. */
  readonly authorAway: boolean
  readonly asked: readonly GroupAsked[]
}

/**
 * Messages of one device that came and cannot be shown. What waits for a key has `places` in that
 * device's chain under the operation: the message's own number is inside it. Some may be no message at
 * all but what members tell each other of themselves.
 */
export interface GroupHeld {
  /** '' while it is not known whose they are. */
  readonly name: string
  readonly address: string
  readonly device: string
  /**
   * operation: one that is not here yet. key: that of the operation. author: the group went on from
   * their keys; their author is asked how far it wrote, and what is missing then comes anew.
   */
  readonly waitsFor: 'operation' | 'key' | 'author'
  /** First 16 hex characters of the operation; '' while not known. */
  readonly operation: string
  /** By the author's own count, as [from, to]: of what waits for an operation. */
  readonly numbers: readonly (readonly [number, number])[]
  readonly places: readonly (readonly [number, number])[]
  readonly count: number
  readonly asked: readonly GroupAsked[]
}

/**
 * joining: asked, no answer yet. joined. left: by oneself. removed: by somebody else; what was said
 * up to then stays readable. refused: the link was used, expired or turned down.
 */
export type GroupState = 'joining' | 'joined' | 'left' | 'removed' | 'refused'

export interface Group {
  /** 1, 2, ..: which of one's own groups it is. Never changes, and is there before the id is. */
  readonly number: number
  /** Hash of its first operation, 64 hex characters; '' while joining and not yet told. */
  readonly id: string
  /** Unique among one's own groups, without `#`. */
  readonly name: string
  readonly state: GroupState
  readonly role: GroupRole
  /** Who made the link that one asked by, until one is in: a link says nothing of the group itself. */
  readonly invitedBy?: Person
  readonly members: readonly GroupMember[]
  /** First 16 hex characters of the operation whose epoch one would send in; '' where none is held. */
  readonly epoch: string
  readonly pending: readonly GroupJoin[]
  readonly settings: {
    /** Who joins by link waits for an admin. */
    readonly approval: boolean
    /** Members who are no admins may add. */
    readonly membersAdd: boolean
  }
  /** First 8 hex characters of the service keys of the relays that carry it. */
  readonly relays: readonly string[]
  readonly unread: number
  /** One's own messages that no relay and no member has yet. */
  readonly waiting: number
  /** Messages known to be missing. */
  readonly missing: number
  /** Which, and who was asked for them. */
  readonly gaps: readonly GroupGap[]
  /** What came but cannot be shown yet: messages, and what members tell of theirs. */
  readonly held: number
  /** Whose, what for, and who was asked. */
  readonly waits: readonly GroupHeld[]
  /**
   * What stands in the way, absent where nothing does: why a join was refused as a code, INVITE_USED,
   * INVITE_EXPIRED, REFUSED, GROUP_FULL or ALREADY_MEMBER; PENDING while an admin is awaited; else a
   * sentence.
   */
  readonly problem?: string
}

/** A group by WHICH. Rejects with UNKNOWN_GROUP or AMBIGUOUS_GROUP: it never guesses. */
export type Which = string

export interface Groups {
  /**
   * A new group with oneself as its owner. Rejects with INVALID for a name that is empty, longer than
   * 256 bytes, or has controls in it, NO_RELAY where nothing could carry it, and LIMIT.
   */
  create(
    name: string,
    options?: { readonly approval?: boolean; readonly membersAdd?: boolean } & CallOptions,
  ): Promise<Group>
  list(options?: CallOptions): Promise<readonly Group[]>
  get(which: Which, options?: CallOptions): Promise<Group>
  /** Rejects with NOT_ADMIN without the role, GROUP_FULL, and LIMIT where too many invites are open. */
  invite(
    which: Which,
    options?: {
      readonly reusable?: boolean
      readonly expiresInMs?: number
      /** Each join by this link waits for an admin, whatever the group's setting. */
      readonly approve?: boolean
    } & CallOptions,
  ): Promise<Invite>
  /**
   * Asks to join; the answer comes as an event. Rejects with INVITE_INVALID, INVITE_EXPIRED, LIMIT, and
   * ALREADY_MEMBER for a link that one came in by. A link of another group that one is in turns out to
   * be so later: `refused` with the problem ALREADY_MEMBER, and not listed.
   */
  join(link: string, options?: { readonly name?: string } & CallOptions): Promise<Group>
  /** Adds a contact without a link. Rejects with NOT_ADMIN, ALREADY_MEMBER, GROUP_FULL. */
  add(which: Which, who: Who, options?: CallOptions): Promise<Group>
  /** Lets somebody in who asked to join. Rejects with NOT_ADMIN, NOT_MEMBER, ALREADY_MEMBER. */
  approve(which: Which, who: Who, options?: CallOptions): Promise<Group>
  /** Turns somebody down who asked to join. */
  reject(which: Which, who: Who, options?: CallOptions): Promise<Group>
  /** Rejects with NOT_ADMIN where one's authority is not above the other's, and NOT_MEMBER. */
  remove(which: Which, who: Who, options?: CallOptions): Promise<Group>
  /** Rejects with NOT_ADMIN, LAST_OWNER, NOT_MEMBER. A role that somebody has changes nothing. */
  role(which: Which, who: Who, role: GroupRole, options?: CallOptions): Promise<Group>
  rename(which: Which, name: string, options?: CallOptions): Promise<Group>
  /**
   * Rejects with LAST_OWNER while others are there and none of them is an owner. A join that was not
   * answered, or refused, is given up: the group is off the list.
   */
  leave(which: Which, options?: CallOptions): Promise<Group>
  /** New keys for everybody. */
  rotate(which: Which, options?: CallOptions): Promise<Group>
}
