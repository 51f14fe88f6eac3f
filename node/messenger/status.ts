// How a node stands, for `status`.
import {
  allContacts,
  allGroups,
  conversationFacts,
  gapsOf,
  isListedGroup,
  tallyOf,
  unsentGroupEntries,
} from '../../protocol/index.ts'
import type { Person, Stats, Status, Warning } from '../api.ts'
import { recentNotices } from '../ledger/notices.ts'
import type { Messenger } from '../messenger.ts'
import { contactView, countNumbers, warningView } from './views.ts'

export function statsOf({ core }: Messenger): Promise<Stats> {
  return core.ledger.read(function* (turn) {
    const { since, counts, errors, times } = yield* core.sums.view(turn)
    let missing = 0
    for (const contact of yield* allContacts()) {
      missing += (yield* contactView(turn, contact)).missing
    }
    for (const { gid } of yield* allGroups()) {
      if (gid !== undefined) missing += countNumbers(yield* gapsOf(turn, gid))
    }
    const { sent = 0, received = 0, ...others } = counts
    return { since, sent, received, missing, times, counts: others, errors }
  })
}

/** Clocks of two machines may be this far apart before one of them is called wrong. */
const CLOCK_MAX_MS = 600_000

/** Which way this device's clock is off, where all relays that are connected say so. */
function clockSide(offsetsMs: readonly number[]): 'ahead of' | 'behind' | undefined {
  if (offsetsMs.length === 0) return undefined
  if (offsetsMs.every((ms) => ms > CLOCK_MAX_MS)) return 'behind'
  return offsetsMs.every((ms) => ms < -CLOCK_MAX_MS) ? 'ahead of' : undefined
}

export async function statusOf(messenger: Messenger, person: Person): Promise<Status> {
  const { core, relays } = messenger
  const counted = await core.ledger.read(function* (turn) {
    let contacts = 0
    let requests = 0
    let unread = 0
    let waiting = 0
    for (const contact of yield* allContacts()) {
      if (contact.state === 'request') requests += 1
      if (contact.state !== 'pending' && contact.state !== 'ready') continue
      contacts += 1
      const view = yield* contactView(turn, contact)
      unread += view.unread
      waiting += view.waiting
    }
    let groups = 0
    for (const group of yield* allGroups()) {
      if (!isListedGroup(group)) continue
      if (group.standing === 'joined' || group.standing === 'joining') groups += 1
      if (group.gid === undefined) continue
      unread += (yield* conversationFacts(turn, group.gid))?.unread ?? 0
      waiting += yield* unsentGroupEntries(group.gid)
    }
    const degradedHandshakes = yield* tallyOf('degraded-handshakes')
    const recent: Warning[] = []
    for (const notice of yield* recentNotices(turn)) recent.push(yield* warningView(notice))
    return { contacts, groups, requests, unread, waiting, degradedHandshakes, recent }
  })
  const warnings: string[] = []
  if (core.guarded.distrusted) {
    warnings.push(
      'the system clock is far from what this profile last saw: nothing expires until it agrees',
    )
  }
  const side = clockSide(relays.flatMap(({ clockOffsetMs }) => clockOffsetMs ?? []))
  if (side !== undefined) {
    warnings.push(
      `the system clock is ${side} that of every relay: set it, for links end and messages are dated by it`,
    )
  }
  if (messenger.readOnly !== '') warnings.push(messenger.readOnly)
  return {
    ...person,
    listening: messenger.addresses(),
    relays: relays.map((relay) => ({
      address: relay.choice.address,
      connected: relay.connected,
      service: relay.service,
      trouble: relay.trouble,
      ...(relay.clockOffsetMs === undefined ? {} : { clockOffsetMs: relay.clockOffsetMs }),
    })),
    ...counted,
    readOnly: messenger.readOnly !== '',
    warnings,
  }
}
