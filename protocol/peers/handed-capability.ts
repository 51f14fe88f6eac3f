// Which capability of which of our mailboxes a device was handed: a random id per contact device,
// rotated when it was used for a week, so that the relay sees a pseudonym and no more (SPEC.md §12).
import {
  type Bytes8,
  type Bytes32,
  EMPTY,
  MAILBOXES_MAX,
  type Mailbox,
  concat,
} from '../../crypto/index.ts'
import { CAPABILITY_LIFE_S, CAPABILITY_RENEW_BEFORE_S, CAPABILITY_ROTATE_S } from '../limits.ts'
import { encodeRecord, readRecord } from '../record.ts'
import { deriveCapKey, encodeCapability } from '../relay/capability.ts'
import { type Step, type Table, type Turn, get } from '../step.ts'
import { type OwnMailbox, activeMailboxes, mailboxSecret } from './own-mailbox.ts'

interface HandedCapability {
  readonly capId: Bytes8
  readonly expiresAtS: number
  readonly issuedAtS: number
  readonly generation: number
}

const handed: Table<{ device: Bytes32; serviceKey: Bytes32 }, HandedCapability> = {
  name: 'capabilities',
  sealing: 'value',
  place: ({ device, serviceKey }) => ({ owner: concat(device, serviceKey), order: EMPTY }),
  encode: (row) => encodeRecord([row.capId, row.expiresAtS, row.issuedAtS, row.generation]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'capability')
    return {
      capId: fields.bytes('capId', 8),
      expiresAtS: fields.uint('expiresAt'),
      issuedAtS: fields.uint('issuedAt'),
      generation: fields.uint('generation'),
    }
  },
}

/** The capId -> device direction: whom a deposit's capability was handed to. */
const holders: Table<Bytes8, Bytes32> = {
  name: 'cap-holders',
  sealing: 'value',
  place: (capId) => ({ owner: EMPTY, order: capId }),
  encode: (device) => encodeRecord([device]),
  decode: (bytes) => readRecord(bytes, 'capability holder').bytes('device', 32),
}

/** The device that a capability of ours was handed to; undefined for a stranger's. */
export function* capabilityHolder(capId: Bytes8): Step<Bytes32 | undefined> {
  return yield* get(holders, capId)
}

/** Our mailbox as told to one device: with a capability of its own, fresh enough to last. */
export function* mailboxFor(turn: Turn, own: OwnMailbox, device: Bytes32): Step<Mailbox> {
  const { serviceKey, generation } = own
  const nowS = Math.floor(turn.nowMs / 1000)
  let row = yield* get(handed, { device, serviceKey })
  if (
    row === undefined ||
    row.generation !== generation ||
    nowS >= row.issuedAtS + CAPABILITY_ROTATE_S
  ) {
    row = {
      capId: turn.random(8),
      expiresAtS: nowS + CAPABILITY_LIFE_S,
      issuedAtS: nowS,
      generation,
    }
    turn.put(handed, { device, serviceKey }, row)
    turn.put(holders, row.capId, device)
  }
  const secret = mailboxSecret(turn, turn.self, serviceKey, generation)
  const capability = { lane: 0, expiresS: row.expiresAtS, capId: row.capId }
  const capKey = deriveCapKey(turn.crypto, serviceKey, secret, capability)
  return {
    serviceKey,
    addresses: [own.address],
    mailboxId: own.mailboxId,
    capability: encodeCapability({ ...capability, capKey }),
  }
}

/**
 * Whether a device should be told our mailboxes again: a capability of it was used for a week, or
 * ends within a month, used or not.
 */
export function* capabilityIsDue(turn: Turn, device: Bytes32, heardAtMs: number): Step<boolean> {
  const nowS = Math.floor(turn.nowMs / 1000)
  for (const { serviceKey } of (yield* activeMailboxes()).slice(0, MAILBOXES_MAX)) {
    const row = yield* get(handed, { device, serviceKey })
    if (row === undefined) continue
    const used = heardAtMs > row.issuedAtS * 1000
    if (used && nowS >= row.issuedAtS + CAPABILITY_ROTATE_S) return true
    if (nowS >= row.expiresAtS - CAPABILITY_RENEW_BEFORE_S) return true
  }
  return false
}

/** All our mailboxes as told to one device. */
export function* mailboxesFor(turn: Turn, device: Bytes32): Step<readonly Mailbox[]> {
  const out: Mailbox[] = []
  for (const own of (yield* activeMailboxes()).slice(0, MAILBOXES_MAX)) {
    out.push(yield* mailboxFor(turn, own, device))
  }
  return out
}
