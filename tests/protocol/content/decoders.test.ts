// Every frame body and content kind: round trip, every truncation, a trailing byte, noise, and the
// rules that go beyond types (SPEC.md §8, §10). Fixed bytes stand in tests/vectors/entries.json.
import { describe, expect, it } from 'vitest'
import { type CborValue, encodeCbor, fromHex, toHex } from '../../../crypto/index.ts'
import { baseFrame } from '../../../protocol/content/base.ts'
import { frontierFrame } from '../../../protocol/content/frontier.ts'
import { introFrame } from '../../../protocol/content/intro.ts'
import { receiptFrame } from '../../../protocol/content/receipt.ts'
import { syncPageFrame } from '../../../protocol/content/sync-page.ts'
import { syncRequestFrame } from '../../../protocol/content/sync-request.ts'
import { textContent } from '../../../protocol/content/text.ts'
import { testDecoder } from '../../support/decoder.ts'
import { bytesOf } from '../../support/entries.ts'
import { vectors } from '../../support/entry-vectors.ts'
import { SAMPLES } from '../../support/samples.ts'

const malformed = expect.objectContaining({ code: 'ERR_WIRE_MALFORMED' })
const id = bytesOf('id')
const id8 = id.slice(0, 8)
const none = new Uint8Array(0)

describe.each(SAMPLES)('$name', (sample) => {
  testDecoder(sample)

  it('has the bytes of its vector', () => {
    const vector = vectors.frames.find(({ name }) => name === sample.name)
    expect(toHex(sample.encode(sample.value))).toBe(vector?.hex)
    expect(sample.decode(fromHex(vector?.hex ?? ''))).toEqual(sample.value)
  })
})

/** A receipt for one author. */
function receiptOf(n: number, prefix: Uint8Array, held: CborValue, readN: number): CborValue {
  return [1, 1, [[none, 0, [[none, n, prefix, held, readN]]]], [0, []]]
}
const touching: CborValue = [
  [5, 6],
  [7, 8],
]
const tooMany: CborValue = Array.from({ length: 33 }, (_, i) => [3 + 2 * i, 3 + 2 * i])
const receipt = receiptFrame.decode
const frontier = frontierFrame.decode
const request = syncRequestFrame.decode
const page = syncPageFrame.decode
const text = textContent.decode
const base = baseFrame.decode
const intro = introFrame.decode

const refusals: readonly (readonly [string, (bytes: Uint8Array) => unknown, CborValue])[] = [
  ['a receipt of version 2', receipt, [2, 1, [], [0, []]]],
  ['id8 where n is 0', receipt, receiptOf(0, id8, [], 0)],
  ['no id8 where n is above 0', receipt, receiptOf(1, none, [], 0)],
  ['more read than held', receipt, receiptOf(1, id8, [], 2)],
  ['a range that touches n', receipt, receiptOf(3, id8, [[4, 5]], 0)],
  ['ranges that touch each other', receipt, receiptOf(3, id8, touching, 0)],
  ['a range that runs backwards', receipt, receiptOf(3, id8, [[9, 7]], 0)],
  ['33 ranges', receipt, receiptOf(1, id8, tooMany, 0)],
  ['a frontier with a field too many', frontier, [1, none, [], [], 0]],
  ['a frontier id where n is 0', frontier, [1, none, [[id, 0, id, [], []]], []]],
  ['a sync range from 0', request, [1, 1, none, [[id, 0, 3]], []]],
  ['a sync id of 31 bytes', request, [1, 1, none, [], [id.slice(1)]]],
  ['a page whose more is 2', page, [1, 1, 1, 2, [], []]],
  ['an absence without a reason', page, [1, 1, 1, 0, [], [[id, 1, 1, 0]]]],
  ['a base with number 0', base, [0, none, [], []]],
  ['a base author with less lamport than entries', base, [1, none, [], [[id, 9, id, 8]]]],
  ['an invite without its proof', intro, [1, id.slice(16), none, none, []]],
  ['a name that is no UTF-8', intro, [1, none, none, Uint8Array.of(0xff), []]],
  ['a text of white space', text, [Uint8Array.of(0x20, 0x0a), none]],
  ['an empty text', text, [none, none]],
  ['a text that is no UTF-8', text, [Uint8Array.of(0xc3), none]],
  ['a text above 48 KiB', text, [new Uint8Array(49_153).fill(97), none]],
]

describe('decoders refuse', () => {
  it.each(refusals)('%s', (_what, decode, value) => {
    expect(() => decode(encodeCbor(value))).toThrow(malformed)
  })

  it('elided entries on a sync page', () => {
    const vector = vectors.entries[0]
    const pageOf = (entry: string) => fromHex(`860101010081${entry}80`)
    expect(syncPageFrame.decode(pageOf(vector?.whole ?? '')).entries).toHaveLength(1)
    expect(() => syncPageFrame.decode(pageOf(vector?.session ?? ''))).toThrow(malformed)
  })
})

describe('a text of one’s own', () => {
  it('is refused with a code when empty or too long, and takes 48 KiB', () => {
    const encode = (value: string) => textContent.encode({ text: value, replyTo: undefined })
    expect(() => encode(' \n')).toThrow(expect.objectContaining({ code: 'ERR_PROTOCOL_EMPTY' }))
    expect(() => encode('a'.repeat(49_153))).toThrow(
      expect.objectContaining({ code: 'ERR_PROTOCOL_TOO_LARGE' }),
    )
    expect(textContent.decode(encode('a'.repeat(49_152))).text).toHaveLength(49_152)
  })

  it('ignores fields of later versions at the end', () => {
    const longer = encodeCbor([Uint8Array.of(97), none, 5])
    expect(textContent.decode(longer)).toEqual({ text: 'a', replyTo: undefined })
  })
})
