// How many inbound connections of one kind a remote address may have at once. libp2p bounds them in all
// only: one address would otherwise take every slot, of those in the air as of those that are open.
import type { MultiaddrConnection } from '@libp2p/interface'
import { hostOf } from './address.ts'
import { addressGroup } from './address-group.ts'

function groupOf(connection: MultiaddrConnection): string {
  return addressGroup(hostOf(connection.remoteAddr))
}

export class AddressCap {
  readonly #max: number
  readonly #counts = new Map<string, number>()
  readonly #counted = new WeakSet<MultiaddrConnection>()

  constructor(maxPerAddress: number) {
    this.#max = maxPerAddress
  }

  /** Takes a slot until {@link release} or the connection closes; false where none is left. */
  take(connection: MultiaddrConnection): boolean {
    const group = groupOf(connection)
    const count = this.#counts.get(group) ?? 0
    if (count >= this.#max) return false
    this.#counts.set(group, count + 1)
    this.#counted.add(connection)
    connection.addEventListener('close', () => this.release(connection))
    return true
  }

  release(connection: MultiaddrConnection): void {
    if (!this.#counted.delete(connection)) return
    const group = groupOf(connection)
    const count = this.#counts.get(group) ?? 0
    if (count <= 1) this.#counts.delete(group)
    else this.#counts.set(group, count - 1)
  }
}
