// An entry of a group, from whatever carried it (SPEC.md §21): judged against the membership in its
// own past, then taken by the log, whose order is the same everywhere. What a removal cut off keeps
// its place and shows nothing.
import { type Bytes32, type GroupCut, equalBytes, verify } from '../../crypto/index.ts'
import type { Brought } from '../delivery/brought.ts'
import type { EntryStanding, GroupEntryRef } from '../membership/entry-standing.ts'
import { acceptEntry } from '../log/accept.ts'
import { ABSENCE, type Entry, type WireEntry, elideEntry, tryRestoreEntry } from '../log/entry.ts'
import type { EntryHeader } from '../log/header.ts'
import { numberIndex } from '../log/tables.ts'
import { heldIn } from '../log/working.ts'
import { type Step, type Turn, get } from '../step.ts'
import type { Membership } from './membership.ts'
import { keepOpenEntry } from './open-entries.ts'
import { noteDoubt } from './repair-state.ts'

/** Takes an entry with nothing elided. */
export function* takeEntry(turn: Turn, members: Membership, wire: WireEntry): Step<Brought> {
  const { conversation, author, op } = wire.header
  if (conversation === undefined || author === undefined || op === undefined) return 'refused'
  if (!equalBytes(conversation, members.gid) || wire.signature === undefined) return 'refused'
  const entry = tryRestoreEntry(turn.crypto, wire, { conversation })
  return entry === undefined ? 'refused' : yield* takeRestored(turn, members, entry)
}

/** The same, for an entry whose carrier's elisions were put back. */
export function* takeRestored(turn: Turn, members: Membership, entry: Entry): Step<Brought> {
  const { header, id } = entry
  const { author, n, op } = header
  if (op === undefined) return 'refused'
  const standing = yield* standingIn(members, { id, author, n, op })
  switch (standing.kind) {
    case 'unknown':
      // Its operation is on its way: it is judged when that is here. Its author's room is its own.
      if (!isSigned(turn, entry)) return 'refused'
      if (!(yield* keepOpenEntry(turn, members.gid, entry))) {
        yield* noteDoubt(turn, members.gid)
        return 'beyondLimit'
      }
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

function isSigned(turn: Turn, { id, header, signature }: Entry): boolean {
  return signature !== undefined && verify(turn.crypto, header.author, 'group-entry', id, signature)
}

/**
 * How an entry stands, by the chain of prev where a removal cuts below its author's fork: of two
 * entries with one number only the one that the cut's entry rests on is within it.
 */
export function* standingIn(members: Membership, entry: GroupEntryRef): Step<EntryStanding> {
  const cuts: GroupCut[] = []
  const plain = members.standingOf(entry, (_, cut) => {
    cuts.push(cut)
    return true
  })
  const key = { conversation: members.gid, author: entry.author, n: entry.n }
  const siblings = (yield* get(numberIndex, key))?.ids ?? []
  const isAlone = siblings.every((id) => equalBytes(id, entry.id))
  if (cuts.length === 0 || isAlone) return plain
  const within = new Set<GroupCut>()
  for (const cut of cuts) if (yield* restsOn(members.gid, cut, entry)) within.add(cut)
  return members.standingOf(entry, (_, cut) => within.has(cut))
}

/** Whether the entry that a cut names has this one on its chain of prev, as far as it is held. */
function* restsOn(gid: Bytes32, cut: GroupCut, entry: GroupEntryRef): Step<boolean> {
  let at = yield* heldIn(gid, cut.entry)
  while (at !== undefined && at.header.n > entry.n) {
    const { prev }: EntryHeader = at.header
    if (prev === undefined) return false
    if (at.header.n === entry.n + 1) return equalBytes(prev.id, entry.id)
    at = yield* heldIn(gid, prev.id)
  }
  // Not held so far down: the number alone is known.
  return at === undefined
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
      turn.effect({ kind: 'group', gid, later: true })
      return 'news'
  }
}
