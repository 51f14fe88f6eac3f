import { describe, expect, it } from 'vitest'
import {
  type CborValue,
  decodeCbor,
  decodeGroupOp,
  encodeCbor,
  encodeGroupOpCore,
  fromHex,
  groupBaseHash,
  groupOpCoreHash,
  groupOpId,
  type GroupPayload,
  groupRecipientsHash,
  groupRepairRank,
  noble,
  openGroupOp,
  sign,
  signGroupOp,
  toHex,
} from '../../crypto/index.ts'
import { nativeCrypto } from '../../node/native-crypto.ts'
import { readFileSync } from 'node:fs'
import {
  deviceSeed,
  sampleFields,
  sampleOp,
  samplePayloads,
} from '../protocol/groups/group-op-fixture.ts'
import { counting, refusal, refusesOtherLengths, survivesNoise } from './decoder-checks.ts'

const samples = samplePayloads(noble)
const payloadOf = (name: string): GroupPayload => {
  const found = samples.find(([sample]) => sample === name)
  if (found === undefined) throw new Error(name)
  return found[2]
}

/** A core signed as it is, well-formed or not, with a commitment of its length. */
function signedCore(core: Uint8Array, commit: Uint8Array): Uint8Array {
  const id = groupOpId(noble, groupOpCoreHash(noble, core), commit)
  return encodeCbor([core, commit, sign(noble, deviceSeed, 'group-op', id)])
}

const COMMITS: Readonly<Record<string, number>> = {
  create: 64,
  add: 32,
  remove: 64,
  rotate: 64,
  merge: 64,
  refresh: 32,
}

/** The fields of a sample's core, some replaced by place. */
function coreWith(name: string, changes: Readonly<Record<number, CborValue>>): Uint8Array {
  const fields = decodeCbor(encodeGroupOpCore(sampleFields(noble, payloadOf(name))), 1 << 16)
  const changed = (fields as readonly CborValue[]).map((field, at) => changes[at] ?? field)
  return encodeCbor(changed)
}

function payloadFields(name: string): readonly CborValue[] {
  const core = decodeCbor(encodeGroupOpCore(sampleFields(noble, payloadOf(name))), 1 << 16)
  return (core as readonly CborValue[])[8] as readonly CborValue[]
}

function codeOf(name: string, changes: Readonly<Record<number, CborValue>>): string | undefined {
  const bytes = signedCore(coreWith(name, changes), counting(COMMITS[name] ?? 0))
  return refusal(() => openGroupOp(noble, bytes))
}

function payloadCode(name: string, at: number, value: CborValue): string | undefined {
  return codeOf(name, { 8: payloadFields(name).map((field, i) => (i === at ? value : field)) })
}

describe('a group operation', () => {
  it.each(samples)('of kind %s has its size and comes back as it was', (_name, size, payload) => {
    const op = sampleOp(noble, payload)
    expect(op.bytes.length).toBe(size)
    const opened = openGroupOp(noble, op.bytes)
    expect(opened).toEqual(op)
    expect(opened.payload).toEqual(payload)
    expect(decodeGroupOp(noble, op.bytes)).toEqual(op)
  })

  it('is named by its core and commitment, and a group by the operation that created it', () => {
    const op = sampleOp(noble, payloadOf('create'))
    expect(op.groupId).toEqual(op.id)
    expect(op.group).toEqual(new Uint8Array(32))
    const rotate = sampleOp(noble, payloadOf('rotate'))
    expect(rotate.groupId).toEqual(counting(32, 16))
    const core = encodeGroupOpCore(sampleFields(noble, payloadOf('rotate')))
    expect(rotate.coreHash).toEqual(groupOpCoreHash(noble, core))
    const elsewhere = signGroupOp({ provider: noble, deviceSeed }, core, counting(64, 3))
    expect(elsewhere.coreHash).toEqual(rotate.coreHash)
    expect(elsewhere.id).not.toEqual(rotate.id)
  })

  it.each(samples)('of kind %s refuses other lengths, and survives noise', (_n, _s, payload) => {
    const { bytes } = sampleOp(noble, payload)
    const read = (input: Uint8Array): unknown => decodeGroupOp(noble, input)
    refusesOtherLengths(read, bytes)
    survivesNoise(read, bytes, 40)
  })

  it('refuses every single changed bit', () => {
    const { bytes } = sampleOp(nativeCrypto, payloadOf('add'))
    for (let at = 0; at < bytes.length; at++) {
      const changed = Uint8Array.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8))
      expect(
        refusal(() => openGroupOp(nativeCrypto, changed)),
        `byte ${at}`,
      ).toBeDefined()
    }
  })

  it('puts parents and rows in order for its author', () => {
    const fields = sampleFields(noble, payloadOf('merge'))
    const backwards = { ...fields, parents: fields.parents.toReversed() }
    expect(encodeGroupOpCore(backwards)).toEqual(encodeGroupOpCore(fields))
    const remove = payloadOf('remove')
    if (remove.kind !== 'remove') throw new Error('no removal')
    const turned = { ...remove, cut: remove.cut.toReversed() }
    expect(encodeGroupOpCore(sampleFields(noble, turned))).toEqual(
      encodeGroupOpCore(sampleFields(noble, remove)),
    )
  })

  const zeros = new Uint8Array(32)
  const parent = (id: number, lamport: number): CborValue => [counting(32, id), lamport]
  const shapes: readonly (readonly [string, string, Readonly<Record<number, CborValue>>])[] = [
    ['another version', 'rotate', { 0: 2 }],
    ['kind 0', 'rotate', { 2: 0 }],
    ['a group of zeros outside of a create', 'rotate', { 1: zeros }],
    ['a create of a group that is there', 'create', { 1: counting(32, 16) }],
    ['a create with a parent', 'create', { 3: [parent(1, 1)], 7: 2 }],
    ['no parent', 'rotate', { 3: [], 7: 1 }],
    ['a merge of one head', 'merge', { 3: [parent(1, 99)] }],
    ['parents out of order', 'merge', { 3: [parent(9, 99), parent(1, 70)] }],
    ['a parent twice', 'merge', { 3: [parent(1, 99), parent(1, 99)] }],
    ['17 parents', 'rotate', { 3: Array.from({ length: 17 }, (_, i) => parent(i, 99)) }],
    ['a timestamp that is not 1 + max(parents)', 'rotate', { 7: 101 }],
    ['a timestamp above 2^32', 'rotate', { 3: [parent(1, 2 ** 32)], 7: 2 ** 32 + 1 }],
    ['number 0', 'rotate', { 6: 0 }],
    ['a short key', 'rotate', { 5: counting(31) }],
    ['a payload of another kind', 'rotate', { 2: 4 }],
  ]
  it.each(shapes)('refuses %s', (_what, name, changes) => {
    const expected = changes[0] === 2 ? 'ERR_WIRE_UNSUPPORTED' : 'ERR_WIRE_MALFORMED'
    expect(codeOf(name, {})).toBeUndefined()
    expect(codeOf(name, changes)).toBe(expected)
  })

  const key = counting(32, 3)
  const row = (n: number, k = key): CborValue => [k, n, counting(32, 7)]
  const payloads: readonly (readonly [string, string, number, CborValue])[] = [
    ['a name of 257 bytes', 'create', 1, counting(257)],
    ['a name that is not UTF-8', 'create', 1, Uint8Array.of(0xff)],
    ['settings above 16 bits', 'create', 2, 65_536],
    ['four relays', 'create', 4, [1, 2, 3, 4].map((k) => [counting(32, k), [fromHex('2f61')]])],
    ['a relay twice', 'create', 4, [1, 1].map((k) => [counting(32, k), [fromHex('2f61')]])],
    ['a relay without an address', 'carriage', 0, [[counting(32), []]]],
    ['nobody added', 'add', 1, []],
    [
      'a list of another account',
      'add',
      1,
      [[counting(32), payloadFields('devices')[0] ?? 0, zeros]],
    ],
    [
      'heads out of order',
      'add',
      2,
      [
        [counting(32, 2), 1],
        [counting(32, 1), 1],
      ],
    ],
    ['a cut at 0', 'remove', 1, [row(0)]],
    ['a device cut twice', 'leave', 0, [row(1), row(2)]],
    [
      '65 devices in a cut',
      'leave',
      0,
      Array.from({ length: 65 }, (_, i) => row(1, counting(32, i))),
    ],
    ['a reason above 255', 'remove', 2, 256],
    ['role 3', 'role', 1, 3],
    ['a target that is no key', 'role', 0, counting(16)],
    ['nobody refreshed', 'refresh', 1, []],
    ['17 devices refreshed', 'refresh', 1, Array.from({ length: 17 }, (_, i) => counting(32, i))],
    ['a change of nothing', 'meta', 0, new Uint8Array(0)],
    ['a short hash', 'rotate', 1, counting(31)],
  ]
  it.each(payloads)('refuses %s', (_what, name, at, value) => {
    expect(payloadCode(name, at, value)).toBe('ERR_WIRE_MALFORMED')
  })

  it.each(samples.filter(([name]) => name !== 'unknown'))(
    'of kind %s refuses a field too many, and a commitment of another length',
    (name) => {
      expect(codeOf(name, { 8: [...payloadFields(name), 0] })).toBe('ERR_WIRE_MALFORMED')
      const core = coreWith(name, {})
      const length = (COMMITS[name] ?? 0) + 1
      const bytes = signedCore(core, counting(length))
      expect(refusal(() => openGroupOp(noble, bytes))).toBe('ERR_WIRE_MALFORMED')
    },
  )

  it('refuses a signature of another key, in another context, over other bytes', () => {
    const op = sampleOp(noble, payloadOf('rotate'))
    const [core, commit] = decodeCbor(op.bytes, 1 << 16) as readonly [Uint8Array, Uint8Array]
    const refused = (signature: Uint8Array): string | undefined =>
      refusal(() => openGroupOp(noble, encodeCbor([core, commit, signature])))
    expect(refused(sign(noble, deviceSeed, 'group-op', op.id))).toBeUndefined()
    for (const signature of [
      sign(noble, counting(32, 9), 'group-op', op.id),
      sign(noble, deviceSeed, 'group-entry', op.id),
      sign(noble, deviceSeed, 'group-op', op.coreHash),
    ]) {
      expect(refused(signature)).toBe('ERR_CRYPTO_UNAUTHENTIC')
    }
    expect(
      refusal(() => signGroupOp({ provider: noble, deviceSeed: counting(32) }, core, commit)),
    ).toBe('ERR_CRYPTO_PARAMETER')
  })

  it('refuses an author key of small order', () => {
    const identity = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0))
    expect(codeOf('rotate', { 5: identity })).toBe('ERR_CRYPTO_KEY')
    expect(codeOf('rotate', { 4: identity })).toBe('ERR_CRYPTO_KEY')
  })

  it('refuses a list inside that its account did not sign', () => {
    const list = Uint8Array.from(payloadFields('devices')[0] as Uint8Array)
    list[list.length - 1] = (list[list.length - 1] ?? 0) ^ 1
    expect(payloadCode('devices', 0, list)).toBe('ERR_CRYPTO_UNAUTHENTIC')
  })

  it('of an unknown kind is read with whatever it says', () => {
    const op = sampleOp(noble, { kind: 'unknown', number: 4_000, value: [1, [2, counting(3)]] })
    expect(openGroupOp(noble, op.bytes).payload).toEqual({
      kind: 'unknown',
      number: 4_000,
      value: [1, [2, counting(3)]],
    })
  })
})

describe('hashes that operations carry', () => {
  it('order the rows of a base, and cover each field', () => {
    const rows = [counting(32, 9), counting(32, 1)].map((device) => ({
      device,
      n: 3,
      id: counting(32, 5),
      lamport: 9,
    }))
    const hash = toHex(groupBaseHash(noble, rows))
    expect(toHex(groupBaseHash(noble, rows.toReversed()))).toBe(hash)
    const [first, second] = rows
    if (first === undefined || second === undefined) throw new Error('rows')
    expect(toHex(groupBaseHash(noble, [{ ...first, n: 4 }, second]))).not.toBe(hash)
    expect(toHex(groupBaseHash(noble, [first]))).not.toBe(hash)
  })

  it('give each device its own place in the order of repair, another for each operation', () => {
    const devices = Array.from({ length: 20 }, (_, i) => counting(32, i))
    const places = (op: number): readonly number[] =>
      devices.map((device) => groupRepairRank(noble, counting(32, op), device, devices))
    expect(places(1).toSorted((a, b) => a - b)).toEqual(devices.map((_, i) => i))
    expect(places(1)).not.toEqual(places(2))
  })
})

describe.each([noble, nativeCrypto])(
  'the published vectors of group operations on $name',
  (provider) => {
    interface Vector {
      readonly kind: string
      readonly size: number
      readonly op: string
      readonly core: string
      readonly coreHash: string
      readonly opId: string
    }
    const url = new URL('../vectors/group-op.json', import.meta.url)
    const file = JSON.parse(readFileSync(url, 'utf8')) as {
      readonly tests: readonly Vector[]
      readonly hashes: Readonly<Record<string, string>>
    }

    it('are what this build writes and reads', () => {
      expect(file.tests.map(({ kind }) => kind)).toEqual(samples.map(([name]) => name))
      for (const [at, [, size, payload]] of samplePayloads(provider).entries()) {
        const vector = file.tests[at]
        const op = sampleOp(provider, payload)
        expect(toHex(op.bytes)).toBe(vector?.op)
        expect(size).toBe(vector?.size)
        const opened = openGroupOp(provider, fromHex(vector?.op ?? ''))
        expect([toHex(opened.coreHash), toHex(opened.id)]).toEqual([vector?.coreHash, vector?.opId])
        const core = encodeGroupOpCore(sampleFields(provider, payload))
        expect(toHex(core)).toBe(vector?.core)
      }
    })

    it('hash recipients, bases and places alike', () => {
      const devices = [counting(32, 5), counting(32, 6), counting(32, 7)]
      const rows = devices.map((device, i) => ({
        device,
        n: i + 1,
        id: counting(32, i),
        lamport: i + 9,
      }))
      expect(toHex(groupRecipientsHash(provider, devices))).toBe(file.hashes['recipients'])
      expect(toHex(groupBaseHash(provider, rows))).toBe(file.hashes['base'])
      expect(
        String(devices.map((d) => groupRepairRank(provider, counting(32, 9), d, devices))),
      ).toBe(file.hashes['ranks'])
    })
  },
)
