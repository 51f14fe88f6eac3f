// A device list that an account's own device sent: adopted where it verifies and is the higher one.
import {
  type Bytes32,
  CryptoError,
  type DeviceList,
  equalBytes,
  openDeviceList,
} from '../../crypto/index.ts'
import { adoptDeviceList } from '../peers/device-lists.ts'
import type { Step, Turn } from '../step.ts'
import { followDevices } from './follow-devices.ts'

/** A list of anybody else's account, or one that does not verify, is nothing. */
export function* takeList(turn: Turn, account: Bytes32, bytes: Uint8Array): Step<void> {
  let list: DeviceList
  try {
    list = openDeviceList(turn.crypto, bytes)
  } catch (error) {
    if (error instanceof CryptoError) return
    throw error
  }
  if (!equalBytes(list.account, account)) return
  if ((yield* adoptDeviceList(turn, list)) === 'adopted') yield* followDevices(turn, account)
}
