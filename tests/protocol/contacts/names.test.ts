import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeText } from '../../../crypto/index.ts'
import { cutName } from '../../../protocol/contacts/names.ts'
import {
  type Contact,
  NAME_MAX_BYTES,
  checkText,
  foldName,
  renameContact,
  textContent,
  uniqueName,
} from '../../../protocol/index.ts'
import { Person, acquainted } from '../../support/person.ts'

function contact(number: number, name: string): Contact {
  return {
    number,
    name,
    account: new Uint8Array(32),
    state: 'ready',
    named: true,
    theirName: name,
    verified: false,
    addedAtMs: 0,
    requestEntries: 0,
    requestBytes: 0,
    refusal: '',
    wasAccepted: true,
  }
}

describe('names', () => {
  test.each([
    ['case', 'Bob', 'bOB'],
    ['compatibility forms', 'ｂｏｂ', 'bob'],
    ['composition', 'Zoë', 'Zoe\u0308'],
    ['sharp s', 'Weiß', 'WEISS'],
    ['final sigma', 'ΟΔΟΣ', 'οδος'],
    ['white space', ' bob  smith\t', 'bob smith'],
    ['zero width', 'b\u200bo\u200db', 'bob'],
    ['bidi controls', '\u202ebob\u2066', 'bob'],
    ['controls', 'bob\u0007', 'bob'],
    ['variation selectors', 'bob\ufe0f', 'bob'],
    ['a byte order mark', '\ufeffbob', 'bob'],
  ])('fold over %s', (_, a, b) => {
    expect(foldName(a)).toBe(foldName(b))
    expect(uniqueName(a, [contact(1, b)])).toMatch(/-2$/)
  })

  test('what looks alike and is not the same folds apart', () => {
    expect(foldName('bob')).not.toBe(foldName('b0b'))
    expect(foldName('аlice')).not.toBe(foldName('alice'))
  })

  test('a clash gets the first free suffix, and one’s own name is none', () => {
    const taken = [contact(1, 'bob'), contact(2, 'bob-2'), contact(3, 'Bob-3')]
    expect(uniqueName('BOB', taken)).toBe('BOB-4')
    expect(uniqueName('bob', taken, contact(1, 'bob'))).toBe('bob')
  })

  test('one that shows as nothing gets a name that does', () => {
    for (const name of ['', '   ', '\u200b', '\u202e\u2066', '\ufeff']) {
      expect(uniqueName(name, [])).toBe('contact')
    }
  })

  test('are cut to 64 bytes at a character, whatever they hold', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (name) => {
        const cut = cutName(name)
        expect(encodeText(cut).length).toBeLessThanOrEqual(NAME_MAX_BYTES)
        expect(name.startsWith(cut)).toBe(true)
        expect(foldName(foldName(name))).toBe(foldName(name))
      }),
      { numRuns: 50 },
    )
  })

  test('of two contacts are never one, even by another spelling', () => {
    const [alice, bob] = acquainted('rename')
    const carol = new Person({ name: 'BOB', seed: 'rename' })
    carol.add(alice.invite())
    carol.take(alice)
    for (const { arrival } of carol.direct(alice)) alice.receive(arrival)
    expect(alice.contact(carol)?.name).toBe('BOB-2')
    expect(alice.contact(bob)?.name).toBe('bob')
    expect(() =>
      alice.driver.run((turn) => renameContact(turn, carol.self.account, 'b\u200bob')),
    ).toThrow(expect.objectContaining({ code: 'ERR_PROTOCOL_FORBIDDEN' }))
  })
})

describe('texts', () => {
  test('of 49,152 bytes are sent, of one more refused', () => {
    expect(() => checkText('x'.repeat(49_152))).not.toThrow()
    expect(() => checkText('é'.repeat(24_576))).not.toThrow()
    const tooLarge = expect.objectContaining({ code: 'ERR_PROTOCOL_TOO_LARGE' })
    expect(() => checkText('x'.repeat(49_153))).toThrow(tooLarge)
    expect(() => checkText('é'.repeat(24_577))).toThrow(tooLarge)
  })

  test.each(['', ' ', '\n\t', '\u00a0\u2003', '\ufeff'])(
    'of white space only are refused: %j',
    (text) => {
      expect(() => checkText(text)).toThrow(expect.objectContaining({ code: 'ERR_PROTOCOL_EMPTY' }))
    },
  )

  test('keep a leading byte order mark and every form as typed', () => {
    for (const text of ['\ufeffhello', 'e\u0301', '\u202ereversed', 'a\u0000b']) {
      const body = textContent.encode({ text, replyTo: undefined })
      expect(textContent.decode(body).text).toBe(text)
    }
  })

  test('with a lone surrogate are refused, never changed', () => {
    for (const text of ['a\ud800', '\udc00b', '\ud800\ud800']) {
      expect(() => checkText(text)).toThrow(expect.objectContaining({ code: 'ERR_CRYPTO_TEXT' }))
    }
  })
})
