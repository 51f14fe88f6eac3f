// Every frame kind and entry kind this build knows. A new one is a file beside this, one line here,
// a section in SPEC.md and a vector. What is not here is handled by its class.
import { decodeCbor, malformed } from '../../crypto/index.ts'
import { type Carrier, decodeFrames, type Frame, frameClass } from '../frames.ts'
import { FRAMES_MAX_BYTES, LAMPORT_MAX } from '../limits.ts'
import { baseFrame } from './base.ts'
import { endpointsFrame } from './endpoints.ts'
import { entryFrame } from './entry.ts'
import { frontierFrame } from './frontier.ts'
import { frontierRequestFrame, groupFrontierFrame } from './group-frontier.ts'
import { groupMemberFrame, groupMembersFrame, joinPendingFrame } from './group-member.ts'
import { groupOpsFrame, opsRequestFrame } from './group-ops.ts'
import { groupSeedFrame } from './group-seed.ts'
import { groupWelcomeFrame } from './group-welcome.ts'
import { introFrame } from './intro.ts'
import { joinAckFrame } from './join-ack.ts'
import type { ContentKind } from './kind.ts'
import { listRequestFrame } from './list-request.ts'
import { listFrame } from './list.ts'
import { receiptFrame } from './receipt.ts'
import { resetFrame } from './reset.ts'
import { seedRequestFrame } from './seed-request.ts'
import { syncMoreFrame } from './sync-more.ts'
import { syncPageFrame } from './sync-page.ts'
import { syncRequestFrame } from './sync-request.ts'
import { textContent } from './text.ts'
import { typingFrame } from './typing.ts'

/** A kind whose value this file does not look at. */
type KnownKind = Pick<ContentKind<unknown>, 'kind' | 'name' | 'decode'>

// A numbered kind belongs here once a machine applies it, and not before: one that is known is noted
// as applied, one that is unknown is kept until an upgrade.
const KINDS: readonly KnownKind[] = [
  textContent,
  entryFrame,
  receiptFrame,
  introFrame,
  resetFrame,
  listRequestFrame,
  frontierFrame,
  syncRequestFrame,
  syncPageFrame,
  syncMoreFrame,
  endpointsFrame,
  listFrame,
  baseFrame,
  typingFrame,
  seedRequestFrame,
  opsRequestFrame,
  groupOpsFrame,
  groupFrontierFrame,
  frontierRequestFrame,
  joinPendingFrame,
  groupMemberFrame,
  groupMembersFrame,
  groupSeedFrame,
  groupWelcomeFrame,
  joinAckFrame,
]

const BY_KIND: ReadonlyMap<number, KnownKind> = new Map(KINDS.map((known) => [known.kind, known]))

/** Session frames belong to the ratchet, which checks them itself (SPEC.md §6). */
const SESSION_KINDS: ReadonlySet<number> = new Set([0x3000, 0x3001, 0x3002])

/** The name of a kind, for logs and counters; undefined if this build does not know it. */
export function kindName(kind: number): string | undefined {
  return BY_KIND.get(kind)?.name
}

/** A numbered frame of a kind that this build does not know: kept raw, acknowledged by its c. */
export interface UnknownNumbered extends Frame {
  readonly c: number
}

export interface MessageFrames {
  /** Known and well-formed, in order: read them with readFrame. */
  readonly frames: readonly Frame[]
  readonly unknownNumbered: readonly UnknownNumbered[]
  /** Frames of other unknown kinds: skipped, to be counted. */
  readonly skipped: number
}

/**
 * All frames of one message, each checked before any is applied. Throws ERR_WIRE_MALFORMED if one is
 * malformed or in the wrong carrier: then the message is malformed and nothing of it applies.
 */
export function decodeMessageFrames(plaintext: Uint8Array, carrier: Carrier): MessageFrames {
  const frames: Frame[] = []
  const unknownNumbered: UnknownNumbered[] = []
  let skipped = 0
  for (const frame of decodeFrames(plaintext, carrier)) {
    const known = BY_KIND.get(frame.kind)
    if (known !== undefined) known.decode(frame.body)
    if (known !== undefined || SESSION_KINDS.has(frame.kind)) frames.push(frame)
    else if (frameClass(frame.kind) === 'numbered') {
      unknownNumbered.push({ ...frame, c: numberOf(frame) })
    } else skipped++
  }
  return { frames, unknownNumbered, skipped }
}

/** c of a numbered frame, known or not: element 0 of its array. */
export function numberOf(frame: Frame): number {
  const value = decodeCbor(frame.body, FRAMES_MAX_BYTES)
  const c = Array.isArray(value) ? (value as readonly unknown[])[0] : undefined
  if (typeof c !== 'number' || c < 1 || c > LAMPORT_MAX) malformed('numbered frame: no c')
  return c
}
