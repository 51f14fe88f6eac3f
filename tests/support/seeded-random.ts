// A deterministic source of bytes for vectors and reproducible tests: SHA-256 in counter mode.
import { type Random, concat, encodeText, noble, u32 } from '../../crypto/index.ts'

/** The same seed gives the same bytes, whatever the lengths asked for before were split into. */
export function seededRandom(seed: string): Random {
  const key = noble.sha256(encodeText(seed))
  let counter = 0
  let block = new Uint8Array(0)
  return (length) => {
    const out = new Uint8Array(length)
    for (let at = 0; at < length;) {
      if (block.length === 0) block = noble.sha256(concat(key, u32(counter++)))
      const take = Math.min(block.length, length - at)
      out.set(block.subarray(0, take), at)
      block = block.subarray(take)
      at += take
    }
    return out
  }
}
