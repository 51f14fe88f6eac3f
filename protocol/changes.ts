// Rows of the change feed: written in the batch that made them true, so that no event
// is lost in a crash, and read from there by `watch`, by events and by whoever was away.
import type { Bytes32 } from '../crypto/index.ts'

export type Change =
  /** An entry was taken into a conversation's log; `mine` for one's own. */
  | {
      readonly kind: 'message'
      readonly conversation: Bytes32
      readonly entry: Bytes32
      readonly mine: boolean
    }
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
  /** Something its user should know. */
  | { readonly kind: 'warning'; readonly code: string; readonly text: string }
