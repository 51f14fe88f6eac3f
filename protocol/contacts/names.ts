// Names that contacts are listed under: unique, so that WHO never guesses.
import { encodeText } from '../../crypto/index.ts'
import { NAME_MAX_BYTES } from '../limits.ts'
import type { Contact } from './contact.ts'

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

/** The form in which two names count as one: NFKC, case folded, white space collapsed. */
export function foldName(name: string): string {
  return name.normalize('NFKC').toLowerCase().replaceAll(/\s+/gu, ' ').trim()
}

/** The wanted name, or with the first free suffix: bob, bob-2, bob-3. */
export function uniqueName(wanted: string, taken: readonly Contact[], self?: Contact): string {
  const base = cutName(wanted.trim()) || 'contact'
  const others = new Set(
    taken.filter((contact) => contact.number !== self?.number).map((one) => foldName(one.name)),
  )
  if (!others.has(foldName(base))) return base
  for (let suffix = 2; ; suffix++) {
    const name = `${base}-${suffix}`
    if (!others.has(foldName(name))) return name
  }
}
