import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { safeJson, terminalSafe, terminalSafeLine } from '../../cli/terminal-safe.ts'

const STRINGS = 100_000

/** By code points, so that it shares nothing with the expressions it checks. */
function dangerous(text: string, lineBreaks: boolean): string | undefined {
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0
    const control = code < 0x20 || (code >= 0x7f && code <= 0x9f)
    const allowed = lineBreaks && (code === 0x0a || code === 0x09)
    const bidi =
      code === 0x061c ||
      code === 0x200e ||
      code === 0x200f ||
      (code >= 0x202a && code <= 0x202e) ||
      (code >= 0x2066 && code <= 0x2069)
    const separator = code === 0x2028 || code === 0x2029 || code === 0xfeff
    const surrogate = code >= 0xd800 && code <= 0xdfff
    if ((control && !allowed) || bidi || separator || surrogate) return code.toString(16)
  }
  return undefined
}

// Code units, not code points, so that lone surrogates come up; weighted towards what is dangerous.
const unit = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 0xffff }) },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 0xa0 }) },
  { weight: 2, arbitrary: fc.integer({ min: 0x2000, max: 0x2070 }) },
  { weight: 2, arbitrary: fc.integer({ min: 0xd7f0, max: 0xe010 }) },
  { weight: 1, arbitrary: fc.constantFrom(0x1b, 0x9b, 0x061c, 0xfeff, 0x0d, 0x08) },
)
const text = fc.array(unit, { maxLength: 24 }).map((units) => String.fromCharCode(...units))

describe('text from outside', () => {
  test(`cannot control the terminal (${STRINGS} strings)`, () => {
    fc.assert(
      fc.property(
        text,
        (found) =>
          dangerous(terminalSafe(found), true) === undefined &&
          dangerous(terminalSafeLine(found), false) === undefined,
      ),
      { numRuns: STRINGS },
    )
  })

  test('stays as it is where it is harmless', () => {
    for (const harmless of ['', 'héllo wörld', '日本語', '🎉👩‍👩‍👧', 'a\n\tb', 'שלום', '‍']) {
      expect(terminalSafe(harmless)).toBe(harmless)
    }
  })

  test.each([
    ['\u001b[31mred', '\\x1b[31mred'],
    ['\u001b]0;title\u0007', '\\x1b]0;title\\x07'],
    ['a\rb', 'a\\rb'],
    ['a\bb\u007f', 'a\\x08b\\x7f'],
    ['\u009b2J', '\\x9b2J'],
    ['evil\u202egpj.exe', 'evil\\u202egpj.exe'],
    ['\u2066a\u2069\u200f\u061c', '\\u2066a\\u2069\\u200f\\u061c'],
    ['a\u2028b\u2029', 'a\\u2028b\\u2029'],
    ['\ufeffx', '\\ufeffx'],
    ['\ud800', '\\ud800'],
    ['\udc00\ud83c\udf89', '\\udc00🎉'],
  ])('%j is shown as %j', (from, to) => {
    expect(terminalSafe(from)).toBe(to)
  })

  test('stays on its line where it must', () => {
    expect(terminalSafeLine('a\nb\tc')).toBe('a\\nb\\tc')
  })
})

describe('JSON', () => {
  test('says text exactly, on one harmless line', () => {
    fc.assert(
      fc.property(text, (found) => {
        const line = safeJson({ text: found, [found]: 1 })
        const { text: back } = JSON.parse(line) as { text: string }
        return dangerous(line, false) === undefined && back === found
      }),
      { numRuns: STRINGS / 4 },
    )
  })
})
