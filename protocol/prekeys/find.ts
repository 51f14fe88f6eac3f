// Own prekeys as a responder meets them in a handshake: found, used before, or never issued
// (SPEC.md §4, §5).
import { prekeySlot } from '../../crypto/index.ts'
import { type Step, type Turn, get } from '../step.ts'
import { addId, includesId } from './id-ranges.ts'
import { type SecretKey, prekeySecrets, usedPrekeys } from './tables.ts'

/** kem: the last-resort key in slot 0, a one-time key (OKEM) in any other. */
export type HandshakePrekey = 'spk' | 'opk' | 'kem'

function keyOf(kind: HandshakePrekey, id: number): SecretKey {
  return { kind: kind === 'kem' && prekeySlot(id) !== 0 ? 'okem' : kind, id }
}

/**
 * The secret of an own prekey: X25519 (32 bytes) or an ML-KEM seed (64). 'consumed': it was used by
 * an earlier handshake; 'unknown': never issued, or deleted in its time.
 */
export function* findPrekey(
  kind: HandshakePrekey,
  id: number,
): Step<Uint8Array | 'consumed' | 'unknown'> {
  const key = keyOf(kind, id)
  const record = yield* get(prekeySecrets, key)
  if (record !== undefined) return record.secret
  if (key.kind !== 'opk' && key.kind !== 'okem') return 'unknown'
  const used = yield* get(usedPrekeys, { slot: prekeySlot(id), kind: key.kind })
  return used !== undefined && includesId(used, id) ? 'consumed' : 'unknown'
}

/**
 * Deletes the secret of a one-time prekey and leaves a tombstone, in the batch that keeps the session
 * made with it. Does nothing to keys that are used many times (SPK, KEM-LR), nor to an id that is
 * not here.
 */
export function* consumePrekey(turn: Turn, kind: HandshakePrekey, id: number): Step<void> {
  const key = keyOf(kind, id)
  if (key.kind !== 'opk' && key.kind !== 'okem') return
  if ((yield* get(prekeySecrets, key)) === undefined) return
  const place = { slot: prekeySlot(id), kind: key.kind }
  const used = yield* get(usedPrekeys, place)
  turn.remove(prekeySecrets, key)
  turn.put(usedPrekeys, place, addId(used ?? [], id))
}
