// Streams that a device keeps to the home hosts of its contacts where nobody can bring anything to
// it: it listens nowhere and has no mailbox, so what waits for it comes on streams that it opened
// (SPEC.md §9.2).
import type { Bytes32 } from '../../crypto/index.ts'
import {
  allContacts,
  allRelayChoices,
  contactOf,
  get,
  isAccepted,
  knownDevices,
  peers,
} from '../../protocol/index.ts'
import type { Core } from '../core.ts'
import { STANDING_STREAMS_MAX } from '../net/limits.ts'
import type { Host } from '../transport.ts'

export class StandingStreams {
  readonly #core: Core
  readonly #host: Pick<Host, 'addresses'>
  /** Opens the stream with a device where there is none; tries again later by itself. */
  readonly #connect: (device: Bytes32) => Promise<unknown>

  constructor(
    core: Core,
    host: Pick<Host, 'addresses'>,
    connect: (device: Bytes32) => Promise<unknown>,
  ) {
    this.#core = core
    this.#host = host
    this.#connect = connect
  }

  /** Opens them at a start, to the first contacts that name an address. */
  async start(): Promise<void> {
    if (!(await this.#isUnreachable())) return
    const devices = await this.#core.ledger.read(function* () {
      const found: Bytes32[] = []
      for (const contact of yield* allContacts()) {
        if (!isAccepted(contact)) continue
        for (const { device } of yield* knownDevices(contact.account)) {
          const home = (yield* get(peers, device))?.endpoints.home
          if (home !== undefined && home.addresses.length > 0) found.push(device)
        }
      }
      return found.slice(0, STANDING_STREAMS_MAX)
    })
    for (const device of devices) this.#open(device)
  }

  /** A stream with a device ended, or could not be opened a while ago. */
  async renew(device: Bytes32): Promise<void> {
    if (!(await this.#isUnreachable())) return
    const isAccepting = await this.#core.ledger.read(function* () {
      const peer = yield* get(peers, device)
      return peer !== undefined && isAccepted(yield* contactOf(peer.account))
    })
    if (isAccepting) this.#open(device)
  }

  async #isUnreachable(): Promise<boolean> {
    if (this.#core.stopping.aborted || this.#host.addresses().length > 0) return false
    return (await this.#core.ledger.read(() => allRelayChoices())).length === 0
  }

  #open(device: Bytes32): void {
    this.#connect(device).catch((error: unknown) => {
      if (!this.#core.stopping.aborted) this.#core.log('direct', `standing: ${String(error)}`)
    })
  }
}
