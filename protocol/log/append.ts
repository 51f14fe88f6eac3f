// Writing an entry of one's own (SPEC.md §8). It cites what this device holds closed: its own last
// entry as prev, the highest head of others, and fifteen more spread by hash, so that many writers at
// once do not all cite the same heads and leave the rest.
import { type Bytes32, compareBytes, equalBytes, sign } from '../../crypto/index.ts'
import { ProtocolError } from '../errors.ts'
import {
  ENTRY_BODY_MAX_BYTES,
  ENTRY_KIND_MAX,
  HEADS_CONSIDERED_MAX,
  LAMPORT_MAX,
  PARENTS_MAX,
} from '../limits.ts'
import { range, type Step, type Turn } from '../step.ts'
import { placeEntry } from './closure.ts'
import { elideEntry, encodeEntry, type Entry, hashBody, hashHeader } from './entry.ts'
import { countNumber } from './frontier.ts'
import {
  encodeHeader,
  type EntryHeader,
  type EntryRef,
  headerFault,
  lamportAfter,
} from './header.ts'
import { addToRanges } from './ranges.ts'
import { arrivalIndex, bodyTable, headIndex, numberIndex, orderRef } from './tables.ts'
import { authorOf, openWorking, saveWorking, setAuthor, type Working } from './working.ts'

export interface AppendRequest {
  readonly conversation: Bytes32
  /** The membership operation it is written under; undefined one-to-one. A group entry is signed. */
  readonly op: Bytes32 | undefined
  /** 1..0x0fff. */
  readonly kind: number
  /** The encoded content. */
  readonly body: Uint8Array
  /** Wall clock, Unix ms: shown, never relied on. */
  readonly sentAtMs: number
}

export interface Appended {
  readonly id: Bytes32
  readonly n: number
  readonly lamport: number
  readonly arrival: number
  readonly header: EntryHeader
  readonly entry: Entry
  /** The entry with nothing elided but bodyHash: what a sync page carries. */
  readonly entryBytes: Uint8Array
}

/**
 * Appends an entry by this device. Throws ERR_PROTOCOL_TOO_LARGE for a body that no message carries,
 * ERR_PROTOCOL_LIMIT at the end of the Lamport timestamps, ERR_PROTOCOL_STATE for a header that would
 * not be valid.
 */
export function* appendEntry(turn: Turn, request: AppendRequest): Step<Appended> {
  const { conversation } = request
  if (request.body.length > ENTRY_BODY_MAX_BYTES) {
    throw new ProtocolError('ERR_PROTOCOL_TOO_LARGE', 'the body is longer than one message', {
      detail: { sizeBytes: request.body.length, maxBytes: ENTRY_BODY_MAX_BYTES },
    })
  }
  const working = yield* openWorking(conversation)
  const own = yield* authorOf(working, turn.self.device)
  const parents = yield* chooseParents(turn, conversation)
  const entry = makeEntry(turn, request, { n: own.n + 1, prev: own.last, parents })
  const { id, header, headerBytes, body, signature } = entry
  const { n, lamport, author } = header

  if (typeof body !== 'number') turn.put(bodyTable, { conversation, id }, body)
  const arrival = working.row.arrivals + 1
  turn.put(arrivalIndex, { conversation, arrival }, { id, author, n, mine: true })
  turn.put(numberIndex, { conversation, author, n }, { ids: [id], dropped: 0 })
  yield* countNumber(turn, working, id, header)
  const flags = { open: false, late: false, flagged: false, forked: false, labelled: false }
  const arrivedAtMs = turn.nowMs
  const placed = { arrival, arrivedAtMs, via: undefined, ...flags }
  const row = { headerBytes, signature, reason: 0, pending: 0, ...placed }
  yield* placeEntry(turn, working, { id, row, header })
  markOwnSeen(working, { id, lamport }, arrival)
  const counted = yield* authorOf(working, author)
  setAuthor(working, { ...counted, seen: addToRanges(counted.seen, n) })
  turn.change({
    kind: 'message',
    conversation,
    entry: id,
    mine: true,
    arrival,
    open: false,
    late: false,
  })
  saveWorking(turn, working)
  const entryBytes = encodeEntry(elideEntry(entry, 'none'))
  return { id, n, lamport, arrival, header, entry, entryBytes }
}

/** Who writes has seen its own entry, and all of it lies below: what lands above it is late. */
function markOwnSeen(working: Working, ref: EntryRef, arrival: number): void {
  working.row = { ...working.row, arrivals: arrival, seenTop: ref }
}

interface Causes {
  readonly n: number
  readonly prev: EntryRef | undefined
  readonly parents: readonly EntryRef[]
}

function makeEntry(turn: Turn, request: AppendRequest, causes: Causes): Entry {
  const { conversation, op, kind, sentAtMs } = request
  const body = { salt: turn.random(16), bytes: Uint8Array.from(request.body) }
  const header: EntryHeader = {
    version: 1,
    conversation,
    op,
    author: turn.self.device,
    ...causes,
    lamport: lamportAfter(causes.prev, causes.parents),
    kind,
    sentAtMs,
    bodyHash: hashBody(turn.crypto, body),
    rest: [],
  }
  if (header.lamport > LAMPORT_MAX) {
    throw new ProtocolError('ERR_PROTOCOL_LIMIT', 'the conversation has no timestamps left')
  }
  const fault =
    headerFault(header) ?? (header.kind > ENTRY_KIND_MAX ? 'kind of a frame' : undefined)
  if (fault !== undefined) {
    throw new ProtocolError('ERR_PROTOCOL_STATE', `the entry would not be valid: ${fault}`)
  }
  const headerBytes = encodeHeader(header)
  const id = hashHeader(turn.crypto, headerBytes)
  const signature =
    op === undefined ? undefined : sign(turn.crypto, turn.self.deviceSeed, 'group-entry', id)
  return { id, header, headerBytes, body, signature }
}

/** The highest closed head that is not own, and 15 by smallest H(own DK ‖ head id); ascending by id. */
function* chooseParents(turn: Turn, conversation: Bytes32): Step<readonly EntryRef[]> {
  const { device } = turn.self
  const query = { owner: conversation, limit: HEADS_CONSIDERED_MAX, reverse: true }
  const heads = yield* range(headIndex, query)
  const others = heads.filter(({ value }) => !equalBytes(value, device)).map((head) => head.order)
  const [highest, ...rest] = others.map(orderRef)
  if (highest === undefined) return []
  const spread = rest
    .map((ref) => ({ ref, hash: turn.crypto.sha256(device, ref.id) }))
    .sort((a, b) => compareBytes(a.hash, b.hash))
    .slice(0, PARENTS_MAX - 1)
    .map(({ ref }) => ref)
  return [highest, ...spread].sort((a, b) => compareBytes(a.id, b.id))
}
