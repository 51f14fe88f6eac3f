// Serving a contact what it lacks of our conversation (SPEC.md §10.2): by number the entries of this
// account's devices; by id its own as well, which it lost and knows the hash of. Nobody else is
// answered.
import { type Bytes32, equalBytes } from '../../crypto/index.ts'
import type { Contact } from '../contacts/contact.ts'
import { isAccepted } from '../contacts/contact.ts'
import type { SyncRequest } from '../content/sync-request.ts'
import { type WireEntry, directConversation, elideEntry } from '../log/entry.ts'
import { readHeldEntry } from '../log/read.ts'
import { knownDevices } from '../peers/known-devices.ts'
import type { Step, Turn } from '../step.ts'
import { isBehind } from './behind.ts'
import { findNumbers, sendPages, servedAtMost } from './sync-pages.ts'

/** Answers a contact's question about the conversation with it. */
export function* serveContact(
  turn: Turn,
  contact: Contact,
  device: Bytes32,
  request: SyncRequest,
): Step<void> {
  if (!isAccepted(contact) || (yield* isBehind(contact.account))) return
  const conversation = directConversation(turn.crypto, turn.self.account, contact.account)
  const about = request.conversation ?? conversation
  if (!equalBytes(about, conversation)) return
  const limit = yield* servedAtMost(turn, device)
  if (limit === 0) return
  const own = (yield* knownDevices(turn.self.account)).map((one) => one.device)
  const isOwn = (author: Bytes32): boolean =>
    equalBytes(author, turn.self.device) || own.some((one) => equalBytes(one, author))
  const ranges = request.ranges.filter(({ author }) => isOwn(author))
  const found = yield* findNumbers(turn, conversation, { ...request, ranges }, limit)
  const entries: WireEntry[] = []
  for (const id of found.wanted) {
    const entry = yield* readHeldEntry(turn, id)
    if (entry === undefined || !equalBytes(entry.header.conversation, conversation)) continue
    entries.push(elideEntry(entry, 'none'))
  }
  yield* sendPages(turn, device, request.req, { ...found, entries })
}
