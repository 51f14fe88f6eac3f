// Rows of the change feed: written in the batch that made them true, so that no event
// is lost in a crash, and read from there by `watch`, by events and by whoever was away.
import type { Bytes32 } from '../crypto/index.ts'

export type Change =
  /**
   * An entry was taken into a conversation's log, once; `mine` for one's own. Open: an ancestor is
   * missing, it is shown below the others. Late: it landed above what was already seen.
   */
  | {
      readonly kind: 'message'
      readonly conversation: Bytes32
      readonly entry: Bytes32
      readonly mine: boolean
      readonly arrival: number
      readonly open: boolean
      readonly late: boolean
    }
  /** An open entry took its place in the order, its ancestors being here. */
  | {
      readonly kind: 'placed'
      readonly conversation: Bytes32
      readonly entry: Bytes32
      readonly late: boolean
    }
  /** The body of an entry came after all, or was erased. */
  | { readonly kind: 'body'; readonly conversation: Bytes32; readonly entry: Bytes32 }
  /** An author wrote two entries with one number: a copied device, or a lie. */
  | {
      readonly kind: 'fork'
      readonly conversation: Bytes32
      readonly author: Bytes32
      readonly n: number
    }
  /** An entry says of its parent what the parent refutes. */
  | { readonly kind: 'contradiction'; readonly conversation: Bytes32; readonly entry: Bytes32 }
  /** Everything that arrived up to here was seen. */
  | { readonly kind: 'seen'; readonly conversation: Bytes32; readonly arrival: number }
  /** The shown state of one's own entry rose. */
  | {
      readonly kind: 'state'
      readonly conversation: Bytes32
      readonly entry: Bytes32
      readonly state: string
    }
  /** A contact came, changed its state or its name. */
  | { readonly kind: 'contact'; readonly account: Bytes32; readonly state: string }
  /** Messages of an author are missing, or came after all (count 0). */
  | {
      readonly kind: 'gap'
      readonly conversation: Bytes32
      readonly author: Bytes32
      readonly from: number
      readonly to: number
      readonly missing: boolean
    }
  /** Messages of an author are missing for good: nobody asked has them any more. */
  | {
      readonly kind: 'irretrievable'
      readonly conversation: Bytes32
      readonly author: Bytes32
      readonly from: number
      readonly to: number
    }
  /** A group came, or its members, name, settings or our own standing in it changed. */
  | { readonly kind: 'group'; readonly number: number; readonly state: string }
  /** Something its user should know; about the contact of an account, where one is given. */
  | {
      readonly kind: 'warning'
      readonly code: string
      readonly text: string
      readonly account?: Bytes32
    }
