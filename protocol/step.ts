// How a machine of this floor talks to the world: it is a generator that yields what it wants to
// read and is resumed with it; what it wants written, sent and shown it leaves in its Turn. So a
// machine does no I/O, needs no clock, and never acts before its batch is durable: the Ledger
// (node/ledger.ts) answers the loads, commits the writes, and only then carries out the effects.
import type { CryptoProvider, Random } from '../crypto/index.ts'
import type { Change } from './changes.ts'
import type { Effect } from './effects.ts'
import type { Memory } from './memory.ts'
import type { Self } from './self.ts'

/**
 * Where a record lies: `owner` names whom or what it belongs to and is hidden in the store (hashed
 * under the vault's index key; empty: left out), `order` stays as it is and sorts the records of
 * one owner. An order must not name anybody (SPEC.md §11).
 */
export interface Place {
  readonly owner: Uint8Array
  readonly order: Uint8Array
}

/** A kind of record: its name in the store, its place by key, its bytes. */
export interface Table<K, V> {
  /** ASCII, at most 64 characters, never renamed: it enters the sealing key. */
  readonly name: string
  /** 'state' for what forward secrecy rests on: sealed under the rotating state key. */
  readonly sealing: 'value' | 'state'
  /**
   * What a store may expect, and nothing rests on: 'few' where an owner has few records as a rule, so
   * that all of them are worth holding; 'rare' where the whole table is empty as a rule.
   */
  readonly rows?: 'few' | 'rare'
  readonly place: (key: K) => Place
  readonly encode: (value: V) => Uint8Array
  readonly decode: (bytes: Uint8Array) => V
}

/** One record of a range, with the order part of its place. */
export interface Row<V> {
  readonly order: Uint8Array
  readonly value: V
}

export interface RangeQuery {
  readonly owner: Uint8Array
  /** First order wanted, inclusive; undefined: from the start. */
  readonly from?: Uint8Array
  /** First order not wanted; undefined: to the end. */
  readonly to?: Uint8Array
  readonly limit: number
  readonly reverse?: boolean
}

export type Load =
  | { readonly kind: 'get'; readonly table: Table<never, unknown>; readonly place: Place }
  | { readonly kind: 'range'; readonly table: Table<never, unknown>; readonly query: RangeQuery }

/** A machine's run: yields loads, returns its outcome. Throw to undo the whole turn. */
export type Step<T> = Generator<Load, T, unknown>

/** Reads one record; undefined where there is none. Sees the turn's own writes. */
export function* get<K, V>(table: Table<K, V>, key: K): Step<V | undefined> {
  const place = table.place(key)
  return (yield { kind: 'get', table: table as Table<never, unknown>, place }) as V | undefined
}

/** Reads up to `limit` records of one owner in order. Sees the turn's own writes. */
export function* range<K, V>(table: Table<K, V>, query: RangeQuery): Step<readonly Row<V>[]> {
  return (yield {
    kind: 'range',
    table: table as Table<never, unknown>,
    query,
  }) as readonly Row<V>[]
}

/** What a machine is handed and where it leaves its outcome. One turn is one atomic batch. */
export interface Turn {
  /** Wall clock, Unix ms: for `sentAt` and display, never for validity or deletion. */
  readonly nowMs: number
  /** Guarded clock, Unix ms: for expiry and key deletion (SPEC.md §1); a jump of years cannot fool it. */
  readonly safeNowMs: number
  readonly self: Self
  readonly random: Random
  readonly crypto: CryptoProvider
  /** What earlier turns built from records, and may be gone. */
  readonly memory: Memory
  put<K, V>(table: Table<K, V>, key: K, value: V): void
  remove<K, V>(table: Table<K, V>, key: K): void
  /** Something to do once the batch is durable. */
  effect(effect: Effect): void
  /** A row of the change feed: what `watch` and events show. */
  change(change: Change): void
}
