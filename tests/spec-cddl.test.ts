// SPEC.md §23 is one grammar of all that travels as CBOR. It is held against the codecs: what they
// encode matches it, and so does whatever they still take after it was altered.
import { readFile } from 'node:fs/promises'
import * as fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import {
  type CborValue,
  CryptoError,
  decodeCbor,
  decodeGroupOp,
  encodeCbor,
  fromHex,
  noble,
  openOperations,
  sealOperations,
} from '../crypto/index.ts'
import { decodeDirectFrame, encodeDirectFrame } from '../protocol/direct/direct-frame.ts'
import { decodeElidedHeader } from '../protocol/log/header.ts'
import { decodeDescriptor, signDescriptor } from '../protocol/relay/descriptor.ts'
import { failed } from '../protocol/relay/failure.ts'
import {
  decodeRelayFrame,
  decodeRequest,
  encodePushFrame,
  encodeReplyFrame,
  encodeRequest,
} from '../protocol/relay/frames.ts'
import { type OpKind, type OpReply, decodeReply, encodeReply } from '../protocol/relay/ops.ts'
import { decodeProcessCert, signProcessCert } from '../protocol/relay/process-cert.ts'
import { Grammar } from './support/cddl.ts'
import { OPS, PUSHES, REPLIES, key, sig } from './support/relay-samples.ts'
import { bytesOf } from './support/relay-world.ts'
import { GROUP_SAMPLES } from './support/group-samples.ts'
import { SAMPLES } from './support/samples.ts'

const SPEC = await readFile('SPEC.md', 'utf8')
const BLOCKS = [...SPEC.matchAll(/```cddl\n([\s\S]*?)```/gu)].map(([, block]) => block ?? '')
const GRAMMAR = new Grammar(BLOCKS.at(-1) ?? '')

interface Case {
  readonly name: string
  readonly rule: string
  readonly value: CborValue
  /** Throws CryptoError unless the codec takes it; false: nothing follows from that it does. */
  readonly take?: (value: CborValue) => unknown
}

async function vectorTests(name: string): Promise<readonly Record<string, string>[]> {
  const text = await readFile(`tests/vectors/${name}.json`, 'utf8')
  return (JSON.parse(text) as { readonly tests: readonly Record<string, string>[] }).tests
}

async function identity(): Promise<readonly Case[]> {
  const lists = (await vectorTests('device-list')).map(({ list }) => ['device-list', list] as const)
  const cards = (await vectorTests('card')).flatMap(
    ({ card, opk }) =>
      [
        ['card', card],
        ['prekey', opk],
      ] as const,
  )
  return [...lists, ...cards].map(([rule, hex = '']) => {
    const value = decodeCbor(fromHex(hex), 65_536)
    return { name: `${rule} of ${hex.length / 2} bytes`, rule, value }
  })
}

function frameBodies(): readonly Case[] {
  return SAMPLES.map(({ name, value, encode, decode }) => ({
    name,
    rule: name === 'text' ? 'text-body' : name,
    value: decodeCbor(encode(value), 65_536),
    take: (altered) => decode(encodeCbor(altered)),
  }))
}

function headers(): readonly Case[] {
  const pages = SAMPLES.filter(({ name }) => name === 'entry' || name === 'sync-page')
  const bytes = pages.flatMap(({ value, encode }) => bytesIn(decodeCbor(encode(value), 65_536)))
  const take = (altered: CborValue): unknown => decodeElidedHeader(encodeCbor(altered))
  return bytes.flatMap((one) => {
    try {
      const value = decodeCbor(one, 1_024)
      return Array.isArray(value) && value.length >= 11
        ? [{ name: `header of ${one.length} bytes`, rule: 'header', value, take }]
        : []
    } catch {
      return []
    }
  })
}

function bytesIn(value: CborValue): readonly Uint8Array[] {
  if (value instanceof Uint8Array) return [value]
  return Array.isArray(value) ? (value as readonly CborValue[]).flatMap(bytesIn) : []
}

const RESULTS: Readonly<Record<OpKind, string>> = {
  hello: 'hello-result',
  desc: 'desc-result',
  auth: 'auth-result',
  open: 'open-result',
  close: 'done',
  deposit: 'deposit-result',
  fetch: 'fetch-result',
  sub: 'sub-result',
  credit: 'done',
  unsub: 'done',
  ack: 'ack-result',
  revoke: 'done',
  cardPut: 'card-put-result',
  cardGet: 'card-get-result',
  prekeyPut: 'stock',
  prekeyCount: 'stock',
  prekeyTake: 'take-result',
  ping: 'ping-result',
  invitePut: 'invite-put-result',
  inviteDelete: 'done',
  ticket: 'ticket-result',
}

function relayFrames(): readonly Case[] {
  const requests = OPS.map((op, i) => ({
    name: `request ${i} ${op.kind}`,
    rule: 'request',
    value: decodeCbor(encodeRequest(70_000, [op, op]), 262_144),
    take: (altered: CborValue) => {
      const { ops } = decodeRequest(encodeCbor(altered))
      // An operation of a later version is read, and is no rule of this one.
      return ops.every(({ kind }) => kind !== 'unknown')
    },
  }))
  const pushes = PUSHES.map((push) => ({
    name: `push ${push.kind}`,
    rule: 'push',
    value: decodeCbor(encodePushFrame([push, push]), 262_144),
    take: (altered: CborValue) => {
      const frame = decodeRelayFrame(encodeCbor(altered))
      return frame.kind === 'push' && frame.pushes.length === elements(altered, 1)
    },
  }))
  const root = { flushedAtMs: 1_767_225_600_000, leafCount: 250, signature: sig, nodes: [key] }
  const replies = [encodeReply('close', { kind: 'done' })]
  const reply = encodeReplyFrame({ requestId: 3, custody: [root], replies })
  return [
    ...requests,
    ...pushes,
    {
      name: 'reply with a root',
      rule: 'reply',
      value: decodeCbor(reply, 262_144),
      // Its results are read by the operations asked.
      take: (altered) => decodeRelayFrame(encodeCbor(altered)).kind === 'reply' && isDone(altered),
    },
  ]
}

function first(reply: CborValue): CborValue | undefined {
  return Array.isArray(reply) ? (reply as readonly CborValue[])[0] : undefined
}

/** Whether the parts of an AUTH's reply have status 0, or failed. */
function provenOnly(reply: CborValue): boolean {
  const [, parts] = reply as readonly CborValue[]
  const statuses = Array.isArray(parts) ? (parts as readonly CborValue[]).map(first) : []
  return statuses.every((status) => status === 0 || Number(status) >= 16)
}

function elements(frame: CborValue, at: number): number {
  const field: unknown = Array.isArray(frame) ? frame[at] : undefined
  return Array.isArray(field) ? field.length : -1
}

function isDone(reply: CborValue): boolean {
  const [, , , results] = reply as readonly CborValue[]
  return (results as readonly CborValue[]).every((result) => GRAMMAR.matches('result', result))
}

function results(): readonly Case[] {
  const taken = (kind: OpKind, reply: OpReply<OpKind>, rule: string): Case => ({
    name: `${rule} of ${kind}`,
    rule,
    value: encodeReply(kind, reply),
    // Another status below 16 than the grammar has is read like it.
    take: (altered) =>
      first(altered) === first(encodeReply(kind, reply)) &&
      (kind !== 'auth' || provenOnly(altered)) &&
      decodeReply(kind, altered),
  })
  const failures = [failed('busy'), failed('pow', { detail: 26 })].map((failure): Case => {
    const value = encodeReply('open', failure)
    return { name: failure.status, rule: 'failure', value }
  })
  const kinds = (Object.keys(RESULTS) as OpKind[]).filter((kind) => kind !== 'desc')
  const usual = kinds.flatMap((kind) =>
    REPLIES[kind].map((reply: OpReply<OpKind>) => taken(kind, reply, RESULTS[kind])),
  )
  return [...usual, ...failures]
}

function descriptors(): readonly Case[] {
  const seed = bytesOf('service')
  const serviceKey = noble.ed25519PublicKey(seed)
  const times = { notBeforeS: 1_770_000_000, notAfterS: 1_777_000_000 }
  const keys = { serviceKey, processKey: bytesOf('process'), transportKey: bytesOf('transport') }
  const cert = decodeProcessCert(noble, signProcessCert(noble, seed, { ...keys, ...times }))
  const bytes = signDescriptor(noble, seed, {
    serviceKey,
    seq: 7,
    notBeforeS: times.notBeforeS,
    expiresS: times.notBeforeS + 86_400,
    processes: [{ cert, addresses: ['/ip4/192.0.2.1/tcp/4001'], weight: 1, draining: false }],
    roles: 16,
    depositBits: 20,
    openBits: 22,
    forwardKey: new Uint8Array(32),
    majors: [1],
    limits: {
      ttlMaxS: 2_592_000,
      lanes: [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
      ringBytes: 0,
      holdS: 0,
      strangers: true,
    },
  })
  expect(decodeDescriptor(noble, bytes).seq).toBe(7)
  const reply = encodeReply('desc', { descriptor: bytes })
  return [
    { name: 'certificate', rule: 'certificate', value: decodeCbor(cert.bytes, 256) },
    { name: 'descriptor', rule: 'descriptor', value: decodeCbor(bytes, 65_536) },
    { name: 'DESC', rule: 'desc-result', value: reply },
    {
      name: 'DESC, current',
      rule: 'desc-result',
      value: encodeReply('desc', { descriptor: undefined }),
    },
  ]
}

function directHello(): Case {
  const frame = encodeDirectFrame({ kind: 'hello', features: 0, maxFrameBytes: 66_560 })
  return {
    name: 'hello of a direct stream',
    rule: 'direct-hello',
    value: decodeCbor(frame.slice(1), 256),
    take: (altered) => decodeDirectFrame(Uint8Array.from([1, ...encodeCbor(altered)])),
  }
}

/** Operations by their bytes, and by their cores: what is altered inside is read all the same. */
async function groupOps(): Promise<readonly Case[]> {
  const tests = await vectorTests('group-op')
  const made = tests.filter(({ op }) => op !== undefined)
  expect(made.length).toBeGreaterThan(11)
  return made.flatMap(({ kind, op = '' }): readonly Case[] => {
    const value = decodeCbor(fromHex(op), 65_536) as readonly CborValue[]
    const [core, ...others] = value
    const take = (altered: CborValue): unknown => decodeGroupOp(noble, encodeCbor(altered))
    return [
      { name: `operation ${kind}`, rule: 'group-op', value, take },
      {
        name: `core of ${kind}`,
        rule: 'op-core',
        value: decodeCbor(core as Uint8Array, 65_536),
        take: (altered) => take([encodeCbor(altered), ...others]),
      },
    ]
  })
}

function groupFrames(): readonly Case[] {
  return GROUP_SAMPLES.flatMap(({ name, value, encode, decode }): readonly Case[] => {
    const frame = decodeCbor(encode(value), 65_536) as readonly CborValue[]
    const take = (altered: CborValue): unknown => decode(encodeCbor(altered))
    const [body, sig] = frame
    const whole: Case = { name, rule: name, value: frame, take }
    // A signed object: what its body holds is altered for itself.
    if (!(body instanceof Uint8Array) || sig === undefined) return [whole]
    const inner: Case = {
      name: `body of ${name}`,
      rule: `${name}-body`,
      value: decodeCbor(body, 65_536),
      take: (altered) => take([encodeCbor(altered), sig]),
    }
    return [whole, inner]
  })
}

/** What an operations message seals, as it is opened. */
function groupOperations(): Case {
  const keys = { controlKey: bytesOf('control'), lineageTag: bytesOf('tag', 8) }
  const ops = [bytesOf('operation', 252)]
  const opened = openOperations(
    noble,
    keys.controlKey,
    sealOperations(noble, keys, ops, (length) => bytesOf('hedge', length)),
  )
  return { name: 'operations', rule: 'group-operations', value: [...(opened ?? [])] }
}

const CASES: readonly Case[] = [
  ...(await groupOps()),
  ...groupFrames(),
  groupOperations(),
  ...(await identity()),
  ...frameBodies(),
  ...headers(),
  directHello(),
  ...relayFrames(),
  ...results(),
  ...descriptors(),
]

test('every rule that is used is defined, once, and every rule is used', () => {
  expect([...GRAMMAR.reach('sotto')].sort()).toEqual([...GRAMMAR.rules.keys()].sort())
})

test('what the sections show of the grammar stands in it word for word', () => {
  const shown = BLOCKS.slice(0, -1).flatMap((block) => [...new Grammar(block).rules])
  expect(shown.length).toBeGreaterThan(40)
  for (const [name, { text }] of shown) expect(text).toBe(GRAMMAR.rules.get(name)?.text)
})

test('every rule of an array is matched by something that a codec made', () => {
  const matched = new Set(CASES.flatMap(({ rule }) => [...GRAMMAR.reach(rule)]))
  expect([...GRAMMAR.rules.keys()].filter((rule) => !matched.has(rule))).toEqual([
    'sotto',
    'frame-body',
  ])
})

/** A group's mailbox ends these with its chain, which is not there at a device's. */
function hasTrimChain(rule: string, value: CborValue): boolean {
  const last = (value as readonly CborValue[]).at(-1)
  const isListed = rule === 'fetch-result' || rule === 'sub-result'
  return isListed && last instanceof Uint8Array && last.length === 32
}

describe('what is encoded', () => {
  it.each(CASES)('matches: $name', ({ rule, value }) => {
    expect(GRAMMAR.matches(rule, value)).toBe(true)
  })

  it.each(CASES)('matches no more without its last element: $name', ({ rule, value, name }) => {
    const shorter = (value as readonly CborValue[]).slice(0, -1)
    expect(GRAMMAR.matches(rule, shorter)).toBe(name === 'pow' || hasTrimChain(rule, value))
  })
})

type Change = readonly [path: readonly number[], what: number, filler: CborValue]

/** The value with one element left out, doubled, or another in its place, at some depth. */
function change(value: CborValue, [path, what, filler]: Change): CborValue {
  if (!Array.isArray(value)) return filler
  const [step = 0, ...deeper] = path
  const list = value as readonly CborValue[]
  const at = list.length === 0 ? 0 : step % list.length
  const there = list[at]
  if (deeper.length > 0 && Array.isArray(there) && what > 0) {
    return list.with(at, change(there, [deeper, what, filler]))
  }
  if (what % 4 === 0) return list.toSpliced(at, 1)
  if (what % 4 === 1) return list.toSpliced(at, 0, filler)
  return what % 4 === 2 ? [...list, filler] : list.toSpliced(at, 1, filler)
}

const filler = fc.oneof(
  fc.constantFrom<CborValue>(
    0,
    1,
    2,
    255,
    256,
    2 ** 32,
    2 ** 48,
    2 ** 48 + 1,
    new Uint8Array(0),
    [],
  ),
  fc.constantFrom(8, 16, 32, 45, 64, 129).map((length) => new Uint8Array(length).fill(0x61)),
)
const changes = fc.tuple(fc.array(fc.nat(20), { minLength: 1, maxLength: 5 }), fc.nat(7), filler)

describe('what a codec takes although it was altered', () => {
  it.each(CASES.filter(({ take }) => take !== undefined))(
    'matches: $name',
    ({ rule, value, take }) => {
      const property = fc.property(changes, (one) => {
        const altered = change(value, one)
        try {
          if (take?.(altered) === false) return
        } catch (error) {
          expect(error).toBeInstanceOf(CryptoError)
          return
        }
        expect(GRAMMAR.matches(rule, altered), JSON.stringify(one)).toBe(true)
      })
      fc.assert(property, { numRuns: 400 })
    },
  )
})
