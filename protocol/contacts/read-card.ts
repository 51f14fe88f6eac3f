// Reading the card of an account from where it lay (SPEC.md §2.5).
import {
  type Bytes16,
  type Bytes32,
  type Card,
  openCard,
  openDeviceList,
  openItem,
} from '../../crypto/index.ts'
import { deviceLists } from '../peers/device-lists.ts'
import { type Step, type Turn, get } from '../step.ts'

/** A mailbox at a relay; a home host and 16 zeros for what came over a stream. */
export interface CardPlace {
  readonly serviceKey: Bytes32
  readonly mailboxId: Bytes16
}

/** Opens and checks a card; throws CryptoError where it cannot be used. */
export function* readCardAt(
  turn: Turn,
  account: Bytes32,
  place: CardPlace,
  item: Uint8Array,
): Step<Card> {
  const content = openItem(turn.crypto, { account, ...place }, 0, item)
  const known = yield* get(deviceLists, account)
  const nowS = Math.floor(turn.nowMs / 1000)
  const highest = known === undefined ? {} : { highest: openDeviceList(turn.crypto, known.bytes) }
  return openCard(turn.crypto, content, { account, nowS, ...highest })
}
