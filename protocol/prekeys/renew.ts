// The keys a card offers to everybody: signed prekey, last-resort ML-KEM key, seal key. Renewed
// every 7 days; the old ones stay as retention.ts says (SPEC.md §4).
import { type OfferedKey, type SealKey, prekeyId, prekeySlot, readU64 } from '../../crypto/index.ts'
import { ProtocolError } from '../errors.ts'
import { PREKEY_RENEW_MS, SEAL_KEYS_MAX } from '../limits.ts'
import { type Step, type Turn, get, range } from '../step.ts'
import { type CurrentPrekeys, type SecretKey, currentPrekeys, prekeySecrets } from './tables.ts'

const SEAL_IDS = 255

/** Slot-0 ids are counters alone. */
function nextId(id: number): number {
  return prekeyId(prekeySlot(id), id + 1)
}

function* end(turn: Turn, key: SecretKey): Step<void> {
  const known = yield* get(prekeySecrets, key)
  if (known !== undefined) turn.put(prekeySecrets, key, { ...known, endsAtMs: turn.safeNowMs })
}

function put(turn: Turn, key: SecretKey, secretLength: number): void {
  turn.put(prekeySecrets, key, { secret: turn.random(secretLength), endsAtMs: 0 })
}

/**
 * Makes the first keys, or new ones where the current ones are 7 days old, and asks for the cards to
 * be published. Says whether it did. `force` renews whatever their age.
 */
export function* renewPrekeys(turn: Turn, force: boolean = false): Step<boolean> {
  const old = yield* get(currentPrekeys, 'current')
  if (old !== undefined && !force && turn.safeNowMs < old.renewedAtMs + PREKEY_RENEW_MS) {
    return false
  }
  if (old !== undefined) {
    yield* end(turn, { kind: 'spk', id: old.spkId })
    yield* end(turn, { kind: 'kem', id: old.kemId })
    yield* end(turn, { kind: 'seal', id: old.sealId })
  }
  const current: CurrentPrekeys = {
    spkId: nextId(old?.spkId ?? 0),
    kemId: nextId(old?.kemId ?? 0),
    sealId: ((old?.sealId ?? 0) % SEAL_IDS) + 1,
    renewedAtMs: turn.safeNowMs,
  }
  put(turn, { kind: 'spk', id: current.spkId }, 32)
  put(turn, { kind: 'kem', id: current.kemId }, 64)
  put(turn, { kind: 'seal', id: current.sealId }, 32)
  turn.put(currentPrekeys, 'current', current)
  turn.effect({ kind: 'publish' })
  return true
}

/** The public keys a card offers. */
export interface OfferedPrekeys {
  readonly signedPrekey: OfferedKey
  readonly lastResortKem: OfferedKey
  readonly sealKey: OfferedKey
}

function* secretOf(key: SecretKey): Step<Uint8Array> {
  const record = yield* get(prekeySecrets, key)
  if (record === undefined) {
    throw new ProtocolError('ERR_PROTOCOL_STATE', `the current ${key.kind} key is missing`)
  }
  return record.secret
}

function* current(): Step<CurrentPrekeys> {
  const record = yield* get(currentPrekeys, 'current')
  if (record === undefined) {
    throw new ProtocolError('ERR_PROTOCOL_STATE', 'prekeys were never made: renew them first')
  }
  return record
}

/** What the next card offers. Throws ERR_PROTOCOL_STATE before the first {@link renewPrekeys}. */
export function* offeredPrekeys(turn: Turn): Step<OfferedPrekeys> {
  const { spkId, kemId } = yield* current()
  const spk = yield* secretOf({ kind: 'spk', id: spkId })
  const kem = yield* secretOf({ kind: 'kem', id: kemId })
  return {
    signedPrekey: { id: spkId, publicKey: turn.crypto.x25519PublicKey(spk) },
    lastResortKem: { id: kemId, publicKey: turn.crypto.mlkemPublicKey(kem) },
    sealKey: yield* currentSealKey(turn),
  }
}

/** The seal key that cards and endpoints name. */
export function* currentSealKey(turn: Turn): Step<OfferedKey> {
  const { sealId } = yield* current()
  const secret = yield* secretOf({ kind: 'seal', id: sealId })
  return { id: sealId, publicKey: turn.crypto.x25519PublicKey(secret) }
}

/** Every key that opens an envelope to this device: key 0, its DH key, and the seal keys kept. */
export function* sealKeys(turn: Turn): Step<readonly SealKey[]> {
  const { owner } = prekeySecrets.place({ kind: 'seal', id: 0 })
  const rows = yield* range(prekeySecrets, { owner, limit: SEAL_KEYS_MAX })
  const { dh, dhSecret } = turn.self
  const own: SealKey = { keyId: 0, publicKey: dh, secret: dhSecret }
  const others = rows.map(({ order, value: { secret } }) => ({
    keyId: readU64(order, 0),
    publicKey: turn.crypto.x25519PublicKey(secret),
    secret,
  }))
  return [own, ...others]
}
