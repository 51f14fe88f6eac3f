import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type CborValue, encodeCbor, fromHex, toHex } from '../../../crypto/index.ts'
import { failed } from '../../../protocol/relay/failure.ts'
import {
  decodeRelayFrame,
  decodeRequest,
  encodePushFrame,
  encodeReplyFrame,
  encodeRequest,
} from '../../../protocol/relay/frames.ts'
import { type OpKind, type RelayOp, decodeReply, encodeReply } from '../../../protocol/relay/ops.ts'
import {
  OPS,
  PUSHES,
  REPLIES,
  capability,
  custodied,
  deposit,
  eight,
  id,
  key,
  mac,
  sig,
} from '../../support/relay-samples.ts'
import { bytesOf } from '../../support/relay-world.ts'

const malformed = expect.objectContaining({ code: 'ERR_WIRE_MALFORMED' })

function truncationsFail(frame: Uint8Array, decode: (bytes: Uint8Array) => unknown): void {
  for (let length = 0; length < frame.length; length += frame.length > 400 ? 7 : 1) {
    expect(() => decode(frame.slice(0, length))).toThrow(malformed)
  }
  expect(() => decode(Uint8Array.from([...frame, 0]))).toThrow(malformed)
}

describe('requests', () => {
  it.each(OPS.map((op, i) => [`${i} ${op.kind}`, op] as const))('carry %s', (_name, op) => {
    const frame = encodeRequest(70_000, [op, op])
    expect(decodeRequest(frame)).toEqual({ requestId: 70_000, ops: [op, op] })
    truncationsFail(frame, decodeRequest)
  })

  it('ignore what a later version appends to an operation', () => {
    const frame = encodeCbor([0, 1, [[5, id, 9, [key]]]])
    expect(decodeRequest(frame).ops).toEqual([{ kind: 'close', request: { mailboxId: id } }])
  })

  it('name an operation they do not know', () => {
    expect(decodeRequest(encodeCbor([0, 1, [[77, key]]])).ops).toEqual([
      { kind: 'unknown', code: 77 },
    ])
  })

  it.each([
    ['no operations', [0, 1, []]],
    ['65 operations', [0, 1, Array.from({ length: 65 }, () => [26, key])]],
    ['a frame of another kind', [1, 1, [[26, key]]]],
    ['an id above 32 bits', [0, 2 ** 32, [[26, key]]]],
    ['a fourth field', [0, 1, [[26, key]], 0]],
    ['an authority of no kind', [0, 1, [[17, id, 0, [3, eight, 1, mac], 7]]]],
    ['a mailbox id of 15 bytes', [0, 1, [[5, id.slice(1)]]]],
    ['an empty list of ids', [0, 1, [[11, id, []]]]],
  ] satisfies (readonly [string, CborValue])[])('refuse %s', (_what, value) => {
    expect(() => decodeRequest(encodeCbor(value))).toThrow(malformed)
  })

  it('never throw anything but ERR_WIRE_MALFORMED', () => {
    const frames = OPS.map((op) => encodeRequest(1, [op]))
    fc.assert(
      fc.property(
        fc.nat(frames.length - 1),
        fc.array(fc.tuple(fc.nat(1_200), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        (which, flips) => {
          const frame = Uint8Array.from(frames[which] ?? [])
          for (const [at, value] of flips) frame[at % frame.length] = value
          for (const decode of [decodeRequest, decodeRelayFrame]) {
            try {
              decode(frame)
            } catch (error) {
              expect(error).toMatchObject({ code: 'ERR_WIRE_MALFORMED' })
            }
          }
        },
      ),
      { numRuns: 2_000 },
    )
  })
})

describe('replies and pushes', () => {
  const kinds = Object.keys(REPLIES) as OpKind[]

  it.each(kinds)('carry the reply to %s', (kind) => {
    for (const reply of REPLIES[kind]) {
      const replies = [encodeReply(kind, reply)]
      const frame = encodeReplyFrame({ requestId: 3, custody: [], replies })
      const decoded = decodeRelayFrame(frame)
      if (decoded.kind !== 'reply') throw new Error('not a reply')
      expect(decodeReply(kind, decoded.replies[0] ?? 0)).toEqual(reply)
      truncationsFail(frame, decodeRelayFrame)
    }
  })

  it('carry failures with wait, scope and detail', () => {
    const failures = [
      failed('auth', { scope: 'capability' }),
      failed('quota', { scope: 'lane', retryAfterMs: 60_000 }),
      failed('pow', { scope: 'lane', detail: 26 }),
      failed('incarnation', { scope: 'mailbox', detail: eight }),
    ]
    for (const failure of failures) {
      expect(decodeReply('deposit', encodeReply('deposit', failure))).toEqual(failure)
    }
    expect(decodeReply('deposit', [200, 5, 99, 1, 2])).toMatchObject({
      status: 'refused',
      scope: 'op',
    })
  })

  it('carry pushes, and leave out those of a later version', () => {
    const frame = encodePushFrame(PUSHES)
    expect(decodeRelayFrame(frame)).toEqual({ kind: 'push', pushes: PUSHES })
    truncationsFail(frame, decodeRelayFrame)
    expect(
      decodeRelayFrame(
        encodeCbor([
          2,
          [
            [9, 1],
            [4, 7],
          ],
        ]),
      ),
    ).toEqual({
      kind: 'push',
      pushes: [{ kind: 'goaway', graceMs: 7 }],
    })
  })
})

describe('sizes on the wire (SPEC.md §12.5)', () => {
  const stored = encodeReply('deposit', { kind: 'stored', ...custodied, seq: 700 })

  it('a deposit costs 126 bytes over its envelope, with frame and length', () => {
    const frame = encodeRequest(0x11170, [
      { kind: 'deposit', request: { ...deposit, auth: capability } },
    ])
    expect(frame.length + 4).toBe(1_024 + 126)
    expect(toHex(frame.slice(0, 12))).toBe('83001a0001117081890650' + toHex(id.slice(0, 1)))
    const ops: RelayOp[] = Array.from({ length: 16 }, () => ({
      kind: 'deposit',
      request: { ...deposit, auth: capability },
    }))
    expect(encodeRequest(0x11170, ops).length + 4).toBe(18_220)
  })

  it('one deposit in a flush of 250 is answered in 387 bytes', () => {
    const nodes = Array.from({ length: 8 }, (_, i) => bytesOf(`node ${i}`))
    const root = { flushedAtMs: 1_767_225_600_000, leafCount: 250, signature: sig, nodes }
    const frame = encodeReplyFrame({ requestId: 0x11170, custody: [root], replies: [stored] })
    expect(encodeCbor(stored).length).toBe(23)
    expect(frame.length + 4).toBe(387)
  })

  it('an AUTH takes 106 bytes, an ACK of 256 ids 8 726', () => {
    const size = (op: RelayOp): number => encodeRequest(0, [op]).length - 4
    expect(size(OPS[2]!)).toBe(106)
    const envIds = Array.from({ length: 256 }, (_, i) => bytesOf(`${i}`))
    expect(size({ kind: 'ack', request: { mailboxId: id, envIds } })).toBe(8_726)
  })

  it('a frame of a stranger decoder reads as these bytes', () => {
    const ping: RelayOp = { kind: 'ping', request: { pad: Uint8Array.of(1, 2) } }
    expect(encodeRequest(1, [ping])).toEqual(fromHex('8300018182181a420102'))
  })
})
