// An account as its user knows it.
import { type Bytes32, encodeAddress, equalBytes } from '../../crypto/index.ts'
import { type Step, type Turn, contactOf, memberName } from '../../protocol/index.ts'
import type { Person } from '../api.ts'
import { selfPerson } from './views.ts'

/** Characters of an address that stand in for a name. */
const STAND_IN_CHARS = 10

/** An account as its user knows it: a contact's name, else what it calls itself. */
export function* personAt(turn: Turn, account: Bytes32): Step<Person> {
  const address = encodeAddress(turn.crypto, account)
  if (equalBytes(account, turn.self.account)) return yield* selfPerson(turn)
  const contact = yield* contactOf(account)
  const told = yield* memberName(account)
  // A contact that did not answer yet, and that nobody named, has the start of its address for a name.
  const named = contact?.named === true || told.trim() === ''
  if (contact !== undefined && contact.state !== 'removed' && named) {
    return { name: contact.name, address }
  }
  return { name: told.trim() === '' ? address.slice(0, STAND_IN_CHARS) : told, address }
}
