// The recovery phrase: 24 words of BIP39's English list. They are the account; nothing else on any
// disk is (SPEC.md §2).
import { entropyToMnemonic, mnemonicToEntropy, mnemonicToSeedSync } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { type Bytes64, type Random, wipe } from './bytes.ts'
import { CryptoError } from './errors.ts'
import { PHRASE_WORDS } from './limits.ts'

const KNOWN: ReadonlySet<string> = new Set(wordlist)

/** A new phrase of 24 words, from 32 random bytes, separated by single spaces. */
export function createPhrase(random: Random): string {
  const entropy = random(32)
  const phrase = entropyToMnemonic(entropy, wordlist)
  wipe(entropy)
  return phrase
}

/** The list's word that begins like a mistyped one: four letters tell its words apart. */
function suggestion(word: string): string {
  const likely = wordlist.filter((known) => known.slice(0, 4) === word.slice(0, 4))
  return likely.length === 1 ? `; did you mean "${likely[0] ?? ''}"?` : ''
}

/**
 * The phrase as the list spells it, from text as people type it: any case, any white space. Throws
 * ERR_CRYPTO_PHRASE that says which word is unknown, how many there are, or that the checksum does
 * not hold.
 */
export function parsePhrase(text: string): string {
  const words = text
    .normalize('NFKD')
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '')
  for (const [index, word] of words.entries()) {
    if (!KNOWN.has(word)) {
      throw new CryptoError(
        'ERR_CRYPTO_PHRASE',
        `word ${index + 1}, "${word}", is not in the word list${suggestion(word)}`,
      )
    }
  }
  if (words.length !== PHRASE_WORDS) {
    throw new CryptoError(
      'ERR_CRYPTO_PHRASE',
      `a recovery phrase has ${PHRASE_WORDS} words, this one has ${words.length}`,
    )
  }
  const phrase = words.join(' ')
  try {
    wipe(mnemonicToEntropy(phrase, wordlist))
  } catch (cause) {
    throw new CryptoError(
      'ERR_CRYPTO_PHRASE',
      'every word is known, but together they are no phrase: one is wrong, or the order is',
      { cause },
    )
  }
  return phrase
}

/**
 * seed64 = PBKDF2-HMAC-SHA-512(phrase, "mnemonic", 2048) (BIP39, without a passphrase). Checks the
 * phrase first. The caller wipes the seed.
 */
export function phraseSeed(text: string): Bytes64 {
  return new Uint8Array(mnemonicToSeedSync(parsePhrase(text)))
}
