// A crypto provider that remembers under which key and nonce it encrypted what, over all machines and
// all their lives: one pair, one plaintext (SPEC.md §6). Sealing the same bytes again is no reuse.
import { createHash } from 'node:crypto'
import type { CryptoProvider } from '../../crypto/index.ts'
import { nativeCrypto } from '../../node/native-crypto.ts'

export class KeyWatch {
  readonly #seen = new Map<string, string>()
  /** What was encrypted twice under one key and nonce. */
  readonly reused: string[] = []

  /** Encryptions under distinct pairs so far: a watch that sees none proves nothing. */
  get count(): number {
    return this.#seen.size
  }

  /** The native provider under watch, for one machine. */
  provider(machine: string): CryptoProvider {
    return {
      ...nativeCrypto,
      aeadSeal: (key, nonce, aad, plaintext) => {
        this.#note(machine, key, nonce, aad, plaintext)
        return nativeCrypto.aeadSeal(key, nonce, aad, plaintext)
      },
      xaeadSeal: (key, nonce, aad, plaintext) => {
        this.#note(machine, key, nonce, aad, plaintext)
        return nativeCrypto.xaeadSeal(key, nonce, aad, plaintext)
      },
    }
  }

  #note(
    machine: string,
    key: Uint8Array,
    nonce: Uint8Array,
    aad: Uint8Array,
    plaintext: Uint8Array,
  ): void {
    const pair = createHash('sha256').update(key).update(nonce).digest('base64')
    const length = Buffer.alloc(4)
    length.writeUInt32BE(aad.length)
    const content = createHash('sha256')
      .update(length)
      .update(aad)
      .update(plaintext)
      .digest('base64')
    const before = this.#seen.get(pair)
    if (before === undefined) this.#seen.set(pair, content)
    else if (before !== content) {
      this.reused.push(
        `${machine}: ${plaintext.length} bytes under key and nonce ${pair.slice(0, 12)}`,
      )
    }
  }
}
