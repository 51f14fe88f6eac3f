// Control objects of our own in a group (SPEC.md §20.5): signed, numbered by r, and what the last of
// them said, so that they go out when that changed.
import { type Bytes32, EMPTY } from '../../crypto/index.ts'
import { type ControlKind, signControlFrame } from '../content/group-control.ts'
import type { Frame } from '../frames.ts'
import { encodeRecord, orEmpty, readRecord } from '../record.ts'
import { type Step, type Table, type Turn, get } from '../step.ts'

export interface OwnControl {
  /** r of the last control object. */
  readonly r: number
  /** What our last member object said, as a hash; undefined: none went out. */
  readonly announced: Bytes32 | undefined
  /** Guarded clock. */
  readonly announcedAtMs: number
  /** Frontiers sent: in a large group every 24th names all devices. */
  readonly frontiers: number
  /** When the last frontier was signed, guarded clock; 0: never. */
  readonly frontierAtMs: number
  /** Since when something is to be told, guarded clock; 0: nothing is. */
  readonly frontierChangedMs: number
  /** When a question for our frontier is to be answered, guarded clock. */
  readonly frontierAskedMs: number
  /** Entries held and seen at the last frontier. */
  readonly frontierEntries: number
  readonly frontierPosition: number
  /** Our last n at our last question for frontiers, and when it went out, guarded clock; 0: never. */
  readonly askedN: number
  readonly askedAtMs: number
}

const controls: Table<Bytes32, OwnControl> = {
  name: 'group-own',
  sealing: 'value',
  place: (gid) => ({ owner: gid, order: EMPTY }),
  encode: (row) =>
    encodeRecord([
      row.r,
      orEmpty(row.announced),
      row.announcedAtMs,
      row.frontiers,
      row.frontierAtMs,
      row.frontierChangedMs,
      row.frontierAskedMs,
      row.frontierEntries,
      row.frontierPosition,
      row.askedN,
      row.askedAtMs,
    ]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'own control')
    return {
      r: fields.uint('r'),
      announced: fields.optional('announced', 32),
      announcedAtMs: fields.uint('announcedAt'),
      frontiers: fields.uint('frontiers'),
      frontierAtMs: fields.uint('frontierAt'),
      frontierChangedMs: fields.uint('frontierChanged'),
      frontierAskedMs: fields.uint('frontierAsked'),
      frontierEntries: fields.uint('frontierEntries'),
      frontierPosition: fields.uint('frontierPosition'),
      askedN: fields.uint('askedN'),
      askedAtMs: fields.uint('askedAt'),
    }
  },
}

const NONE: OwnControl = {
  r: 0,
  announced: undefined,
  announcedAtMs: 0,
  frontiers: 0,
  frontierAtMs: 0,
  frontierChangedMs: 0,
  frontierAskedMs: 0,
  frontierEntries: 0,
  frontierPosition: 0,
  askedN: 0,
  askedAtMs: 0,
}

export function* ownControl(gid: Bytes32): Step<OwnControl> {
  return (yield* get(controls, gid)) ?? NONE
}

/** Remembers something of our control objects without signing one. */
export function* noteOwnControl(
  turn: Turn,
  gid: Bytes32,
  note: Partial<Omit<OwnControl, 'r'>>,
): Step<void> {
  turn.put(controls, gid, { ...(yield* ownControl(gid)), ...note })
}

/** A control object of ours as a frame; `note` is what is remembered of it. */
export function* signOwnControl<T>(
  turn: Turn,
  gid: Bytes32,
  kind: ControlKind<T>,
  value: T,
  note: Partial<Omit<OwnControl, 'r'>> = {},
): Step<Frame> {
  const before = yield* ownControl(gid)
  const r = before.r + 1
  turn.put(controls, gid, { ...before, ...note, r })
  const signer = { group: gid, deviceSeed: turn.self.deviceSeed, r }
  return { kind: kind.kind, body: signControlFrame(turn.crypto, kind, signer, value) }
}

/** A frame that waits to go out in a group message. */
interface WaitingFrame {
  readonly frame: Frame
}

/** Our newest control object of each kind that no message carried yet: a newer one takes its place. */
export const waitingControls: Table<{ gid: Bytes32; kind: number }, WaitingFrame> = {
  name: 'group-out-ctl',
  sealing: 'value',
  rows: 'few',
  place: ({ gid, kind }) => ({ owner: gid, order: Uint8Array.of(kind >> 8, kind & 0xff) }),
  encode: ({ frame }) => encodeRecord([frame.kind, frame.body]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'waiting control')
    const kind = fields.uint('kind', 0xffff)
    const body = fields.bytes('body', 1, 65_535)
    return { frame: { kind, body } }
  },
}
