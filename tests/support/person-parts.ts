// What a person of the delivery tests has beside machines: relays, and an account with its list.
import {
  type Bytes16,
  type Bytes32,
  type Random,
  noble,
  signDeviceCert,
  signDeviceList,
  toHex,
} from '../../crypto/index.ts'
import type { Self } from '../../protocol/index.ts'

export const START_MS = 1_700_000_000_000

/** A relay: mailboxes of envelopes, and what it does wrong. */
export class Relay {
  readonly serviceKey: Bytes32
  incarnation: Uint8Array
  /** Signs for what it throws away. */
  lies = false
  readonly boxes = new Map<string, { readonly env: Uint8Array; readonly storedAtS: number }[]>()

  constructor(random: Random) {
    this.serviceKey = random(32)
    this.incarnation = random(8)
  }

  box(mailboxId: Bytes16): { readonly env: Uint8Array; readonly storedAtS: number }[] {
    const key = toHex(mailboxId)
    let box = this.boxes.get(key)
    if (box === undefined) this.boxes.set(key, (box = []))
    return box
  }

  /** Loses everything and says so by another incarnation. */
  lose(random: Random): void {
    this.boxes.clear()
    this.incarnation = random(8)
  }
}

/** An account whose list can change: to restore it on another device. */
export class Account {
  readonly seed: Uint8Array
  readonly key: Bytes32
  version = START_MS / 1_000

  constructor(random: Random) {
    this.seed = random(32)
    this.key = noble.ed25519PublicKey(this.seed)
  }

  list(devices: readonly Self[], revoked: readonly Bytes32[] = []): Uint8Array {
    const certs = devices.map((self) => signDeviceCert(noble, this.key, self.deviceSeed, self.dh))
    return signDeviceList(noble, this.seed, { version: this.version, devices: certs, revoked })
  }
}
