// What a stranger's first message needs, ready to be stored at a relay or handed over a stream: the
// signed card and one-time prekeys, as sealed items (SPEC.md §2, §9).
import {
  ADDRESSES_MAX,
  type Bytes32,
  CARD_LIFE_S,
  type CardFields,
  CryptoError,
  type DeviceEndpoints,
  EMPTY,
  type Rendezvous,
  sealItem,
  signCard,
} from '../../crypto/index.ts'
import { CARD_RENEW_MS } from '../limits.ts'
import type { Step, Turn } from '../step.ts'
import { issuePrekeys } from './issue.ts'
import { offeredPrekeys } from './renew.ts'
import type { PrekeyPlace } from './slots.ts'

/** What a card says beside the keys. */
export interface CardOffer {
  /** The own DeviceList, as signed. */
  readonly list: Uint8Array
  /** One row per device of the account whose endpoints are known. */
  readonly endpoints: readonly DeviceEndpoints[]
  readonly rendezvous: readonly Rendezvous[]
}

export interface CardItem {
  /** Also the version under which a relay stores it. */
  readonly issuedAtS: number
  /** The sealed item, a multiple of 512 bytes. */
  readonly item: Uint8Array
}

/** Whether a card of that time is to be signed again: weekly, so that readers see a fresh one. */
export function cardIsDue(issuedAtS: number, safeNowMs: number): boolean {
  return safeNowMs >= issuedAtS * 1000 + CARD_RENEW_MS
}

function withAddresses(fields: CardFields, perMailbox: number): CardFields {
  const endpoints = fields.endpoints.map((row) => ({
    ...row,
    mailboxes: row.mailboxes.map(({ serviceKey, addresses, mailboxId }) => ({
      serviceKey,
      mailboxId,
      addresses: addresses.slice(0, perMailbox),
    })),
  }))
  return { ...fields, endpoints }
}

/** Signs the card; drops further addresses of each relay until it fits. Capabilities stay out. */
function signFitting(turn: Turn, fields: CardFields): Uint8Array {
  for (let perMailbox = ADDRESSES_MAX; ; perMailbox--) {
    try {
      return signCard(turn.crypto, turn.self.deviceSeed, withAddresses(fields, perMailbox))
    } catch (error) {
      const isTooLarge = error instanceof CryptoError && error.code === 'ERR_PROTOCOL_LIMIT'
      if (!isTooLarge || perMailbox === 1) throw error
    }
  }
}

/**
 * The card of this device, sealed for one place. `heldS` is issued-at of the one that lies there, 0 for
 * none: it is the version, and a relay keeps the higher one, whatever else was said in that second.
 */
export function* buildCard(
  turn: Turn,
  place: PrekeyPlace,
  offer: CardOffer,
  heldS: number,
): Step<CardItem> {
  const issuedAtS = Math.max(Math.floor(turn.safeNowMs / 1000), heldS + 1)
  const content = signFitting(turn, {
    ...(yield* offeredPrekeys(turn)),
    ...offer,
    issuedAtS,
    expiresAtS: issuedAtS + CARD_LIFE_S,
  })
  const itemPlace = { account: turn.self.account, ...place }
  return { issuedAtS, item: sealItem(turn.crypto, turn.random, itemPlace, { kind: 0, content }) }
}

/** The answer to a card-request on a direct stream: three items, the last two possibly empty. */
export interface DirectBundle {
  readonly card: Uint8Array
  readonly opk: Uint8Array
  readonly okem: Uint8Array
}

/** The place of direct bundles: the home host's transport key, and 16 zeros. */
export function directPlace(transportKey: Bytes32): PrekeyPlace {
  return { serviceKey: transportKey, mailboxId: new Uint8Array(16) }
}

/** A bundle for one direct peer, with one-time prekeys of its own while few wait for their use. */
export function* buildDirectBundle(
  turn: Turn,
  transportKey: Bytes32,
  offer: CardOffer,
): Step<DirectBundle> {
  const place = directPlace(transportKey)
  const { item: card } = yield* buildCard(turn, place, offer, 0)
  const { opk, okem } = yield* issuePrekeys(turn, place, { opk: 1, okem: 1 })
  return { card, opk: opk[0] ?? EMPTY, okem: okem[0] ?? EMPTY }
}
