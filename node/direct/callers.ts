// Who may be met at which home host: the devices of accepted peers that named its key, or proved on
// its stream to be there (SPEC.md §9.2). Several may name one host; none takes it from another, for
// a name is a claim that anybody can make.
import { type Bytes32, equalBytes, toHex } from '../../crypto/index.ts'

export interface Caller {
  readonly device: Bytes32
  readonly account: Bytes32
}

export class Callers {
  /** By transport key, in hex. */
  readonly #byHost = new Map<string, readonly Caller[]>()

  has(transportKey: Bytes32): boolean {
    return this.at(transportKey).length > 0
  }

  at(transportKey: Bytes32): readonly Caller[] {
    return this.#byHost.get(toHex(transportKey)) ?? []
  }

  /** The hosts where a device may be met, in hex. */
  hostsOf(device: Bytes32): readonly string[] {
    const isThere = (caller: Caller): boolean => equalBytes(caller.device, device)
    return [...this.#byHost].flatMap(([host, callers]) => (callers.some(isThere) ? [host] : []))
  }

  /** A device may be met at this host too. False: that was known. */
  add(transportKey: Bytes32, caller: Caller): boolean {
    const there = this.at(transportKey)
    if (there.some(({ device }) => equalBytes(device, caller.device))) return false
    this.#byHost.set(toHex(transportKey), [...there, caller])
    return true
  }

  /** A device is met nowhere any more. */
  forget(device: Bytes32): void {
    this.#drop((caller) => equalBytes(caller.device, device))
  }

  /** An account is met nowhere any more; the hosts where nobody else is, in hex. */
  forgetAccount(account: Bytes32): readonly string[] {
    return this.#drop((caller) => equalBytes(caller.account, account))
  }

  #drop(isGone: (caller: Caller) => boolean): readonly string[] {
    const left: string[] = []
    for (const [host, callers] of this.#byHost) {
      const others = callers.filter((caller) => !isGone(caller))
      if (others.length > 0) this.#byHost.set(host, others)
      else {
        this.#byHost.delete(host)
        left.push(host)
      }
    }
    return left
  }
}
