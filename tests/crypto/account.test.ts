import { describe, expect, it } from 'vitest'
import {
  accountKeySeed,
  createPhrase,
  encodeAddress,
  fromHex,
  noble,
  parseAddress,
  parsePhrase,
  phraseSeed,
  rendezvousMailboxId,
  rendezvousOwnerSeed,
  rendezvousRoot,
  safetyNumber,
  safetyNumberMatches,
  toHex,
} from '../../crypto/index.ts'
import { encodeText } from '../../crypto/text.ts'
import { fingerprint, fingerprintDigits } from '../../crypto/safety-number.ts'
import { counting, refusal } from './decoder-checks.ts'
import { account } from './identity-fixture.ts'

const ZEROS = `${'abandon '.repeat(23)}art`

describe('the recovery phrase', () => {
  it('gives the seed of BIP39', () => {
    // The vector of 32 zero bytes in BIP39's list has the passphrase TREZOR; this one has none.
    expect(toHex(phraseSeed(ZEROS)).slice(0, 32)).toBe('408b285c123836004f4b8842c89324c1')
  })

  it('has 24 words made of 32 random bytes', () => {
    expect(createPhrase(() => new Uint8Array(32))).toBe(ZEROS)
    expect(createPhrase((length) => counting(length)).split(' ').length).toBe(24)
  })

  it('is read whatever the case and the white space', () => {
    expect(parsePhrase(`  ${ZEROS.toUpperCase().replaceAll(' ', '\n\t ')} \n`)).toBe(ZEROS)
  })

  const failures: readonly (readonly [string, string, RegExp])[] = [
    ['an unknown word', ZEROS.replace('art', 'artt'), /word 24, "artt", is not in the word list/],
    ['a near miss', `abandn ${ZEROS.slice(8)}`, /did you mean "abandon"/],
    ['a word missing', ZEROS.slice(8), /24 words, this one has 23/],
    ['nothing', ' ', /this one has 0/],
    ['a wrong checksum', `${'abandon '.repeat(23)}zoo`, /one is wrong, or the order is/],
  ]
  it.each(failures)('names %s', (_what, text, message) => {
    expect(refusal(() => phraseSeed(text))).toBe('ERR_CRYPTO_PHRASE')
    expect(() => phraseSeed(text)).toThrow(message)
  })
})

describe('keys of the account', () => {
  const seed = counting(64)

  it('differ by purpose, generation and relay', () => {
    const root = rendezvousRoot(noble, seed, 0)
    const all = [
      accountKeySeed(noble, seed),
      root,
      rendezvousRoot(noble, seed, 1),
      rendezvousOwnerSeed(noble, root, counting(32)),
      rendezvousOwnerSeed(noble, root, counting(32, 1)),
    ]
    expect(new Set(all.map(toHex)).size).toBe(all.length)
    expect(all.every((key) => key.length === 32)).toBe(true)
    expect(rendezvousMailboxId(noble, root, counting(32)).length).toBe(16)
  })
})

describe('an address', () => {
  const text = encodeAddress(noble, account)

  it('has 56 characters and comes back as people hand it on', () => {
    expect(text).toMatch(/^[a-z2-7]{56}$/)
    expect(parseAddress(noble, text)).toEqual(account)
    const spaced = text.toUpperCase().replaceAll(/(.{4})/g, '$1 - ')
    expect(parseAddress(noble, spaced)).toEqual(account)
  })

  it('notices every mistyped character', () => {
    for (let at = 0; at < text.length; at++) {
      const typed = text.slice(0, at) + (text[at] === 'q' ? 'r' : 'q') + text.slice(at + 1)
      expect(
        refusal(() => parseAddress(noble, typed)),
        `character ${at}`,
      ).toBe('ERR_WIRE_MALFORMED')
    }
  })

  it('refuses every truncation, an addition, and a book', () => {
    for (let length = 0; length < text.length; length++) {
      expect(refusal(() => parseAddress(noble, text.slice(0, length)))).toBe('ERR_WIRE_MALFORMED')
    }
    expect(refusal(() => parseAddress(noble, `${text}aa`))).toBe('ERR_WIRE_MALFORMED')
    expect(refusal(() => parseAddress(noble, 'a'.repeat(1 << 20)))).toBe('ERR_WIRE_MALFORMED')
  })

  it('refuses an account key of small order', () => {
    const identity = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0))
    expect(refusal(() => parseAddress(noble, encodeAddress(noble, identity)))).toBe(
      'ERR_CRYPTO_KEY',
    )
  })
})

describe('the safety number', () => {
  const other = noble.ed25519PublicKey(counting(32, 77))

  it("agrees with libsignal's fingerprints", () => {
    const halves = [
      ['0506863bc66d02b40d27b8d49ca7c09e9239236f9d7d25d6fcca5ce13c7064d868', '+14152222222'],
      ['05f781b6fb32fed9ba1cf2de978d4d5da28dc34046ae814402b5c0dbd96fda907b', '+14153333333'],
    ].map(([key = '', id = '']) =>
      fingerprintDigits(fingerprint(noble, fromHex(key), encodeText(id))),
    )
    expect(halves.toSorted().join('')).toBe(
      '300354477692869396892869876765458257569162576843440918079131',
    )
  })

  it('is the same 60 digits on both sides, and their codes match each other', () => {
    const mine = safetyNumber(noble, account, other)
    const theirs = safetyNumber(noble, other, account)
    expect(mine.digits).toMatch(/^\d{60}$/)
    expect(theirs.digits).toBe(mine.digits)
    expect(mine.digits.slice(0, 30) < mine.digits.slice(30)).toBe(true)
    expect(mine.qr.length).toBe(65)
    expect(safetyNumberMatches(mine, theirs.qr)).toBe(true)
    expect(safetyNumberMatches(mine, mine.qr)).toBe(false)
    expect(safetyNumberMatches(mine, theirs.qr.subarray(1))).toBe(false)
    expect(safetyNumberMatches(mine, safetyNumber(noble, counting(32), account).qr)).toBe(false)
  })
})
