// Opening a group message in two phases (SPEC.md §20.4). Any member can make a ciphertext that opens
// at any counter of any other member; so what opens is a candidate, and the chain moves only when
// its caller found the sender's signature and something new (see examine-message.ts).
import {
  type Bytes32,
  CryptoError,
  GROUP_SKIPPED_MAX,
  type GroupCandidate,
  type GroupHeader,
  type GroupMessage,
  decodeGroupMessage,
  openGroupHeader,
  openGroupMessage,
} from '../../crypto/index.ts'
import { type Step, type Turn, get } from '../step.ts'
import { chainAt, epochsByTag } from './epoch-chains.ts'
import type { ChainRecord, EpochRecord } from './epoch-record.ts'
import { chains, groupSkipped, skippedCounts } from './epoch-tables.ts'

/** Who a message says it is from, where that is known: any member could have written it. */
export interface GroupOrigin {
  readonly group: Bytes32
  /** The operation of its epoch. */
  readonly opId: Bytes32
  /** DK of devIdx. */
  readonly device: Bytes32
  readonly header: GroupHeader
}

/** A message that opened. Nothing is written yet. */
export interface OpenedCandidate extends GroupOrigin, Omit<GroupCandidate, 'kind'> {
  readonly kind: 'candidate'
}

export type GroupOpenOutcome =
  | OpenedCandidate
  /** Of an epoch that is not held: keep it, ask for the seed (SPEC.md §20.4, G1). */
  | { readonly kind: 'unknownEpoch'; readonly tag: Uint8Array }
  | { readonly kind: 'malformed' }
  | { readonly kind: 'unsupported' }
  | { readonly kind: 'unauthentic' }
  /** Opened before, or its seed is gone. */
  | ({ readonly kind: 'stale' } & GroupOrigin)
  /** Beyond 20 000 skipped seeds of the group: keep it, try again. */
  | ({ readonly kind: 'held' } & GroupOrigin)

interface Located {
  readonly epoch: EpochRecord
  readonly header: GroupHeader
  readonly chain: ChainRecord
}

/** The epoch whose header key opens the message, with the sender's chain. */
function* locate(
  turn: Turn,
  candidates: readonly EpochRecord[],
  message: GroupMessage,
): Step<Located | undefined> {
  for (const epoch of candidates) {
    const header = openGroupHeader(turn.crypto, epoch.headerKey, message)
    if (header === undefined) continue
    const chain = yield* chainAt(turn, epoch, header.devIdx)
    if (chain !== undefined) return { epoch, header, chain }
  }
  return undefined
}

function* openIn(turn: Turn, bytes: Uint8Array): Step<GroupOpenOutcome> {
  const message = decodeGroupMessage(bytes)
  const candidates = yield* epochsByTag(message.epochTag)
  if (candidates.length === 0) return { kind: 'unknownEpoch', tag: message.epochTag }
  const located = yield* locate(turn, candidates, message)
  if (located === undefined) return { kind: 'unauthentic' }
  const { epoch, header, chain } = located
  const { group, opId } = epoch
  const { devIdx, ctr } = header
  const passed = ctr < chain.count
  const skipped = passed ? yield* get(groupSkipped, { opId, devIdx, ctr }) : undefined
  const stored = passed || ctr === chain.count ? 0 : ((yield* get(skippedCounts, group)) ?? 0)
  const opening = openGroupMessage(turn.crypto, message, {
    header,
    chain,
    skippedSeed: skipped?.seed,
    skippedRoom: GROUP_SKIPPED_MAX - stored,
  })
  const origin = { group, opId, device: chain.device, header }
  switch (opening.kind) {
    case 'unauthentic':
    case 'unsupported':
      return { kind: opening.kind }
    case 'stale':
    case 'held':
    case 'candidate':
      return { ...opening, ...origin }
  }
}

/** Opens a 0x21 message. Writes nothing. */
export function* openGroup(turn: Turn, bytes: Uint8Array): Step<GroupOpenOutcome> {
  try {
    return yield* openIn(turn, bytes)
  } catch (error) {
    if (error instanceof CryptoError && error.code === 'ERR_WIRE_MALFORMED') {
      return { kind: 'malformed' }
    }
    throw error
  }
}

/** Moves the sender's chain past a message that proved genuine and new: in the batch that keeps it. */
export function* commitGroup(turn: Turn, candidate: OpenedCandidate): Step<void> {
  const { group, opId, device, next, newSkipped, usedSkipped } = candidate
  const { devIdx } = candidate.header
  turn.put(chains, { opId, devIdx }, { ...next, device })
  for (const { ctr, seed } of newSkipped) {
    turn.put(groupSkipped, { opId, devIdx, ctr }, { devIdx, ctr, seed })
  }
  if (usedSkipped !== undefined) turn.remove(groupSkipped, { opId, devIdx, ctr: usedSkipped })
  const change = newSkipped.length - (usedSkipped === undefined ? 0 : 1)
  if (change === 0) return
  const before = (yield* get(skippedCounts, group)) ?? 0
  turn.put(skippedCounts, group, Math.max(0, before + change))
}
