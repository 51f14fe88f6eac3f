// Slots partition the ids of one-time prekeys by the relay they were issued to, so that an id that is
// used twice names the relay that handed it out twice (SPEC.md §4).
import { type Bytes16, type Bytes32, equalBytes, readU64 } from '../../crypto/index.ts'
import { ProtocolError } from '../errors.ts'
import { PREKEY_SLOTS_MAX, PREKEY_SLOT_REUSE_MS } from '../limits.ts'
import { type Step, type Turn, range } from '../step.ts'
import { type PrekeySlot, prekeySlots } from './tables.ts'

/** Where one-time prekeys are handed out: a relay's mailbox, or the home host with 16 zeros. */
export interface PrekeyPlace {
  readonly serviceKey: Bytes32
  readonly mailboxId: Bytes16
}

export interface NumberedSlot extends PrekeySlot {
  readonly slot: number
}

/** All slots, ascending. */
export function* allSlots(): Step<readonly NumberedSlot[]> {
  const { owner } = prekeySlots.place(0)
  const rows = yield* range(prekeySlots, { owner, limit: PREKEY_SLOTS_MAX })
  return rows.map(({ order, value }) => ({ slot: readU64(order, 0), ...value }))
}

function isAt(slot: PrekeySlot, place: PrekeyPlace): boolean {
  return (
    slot.endedAtMs === 0 &&
    equalBytes(slot.serviceKey, place.serviceKey) &&
    equalBytes(slot.mailboxId, place.mailboxId)
  )
}

/**
 * The slot in use at a place, or a free one: never used, or ended 180 days ago. Throws
 * ERR_PROTOCOL_LIMIT where all 255 are taken.
 */
export function* slotAt(turn: Turn, place: PrekeyPlace): Step<NumberedSlot> {
  const slots = yield* allSlots()
  const known = slots.find((slot) => isAt(slot, place))
  if (known !== undefined) return known
  for (let slot = 1; slot <= PREKEY_SLOTS_MAX; slot++) {
    const taken = slots.find((other) => other.slot === slot)
    const isFree =
      taken === undefined ||
      (taken.endedAtMs > 0 && turn.safeNowMs >= taken.endedAtMs + PREKEY_SLOT_REUSE_MS)
    if (!isFree) continue
    const { serviceKey, mailboxId } = place
    // The counters of a slot go on where they were: an id is never given twice.
    const { nextOpk, nextOkem } = taken ?? { nextOpk: 1, nextOkem: 1 }
    const created = { serviceKey, mailboxId, nextOpk, nextOkem, endedAtMs: 0 }
    turn.put(prekeySlots, slot, created)
    return { slot, ...created }
  }
  throw new ProtocolError('ERR_PROTOCOL_LIMIT', 'every prekey slot is taken', {
    detail: { limit: PREKEY_SLOTS_MAX },
  })
}

/** Ends the slot of a mailbox that left the list. Its secrets stay until used or over. */
export function* endSlot(turn: Turn, place: PrekeyPlace): Step<void> {
  const slots = yield* allSlots()
  for (const { slot, ...record } of slots) {
    if (isAt(record, place)) {
      turn.put(prekeySlots, slot, { ...record, endedAtMs: turn.safeNowMs })
    }
  }
}
