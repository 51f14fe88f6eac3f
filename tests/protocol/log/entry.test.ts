import { describe, expect, it } from 'vitest'
import { type CborValue, encodeCbor, fromHex, noble, toHex, verify } from '../../../crypto/index.ts'
import {
  decodeEntry,
  directConversation,
  elideEntry,
  encodeEntry,
  restoreEntry,
} from '../../../protocol/log/entry.ts'
import { decodeHeader, encodeHeader } from '../../../protocol/log/header.ts'
import { testDecoder } from '../../support/decoder.ts'
import { bytesOf, CONVERSATION, entryOf } from '../../support/entries.ts'
import { vectors } from '../../support/entry-vectors.ts'
import { SAMPLE_ENTRY, SIGNED_ENTRY } from '../../support/samples.ts'

const malformed = expect.objectContaining({ code: 'ERR_WIRE_MALFORMED' })
const none = new Uint8Array(0)
const id = bytesOf('id')
const low = bytesOf('low').fill(1)
const high = bytesOf('high').fill(2)

describe('headers', () => {
  testDecoder({ value: SAMPLE_ENTRY.header, encode: encodeHeader, decode: decodeHeader })

  /** A header that is valid but for what is replaced. */
  const header = (changed: Readonly<Record<number, CborValue>>): Uint8Array => {
    const fields: CborValue[] = [1, id, none, id, 2, [id, 4], [[low, 3]], 5, 1, 0, id]
    for (const [at, value] of Object.entries(changed)) fields[Number(at)] = value
    return encodeCbor(fields)
  }

  it('take a valid one', () => {
    expect(decodeHeader(header({}))).toMatchObject({ n: 2, lamport: 5 })
  })

  it('keep and hash fields of later versions', () => {
    const longer = header({ 0: 2, 11: 7 })
    const decoded = decodeHeader(longer)
    expect(decoded.rest).toEqual([7])
    expect(encodeHeader(decoded)).toEqual(longer)
  })

  it.each<[string, Readonly<Record<number, CborValue>>]>([
    ['version 0', { 0: 0 }],
    ['n = 0', { 4: 0 }],
    ['n = 1 with a prev', { 4: 1 }],
    ['n = 2 without a prev', { 5: [], 7: 4 }],
    ['a lamport that is too low', { 7: 4 }],
    ['a lamport that is too high', { 7: 6 }],
    ['a lamport above 2^48', { 5: [id, 2 ** 48], 7: 2 ** 48 + 1 }],
    [
      'parents out of order',
      {
        6: [
          [high, 3],
          [low, 3],
        ],
      },
    ],
    [
      'a parent twice',
      {
        6: [
          [low, 3],
          [low, 3],
        ],
      },
    ],
    ['prev as a parent', { 6: [[id, 4]] }],
    ['17 parents', { 6: Array.from({ length: 17 }, (_, i) => [bytesOf('p').fill(i), 3]) }],
    ['kind 0', { 8: 0 }],
    ['a kind of a frame', { 8: 0x1000 }],
    ['sentAt above 2^48', { 9: 2 ** 48 + 1 }],
    ['an author of 31 bytes', { 3: id.slice(1) }],
    ['an elided author, where nothing says it', { 3: none }],
    ['a text for a number', { 7: id }],
  ])('refuse %s', (_what, changed) => {
    expect(() => decodeHeader(header(changed))).toThrow(malformed)
  })
})

describe('entries', () => {
  it('come back whole from every elision, with the same id', () => {
    const op = SIGNED_ENTRY.header.op ?? none
    const { author } = SIGNED_ENTRY.header
    for (const elision of ['none', 'session', 'group'] as const) {
      const wire = decodeEntry(encodeEntry(elideEntry(SIGNED_ENTRY, elision)))
      const context = { conversation: CONVERSATION, author, op }
      expect(restoreEntry(noble, wire, context)).toEqual(SIGNED_ENTRY)
    }
    expect(
      verify(noble, author, 'group-entry', SIGNED_ENTRY.id, SIGNED_ENTRY.signature ?? none),
    ).toBe(true)
  })

  it('keep their id without their body', () => {
    const absent = { ...SAMPLE_ENTRY, body: 3 }
    const wire = decodeEntry(encodeEntry(elideEntry(absent, 'session')))
    const { author } = SAMPLE_ENTRY.header
    const restored = restoreEntry(noble, wire, { conversation: CONVERSATION, author })
    expect(restored.id).toEqual(SAMPLE_ENTRY.id)
    expect(restored.body).toBe(3)
  })

  it('with another body or salt are other entries', () => {
    const { author } = SAMPLE_ENTRY.header
    const wire = elideEntry(SAMPLE_ENTRY, 'session')
    const body = typeof wire.body === 'number' ? undefined : wire.body
    if (body === undefined) throw new Error('no body')
    const context = { conversation: CONVERSATION, author }
    for (const other of [
      { salt: body.salt, bytes: Uint8Array.of(...body.bytes, 0) },
      { salt: bytesOf('other salt', 16), bytes: body.bytes },
    ]) {
      const restored = restoreEntry(noble, { ...wire, body: other }, context)
      expect(restored.id).not.toEqual(SAMPLE_ENTRY.id)
    }
  })

  const elided = encodeHeader(elideEntry(SAMPLE_ENTRY, 'session').header)
  const whole = SAMPLE_ENTRY.headerBytes
  const salt = bytesOf('salt', 16)
  it.each<[string, CborValue]>([
    ['bodyHash beside a body', [whole, 0, salt, none, none]],
    ['a body without salt', [elided, 0, none, none, none]],
    ['neither body nor bodyHash', [elided, 1, none, none, none]],
    ['a salt beside a reason', [whole, 1, salt, none, none]],
    ['a body beside a reason', [whole, 1, none, salt, none]],
    ['a signature of 63 bytes', [whole, 1, none, none, bytesOf('sig', 63)]],
    ['a header that is an array', [[1], 1, none, none, none]],
  ])('are malformed with %s', (_what, value) => {
    expect(() => decodeEntry(encodeCbor(value))).toThrow(malformed)
  })

  it('are malformed where nothing says what is elided, or signed without an operation', () => {
    const wire = elideEntry(SAMPLE_ENTRY, 'session')
    const context = { conversation: CONVERSATION }
    expect(() => restoreEntry(noble, wire, context)).toThrow(malformed)
    const signed = { ...elideEntry(SAMPLE_ENTRY, 'none'), signature: bytesOf('sig', 64) }
    expect(() => restoreEntry(noble, signed, context)).toThrow(malformed)
    const unsigned = { ...elideEntry(SIGNED_ENTRY, 'none'), signature: undefined }
    expect(() => restoreEntry(noble, unsigned, context)).toThrow(malformed)
  })

  it('have the ids and bytes of their vectors', () => {
    for (const vector of vectors.entries) {
      const { author, op, conversation } = vector
      const wire = decodeEntry(fromHex(vector.session))
      const entry = restoreEntry(noble, wire, {
        conversation: fromHex(conversation),
        author: fromHex(author),
        ...(op === '' ? {} : { op: fromHex(op) }),
      })
      expect(toHex(entry.headerBytes)).toBe(vector.header)
      expect(toHex(entry.header.bodyHash)).toBe(vector.bodyHash)
      expect(toHex(entry.id)).toBe(vector.id)
      expect(toHex(encodeEntry(elideEntry(entry, 'none')))).toBe(vector.whole)
      expect(toHex(encodeEntry(elideEntry(entry, 'session')))).toBe(vector.session)
      expect(decodeEntry(fromHex(vector.whole))).toBeDefined()
    }
    expect(vectors.entries).toHaveLength(3)
  })

  it('of a direct conversation have one id, whoever computes it', () => {
    const { a, b, conversation } = vectors.direct
    const ids = [directConversation(noble, fromHex(a), fromHex(b))]
    ids.push(directConversation(noble, fromHex(b), fromHex(a)))
    expect(ids.map(toHex)).toEqual([conversation, conversation])
  })

  it('differ by one when their author differs', () => {
    expect(entryOf({ author: low, n: 1 }).id).not.toEqual(entryOf({ author: high, n: 1 }).id)
  })
})
