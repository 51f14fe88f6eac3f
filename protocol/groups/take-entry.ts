// An entry of a group, from whatever carried it (SPEC.md §21): judged against the membership in its
// own past, then taken by the log, whose order is the same everywhere. What a removal cut off keeps
// its place and shows nothing.
import { equalBytes } from '../../crypto/index.ts'
import type { Brought } from '../delivery/brought.ts'
import { acceptEntry } from '../log/accept.ts'
import { ABSENCE, type Entry, type WireEntry, elideEntry, restoreEntry } from '../log/entry.ts'
import type { Step, Turn } from '../step.ts'
import type { Membership } from './membership.ts'
import { keepOpenEntry } from './open-entries.ts'

/** Takes an entry with nothing elided. */
export function* takeEntry(turn: Turn, members: Membership, wire: WireEntry): Step<Brought> {
  const { conversation, author, op } = wire.header
  if (conversation === undefined || author === undefined || op === undefined) return 'refused'
  if (!equalBytes(conversation, members.gid) || wire.signature === undefined) return 'refused'
  return yield* takeRestored(turn, members, restoreEntry(turn.crypto, wire, { conversation }))
}

/** The same, for an entry whose carrier's elisions were put back. */
export function* takeRestored(turn: Turn, members: Membership, entry: Entry): Step<Brought> {
  const { header, id } = entry
  const { author, n, op } = header
  if (op === undefined) return 'refused'
  const standing = members.standingOf({ id, author, n, op })
  switch (standing.kind) {
    case 'unknown':
      // Its operation is on its way: it is judged when that is here.
      yield* keepOpenEntry(turn, members.gid, entry)
      turn.effect({ kind: 'group', gid: members.gid })
      return 'news'
    case 'invalid':
      return 'refused'
    case 'stands':
      return yield* accept(turn, members, entry)
    case 'void-author':
    case 'after-removal':
      return yield* accept(turn, members, { ...entry, body: ABSENCE.beyondCut })
  }
}

function* accept(turn: Turn, { gid }: Membership, entry: Entry): Step<Brought> {
  const { kind } = yield* acceptEntry(turn, {
    conversation: gid,
    entry: elideEntry(entry, 'none'),
    source: { kind: 'member' },
  })
  switch (kind) {
    case 'duplicate':
      return 'repeat'
    case 'beyondLimit':
    case 'refused':
      return kind
    case 'closed':
    case 'open':
    case 'fork':
      turn.effect({ kind: 'group', gid })
      return 'news'
  }
}
