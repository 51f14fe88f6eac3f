// Sends receipts when they are due: at most one per two seconds and device (SPEC.md §10).
import { type Bytes32, toHex } from '../../crypto/index.ts'
import { receiptDelay, receiptDevices, sendReceipt } from '../../protocol/index.ts'
import type { Timer } from '../clock.ts'
import type { Core } from '../core.ts'

export class ReceiptTimer {
  readonly #core: Core
  readonly #timers = new Map<string, Timer>()

  constructor(core: Core) {
    this.#core = core
  }

  /** Takes up receipts that were due when the node was last stopped. */
  async start(): Promise<void> {
    for (const device of await this.#core.ledger.read(() => receiptDevices.all())) {
      void this.due(device)
    }
  }

  /** Sends every due receipt now: before a one-shot command ends. */
  async flush(): Promise<void> {
    for (const device of await this.#core.ledger.read(() => receiptDevices.all())) {
      await this.#core.ledger.run((turn) => sendReceipt(turn, device))
    }
  }

  /** A receipt is due to a device, now or within two seconds. */
  async due(device: Bytes32): Promise<void> {
    const key = toHex(device)
    if (this.#timers.has(key)) return
    // Reserved before the load, so that two marks do not arm two timers.
    this.#timers.set(key, { cancel: () => undefined })
    try {
      const delayMs = await this.#core.ledger.read((turn) => receiptDelay(turn, device))
      if (delayMs === undefined) {
        this.#timers.delete(key)
        return
      }
      const timer = this.#core.clock.after(delayMs, () => void this.#send(device, key))
      this.#timers.set(key, timer)
    } catch (error) {
      this.#timers.delete(key)
      this.#core.log('receipt', String(error))
    }
  }

  stop(): void {
    for (const timer of this.#timers.values()) timer.cancel()
    this.#timers.clear()
  }

  async #send(device: Bytes32, key: string): Promise<void> {
    this.#timers.delete(key)
    try {
      await this.#core.ledger.run((turn) => sendReceipt(turn, device))
    } catch (error) {
      if (!this.#core.stopping.aborted) this.#core.log('receipt', String(error))
    }
  }
}
