// Names that contacts are listed under: unique, so that WHO never guesses. A name is data from a
// stranger: it is kept as it came, and compared in a form that invisible characters cannot vary.
import { type Bytes32, type CryptoProvider, encodeAddress, encodeText } from '../../crypto/index.ts'
import { NAME_MAX_BYTES } from '../limits.ts'
import type { Contact } from './contact.ts'

/** Characters of an address that stand in for a name. */
const STAND_IN_CHARS = 10

/** Cuts a name to 64 bytes of UTF-8 at a character. */
export function cutName(name: string): string {
  let out = ''
  let bytes = 0
  for (const character of name) {
    bytes += encodeText(character).length
    if (bytes > NAME_MAX_BYTES) break
    out += character
  }
  return out
}

/** Controls, format characters (bidi, zero width) and what fonts draw as nothing. */
const INVISIBLE =
  /[\p{Cc}\p{Cf}\u115f\u1160\u17b4\u17b5\u3164\uffa0]|\u034f|[\ufe00-\ufe0f]|[\u{e0100}-\u{e01ef}]/gu

/**
 * The form in which two names count as one: NFKC, case folded, white space collapsed, without
 * invisible characters. Folding goes through upper case, so that ß is ss and ς is σ.
 */
export function foldName(name: string): string {
  const spaced = name.normalize('NFKC').replaceAll(/\s+/gu, ' ').replaceAll(INVISIBLE, '')
  // Character by character: the case of one must not hang on its neighbours, as that of Σ would.
  let folded = ''
  for (const character of spaced.toUpperCase()) folded += character.toLowerCase()
  return folded.normalize('NFKC').replaceAll(/ +/gu, ' ').trim()
}

/** A name until it tells its own: the start of its address, which names it as WHO for ever. */
export function standIn(crypto: CryptoProvider, account: Bytes32): string {
  return encodeAddress(crypto, account).slice(0, STAND_IN_CHARS)
}

/** The wanted name, or with the first free suffix: bob, bob-2, bob-3. */
export function uniqueName(wanted: string, taken: readonly Contact[], self?: Contact): string {
  const cut = cutName(wanted.trim())
  const base = foldName(cut) === '' ? 'contact' : cut
  const others = new Set(
    taken.filter((contact) => contact.number !== self?.number).map((one) => foldName(one.name)),
  )
  if (!others.has(foldName(base))) return base
  for (let suffix = 2; ; suffix++) {
    const name = `${base}-${suffix}`
    if (!others.has(foldName(name))) return name
  }
}
