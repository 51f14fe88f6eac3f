// WHO: a contact by name, address, or a unique prefix of its address. It never guesses.
import {
  ADDRESS_CHARS,
  type CryptoProvider,
  CryptoError,
  encodeAddress,
  equalBytes,
  parseAddress,
} from '../../crypto/index.ts'
import { type Contact, type Step, allContacts, foldName } from '../../protocol/index.ts'
import { NodeError } from '../errors.ts'

/** Characters of an address prefix at least. */
export const PREFIX_MIN_CHARS = 4

function addressOf(provider: CryptoProvider, text: string): Uint8Array | undefined {
  // As a rule WHO is a name: an error that is caught costs more than the rest of this file.
  if (text.length < ADDRESS_CHARS) return undefined
  try {
    return parseAddress(provider, text)
  } catch (error) {
    // Not an address: then it is a name, or a prefix of one.
    if (error instanceof CryptoError) return undefined
    throw error
  }
}

/** The contact meant. Throws UNKNOWN_CONTACT, or AMBIGUOUS_CONTACT with the candidates. */
export function* resolveWho(provider: CryptoProvider, who: string): Step<Contact> {
  const contacts = (yield* allContacts()).filter((one) => one.state !== 'removed')
  const account = addressOf(provider, who)
  const byKey = account && contacts.find((one) => equalBytes(one.account, account))
  if (byKey !== undefined) return byKey
  const folded = foldName(who)
  const byName = contacts.find((one) => foldName(one.name) === folded)
  if (byName !== undefined) return byName
  const prefix = who.trim().toLowerCase().replaceAll('-', '')
  const matches =
    prefix.length < PREFIX_MIN_CHARS
      ? []
      : contacts.filter((one) => encodeAddress(provider, one.account).startsWith(prefix))
  const [only, second] = matches
  if (only !== undefined && second === undefined) return only
  if (only !== undefined) {
    throw new NodeError(
      'AMBIGUOUS_CONTACT',
      `"${who.slice(0, 80)}" may be ${matches.map((m) => m.name).join(', ')}`,
      {
        hint: 'Give the name, or more of the address.',
      },
    )
  }
  throw new NodeError('UNKNOWN_CONTACT', `there is no contact "${who.slice(0, 80)}"`, {
    hint: 'See who is there: sotto contact list. Add somebody by their link: sotto add LINK',
  })
}
