// Hosts that are not known to be an accepted peer's: when one is let in at all, and what it may send
// (SPEC.md §9.2). Such a host is a stranger, or somebody whose first contact was cut short.
import { type Bytes16, INIT_TYPE } from '../../crypto/index.ts'
import {
  type Step,
  allContacts,
  allInvites,
  contactOf,
  get,
  isAccepted,
  knownDevices,
  peers,
  sessions,
} from '../../protocol/index.ts'

/** Whether an envelope of an unknown host is read: the first of a session, or of one that we have. */
export function* mayStranger(sid: Bytes16, inner: Uint8Array): Step<boolean> {
  if (inner[0] === INIT_TYPE) return true
  const session = yield* get(sessions, sid)
  return session !== undefined && isAccepted(yield* contactOf(session.account))
}

/**
 * Whether unknown hosts are let in: while a direct invite is live, or an accepted device that was
 * heard never came to name its host.
 */
export function* strangersMayCall(nowS: number): Step<boolean> {
  for (const { serviceKey, revoked, expiresAtS } of yield* allInvites()) {
    if (serviceKey === undefined && !revoked && nowS <= expiresAtS) return true
  }
  for (const contact of yield* allContacts()) {
    if (!isAccepted(contact)) continue
    for (const { device } of yield* knownDevices(contact.account)) {
      const peer = yield* get(peers, device)
      if (peer?.heard === true && peer.endpoints.home === undefined) return true
    }
  }
  return false
}
