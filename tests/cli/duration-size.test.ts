import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatDuration, parseDuration } from '../../cli/duration.ts'
import { formatSize, parseSize } from '../../cli/size.ts'

describe('durations', () => {
  test.each([
    ['500ms', 500],
    ['30s', 30_000],
    ['5m', 300_000],
    ['24h', 86_400_000],
    ['1.5h', 5_400_000],
    ['7d', 604_800_000],
    ['2w', 1_209_600_000],
    ['0s', 0],
  ])('%s is %i ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms)
  })

  test.each([
    '',
    '5',
    's',
    '-1s',
    '1 s',
    '1S',
    '1e3s',
    '1y',
    '0x5s',
    '9999999999s',
    '999999d',
    'NaNs',
    '1.s',
  ])('%j is refused', (text) => {
    expect(() => parseDuration(text)).toThrow('not a duration')
  })

  test('are parsed or refused, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), (text) => {
        try {
          expect(Number.isSafeInteger(parseDuration(text))).toBe(true)
        } catch (error) {
          expect(error).toMatchObject({ code: 'USAGE' })
        }
      }),
    )
  })

  test.each([
    [0, '0ms'],
    [250, '250ms'],
    [1_500, '1.5s'],
    [61_000, '1m 1s'],
    [90_000_000, '1d 1h'],
    [86_400_000, '1d'],
  ])('%i ms is shown as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text)
  })
})

describe('sizes', () => {
  test.each([
    ['1B', 1],
    ['10GiB', 10 * 2 ** 30],
    ['512MiB', 512 * 2 ** 20],
    ['1.5kib', 1_536],
    ['10GB', 1e10],
    ['2 TiB', 2 ** 41],
  ])('%s is %i bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes)
  })

  test.each(['', '10', 'GiB', '-1GiB', '1e3B', '1PiB', '999999999999TiB', '1GiBs'])(
    '%j is refused',
    (text) => {
      expect(() => parseSize(text)).toThrow('not a size')
    },
  )

  test.each([
    [0, '0 B'],
    [1_536, '1.5 KiB'],
    [10 * 2 ** 30, '10 GiB'],
  ])('%i bytes are shown as %s', (bytes, text) => {
    expect(formatSize(bytes)).toBe(text)
  })
})
