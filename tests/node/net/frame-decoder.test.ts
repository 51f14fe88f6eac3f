import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concat, u32 } from '../../../crypto/index.ts'
import { FrameDecoder, encodeFrames } from '../../../node/net/frame-decoder.ts'

const MAX = 40_000

function drain(decoder: FrameDecoder): Uint8Array[] {
  const frames: Uint8Array[] = []
  for (let frame = decoder.next(); frame !== undefined; frame = decoder.next()) frames.push(frame)
  return frames
}

/** Cuts bytes at the given places. */
function chunks(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b)
  return [0, ...places].map((from, i) => bytes.slice(from, places[i] ?? bytes.length))
}

describe('FrameDecoder', () => {
  test('gives the same frames for any chunking', () => {
    const frame = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 20 }),
      fc.integer({ min: 1, max: MAX }).map((size) => new Uint8Array(size).fill(size & 255)),
    )
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 12 }),
        fc.array(fc.nat(), { maxLength: 40 }),
        fc.boolean(),
        (frames, cuts, greedy) => {
          const decoder = new FrameDecoder(MAX)
          const got: Uint8Array[] = []
          for (const chunk of chunks(encodeFrames(frames), cuts)) {
            decoder.push(chunk)
            if (greedy) got.push(...drain(decoder))
          }
          got.push(...drain(decoder))
          expect(got.map((each) => Buffer.from(each).toString('hex'))).toEqual(
            frames.map((each) => Buffer.from(each).toString('hex')),
          )
          expect(decoder.bufferedBytes).toBe(0)
        },
      ),
      { numRuns: 150 },
    )
  })

  test('encodes u32 length ‖ frame', () => {
    expect(encodeFrames([Uint8Array.of(7), Uint8Array.of(8, 9)])).toEqual(
      Uint8Array.of(0, 0, 0, 1, 7, 0, 0, 0, 2, 8, 9),
    )
  })

  test('takes one byte at a time', () => {
    const decoder = new FrameDecoder(MAX)
    const got: Uint8Array[] = []
    for (const byte of encodeFrames([new Uint8Array(5000).fill(1), new Uint8Array(3).fill(2)])) {
      decoder.push(Uint8Array.of(byte))
      got.push(...drain(decoder))
    }
    expect(got.map((frame) => frame.length)).toEqual([5000, 3])
  })

  test('copies nothing that arrived in one piece', () => {
    const decoder = new FrameDecoder(MAX)
    const chunk = encodeFrames([new Uint8Array(100), new Uint8Array(200)])
    decoder.push(chunk)
    expect(drain(decoder).every((frame) => frame.buffer === chunk.buffer)).toBe(true)
  })

  test.each([0, MAX + 1, 2 ** 31, 2 ** 32 - 1])('refuses a frame of %d bytes', (length) => {
    for (const split of [0, 1, 3, 4]) {
      const decoder = new FrameDecoder(MAX)
      const bytes = concat(encodeFrames([Uint8Array.of(1)]), u32(length))
      decoder.push(bytes.slice(0, 5 + split))
      expect(() => {
        drain(decoder)
        decoder.push(bytes.slice(5 + split))
        drain(decoder)
      }).toThrow(expect.objectContaining({ code: 'FRAME_LENGTH' }))
    }
  })

  test('any bytes give frames within the bounds or FRAME_LENGTH, and are all accounted for', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 20 }), (pieces) => {
        const decoder = new FrameDecoder(1000)
        let [pushed, taken] = [0, 0]
        try {
          for (const piece of pieces) {
            decoder.push(piece)
            pushed += piece.length
            for (const frame of drain(decoder)) {
              expect(frame.length).toBeGreaterThan(0)
              expect(frame.length).toBeLessThanOrEqual(1000)
              taken += 4 + frame.length
            }
            expect(decoder.bufferedBytes).toBe(pushed - taken)
          }
        } catch (error) {
          expect(error).toMatchObject({ code: 'FRAME_LENGTH' })
        }
      }),
    )
  })

  test('a length alone allocates next to nothing', () => {
    const decoders = Array.from({ length: 200 }, () => new FrameDecoder(2 ** 30))
    const before = process.memoryUsage().arrayBuffers
    for (const decoder of decoders) {
      decoder.push(u32(2 ** 30))
      expect(decoder.next()).toBeUndefined()
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 2 ** 20)
  })
})
