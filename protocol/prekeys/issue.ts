// One-time prekeys: made in batches for one relay, handed over as sealed items (SPEC.md §2, §4).
import {
  type PrekeyKind,
  PREKEY_LIFE_S,
  prekeyId,
  sealItem,
  signPrekey,
  u64,
} from '../../crypto/index.ts'
import {
  OKEM_OUTSTANDING_MAX,
  OKEM_PER_RELAY,
  OKEM_REFILL_BELOW,
  OPK_OUTSTANDING_MAX,
  OPK_PER_RELAY,
  OPK_REFILL_BELOW,
} from '../limits.ts'
import { type Step, type Turn, range } from '../step.ts'
import { type NumberedSlot, type PrekeyPlace, slotAt } from './slots.ts'
import { type PrekeySlot, prekeySecrets, prekeySlots } from './tables.ts'

export interface PrekeyCounts {
  readonly opk: number
  readonly okem: number
}

/** Items as PREKEY.PUT takes them: 178 and 1 332 bytes each. */
export interface PrekeyItems {
  readonly opk: readonly Uint8Array[]
  readonly okem: readonly Uint8Array[]
}

/** How many to issue to a relay that has so many left: none, or up to 100 and 20. */
export function refillCounts(left: PrekeyCounts): PrekeyCounts {
  return {
    opk: left.opk < OPK_REFILL_BELOW ? OPK_PER_RELAY - left.opk : 0,
    okem: left.okem < OKEM_REFILL_BELOW ? OKEM_PER_RELAY - left.okem : 0,
  }
}

const TYPES = {
  opk: { kind: 1, secretBytes: 32, outstandingMax: OPK_OUTSTANDING_MAX, next: 'nextOpk' },
  okem: { kind: 2, secretBytes: 64, outstandingMax: OKEM_OUTSTANDING_MAX, next: 'nextOkem' },
} as const satisfies Record<
  string,
  {
    readonly kind: PrekeyKind
    readonly secretBytes: number
    readonly outstandingMax: number
    readonly next: keyof PrekeySlot
  }
>
type OneTimeKind = keyof typeof TYPES

/** Secrets of a slot that wait for their use, counted up to `limit`. */
function* outstanding(kind: OneTimeKind, slot: number, limit: number): Step<number> {
  const { owner } = prekeySecrets.place({ kind, id: 0 })
  const from = u64(prekeyId(slot, 1))
  const to = u64((slot + 1) * 2 ** 24)
  return (yield* range(prekeySecrets, { owner, from, to, limit })).length
}

function issueOne(turn: Turn, kind: OneTimeKind, slot: NumberedSlot, counter: number): Uint8Array {
  const type = TYPES[kind]
  const secret = turn.random(type.secretBytes)
  const id = prekeyId(slot.slot, counter)
  const notAfterS = Math.floor(turn.safeNowMs / 1000) + PREKEY_LIFE_S
  const publicKey =
    kind === 'opk' ? turn.crypto.x25519PublicKey(secret) : turn.crypto.mlkemPublicKey(secret)
  const { serviceKey, mailboxId } = slot
  const prekey = { kind: type.kind, id, serviceKey, notAfterS, publicKey }
  const content = signPrekey(turn.crypto, turn.self.deviceSeed, prekey)
  turn.put(prekeySecrets, { kind, id }, { secret, endsAtMs: notAfterS * 1000 })
  const place = { account: turn.self.account, serviceKey, mailboxId }
  return sealItem(turn.crypto, turn.random, place, { kind: type.kind, content })
}

/**
 * Makes one-time prekeys for a place and keeps their secrets. Fewer than asked for where too many
 * wait for their use already: whoever drains a relay costs its owner one-time keys, not disk.
 */
export function* issuePrekeys(
  turn: Turn,
  place: PrekeyPlace,
  counts: PrekeyCounts,
): Step<PrekeyItems> {
  let slot = yield* slotAt(turn, place)
  const items: Record<OneTimeKind, Uint8Array[]> = { opk: [], okem: [] }
  for (const kind of ['opk', 'okem'] as const) {
    const { outstandingMax, next } = TYPES[kind]
    const waiting = yield* outstanding(kind, slot.slot, outstandingMax)
    const count = Math.max(0, Math.min(counts[kind], outstandingMax - waiting))
    for (let i = 0; i < count; i++) items[kind].push(issueOne(turn, kind, slot, slot[next] + i))
    slot = { ...slot, [next]: slot[next] + count }
  }
  const { slot: number, ...record } = slot
  turn.put(prekeySlots, number, record)
  return items
}
