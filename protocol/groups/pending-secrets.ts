// Secrets that came before what they belong to: a seed whose operation waits for its past, a welcome
// whose operations are on their way (SPEC.md §21). Under the state key, until they are used.
import { type Bytes32, concat, EMPTY, u16 } from '../../crypto/index.ts'
import type { BaseAuthor } from '../content/base.ts'
import {
  GROUP_SECRETS_PENDING_MAX,
  WELCOME_PAGE_AUTHORS_MAX,
  WELCOME_PAGES_MAX,
} from '../group/limits.ts'
import { encodeRecord, orEmpty, readList, readRecord } from '../record.ts'
import { type Step, type Table, type Turn, get, range } from '../step.ts'

export interface PendingSeed {
  readonly opId: Bytes32
  readonly secretKind: 'seed' | 'epoch'
  readonly secret: Bytes32
  readonly lineage: Bytes32 | undefined
}

/** By group and the rank in which they came: an operation's id would name its group. */
const seeds: Table<{ gid: Bytes32; opId: Bytes32 }, PendingSeed> = {
  name: 'group-seeds',
  sealing: 'state',
  place: ({ gid, opId }) => ({ owner: gid, order: opId }),
  encode: ({ opId, secretKind, secret, lineage }) =>
    encodeRecord([opId, secretKind === 'seed' ? 0 : 1, secret, orEmpty(lineage)]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'pending seed')
    return {
      opId: fields.bytes('opId', 32),
      secretKind: fields.flag('kind') ? 'epoch' : 'seed',
      secret: fields.bytes('secret', 32),
      lineage: fields.optional('lineage', 32),
    }
  },
}

/** One more than may wait: the newest is tried before it is counted. */
export function* pendingSeeds(gid: Bytes32): Step<readonly PendingSeed[]> {
  const rows = yield* range(seeds, { owner: gid, limit: GROUP_SECRETS_PENDING_MAX + 1 })
  return rows.map(({ value }) => value)
}

/** Keeps a seed until it is settled; of two for one operation the first, or a later lie would win. */
export function* keepSeed(turn: Turn, gid: Bytes32, seed: PendingSeed): Step<void> {
  const { opId } = seed
  if ((yield* get(seeds, { gid, opId })) === undefined) turn.put(seeds, { gid, opId }, seed)
}

export function dropSeed(turn: Turn, gid: Bytes32, opId: Bytes32): void {
  turn.remove(seeds, { gid, opId })
}

export interface PendingWelcome {
  readonly addOp: Bytes32
  /** E and G; undefined where a seed welcomes us, which lies among the seeds. */
  readonly secrets: { readonly epoch: Bytes32; readonly lineage: Bytes32 } | undefined
  /** Of the base table; 0 where a seed welcomes us. */
  readonly pages: number
  /** The device that sent it: the first to be asked for what is missing. */
  readonly from: Bytes32
  /** Guarded clock. */
  readonly atMs: number
}

const welcomes: Table<Bytes32, PendingWelcome> = {
  name: 'group-welcomes',
  sealing: 'state',
  place: (gid) => ({ owner: gid, order: EMPTY }),
  encode: ({ addOp, secrets, pages, from, atMs }) =>
    encodeRecord([addOp, orEmpty(secrets?.epoch), orEmpty(secrets?.lineage), pages, from, atMs]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'pending welcome')
    const addOp = fields.bytes('addOp', 32)
    const [epoch, lineage] = [fields.optional('E', 32), fields.optional('G', 32)]
    return {
      addOp,
      secrets: epoch === undefined || lineage === undefined ? undefined : { epoch, lineage },
      pages: fields.uint('pages', WELCOME_PAGES_MAX),
      from: fields.bytes('from', 32),
      atMs: fields.uint('at'),
    }
  },
}

/** Pages of the base table that a welcome brought. */
const bases: Table<{ addOp: Bytes32; page: number }, readonly BaseAuthor[]> = {
  name: 'group-bases',
  sealing: 'value',
  place: ({ addOp, page }) => ({ owner: concat(addOp), order: u16(page) }),
  encode: (authors) =>
    encodeRecord([authors.map(({ author, n, id, lamport }) => [author, n, id, lamport])]),
  decode: (bytes) =>
    readList(readRecord(bytes, 'base page'), 'authors', WELCOME_PAGE_AUTHORS_MAX, (one) => ({
      author: one.bytes('author', 32),
      n: one.uint('n'),
      id: one.bytes('id', 32),
      lamport: one.uint('lamport'),
    })),
}

export function* pendingWelcome(gid: Bytes32): Step<PendingWelcome | undefined> {
  return yield* get(welcomes, gid)
}

export function putWelcome(turn: Turn, gid: Bytes32, row: PendingWelcome): void {
  turn.put(welcomes, gid, row)
}

export function putBasePage(
  turn: Turn,
  addOp: Bytes32,
  page: number,
  authors: readonly BaseAuthor[],
): void {
  turn.put(bases, { addOp, page }, authors)
}

/** The whole base table, once every page is here. */
export function* baseTable(addOp: Bytes32, pages: number): Step<readonly BaseAuthor[] | undefined> {
  const rows = yield* range(bases, { owner: addOp, limit: WELCOME_PAGES_MAX })
  return rows.length < pages ? undefined : rows.flatMap(({ value }) => value)
}

export function dropWelcome(turn: Turn, gid: Bytes32, { addOp, pages }: PendingWelcome): void {
  turn.remove(welcomes, gid)
  for (let page = 1; page <= pages; page++) turn.remove(bases, { addOp, page })
}
