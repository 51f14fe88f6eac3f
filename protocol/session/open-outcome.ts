// What may become of an inner message (SPEC.md §5). To the peer all cryptographic failures look the
// same; what is told apart here decides between quarantine, reset and silence on our side.
import type { Bytes16, Bytes32, DeviceList } from '../../crypto/index.ts'
import type { Step } from '../step.ts'
import type { ListVersions } from './list-versions.ts'

/** A remote device and its account. */
export interface Remote {
  readonly account: Bytes32
  readonly device: Bytes32
}

export interface OpenedInner extends Remote {
  readonly kind: 'opened'
  readonly sid: Bytes16
  /** First message received on this session; with `init`, the one that began it here. */
  readonly first: boolean
  /** An init preceded the message. */
  readonly init: boolean
  /** The frames, without those of the session itself. */
  readonly frames: Uint8Array
  readonly lists: ListVersions
  /** T: what an intro's proof is made over. */
  readonly transcript: Bytes32
  readonly resetEpoch: number
}

/**
 * prekey-unknown, prekey-consumed: no secret for the init's SPK or KEM key, so nobody is known.
 * opk-consumed, opk-unknown: the one-time key is gone; the identity was read but is only claimed.
 * unauthentic: something did not open.
 */
export type UnreadableReason =
  | 'prekey-unknown'
  | 'prekey-consumed'
  | 'opk-unknown'
  | 'opk-consumed'
  | 'unauthentic'

export type OpenOutcome =
  | OpenedInner
  /**
   * Its key was used before, or its session was evicted. It was delivered before only if its innerId
   * is known: a peer that was set back encrypts anew under used keys, and nobody has read that.
   */
  | { readonly kind: 'duplicate'; readonly evicted: boolean; readonly remote?: Remote }
  /** No session of that sid. */
  | { readonly kind: 'unknownSession'; readonly sid: Bytes16 }
  | {
      readonly kind: 'unreadable'
      readonly reason: UnreadableReason
      /**
       * Who sent it: known where `sid` is given, the device of that session. Without `sid` it is
       * what the init claims: good enough to offer a reset to a contact, for nothing else.
       */
      readonly remote?: Remote
      readonly sid?: Bytes16
    }
  /** Beyond a bound, or under a conflict of device lists: keep it, try again after a change. */
  | {
      readonly kind: 'held'
      readonly reason: 'limit' | 'listConflict'
      readonly remote: Remote
    }
  /** `remote` is given where the ratchet step stands and only the content is nothing. */
  | { readonly kind: 'malformed'; readonly remote?: Remote }
  | { readonly kind: 'unsupported' }
  /** A device that is in no valid list of its account, or this very device. */
  | { readonly kind: 'forbidden' }
  /** The judge said no. */
  | { readonly kind: 'refused'; readonly remote: Remote }

/** A session somebody wants to begin, decrypted, with nothing kept yet. */
export interface Candidate extends Remote {
  readonly sid: Bytes16
  readonly frames: Uint8Array
  readonly lists: ListVersions
  readonly transcript: Bytes32
  readonly resetEpoch: number
  /** The initiator's list, verified. */
  readonly list: DeviceList
}

/** Decides whether a new session may begin: contact, valid invite, room among the requests. */
export type Judge = (candidate: Candidate) => Step<boolean>
