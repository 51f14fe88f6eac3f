// The storage port: ordered byte keys, atomic synced batches. Production gives LevelDB
// (store/level-store.ts), the simulator a disk that forgets what was not synced; both pass
// tests/contracts/store.ts. Values arrive sealed: a store never sees plaintext (store/sealed.ts).

export interface StoreWrite {
  readonly key: Uint8Array
  /** undefined removes the key. */
  readonly value: Uint8Array | undefined
}

export interface StoreRange {
  /** Inclusive. */
  readonly from: Uint8Array
  /** Exclusive. */
  readonly to: Uint8Array
  readonly limit: number
  readonly reverse?: boolean
}

export interface Store {
  /** One value per key, undefined where absent. */
  get(keys: readonly Uint8Array[]): Promise<readonly (Uint8Array | undefined)[]>
  range(query: StoreRange): Promise<readonly (readonly [key: Uint8Array, value: Uint8Array])[]>
  /** Applies all writes or none; resolves once they are on the disk (fdatasync). */
  write(batch: readonly StoreWrite[]): Promise<void>
  /** Rewrites what was replaced or removed out of the files; nothing to do for some stores. */
  compact?(): Promise<void>
  close(): Promise<void>
}
