// What machines ask the node to do once their batch is durable. An effect is a wake-up, not a
// promise: whatever must survive a crash is in the tables, and the node finds it there on start.
import type { Bytes32 } from '../crypto/index.ts'

export type Effect =
  /** The outbox of a device has something to send. */
  | { readonly kind: 'outbox'; readonly device: Bytes32 }
  /** A device's session must be started anew: a bundle is needed first. */
  | { readonly kind: 'bundle'; readonly device: Bytes32 }
  /** Receipts are due for a device. */
  | { readonly kind: 'receipts'; readonly device: Bytes32 }
  /** A contact's endpoints changed: dial or deposit elsewhere. */
  | { readonly kind: 'endpoints'; readonly device: Bytes32 }
  /** One's own card, prekeys or invites changed: publish at the relays. */
  | { readonly kind: 'publish' }
  /** A group has something to carry, to open or to ask for. */
  | { readonly kind: 'group'; readonly gid: Bytes32 }
  /** A group is to be joined by its link: fetch the bundle behind it. */
  | { readonly kind: 'group-join'; readonly number: number }
  /** A contact was added by link: fetch its bundle. */
  | { readonly kind: 'first-contact'; readonly number: number }
  /** A device's messages cannot be read: begin a new session and say so. */
  | { readonly kind: 'reset'; readonly device: Bytes32 }
  /** Nothing ever came back from a device: begin anew through another relay, without one-time keys. */
  | { readonly kind: 'renew'; readonly device: Bytes32 }
  /** Nothing came from a device for a day while something waits: look for its account elsewhere. */
  | { readonly kind: 'seek'; readonly device: Bytes32 }
  /** An entry of one's own got so far, that long after it was queued. For statistics. */
  | {
      readonly kind: 'measured'
      readonly what: 'relayed' | 'direct' | 'byRelay' | 'read'
      readonly ms: number
    }
  /** Items held for a device may open now. */
  | { readonly kind: 'retry-held'; readonly device: Bytes32 }
