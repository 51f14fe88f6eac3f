// The name by which a relay would know a contact's deposits.
import { activeMailboxes } from '../../protocol/index.ts'
import { mailboxFor } from '../../protocol/peers/handed-capability.ts'
import type { Person } from './person.ts'

/** The id of the capability that a holder would be handed for the owner's first mailbox. */
export function capIdOf(owner: Person, holder: Person): Uint8Array {
  const id = owner.driver.run(function* (turn) {
    const [own] = yield* activeMailboxes()
    if (own === undefined) throw new Error('no mailbox')
    const { capability } = yield* mailboxFor(turn, own, holder.device)
    return capability?.slice(5, 13)
  })
  if (id === undefined) throw new Error('no capability')
  return id
}
