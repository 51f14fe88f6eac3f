// The system's randomness, fetched a page at a time: nonces and salts are small and many, and a call
// into the system for each costs more than what it is for.
import { randomFillSync } from 'node:crypto'

/** Bytes asked from the system at once. */
const POOL_BYTES = 4_096
/** What is longer comes from the system directly. */
const POOLED_MAX_BYTES = 256

const pool = new Uint8Array(POOL_BYTES)
let used = POOL_BYTES

/**
 * Random bytes of the system, in an array of their own. Every byte is handed out once; the pool
 * forgets it as it does, so nothing in it tells of keys that were made.
 */
export function pooledRandom(length: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(length)
  if (out.length > POOLED_MAX_BYTES) return randomFillSync(out)
  if (used + out.length > POOL_BYTES) {
    // What is left over is dropped with the old page.
    randomFillSync(pool)
    used = 0
  }
  out.set(pool.subarray(used, used + out.length))
  pool.fill(0, used, used + out.length)
  used += out.length
  return out
}
