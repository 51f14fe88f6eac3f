// Judging what opened (SPEC.md §20.4, G5): whether its sender signed it, and whether it brings
// something new. Only then may the chain move. Without the signature any member could move any
// chain; without the novelty it could do so with an old message of the true sender, wrapped again.
import { type Bytes32, CryptoError, equalBytes, malformed, verify } from '../../crypto/index.ts'
import { entryFrame } from '../content/entry.ts'
import { type Control, type ControlKind, controlIsGenuine } from '../content/group-control.ts'
import {
  type FrontierRequest,
  frontierRequestFrame,
  type GroupFrontier,
  groupFrontierFrame,
} from '../content/group-frontier.ts'
import {
  type MemberEndpoints,
  groupMemberFrame,
  type JoinPending,
  joinPendingFrame,
} from '../content/group-member.ts'
import { type Frame, decodeFrames } from '../frames.ts'
import { type Entry, type WireEntry, restoreEntry } from '../log/entry.ts'
import { type Step, type Turn, get } from '../step.ts'
import { isNewControl, noteControl } from './control-window.ts'
import { controlWindows } from './epoch-tables.ts'
import { type OpenedCandidate, commitGroup } from './open-message.ts'

/** A control object of a message, its signature checked. */
export type GroupControl =
  | ({ readonly kind: 'frontier' } & Control<GroupFrontier>)
  | ({ readonly kind: 'frontier-request' } & Control<FrontierRequest>)
  | ({ readonly kind: 'join-pending' } & Control<JoinPending>)
  | ({ readonly kind: 'member' } & Control<MemberEndpoints>)

export interface GenuineMessage {
  readonly kind: 'genuine'
  readonly candidate: OpenedCandidate
  /** Every entry of the message, new or not; the log tells them apart again. */
  readonly entries: readonly Entry[]
  /** Control objects that were not seen before. */
  readonly controls: readonly GroupControl[]
}

export type Examination =
  | GenuineMessage
  /** Signed, and known: nothing moves. */
  | { readonly kind: 'duplicate' }
  /** Not signed by the device whose chain it uses: nothing moves; counted against who handed it in. */
  | { readonly kind: 'forged' }
  /** Frames that no honest sender puts there: nothing moves. */
  | { readonly kind: 'malformed' }

/** Whether the log lacks an entry: its id is unknown, or the body that this one brings. */
export type IsNewEntry = (entry: Entry) => Step<boolean>

/** Conversation and author go without saying; the operation iff it is the epoch's. */
function restore(turn: Turn, candidate: OpenedCandidate, wire: WireEntry): Entry {
  const { conversation, author, op } = wire.header
  if (conversation !== undefined || author !== undefined) {
    malformed('group message: an entry with conversation or author')
  }
  const { group, opId, device } = candidate
  if (op !== undefined && equalBytes(op, opId)) malformed('group message: op of its own epoch')
  return restoreEntry(turn.crypto, wire, { conversation: group, author: device, op: opId })
}

const CONTROLS: ReadonlyMap<number, readonly [GroupControl['kind'], ControlKind<unknown>]> =
  new Map(
    (
      [
        ['frontier', groupFrontierFrame],
        ['frontier-request', frontierRequestFrame],
        ['join-pending', joinPendingFrame],
        ['member', groupMemberFrame],
      ] as const
    ).map(([kind, content]) => [content.kind, [kind, content as ControlKind<unknown>] as const]),
  )

/** A frame that this carrier lets through and that is no entry is one of these. */
function readControl(frame: Frame): GroupControl {
  const [kind, content] = CONTROLS.get(frame.kind) ?? malformed(`group message: ${frame.kind}`)
  return { ...content.decode(frame.body), kind } as GroupControl
}

interface Contents {
  readonly entries: readonly Entry[]
  readonly controls: readonly GroupControl[]
}

/** Everything a message holds, or undefined where a signature is not its sender's. */
function readContents(turn: Turn, candidate: OpenedCandidate): Contents | undefined {
  const { group, device } = candidate
  const entries: Entry[] = []
  const controls: GroupControl[] = []
  for (const frame of decodeFrames(candidate.frames, 'group')) {
    if (frame.kind === entryFrame.kind) {
      const entry = restore(turn, candidate, entryFrame.decode(frame.body))
      if (!isSignedBy(turn, device, entry)) return undefined
      entries.push(entry)
      continue
    }
    const control = readControl(frame)
    const context = { group, kind: frame.kind, device }
    if (!controlIsGenuine(turn.crypto, context, control)) return undefined
    controls.push(control)
  }
  return { entries, controls }
}

function isSignedBy(turn: Turn, device: Bytes32, entry: Entry): boolean {
  const { signature, id } = entry
  return signature !== undefined && verify(turn.crypto, device, 'group-entry', id, signature)
}

/** Judges an opened message. Writes nothing. */
export function* examineGroup(
  turn: Turn,
  candidate: OpenedCandidate,
  isNewEntry: IsNewEntry,
): Step<Examination> {
  let contents: Contents | undefined
  try {
    contents = readContents(turn, candidate)
  } catch (error) {
    if (error instanceof CryptoError && error.code === 'ERR_WIRE_MALFORMED') {
      return { kind: 'malformed' }
    }
    throw error
  }
  if (contents === undefined) return { kind: 'forged' }
  const { entries } = contents
  const { group, device } = candidate
  let fresh = false
  for (const entry of entries) if (yield* isNewEntry(entry)) fresh = true
  let window =
    contents.controls.length > 0 ? yield* get(controlWindows, { group, device }) : undefined
  const controls: GroupControl[] = []
  for (const control of contents.controls) {
    if (!isNewControl(window, control.r)) continue
    window = noteControl(window, control.r)
    controls.push(control)
  }
  if (!fresh && controls.length === 0) return { kind: 'duplicate' }
  return { kind: 'genuine', candidate, entries, controls }
}

/** Moves the chain past a genuine message and notes its control numbers: in the batch that keeps it. */
export function* commitGenuine(turn: Turn, message: GenuineMessage): Step<void> {
  const { candidate, controls } = message
  const { group, device } = candidate
  yield* commitGroup(turn, candidate)
  if (controls.length === 0) return
  let window = yield* get(controlWindows, { group, device })
  for (const { r } of controls) window = noteControl(window, r)
  if (window) turn.put(controlWindows, { group, device }, window)
}
