// What a card of this device says beside its keys, and what of it tells when a new one is due.
import type { Rendezvous } from '../../crypto/index.ts'
import { ProtocolError } from '../errors.ts'
import type { CardOffer } from '../prekeys/bundle.ts'
import { currentSealKey } from '../prekeys/renew.ts'
import { profile } from '../profile.ts'
import { type Step, type Turn, get } from '../step.ts'
import { deviceLists } from './device-lists.ts'
import { activeMailboxes } from './own-mailbox.ts'

/** Seal key id and endpoints counter that a card named. */
export interface CardMark {
  readonly sealId: number
  readonly counter: number
}

/** What a card that is made now names. */
export function* cardMark(turn: Turn): Step<CardMark> {
  const seal = yield* currentSealKey(turn)
  const { endpointsCounter } = yield* profile()
  return { sealId: seal.id, counter: endpointsCounter }
}

export function sameMark(a: CardMark | undefined, b: CardMark): boolean {
  return a?.sealId === b.sealId && a.counter === b.counter
}

/** The device list, where this device is reached, and the account's rendezvous mailboxes. */
export function* cardOffer(turn: Turn, rendezvous: readonly Rendezvous[]): Step<CardOffer> {
  const list = yield* get(deviceLists, turn.self.account)
  if (list === undefined) throw new ProtocolError('ERR_PROTOCOL_STATE', 'no device list of our own')
  const { endpointsCounter: counter } = yield* profile()
  const mailboxes = (yield* activeMailboxes()).map(({ serviceKey, address, mailboxId }) => ({
    serviceKey,
    addresses: [address],
    mailboxId,
  }))
  return {
    list: list.bytes,
    endpoints: [{ device: turn.self.device, counter, mailboxes }],
    rendezvous,
  }
}
