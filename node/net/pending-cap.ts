// How many inbound handshakes one remote address may have in the air. libp2p bounds them in all
// only, and a dozen idle sockets of one address would otherwise hold every slot.
import type { MultiaddrConnection } from '@libp2p/interface'
import { hostOf } from './address.ts'

export class PendingCap {
  readonly #max: number
  readonly #pending = new Map<string, number>()
  readonly #counted = new WeakSet<MultiaddrConnection>()

  constructor(maxPerAddress: number) {
    this.#max = maxPerAddress
  }

  /** Takes a slot until {@link release} or the connection closes; false where none is left. */
  take(connection: MultiaddrConnection): boolean {
    const address = hostOf(connection.remoteAddr)
    const count = this.#pending.get(address) ?? 0
    if (count >= this.#max) return false
    this.#pending.set(address, count + 1)
    this.#counted.add(connection)
    connection.addEventListener('close', () => this.release(connection))
    return true
  }

  release(connection: MultiaddrConnection): void {
    if (!this.#counted.delete(connection)) return
    const address = hostOf(connection.remoteAddr)
    const count = this.#pending.get(address) ?? 0
    if (count <= 1) this.#pending.delete(address)
    else this.#pending.set(address, count - 1)
  }
}
