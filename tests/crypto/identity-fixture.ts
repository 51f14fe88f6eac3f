// Fixed people for the tests of identity.
import { type DeviceCert, noble, signDeviceCert, signDeviceList } from '../../crypto/index.ts'
import { counting } from './decoder-checks.ts'

export const accountSeed: Uint8Array<ArrayBuffer> = counting(32, 1)
export const account: Uint8Array<ArrayBuffer> = noble.ed25519PublicKey(accountSeed)
/** Unix seconds of the fixtures: 2026-11-24. */
export const NOW_S = 1_795_500_000

/** The n-th device of the account. */
export function device(n: number): {
  readonly seed: Uint8Array<ArrayBuffer>
  readonly dhSecret: Uint8Array<ArrayBuffer>
  readonly cert: DeviceCert
} {
  const seed = counting(32, 40 + n)
  const dhSecret = counting(32, 80 + n)
  const cert = signDeviceCert(noble, account, seed, noble.x25519PublicKey(dhSecret))
  return { seed, dhSecret, cert }
}

/** A list of the first `count` devices. */
export function deviceList(count: number): Uint8Array<ArrayBuffer> {
  return signDeviceList(noble, accountSeed, {
    version: NOW_S,
    devices: Array.from({ length: count }, (_, n) => device(n).cert),
    revoked: [],
  })
}
