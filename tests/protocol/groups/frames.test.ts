// The frames of groups (SPEC.md §20.5, §20.9): round trip, every truncation, noise, refusals, sizes.
import { describe, expect, it } from 'vitest'
import {
  type CborValue,
  EMPTY,
  EPOCH_RECIPIENTS_MAX,
  GROUP_FRAMES_MAX_BYTES,
  encodeCbor,
  noble,
  toHex,
} from '../../../crypto/index.ts'
import {
  type ControlKind,
  controlIsGenuine,
  decodeMessageFrames,
  encodeFrames,
  frontierRequestFrame,
  groupFrontierFrame,
  groupMemberFrame,
  groupMembersFrame,
  groupOpsFrame,
  groupSeedFrame,
  groupWelcomeFrame,
  joinAckFrame,
  joinPendingFrame,
  kindName,
  opsRequestFrame,
  seedRequestFrame,
  signControlFrame,
} from '../../../protocol/index.ts'
import { LAMPORT_MAX } from '../../../protocol/limits.ts'
import {
  FRONTIER_COUNTS_MAX,
  FRONTIER_OP_HEADS_MAX,
  GROUP_OPS_HELD_MAX,
} from '../../../protocol/group-limits.ts'
import { bytesOf } from '../../support/entries.ts'
import { testDecoder } from '../../support/decoder.ts'
import { GROUP, GROUP_SAMPLES, SIGNER_SEED, control } from '../../support/group-samples.ts'

const malformed = expect.objectContaining({ code: 'ERR_WIRE_MALFORMED' })
const id = bytesOf('id')

describe.each(GROUP_SAMPLES)('$name', (sample) => testDecoder(sample))

describe('sizes', () => {
  it('of the largest frontier fit a group message', () => {
    const counts = Array.from({ length: FRONTIER_COUNTS_MAX / 2 }, (_, i) => ({
      devIdx: EPOCH_RECIPIENTS_MAX - FRONTIER_COUNTS_MAX / 2 + i,
      n: LAMPORT_MAX,
    }))
    const frontier = control(groupFrontierFrame, {
      opId: id,
      ownN: LAMPORT_MAX,
      held: counts,
      read: counts,
      carriage: [0, 1, 2].map((relay) => ({
        relay,
        incarnation: new Uint8Array(8),
        seq: LAMPORT_MAX,
        chain: new Uint8Array(8),
      })),
      heads: Array.from({ length: FRONTIER_OP_HEADS_MAX }, () => id),
    })
    const body = groupFrontierFrame.encode(frontier)
    const frames = encodeFrames([{ kind: groupFrontierFrame.kind, body }])
    expect(frames.length).toBeLessThanOrEqual(GROUP_FRAMES_MAX_BYTES)
    expect(groupFrontierFrame.decode(body).value.held).toHaveLength(FRONTIER_COUNTS_MAX / 2)
  })

  it('are those of SPEC.md §20.9', () => {
    const operation = bytesOf('rotate', 318)
    const seed = { c: 300, operation, secretKind: 'seed' as const, secret: id, lineage: undefined }
    expect(groupSeedFrame.encode(seed).length).toBe(361)
    const welcome = groupWelcomeFrame.encode({
      c: 6,
      group: GROUP,
      addOp: id,
      epoch: id,
      lineage: id,
      operations: 5,
      page: 1,
      pages: 1,
      authors: [],
    })
    expect(welcome.length).toBeLessThanOrEqual(146)
    const author = { author: id, n: 300, id, lamport: 900 }
    const withOne = groupWelcomeFrame.encode({
      ...groupWelcomeFrame.decode(welcome),
      authors: [author],
    })
    expect(withOne.length - welcome.length).toBe(75)
  })

  it('of a group are named to a newcomer, as many as a group holds and no more', () => {
    const counted = (operations: number): Uint8Array =>
      groupWelcomeFrame.encode({
        c: 6,
        group: GROUP,
        addOp: id,
        epoch: id,
        lineage: id,
        operations,
        page: 1,
        pages: 1,
        authors: [],
      })
    expect(groupWelcomeFrame.decode(counted(GROUP_OPS_HELD_MAX)).operations).toBe(16_384)
    expect(() => groupWelcomeFrame.decode(counted(GROUP_OPS_HELD_MAX + 1))).toThrow(malformed)
  })

  it('of a frontier of 20 active authors fit a message of 512 bytes', () => {
    const counts = Array.from({ length: 20 }, (_, i) => ({ devIdx: 24 + i, n: 300 }))
    const frontier = control(groupFrontierFrame, {
      opId: id,
      ownN: 300,
      held: counts,
      read: [],
      carriage: [{ relay: 0, incarnation: id.slice(0, 8), seq: 70_000, chain: id.slice(0, 8) }],
      heads: [id],
    })
    expect(groupFrontierFrame.encode(frontier).length + 4 + 61 + 1).toBeLessThanOrEqual(512)
  })
})

function signed(kind: ControlKind<never>, fields: readonly CborValue[]): Uint8Array {
  return signControlFrame(
    noble,
    { ...(kind as unknown as ControlKind<undefined>), write: () => fields },
    { group: GROUP, deviceSeed: SIGNER_SEED, r: 1 },
    undefined,
  )
}

const refusals: readonly (readonly [string, (bytes: Uint8Array) => unknown, Uint8Array])[] = [
  ['a seed of 31 bytes', groupSeedFrame.decode, encodeCbor([1, id, 0, id.slice(1), EMPTY])],
  ['a seed of 33 bytes', groupSeedFrame.decode, encodeCbor([1, id, 0, bytesOf('x', 33), EMPTY])],
  ['a G of 31 bytes', groupSeedFrame.decode, encodeCbor([1, id, 1, id, id.slice(1)])],
  ['G beside a seed', groupSeedFrame.decode, encodeCbor([1, id, 0, id, id])],
  ['a third kind of secret', groupSeedFrame.decode, encodeCbor([1, id, 2, id, EMPTY])],
  ['a seed without number', groupSeedFrame.decode, encodeCbor([0, id, 0, id, EMPTY])],
  ['page 0', groupWelcomeFrame.decode, encodeCbor([1, id, id, id, id, 1, 0, 1, []])],
  ['page 2 of 1', groupWelcomeFrame.decode, encodeCbor([1, id, id, id, id, 1, 2, 1, []])],
  [
    'a base row with n 0',
    groupWelcomeFrame.decode,
    encodeCbor([1, id, id, id, id, 1, 1, 1, [[id, 0, id, 1]]]),
  ],
  ['acceptance without a group', joinAckFrame.decode, encodeCbor([1, id.slice(16), 1, EMPTY])],
  ['refusal with a group', joinAckFrame.decode, encodeCbor([1, id.slice(16), 2, id])],
  ['a join state that is none', joinAckFrame.decode, encodeCbor([1, id.slice(16), 6, EMPTY])],
  [
    '257 heads',
    opsRequestFrame.decode,
    encodeCbor([1, id, Array.from({ length: 257 }, () => [id, 1])]),
  ],
  ['a request of version 2', seedRequestFrame.decode, encodeCbor([2, id, id, []])],
  ['operations that are arrays', groupOpsFrame.decode, encodeCbor([1, id, [[1]], 0])],
  ['an empty operation', groupOpsFrame.decode, encodeCbor([1, id, [EMPTY], 0])],
  [
    'two operations above 48 000 bytes',
    groupOpsFrame.decode,
    encodeCbor([1, id, [bytesOf('a', 24_001), bytesOf('b', 24_000)], 0]),
  ],
  [
    'a member that is no signed object',
    groupMembersFrame.decode,
    encodeCbor([1, id, [[id, encodeCbor([1, 2])]]]),
  ],
  [
    'indexes that do not ascend',
    groupFrontierFrame.decode,
    signed(groupFrontierFrame as never, [
      id,
      1,
      [
        [2, 1],
        [2, 3],
      ],
      [],
      [],
      [],
    ]),
  ],
  [
    'a fourth relay',
    groupFrontierFrame.decode,
    signed(groupFrontierFrame as never, [id, 1, [], [], [[3, id.slice(24), 1, id.slice(24)]], []]),
  ],
  [
    'a head of 31 bytes',
    groupFrontierFrame.decode,
    signed(groupFrontierFrame as never, [id, 1, [], [], [], [id.slice(1)]]),
  ],
  [
    'a field too many under a signature',
    frontierRequestFrame.decode,
    signed(frontierRequestFrame as never, [id, 1, 0]),
  ],
  ['seal key id 0', groupMemberFrame.decode, signed(groupMemberFrame as never, [[], [], [0, id]])],
  [
    'a mailbox without capability',
    groupMemberFrame.decode,
    signed(groupMemberFrame as never, [[[id, [bytesOf('a')], id.slice(16), EMPTY]], [], [1, id]]),
  ],
  [
    'a name that is no UTF-8',
    joinPendingFrame.decode,
    signed(joinPendingFrame as never, [id.slice(16), id, id, Uint8Array.of(0xff), []]),
  ],
]

describe('decoders refuse', () => {
  it.each(refusals)('%s', (_what, decode, bytes) => {
    expect(() => decode(bytes)).toThrow(malformed)
  })

  it('a control number 0', () => {
    const signer = { group: GROUP, deviceSeed: SIGNER_SEED, r: 0 }
    const bytes = signControlFrame(noble, frontierRequestFrame, signer, { author: id, n: 1 })
    expect(() => frontierRequestFrame.decode(bytes)).toThrow(malformed)
  })

  it('take one operation of the largest size alone', () => {
    const bytes = encodeCbor([1, id, [bytesOf('large', 57_344)], 1])
    expect(groupOpsFrame.decode(bytes).operations).toHaveLength(1)
  })
})

describe('a control object', () => {
  it('is genuine for its signer, group and kind', () => {
    const device = noble.ed25519PublicKey(SIGNER_SEED)
    const object = control(frontierRequestFrame, { author: id, n: 1 })
    const context = { group: GROUP, kind: frontierRequestFrame.kind, device }
    expect(controlIsGenuine(noble, context, object)).toBe(true)
    expect(controlIsGenuine(noble, { ...context, device: id }, object)).toBe(false)
    expect(controlIsGenuine(noble, { ...context, kind: 0x1083 }, object)).toBe(false)
    expect(controlIsGenuine(noble, { ...context, group: id }, object)).toBe(false)
  })
})

describe('in the registry', () => {
  it('frames of every kind are read, in the carrier that may bring them', () => {
    for (const { kind, name, value, encode } of GROUP_SAMPLES) {
      expect(kindName(kind)).toBe(name)
      const carrier = kind >= 0x1083 && kind <= 0x1086 ? 'group' : 'ratchet'
      const read = decodeMessageFrames(encodeFrames([{ kind, body: encode(value) }]), carrier)
      expect([read.frames.length, read.unknownNumbered.length]).toEqual([1, 0])
    }
    expect(toHex(GROUP)).toHaveLength(64)
  })
})
