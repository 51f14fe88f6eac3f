import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CryptoError, fromHex, toHex } from '../../../crypto/index.ts'
import {
  type DirectFrame,
  GOAWAY,
  decodeDirectFrame,
  encodeDirectFrame,
} from '../../../protocol/index.ts'

const sid = new Uint8Array(16).fill(0xaa)
const token = fromHex('fffffffffffffff0')

const FRAMES: readonly (readonly [frame: DirectFrame, hex: string])[] = [
  [{ kind: 'hello', features: 0, maxFrameBytes: 66_560 }, '018301001a00010400'],
  [
    { kind: 'envelope', seq: 7, volatile: true, sid, inner: Uint8Array.of(0x11, 2) },
    `020000000701${'aa'.repeat(16)}1102`,
  ],
  [
    {
      kind: 'answers',
      answers: [
        { seq: 1, code: 'committed', detail: 0 },
        { seq: 2, code: 'busy', detail: 60_000 },
      ],
    },
    '03000200000001000000000000000002030000ea60',
  ],
  [{ kind: 'ephemeral', sid, message: Uint8Array.of(0x12) }, `04${'aa'.repeat(16)}12`],
  [{ kind: 'card-request', inviteId: sid }, `05${'aa'.repeat(16)}`],
  [
    { kind: 'card', card: Uint8Array.of(1), opk: new Uint8Array(0), okem: Uint8Array.of(2, 3) },
    '06000101000000020203',
  ],
  [{ kind: 'ping', token }, '07fffffffffffffff0'],
  [{ kind: 'pong', token }, '08fffffffffffffff0'],
  [{ kind: 'goaway', reason: GOAWAY.overloaded }, '0903'],
]

function failure(bytes: Uint8Array): string {
  try {
    decodeDirectFrame(bytes)
    return 'none'
  } catch (error) {
    if (error instanceof CryptoError) return error.code
    throw error
  }
}

describe('direct frames', () => {
  test.each(FRAMES)('bytes: $kind', (frame, hex) => {
    expect(toHex(encodeDirectFrame(frame))).toBe(hex)
    expect(decodeDirectFrame(fromHex(hex))).toEqual(frame)
  })

  test.each(FRAMES)('every truncation of it is malformed or a shorter body: $kind', (frame) => {
    const bytes = encodeDirectFrame(frame)
    // The body of these two is whatever remains: a shorter one is another frame.
    const least = frame.kind === 'envelope' ? 23 : frame.kind === 'ephemeral' ? 18 : bytes.length
    for (let length = 0; length < least; length++) {
      expect(failure(bytes.subarray(0, length))).toBe('ERR_WIRE_MALFORMED')
    }
  })

  test.each(FRAMES.filter(([{ kind }]) => kind !== 'envelope' && kind !== 'ephemeral'))(
    'a byte after it is malformed: $kind',
    (frame) => {
      const bytes = encodeDirectFrame(frame)
      const longer = new Uint8Array([...bytes, 0])
      expect(failure(longer)).toBe('ERR_WIRE_MALFORMED')
    },
  )

  test('unknown types below 0x80 are skipped, others close', () => {
    expect(decodeDirectFrame(Uint8Array.of(0x7f, 1, 2))).toEqual({ kind: 'unknown', type: 0x7f })
    for (const type of [0x80, 0xff]) expect(failure(Uint8Array.of(type))).toBe('ERR_WIRE_MALFORMED')
  })

  test('an answer of an unknown code is malformed', () => {
    expect(failure(fromHex('030001000000010500000000'))).toBe('ERR_WIRE_MALFORMED')
  })

  test('a hello of another version is unsupported, a longer one of this version is not', () => {
    expect(failure(fromHex('018302001a00010400'))).toBe('ERR_WIRE_UNSUPPORTED')
    expect(decodeDirectFrame(fromHex('018401001a0001040005'))).toMatchObject({ kind: 'hello' })
  })

  test('above 66,560 bytes is malformed', () => {
    expect(failure(new Uint8Array(66_561).fill(2))).toBe('ERR_WIRE_MALFORMED')
    expect(failure(new Uint8Array(66_560).fill(2))).toBe('none')
  })

  test('any bytes decode, or are malformed in a stated way', () => {
    fc.assert(
      fc.property(fc.nat(0x0b), fc.uint8Array({ maxLength: 200 }), (type, rest) => {
        const bytes = Uint8Array.of(type, ...rest)
        expect(failure(bytes)).toMatch(/^(none|ERR_WIRE_MALFORMED|ERR_WIRE_UNSUPPORTED)$/)
      }),
      { numRuns: 500 },
    )
  })
})
