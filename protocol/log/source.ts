// Who may hand on whose entries (SPEC.md §10). One-to-one entries carry no signature: what vouches
// for them is the session they came over. Group entries are signed: any member may bring them.
import { type Bytes32, equalBytes } from '../../crypto/index.ts'

/** A ratchet session with a device of one's own account or of a contact's. */
export interface SessionSource {
  readonly kind: 'session'
  /** DK at the other end. */
  readonly device: Bytes32
  /** Whether that device is of this account, or of the contact's. */
  readonly account: 'own' | 'contact'
  /** Devices in the highest known list of this account. */
  readonly ownDevices: readonly Bytes32[]
  /** Devices in the highest known list of the contact's account. */
  readonly contactDevices: readonly Bytes32[]
}

/** Where an entry came from. */
export type EntrySource =
  | SessionSource
  | {
      /** A group entry: the caller checks membership, the log the signature. */
      readonly kind: 'member'
      /** What elided fields stand for in a group message: its sender, its epoch's operation. */
      readonly author?: Bytes32
      readonly op?: Bytes32
    }

/**
 * How an entry of `author` is taken from a source. direct: from its author; via: from an own device,
 * noted; labelled: from another device of its account, shown as such; signed: its signature decides;
 * cited: only if it is prev of an accepted entry of its author; no: never.
 */
export type Standing = 'direct' | 'via' | 'labelled' | 'signed' | 'cited' | 'no'

export function standingOf(source: EntrySource, author: Bytes32, self: Bytes32): Standing {
  // Entries of this very device are made here or not at all: one that comes back and is not held
  // shows a copied or restored profile, which is for recovery to settle, not for the log.
  if (equalBytes(author, self)) return 'no'
  if (source.kind === 'member') return 'signed'
  if (equalBytes(author, source.device)) return 'direct'
  if (source.account === 'own') return 'via'
  if (includes(source.ownDevices, author)) return 'no'
  if (includes(source.contactDevices, author)) return 'labelled'
  return 'cited'
}

function includes(keys: readonly Bytes32[], key: Bytes32): boolean {
  return keys.some((other) => equalBytes(other, key))
}
