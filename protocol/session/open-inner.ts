// Whatever comes out of a seal or off a direct stream goes through here: a message of a session, or
// one that begins a session (SPEC.md §5, §6).
import {
  type Bytes16,
  CryptoError,
  type Init,
  INIT_TYPE,
  LADDER,
  RATCHET_TYPE,
  SEAL_OVERHEAD_BYTES,
  decodeInit,
  handshakeId,
} from '../../crypto/index.ts'
import { type Step, type Turn, get } from '../step.ts'
import { openInit } from './open-init.ts'
import { openMessage } from './open-message.ts'
import type { Judge, OpenOutcome } from './open-outcome.ts'
import type { PrekeySource } from './prekey-source.ts'
import { replayMap } from './replay-map.ts'
import { sessions } from './session-record.ts'

export interface InnerInput {
  /** What the envelope or the direct frame says; in front of an init EK decides. */
  readonly sidHint: Bytes16
  readonly inner: Uint8Array
  readonly judge: Judge
  readonly prekeys: PrekeySource
}

function readInit(
  inner: Uint8Array,
): { readonly init: Init; readonly message: Uint8Array } | OpenOutcome {
  try {
    return decodeInit(inner)
  } catch (error) {
    if (!(error instanceof CryptoError)) throw error
    return { kind: error.code === 'ERR_WIRE_UNSUPPORTED' ? 'unsupported' : 'malformed' }
  }
}

/** Step 1: an init that is known only carries its message to its session. */
function* openWithInit(turn: Turn, input: InnerInput): Step<OpenOutcome> {
  const read = readInit(input.inner)
  if ('kind' in read) return read
  const { init, message } = read
  const h = handshakeId(turn.crypto, init.ephemeral)
  const known = yield* get(replayMap, { spkId: init.spkId, handshakeId: h })
  if (known === undefined) {
    const { prekeys, judge } = input
    return yield* openInit(turn, { init, message, handshakeId: h, prekeys, judge })
  }
  const record = yield* get(sessions, known.sid)
  if (record === undefined) return { kind: 'duplicate', evicted: true }
  return yield* openMessage(turn, record, message, true)
}

/**
 * Opens an inner message. Only `opened`, and `malformed` with a remote, have moved a session; a
 * conflict of device lists is recorded; every other outcome has written nothing.
 */
export function* openInner(turn: Turn, input: InnerInput): Step<OpenOutcome> {
  const { inner, sidHint } = input
  if (!LADDER.includes(inner.length + SEAL_OVERHEAD_BYTES)) return { kind: 'malformed' }
  if (inner[0] === INIT_TYPE) return yield* openWithInit(turn, input)
  if (inner[0] !== RATCHET_TYPE) return { kind: 'unsupported' }
  const record = yield* get(sessions, sidHint)
  if (record === undefined) return { kind: 'unknownSession', sid: sidHint }
  return yield* openMessage(turn, record, inner, false)
}
