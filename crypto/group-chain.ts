// Sender chains of a group epoch (SPEC.md §20.3): one for each recipient device, stepped with each of
// its messages. Chain state is immutable; a step makes a new one that counts only once it is stored.
import { type Bytes32, readU16, readU32 } from './bytes.ts'
import { CryptoError, expectLength, malformed } from './errors.ts'
import { GROUP_CHAIN_MAX_MESSAGES, GROUP_CHAIN_SKIP_MAX } from './limits.ts'
import type { CryptoProvider } from './provider.ts'
import { messageSeed, stepChain } from './ratchet-kdf.ts'

export interface GroupChain {
  /** CK at `count`; undefined once the chain is at its end. */
  readonly chainKey: Bytes32 | undefined
  /** Number of the next message: 0 at the start, 1 000 at the end. */
  readonly count: number
  /** Seeds of passed messages that are still stored. */
  readonly outstanding: number
}

/** ms of a message that was passed and has not come. */
export interface GroupSkipped {
  readonly ctr: number
  readonly seed: Bytes32
}

export interface GroupHeader {
  /** Rank of the sender among the epoch's recipients. */
  readonly devIdx: number
  /** Number of the message in the sender's chain. */
  readonly ctr: number
  /** Bits 0-7 ignored if unknown, 8-15 critical if unknown; none is assigned. */
  readonly flags: number
}

const HEADER_BYTES = 8

/** devIdx u16 ‖ ctr u32 ‖ flags u16. */
export function encodeGroupHeader(header: GroupHeader): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(HEADER_BYTES)
  const view = new DataView(out.buffer)
  view.setUint16(0, header.devIdx)
  view.setUint32(2, header.ctr)
  view.setUint16(6, header.flags)
  return out
}

/** Throws ERR_WIRE_MALFORMED. */
export function decodeGroupHeader(bytes: Uint8Array): GroupHeader {
  expectLength(bytes, HEADER_BYTES, 'group header')
  return { devIdx: readU16(bytes, 0), ctr: readU32(bytes, 2), flags: readU16(bytes, 6) }
}

export function startChain(chainKey: Bytes32): GroupChain {
  return { chainKey, count: 0, outstanding: 0 }
}

export interface ChainStep {
  /** ms of the message: the caller wipes it. */
  readonly seed: Bytes32
  readonly next: GroupChain
  readonly newSkipped: readonly GroupSkipped[]
  /** The stored seed that was used, to be removed with the step. */
  readonly usedSkipped: number | undefined
}

/** The next message of an own chain. Throws ERR_PROTOCOL_LIMIT at 1 000. */
export function stepOwnChain(provider: CryptoProvider, chain: GroupChain): ChainStep {
  const step = stepTo(provider, chain, chain.count)
  if (step === undefined) {
    throw new CryptoError('ERR_PROTOCOL_LIMIT', 'group chain: at its end')
  }
  return step
}

function stepTo(provider: CryptoProvider, chain: GroupChain, ctr: number): ChainStep | undefined {
  let { chainKey } = chain
  if (chainKey === undefined || ctr >= GROUP_CHAIN_MAX_MESSAGES) return undefined
  const newSkipped: GroupSkipped[] = []
  for (let i = chain.count; i < ctr; i++) {
    newSkipped.push({ ctr: i, seed: messageSeed(provider, chainKey) })
    chainKey = stepChain(provider, chainKey)
  }
  const atEnd = ctr + 1 >= GROUP_CHAIN_MAX_MESSAGES
  return {
    seed: messageSeed(provider, chainKey),
    next: {
      chainKey: atEnd ? undefined : stepChain(provider, chainKey),
      count: ctr + 1,
      outstanding: chain.outstanding + newSkipped.length,
    },
    newSkipped,
    usedSkipped: undefined,
  }
}

export interface ReceivePosition {
  readonly chain: GroupChain
  readonly ctr: number
  /** The stored seed of that message, where there is one. */
  readonly skippedSeed: Bytes32 | undefined
  /** Seeds that the group may still store: 20 000 less what it has. */
  readonly skippedRoom: number
}

/**
 * Where a received message stands, on a copy: nothing moved until the caller stores `next`. `stale`:
 * it was opened before, or its seed expired; `held`: it would skip more than may be stored. Throws
 * ERR_WIRE_MALFORMED for a counter that no chain reaches.
 */
export function locateInChain(
  provider: CryptoProvider,
  { chain, ctr, skippedSeed, skippedRoom }: ReceivePosition,
): ChainStep | 'stale' | 'held' {
  if (ctr >= GROUP_CHAIN_MAX_MESSAGES) malformed(`group message: counter ${ctr}`)
  if (ctr < chain.count) {
    if (skippedSeed === undefined) return 'stale'
    const next = { ...chain, outstanding: Math.max(0, chain.outstanding - 1) }
    return { seed: skippedSeed, next, newSkipped: [], usedSkipped: ctr }
  }
  const jump = ctr - chain.count
  if (chain.outstanding + jump > GROUP_CHAIN_SKIP_MAX || jump > Math.max(0, skippedRoom)) {
    return 'held'
  }
  return stepTo(provider, chain, ctr) ?? 'stale'
}
