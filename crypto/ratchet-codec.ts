// The stored bytes of a ratchet state: fixed places, about 480 bytes, because it is read and written
// with every message. It never leaves the device; its format is versioned by its first byte.
import type { Bytes32 } from './bytes.ts'
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

/** Largest encoding: all fields, 64 old chains, an answer under way. */
const MAX_BYTES = 4_096

/** One for all, since encoding is one synchronous run; wiped at the end of each. */
const scratch = new Uint8Array(MAX_BYTES)
const scratchView = new DataView(scratch.buffer)

/** Writes into one buffer: the state is encoded with every message. */
class ByteWriter {
  readonly #bytes = scratch
  readonly #view = scratchView
  #at = 0

  put(bytes: Uint8Array | undefined): void {
    if (bytes === undefined) return
    this.#bytes.set(bytes, this.#at)
    this.#at += bytes.length
  }

  u8(value: number): void {
    this.#bytes[this.#at++] = value
  }

  u16(value: number): void {
    this.#view.setUint16(this.#at, value)
    this.#at += 2
  }

  u32(value: number): void {
    this.#view.setUint32(this.#at, value)
    this.#at += 4
  }

  u64(value: number): void {
    this.u32(Math.floor(value / 2 ** 32))
    this.u32(value % 2 ** 32)
  }

  /** A copy of what was written; the buffer is wiped. */
  finish(): Uint8Array<ArrayBuffer> {
    const out = this.#bytes.slice(0, this.#at)
    this.#bytes.fill(0, 0, this.#at)
    return out
  }
}

function putPq(out: ByteWriter, pq: PqState): void {
  switch (pq.kind) {
    case 'idle':
      out.u8(0)
      return
    case 'offering':
      out.u8(1)
      out.put(pq.seed)
      return
    case 'answering':
      out.u8(2)
      out.put(pq.keyHash)
      out.put(pq.ciphertext)
      out.put(pq.mix)
      return
    case 'armed':
      out.u8(3)
      out.put(pq.mix)
      return
    case 'holding':
      out.u8(4)
      out.put(pq.mix)
  }
}

function putChain(out: ByteWriter, chain: SendingChain | undefined): void {
  if (chain === undefined) return
  out.put(chain.headerKey)
  out.put(chain.chainKey)
  out.put(chain.ephemeralKey)
  out.u32(chain.count)
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
  const out = new ByteWriter()
  out.u8(VERSION)
  out.u8(flagsOf(state))
  out.put(state.sid)
  out.put(state.ad)
  out.put(state.rootKey)
  out.put(state.nextSendingKey)
  out.put(state.nextReceivingKey)
  out.u32(state.previousCount)
  out.u32(state.chainNumber)
  out.u16(state.pqEpoch)
  out.u64(state.pqSinceMs)
  out.u32(state.pqMessages)
  out.put(state.own?.secret)
  out.put(state.own?.publicKey)
  out.put(state.remote)
  putChain(out, state.sending)
  putChain(out, state.receiving)
  if (state.receiving) out.u16(state.receiving.outstanding)
  out.put(state.oldEphemeralKey)
  out.u8(state.oldChains.length)
  for (const old of state.oldChains) {
    out.u32(old.number)
    out.put(old.headerKey)
    out.u16(old.outstanding)
  }
  putPq(out, state.pq)
  return out.finish()
}

/** Reads views of one copy, so that a state costs one allocation and not thirty. */
class ByteReader {
  readonly #bytes: Uint8Array<ArrayBuffer>
  readonly #view: DataView
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = new Uint8Array(bytes)
    this.#view = new DataView(this.#bytes.buffer)
  }

  #advance(length: number): number {
    const start = this.#at
    this.#at += length
    if (this.#at > this.#bytes.length) malformed('ratchet state: ends early')
    return start
  }

  take(length: number): Uint8Array<ArrayBuffer> {
    const start = this.#advance(length)
    return new Uint8Array(this.#bytes.buffer, start, length)
  }

  key(): Bytes32 {
    return this.take(32)
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1))
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2))
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4))
  }

  u64(): number {
    const value = this.u32() * 2 ** 32 + this.u32()
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
  return {
    headerKey: reader.key(),
    chainKey: reader.key(),
    ephemeralKey: reader.key(),
    count: reader.u32(),
    outstanding: reader.u16(),
  }
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
  // In the order of the bytes; one literal, since this is read with every message.
  const state: RatchetState = {
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
    own: has(HAS_OWN) ? { secret: reader.key(), publicKey: reader.key() } : undefined,
    remote: has(HAS_REMOTE) ? reader.key() : undefined,
    sending: has(HAS_SENDING) ? readSending(reader) : undefined,
    receiving: has(HAS_RECEIVING) ? readReceiving(reader) : undefined,
    oldEphemeralKey: has(HAS_OLD_EPHEMERAL) ? reader.key() : undefined,
    oldChains: Array.from({ length: reader.u8() }, () => readOldChain(reader)),
    pq: readPq(reader),
  }
  reader.end()
  return state
}
