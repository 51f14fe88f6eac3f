// Sends receipts when they are due: at most one per two seconds and device (SPEC.md §10).
import { type Bytes32, toHex } from '../../crypto/index.ts'
import { receiptDelay, receiptDevices, sendReceipt } from '../../protocol/index.ts'
import type { Timer } from '../clock.ts'
import type { Core } from '../core.ts'

/** Wait after a receipt that could not be written. */
const AGAIN_MS = 1_000

interface Due {
  timer: Timer | undefined
  /** Something fell due while it was being looked at. */
  again: boolean
}

export class ReceiptTimer {
  readonly #core: Core
  /** By device: what is due, or is being looked at. */
  readonly #due = new Map<string, Due>()

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
    const known = this.#due.get(key)
    if (known !== undefined) {
      known.again = true
      return
    }
    // Reserved before the load, so that two marks do not arm two timers.
    const due: Due = { timer: undefined, again: true }
    this.#due.set(key, due)
    try {
      let delayMs: number | undefined
      while (delayMs === undefined && due.again) {
        due.again = false
        delayMs = await this.#core.ledger.read((turn) => receiptDelay(turn, device))
      }
      if (delayMs === undefined) this.#due.delete(key)
      else this.#arm(device, due, delayMs)
    } catch (error) {
      this.#due.delete(key)
      this.#core.log('receipt', String(error))
    }
  }

  stop(): void {
    for (const { timer } of this.#due.values()) timer?.cancel()
    this.#due.clear()
  }

  #arm(device: Bytes32, due: Due, delayMs: number): void {
    due.timer = this.#core.clock.after(delayMs, () => void this.#send(device, due))
  }

  async #send(device: Bytes32, due: Due): Promise<void> {
    const key = toHex(device)
    this.#due.delete(key)
    const { ledger, stopping, log } = this.#core
    try {
      await ledger.run((turn) => sendReceipt(turn, device))
    } catch (error) {
      if (stopping.aborted) return
      log('receipt', String(error))
      // What cannot be written at all is taken up when it can.
      if (!ledger.writable || this.#due.has(key)) return
      this.#due.set(key, due)
      this.#arm(device, due, AGAIN_MS)
    }
  }
}
