// This device's mailboxes, one per relay it chose, by prekey slot (SPEC.md §4, §12).
import {
  ADDRESS_MAX_BYTES,
  type Bytes8,
  type Bytes16,
  type Bytes32,
  EMPTY,
  MAILBOXES_MAX,
  equalBytes,
  hkdf,
  label,
  u32,
} from '../../crypto/index.ts'
import { ProtocolError } from '../errors.ts'
import { RELAY_SLOTS_MAX } from '../limits.ts'
import { encodeRecord, orEmpty, readRecord, text, textField } from '../record.ts'
import type { Self } from '../self.ts'
import { type Step, type Table, type Turn, get, range } from '../step.ts'

export interface OwnMailbox {
  /** 1..255: names this relay in prekey ids; not reused within 180 days. */
  readonly slot: number
  readonly serviceKey: Bytes32
  /** Multiaddr without /p2p. */
  readonly address: string
  /** The transport key that the address named when the relay was chosen. */
  readonly transportKey: Bytes32
  readonly mailboxId: Bytes16
  /** Generation of the mailbox secret: all capabilities die when it rises. */
  readonly generation: number
  /** As last shown by the relay; another one means that it lost its store. */
  readonly incarnation: Bytes8 | undefined
  readonly headSequence: number
  readonly cardIssuedAtS: number
  /** Its relay was left; kept so that the slot stays taken. */
  readonly retired: boolean
}

export const ownMailboxes: Table<number, OwnMailbox> = {
  name: 'own-mailboxes',
  sealing: 'value',
  rows: 'few',
  place: (slot) => ({ owner: EMPTY, order: Uint8Array.of(slot) }),
  encode: (own) =>
    encodeRecord([
      own.slot,
      own.serviceKey,
      text(own.address),
      own.transportKey,
      own.mailboxId,
      own.generation,
      orEmpty(own.incarnation),
      own.headSequence,
      own.cardIssuedAtS,
      own.retired ? 1 : 0,
    ]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'own mailbox')
    return {
      slot: fields.uint('slot', RELAY_SLOTS_MAX),
      serviceKey: fields.bytes('serviceKey', 32),
      address: textField(fields, 'address', ADDRESS_MAX_BYTES),
      transportKey: fields.bytes('transportKey', 32),
      mailboxId: fields.bytes('mailboxId', 16),
      generation: fields.uint('generation'),
      incarnation: fields.optional('incarnation', 8),
      headSequence: fields.uint('head'),
      cardIssuedAtS: fields.uint('cardIssuedAt'),
      retired: fields.flag('retired'),
    }
  },
}

/** A relay that was chosen, whether or not it was ever met. */
export interface RelayChoice {
  readonly slot: number
  /** Multiaddr without /p2p. */
  readonly address: string
  /** The transport key that the address names: its certificate tells the service key. */
  readonly transportKey: Bytes32
  /** The operator's token, as ASCII; "" where a mailbox needs none. */
  readonly ticket: string
}

export const relayChoices: Table<number, RelayChoice> = {
  name: 'relay-choices',
  sealing: 'value',
  rows: 'few',
  place: (slot) => ({ owner: EMPTY, order: Uint8Array.of(slot) }),
  encode: (choice) =>
    encodeRecord([choice.slot, text(choice.address), choice.transportKey, text(choice.ticket)]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'relay choice')
    return {
      slot: fields.uint('slot', RELAY_SLOTS_MAX),
      address: textField(fields, 'address', ADDRESS_MAX_BYTES),
      transportKey: fields.bytes('transportKey', 32),
      ticket: fields.left > 0 ? textField(fields, 'ticket', 64) : '',
    }
  },
}

/** The relays this device uses. */
export function* allRelayChoices(): Step<readonly RelayChoice[]> {
  const rows = yield* range(relayChoices, { owner: EMPTY, limit: RELAY_SLOTS_MAX })
  return rows.map((row) => row.value)
}

/**
 * Chooses a relay; at most three at a time. One that was chosen already keeps its slot: it may have
 * moved to another address, or be come back to.
 */
export function* chooseRelay(
  turn: Turn,
  { address, transportKey, ticket }: Omit<RelayChoice, 'slot'>,
): Step<RelayChoice> {
  const choices = yield* allRelayChoices()
  const same = choices.find((one) => equalBytes(one.transportKey, transportKey))
  if (same !== undefined) {
    const renewed = { ...same, address, ticket: ticket === '' ? same.ticket : ticket }
    if (renewed.address === same.address && renewed.ticket === same.ticket) return same
    turn.put(relayChoices, same.slot, renewed)
    return renewed
  }
  if (choices.length >= MAILBOXES_MAX) {
    throw new ProtocolError('ERR_PROTOCOL_LIMIT', 'a device uses at most three relays', {
      detail: { reason: 'relays', max: MAILBOXES_MAX },
    })
  }
  const mailboxes = yield* allOwnMailboxes()
  const left = mailboxes.find((own) => own.retired && equalBytes(own.transportKey, transportKey))
  if (left !== undefined) turn.put(ownMailboxes, left.slot, { ...left, retired: false })
  const slot = left?.slot ?? freeSlot([...choices, ...mailboxes])
  const choice = { slot, address, transportKey, ticket }
  turn.put(relayChoices, slot, choice)
  return choice
}

function freeSlot(taken: readonly { readonly slot: number }[]): number {
  const used = new Set(taken.map((one) => one.slot))
  let slot = 1
  while (used.has(slot)) slot += 1
  return slot
}

/** Leaves a relay: its mailbox is told to nobody from now on. Its slot stays taken (SPEC.md §4). */
export function* leaveRelay(turn: Turn, slot: number): Step<void> {
  turn.remove(relayChoices, slot)
  const own = yield* get(ownMailboxes, slot)
  if (own !== undefined) turn.put(ownMailboxes, slot, { ...own, retired: true })
}

/** All mailboxes, retired ones included. */
export function* allOwnMailboxes(): Step<readonly OwnMailbox[]> {
  const rows = yield* range(ownMailboxes, { owner: EMPTY, limit: RELAY_SLOTS_MAX })
  return rows.map((row) => row.value)
}

/** The mailboxes that are told to others. */
export function* activeMailboxes(): Step<readonly OwnMailbox[]> {
  return (yield* allOwnMailboxes()).filter((own) => !own.retired)
}

/** Ed25519 seed that owns this device's mailbox at a relay: unlike at any other relay. */
export function mailboxOwnerSeed(
  turn: Pick<Turn, 'crypto'>,
  self: Self,
  serviceKey: Bytes32,
): Bytes32 {
  return hkdf(turn.crypto, serviceKey, self.mailboxRoot, label('mailbox-owner'), 32)
}

/** The secret handed to the relay at OPEN, from which it derives capability keys. */
export function mailboxSecret(
  turn: Pick<Turn, 'crypto'>,
  self: Self,
  serviceKey: Bytes32,
  generation: number,
): Bytes32 {
  const info = new Uint8Array([...label('mailbox-secret'), ...u32(generation)])
  return hkdf(turn.crypto, serviceKey, self.mailboxRoot, info, 32)
}
