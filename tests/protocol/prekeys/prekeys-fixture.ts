// One device that offers prekeys, and two relays it offers them at.
import { type Prekey, openItem, openPrekey } from '../../../crypto/index.ts'
import { nativeCrypto } from '../../../node/native-crypto.ts'
import {
  type CardOffer,
  type PrekeyPlace,
  issuePrekeys,
  renewPrekeys,
} from '../../../protocol/index.ts'
import { counting } from '../../crypto/decoder-checks.ts'
import { account, device, deviceList } from '../../crypto/identity-fixture.ts'
import { Memory } from './memory-turn.ts'

export const DAY = 86_400_000
export const relay: PrekeyPlace = { serviceKey: counting(32, 1), mailboxId: counting(16, 1) }
export const other: PrekeyPlace = { serviceKey: counting(32, 2), mailboxId: counting(16, 2) }
export const offer: CardOffer = { list: deviceList(1), endpoints: [], rendezvous: [] }

export function started(): Memory {
  const memory = new Memory(nativeCrypto)
  memory.run((turn) => renewPrekeys(turn))
  return memory
}

/** Issues and opens, as whoever TAKEs them would. */
export function issue(memory: Memory, at: PrekeyPlace, opk: number, okem = 0): readonly Prekey[] {
  const items = memory.run((turn) => issuePrekeys(turn, at, { opk, okem }))
  const nowS = memory.nowMs / 1000
  const expected = { device: device(0).cert.device, serviceKey: at.serviceKey, nowS }
  const open = (kind: 1 | 2) => (item: Uint8Array) =>
    openPrekey(nativeCrypto, openItem(nativeCrypto, { account, ...at }, kind, item), {
      ...expected,
      kind,
    })
  return [...items.opk.map(open(1)), ...items.okem.map(open(2))]
}
