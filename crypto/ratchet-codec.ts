// The stored bytes of a ratchet state: fixed places, about 480 bytes, because it is read and written
// with every message. It never leaves the device; its format is versioned by its first byte.
import { type Bytes32, EMPTY, concat, u16, u32, u64, u8 } from './bytes.ts'
import { readU16, readU32, readU64 } from './bytes.ts'
import { malformed } from './errors.ts'
import { PQ_IDLE, type PqState } from './pq-rekey.ts'
import type { OldChain, RatchetState, ReceivingChain, SendingChain } from './ratchet-state.ts'

const VERSION = 1

/** Which of the optional fields follow. */
const HAS_OWN = 1
const HAS_REMOTE = 2
const HAS_SENDING = 4
const HAS_RECEIVING = 8
const HAS_OLD_EPHEMERAL = 16
const CONFIRMED = 32
const KNOWN_FLAGS = 63

function encodePq(pq: PqState): Uint8Array<ArrayBuffer> {
  switch (pq.kind) {
    case 'idle':
      return u8(0)
    case 'offering':
      return concat(u8(1), pq.seed)
    case 'answering':
      return concat(u8(2), pq.keyHash, pq.ciphertext, pq.mix)
    case 'armed':
      return concat(u8(3), pq.mix)
    case 'holding':
      return concat(u8(4), pq.mix)
  }
}

function encodeChain(chain: SendingChain): Uint8Array<ArrayBuffer> {
  return concat(chain.headerKey, chain.chainKey, chain.ephemeralKey, u32(chain.count))
}

function flagsOf(state: RatchetState): number {
  return (
    (state.own ? HAS_OWN : 0) |
    (state.remote ? HAS_REMOTE : 0) |
    (state.sending ? HAS_SENDING : 0) |
    (state.receiving ? HAS_RECEIVING : 0) |
    (state.oldEphemeralKey ? HAS_OLD_EPHEMERAL : 0) |
    (state.confirmed ? CONFIRMED : 0)
  )
}

/** One new byte string; the secrets in it are the caller's to seal. */
export function encodeRatchetState(state: RatchetState): Uint8Array<ArrayBuffer> {
  const { own, remote, sending, receiving, oldEphemeralKey } = state
  return concat(
    Uint8Array.of(VERSION, flagsOf(state)),
    state.sid,
    state.ad,
    state.rootKey,
    state.nextSendingKey,
    state.nextReceivingKey,
    u32(state.previousCount),
    u32(state.chainNumber),
    u16(state.pqEpoch),
    u64(state.pqSinceMs),
    u32(state.pqMessages),
    own ? concat(own.secret, own.publicKey) : EMPTY,
    remote ?? EMPTY,
    sending ? encodeChain(sending) : EMPTY,
    receiving ? concat(encodeChain(receiving), u16(receiving.outstanding)) : EMPTY,
    oldEphemeralKey ?? EMPTY,
    u8(state.oldChains.length),
    ...state.oldChains.map((old) => concat(u32(old.number), old.headerKey, u16(old.outstanding))),
    encodePq(state.pq),
  )
}

class ByteReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  take(length: number): Uint8Array<ArrayBuffer> {
    const end = this.#at + length
    if (end > this.#bytes.length) malformed('ratchet state: ends early')
    const out = new Uint8Array(this.#bytes.subarray(this.#at, end))
    this.#at = end
    return out
  }

  key(): Bytes32 {
    return this.take(32)
  }

  u8(): number {
    return this.take(1)[0] ?? 0
  }

  u16(): number {
    return readU16(this.take(2), 0)
  }

  u32(): number {
    return readU32(this.take(4), 0)
  }

  u64(): number {
    const value = readU64(this.take(8), 0)
    if (!Number.isSafeInteger(value)) malformed('ratchet state: integer above 2^53 - 1')
    return value
  }

  end(): void {
    if (this.#at !== this.#bytes.length) malformed('ratchet state: bytes after the end')
  }
}

function readSending(reader: ByteReader): SendingChain {
  return {
    headerKey: reader.key(),
    chainKey: reader.key(),
    ephemeralKey: reader.key(),
    count: reader.u32(),
  }
}

function readReceiving(reader: ByteReader): ReceivingChain {
  return { ...readSending(reader), outstanding: reader.u16() }
}

function readOldChain(reader: ByteReader): OldChain {
  return { number: reader.u32(), headerKey: reader.key(), outstanding: reader.u16() }
}

function readPq(reader: ByteReader): PqState {
  switch (reader.u8()) {
    case 0:
      return PQ_IDLE
    case 1:
      return { kind: 'offering', seed: reader.take(64) }
    case 2: {
      const keyHash = reader.take(8)
      return { kind: 'answering', keyHash, ciphertext: reader.take(1088), mix: reader.key() }
    }
    case 3:
      return { kind: 'armed', mix: reader.key() }
    case 4:
      return { kind: 'holding', mix: reader.key() }
    default:
      return malformed('ratchet state: unknown post-quantum state')
  }
}

/** Throws ERR_WIRE_MALFORMED for anything {@link encodeRatchetState} does not write. */
export function decodeRatchetState(bytes: Uint8Array): RatchetState {
  const reader = new ByteReader(bytes)
  if (reader.u8() !== VERSION) malformed('ratchet state: unknown version')
  const flags = reader.u8()
  if (flags > KNOWN_FLAGS) malformed('ratchet state: unknown flags')
  const has = (flag: number): boolean => (flags & flag) !== 0
  const fixed = {
    sid: reader.take(16),
    ad: reader.key(),
    rootKey: reader.key(),
    nextSendingKey: reader.key(),
    nextReceivingKey: reader.key(),
    previousCount: reader.u32(),
    chainNumber: reader.u32(),
    pqEpoch: reader.u16(),
    pqSinceMs: reader.u64(),
    pqMessages: reader.u32(),
    confirmed: has(CONFIRMED),
  }
  const own = has(HAS_OWN) ? { secret: reader.key(), publicKey: reader.key() } : undefined
  const remote = has(HAS_REMOTE) ? reader.key() : undefined
  const sending = has(HAS_SENDING) ? readSending(reader) : undefined
  const receiving = has(HAS_RECEIVING) ? readReceiving(reader) : undefined
  const oldEphemeralKey = has(HAS_OLD_EPHEMERAL) ? reader.key() : undefined
  const oldChains = Array.from({ length: reader.u8() }, () => readOldChain(reader))
  const pq = readPq(reader)
  reader.end()
  return { ...fixed, own, remote, sending, receiving, oldEphemeralKey, oldChains, pq }
}
