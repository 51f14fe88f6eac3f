// The devices of an account, by the highest list we know.
import type { Bytes32 } from '../../crypto/index.ts'
import { type Step, get } from '../step.ts'
import { type ListedDevice, deviceLists } from './device-lists.ts'

/** None while no list of the account is known. */
export function* knownDevices(account: Bytes32): Step<readonly ListedDevice[]> {
  return (yield* get(deviceLists, account))?.devices ?? []
}
