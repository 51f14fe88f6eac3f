import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type CborValue, encodeCbor, fromHex, toHex } from '../../../crypto/index.ts'
import { failed } from '../../../protocol/relay/failure.ts'
import {
  type RelayPush,
  decodeRelayFrame,
  decodeRequest,
  encodePushFrame,
  encodeReplyFrame,
  encodeRequest,
} from '../../../protocol/relay/frames.ts'
import {
  type OpKind,
  type OpReply,
  type RelayOp,
  decodeReply,
  encodeReply,
} from '../../../protocol/relay/ops.ts'
import { bytesOf } from '../../support/relay-world.ts'

const id = bytesOf('mailbox', 16)
const key = bytesOf('key')
const eight = bytesOf('eight', 8)
const mac = bytesOf('mac')
const sig = bytesOf('sig', 64)
const after = { incarnation: eight, seq: 7, chain: undefined }
const capability = { kind: 'capability', capId: eight, expiresS: 0x7fffffff, mac } as const
const work = { kind: 'work', hour: 490_000, nonce: eight } as const
const invite = { kind: 'invite', capId: eight, claim: id, mac } as const
const deposit = {
  mailboxId: id,
  envId: key,
  lane: 0,
  flags: 0,
  ttlS: 2_592_000,
  coalesce: undefined,
  env: bytesOf('env', 1_024),
} as const

const OPS: readonly RelayOp[] = [
  { kind: 'hello', request: { minor: 0, features: 16 } },
  { kind: 'desc', request: { haveSeq: 5 } },
  {
    kind: 'auth',
    request: { proofs: [{ type: 1, ownerKey: key, bind: undefined, signature: sig }] },
  },
  {
    kind: 'open',
    request: {
      type: 1,
      ownerKey: key,
      signature: sig,
      secret: mac,
      gen: 0,
      grant: { kind: 'ticket', ticket: eight },
      ttlS: 0,
      awayDays: 0,
    },
  },
  { kind: 'close', request: { mailboxId: id } },
  { kind: 'deposit', request: { ...deposit, auth: capability } },
  { kind: 'deposit', request: { ...deposit, auth: work, lane: 1 } },
  { kind: 'deposit', request: { ...deposit, auth: invite } },
  {
    kind: 'fetch',
    request: { mailboxId: id, after, limit: 9, maxBytes: 1, idsOnly: true, envIds: [key] },
  },
  { kind: 'sub', request: { mailboxId: id, after: undefined, messages: 64, bytes: 1 << 20 } },
  { kind: 'credit', request: { mailboxId: id, messages: 1, bytes: 2 } },
  { kind: 'unsub', request: { mailboxId: id } },
  { kind: 'ack', request: { mailboxId: id, envIds: [key, mac] } },
  { kind: 'revoke', request: { mailboxId: id, capIds: [eight] } },
  { kind: 'cardPut', request: { mailboxId: id, version: 3, item: key } },
  { kind: 'cardGet', request: { mailboxId: id } },
  {
    kind: 'prekeyPut',
    request: { mailboxId: id, replace: true, items: [{ class: 2, item: key }] },
  },
  { kind: 'prekeyCount', request: { mailboxId: id } },
  { kind: 'prekeyTake', request: { mailboxId: id, lane: 0, auth: capability, classes: 7 } },
  { kind: 'ping', request: { pad: new Uint8Array(5) } },
  {
    kind: 'invitePut',
    request: { mailboxId: id, capId: eight, capKey: key, expiresS: 9, uses: 1 },
  },
  { kind: 'inviteDelete', request: { mailboxId: id, capId: eight } },
  { kind: 'ticket', request: { mailboxId: id, count: 8 } },
  {
    kind: 'deposit',
    request: { ...deposit, lane: 3, flags: 4, coalesce: id, auth: capability },
  },
]

const item = {
  seq: 1,
  envId: key,
  lane: 0,
  capId: undefined,
  storedAtS: 2,
  expiresS: 3,
  env: new Uint8Array(0),
}
const custodied = {
  incarnation: eight,
  seq: 70_000,
  holdUntilS: 1_800_000_000,
  chain: undefined,
  rootNo: 0,
  leafIndex: 200,
} as const

const REPLIES: { readonly [K in OpKind]: readonly OpReply<K>[] } = {
  hello: [
    {
      minor: 0,
      features: 16,
      nonce: key,
      serviceKey: mac,
      descriptorSeq: 4,
      timeMs: 1_767_225_600_000,
      depositBits: 20,
      openBits: 22,
      inflightOps: 256,
      inflightBytes: 1 << 20,
      opsPerSecond: 1_000,
    },
  ],
  desc: [{ descriptor: undefined }, { descriptor: key }],
  auth: [
    {
      results: [
        { kind: 'granted', mailboxId: id, incarnation: eight, leaseUntilS: 5 },
        failed('unknown', { scope: 'mailbox' }),
      ],
    },
  ],
  open: [{ mailboxId: id, incarnation: eight, leaseUntilS: 5, ttlS: 6 }],
  close: [{ kind: 'done' }],
  deposit: [
    { kind: 'stored', ...custodied },
    { kind: 'stored', ...custodied, chain: eight },
    { kind: 'dup', ...custodied, held: true, envHash: key },
    { kind: 'dup', ...custodied, held: false, envHash: key },
    { kind: 'accepted' },
  ],
  fetch: [
    {
      incarnation: eight,
      items: [item, { ...item, capId: eight, env: key }],
      more: true,
      headSeq: 9,
      trimmedUpTo: 0,
      chain: undefined,
      trimChain: undefined,
    },
    {
      incarnation: eight,
      items: [{ ...item, lane: 3, capId: eight }],
      more: false,
      headSeq: 9,
      trimmedUpTo: 8,
      chain: eight,
      trimChain: key,
    },
  ],
  sub: [
    { incarnation: eight, headSeq: 9, trimmedUpTo: 0, trimChain: undefined },
    { incarnation: eight, headSeq: 9, trimmedUpTo: 3, trimChain: key },
  ],
  credit: [{ kind: 'done' }],
  unsub: [{ kind: 'done' }],
  ack: [{ count: 2 }],
  revoke: [{ kind: 'done' }],
  cardPut: [{ version: 3 }],
  cardGet: [{ version: 3, item: key }],
  prekeyPut: [{ opk: 100, okem: 20 }],
  prekeyCount: [{ opk: 0, okem: 0 }],
  prekeyTake: [{ card: key, opk: undefined, okem: mac }],
  ping: [{ pad: key }],
  invitePut: [{ left: 1 }],
  inviteDelete: [{ kind: 'done' }],
  ticket: [{ tickets: [] }, { tickets: [key, mac] }],
}

const PUSHES: readonly RelayPush[] = [
  { kind: 'items', mailboxId: id, items: [item] },
  { kind: 'drained', mailboxId: id, incarnation: eight, headSeq: 4, chain: undefined },
  { kind: 'drained', mailboxId: id, incarnation: eight, headSeq: 4, chain: eight },
  { kind: 'end', mailboxId: id, reason: 0 },
  { kind: 'goaway', graceMs: 5_000 },
  { kind: 'room', mailboxId: id },
  { kind: 'ephemeral', mailboxId: id, env: key },
]

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
