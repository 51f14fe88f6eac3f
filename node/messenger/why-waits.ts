// What a message to a contact waits for, as sentences: in no state is there nothing to be said.
import type { Bytes32 } from '../../crypto/index.ts'
import {
  type Contact,
  DEVICE_REMOVED,
  type DeviceEvidence,
  type Evidence,
  type Step,
  type Turn,
  deviceLists,
  entryItem,
  firstContactOf,
  get,
  isBehind,
  peers,
  standingCustody,
} from '../../protocol/index.ts'
import { contactWith } from './views.ts'

/** What keeps mail from moving, as the services know it. */
export interface Troubles {
  readonly device: (device: Bytes32) => readonly string[]
  /** Of the link by which the contact of this number was added. */
  readonly link: (contactNumber: number) => readonly string[]
}

const NO_KEYS = 'the keys of the contact are not here yet: its relay or its node was not reached'
const BEHIND =
  'the contact has more of this device than this profile knows: nothing is sent there from here'

/** Why carriage to a device stopped. */
const CLOSED: Readonly<Record<string, string>> = {
  expired:
    'it was carried for 30 days in vain: it goes out again when anything comes from the contact',
  refused: 'the contact refuses it: it goes out again when anything comes from there',
  'profile-behind': BEHIND,
  [DEVICE_REMOVED]: 'the device it was for is none of the contact any more',
}

/** Why the link of a contact will never work. */
const LINKS: Readonly<Record<string, string>> = {
  INVITE_USED: 'the link was used, or taken back: ask for a new one, and add it',
  INVITE_INVALID: 'the link is good no more: ask for a new one, and add it',
}

/** What the next state of a message waits for; never nothing. */
export function* waitsOf(turn: Turn, row: Evidence, troubles: Troubles): Step<readonly string[]> {
  const contact = yield* contactWith(turn, row.conversation)
  const whole = contact === undefined ? undefined : yield* obstacleOf(contact)
  if (whole !== undefined) return [whole]
  const link = contact === undefined ? [] : troubles.link(contact.number)
  if (row.devices.length === 0) return [NO_KEYS, ...link]
  const left = row.devices.filter(({ closed }) => closed === DEVICE_REMOVED)
  const others = row.devices.filter(({ closed }) => closed !== DEVICE_REMOVED)
  const missing = new Set<string>()
  for (const device of others.length > 0 ? others : left) {
    for (const why of yield* waitsFor(turn, row, device, troubles)) missing.add(why)
  }
  return [...missing]
}

/** What keeps everything from a contact. */
function* obstacleOf({ account, number, state }: Contact): Step<string | undefined> {
  if (state === 'blocked') return 'you blocked the contact: it goes out when you unblock it'
  if (state === 'removed' || state === 'request') {
    return 'you took the contact off the list: it goes out when you add it again'
  }
  if (yield* isBehind(account)) return BEHIND
  if ((yield* get(deviceLists, account))?.conflict !== undefined) {
    return 'the contact shows two device lists of one version: nothing is sent until a newer one comes'
  }
  const failed = (yield* firstContactOf(number))?.failed ?? ''
  return failed === '' ? undefined : (LINKS[failed] ?? `the link does not work: ${failed}`)
}

function* waitsFor(
  turn: Turn,
  { conversation, n }: Evidence,
  evidence: DeviceEvidence,
  troubles: Troubles,
): Step<readonly string[]> {
  const { device, closed, custody } = evidence
  if (closed !== '') return [CLOSED[closed] ?? `it is not carried any more: ${closed}`]
  const peer = yield* get(peers, device)
  if (peer === undefined) return [NO_KEYS, ...troubles.device(device)]
  const item = yield* entryItem(device, conversation, n)
  if (item?.heldThere === true) {
    return ['the contact holds it apart: it has not let you in yet, or lacks what comes before it']
  }
  const standing = standingCustody(evidence, turn.safeNowMs)
  if (standing.length > 0) {
    const heardSince = standing.every(({ atMs }) => peer.heardAtMs > atMs)
    return [
      heardSince
        ? 'the contact was heard since, but has not said yet that it has it'
        : 'the contact has not fetched it from the relay yet',
    ]
  }
  const missing: string[] = []
  if (custody.length > 0) missing.push('no relay holds it any more: it is handed to them again')
  if (item?.message === undefined && !peer.heard) {
    missing.push('the contact has not answered yet: a few messages go ahead, the rest wait')
  }
  missing.push(...troubles.device(device))
  const { mailboxes, home } = peer.endpoints
  if (mailboxes.length === 0 && (home?.addresses ?? []).length === 0) {
    missing.push('the contact told no relay and no address')
  }
  if (missing.length > 0) return missing
  return ['neither the contact nor a relay of it was reached yet: it is tried again and again']
}
