// Welcomes whose operations are on their way (SPEC.md §21.3), one of each account that sent any: which of
// them is true the operations tell. Under the state key, until then.
import { type Bytes32, concat, equalBytes, u16 } from '../../crypto/index.ts'
import { contactOf, isAccepted } from '../contacts/contact.ts'
import type { BaseAuthor } from '../content/base.ts'
import {
  WELCOME_PAGE_AUTHORS_MAX,
  WELCOME_PAGES_MAX,
  WELCOME_WAITS_MS,
  WELCOMES_MAX,
} from '../group-limits.ts'
import { encodeRecord, orEmpty, readList, readRecord } from '../record.ts'
import { type Step, type Table, type Turn, get, range } from '../step.ts'
import { groupOf } from './group.ts'

interface WelcomeRow {
  readonly addOp: Bytes32
  /** E and G; undefined where a seed welcomes us, which lies among the seeds. */
  readonly secrets: { readonly epoch: Bytes32; readonly lineage: Bytes32 } | undefined
  /** Of the base table; 0 where a seed welcomes us. */
  readonly pages: number
  /** The device that sent it: one of those to be asked for what is missing. */
  readonly from: Bytes32
  /** Guarded clock. */
  readonly atMs: number
}

export interface PendingWelcome extends WelcomeRow {
  /** The account that sent it; empty in the row of an earlier build, which kept one of a group. */
  readonly account: Uint8Array
}

const welcomes: Table<{ gid: Bytes32; account: Uint8Array }, WelcomeRow> = {
  name: 'group-welcomes',
  sealing: 'state',
  place: ({ gid, account }) => ({ owner: gid, order: account }),
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

type Sent = Pick<PendingWelcome, 'account' | 'addOp'>

/** Pages of the base table that a welcome brought. */
const bases: Table<Sent & { readonly page: number }, readonly BaseAuthor[]> = {
  name: 'group-bases',
  sealing: 'value',
  place: ({ account, addOp, page }) => ({ owner: concat(addOp, account), order: u16(page) }),
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

/** Those that bring a base before those that do not. */
export function* pendingWelcomes(gid: Bytes32): Step<readonly PendingWelcome[]> {
  const rows = yield* range(welcomes, { owner: gid, limit: WELCOMES_MAX + 1 })
  const all = rows.map(({ order, value }) => ({ account: order, ...value }))
  return all.sort((a, b) => Number(b.pages > 0) - Number(a.pages > 0))
}

export function* welcomeOf(gid: Bytes32, account: Bytes32): Step<PendingWelcome | undefined> {
  const row = yield* get(welcomes, { gid, account })
  return row === undefined ? undefined : { account, ...row }
}

/** Keeps a welcome in place of the one that its account sent before; false where there is no room. */
export function* keepWelcome(turn: Turn, gid: Bytes32, welcome: PendingWelcome): Step<boolean> {
  const { account, ...row } = welcome
  const others = yield* pendingWelcomes(gid)
  let given = others.find((one) => equalBytes(one.account, account))
  if (given === undefined && others.length >= WELCOMES_MAX) {
    given = yield* toGive(turn, gid, account, others)
    if (given === undefined) return false
  }
  if (given !== undefined) dropWelcome(turn, gid, given)
  turn.put(welcomes, { gid, account }, row)
  return true
}

/** Whose place one takes where all are taken: the oldest's that waited too long, or of nobody known. */
function* toGive(
  turn: Turn,
  gid: Bytes32,
  account: Uint8Array,
  others: readonly PendingWelcome[],
): Step<PendingWelcome | undefined> {
  const oldest = others.toSorted((a, b) => a.atMs - b.atMs)
  const isKnown = yield* isOfKnown(gid, account)
  for (const one of oldest) {
    if (turn.safeNowMs - one.atMs > WELCOME_WAITS_MS) return one
    if (isKnown && !(yield* isOfKnown(gid, one.account))) return one
  }
  return undefined
}

/** Whether an account is an accepted contact, or the one by whose link we asked. */
function* isOfKnown(gid: Bytes32, account: Uint8Array): Step<boolean> {
  const asked = (yield* groupOf(gid))?.join?.account
  if (asked !== undefined && equalBytes(asked, account)) return true
  return isAccepted(yield* contactOf(account))
}

export function putBasePage(
  turn: Turn,
  { account, addOp }: Sent,
  page: number,
  authors: readonly BaseAuthor[],
): void {
  turn.put(bases, { account, addOp, page }, authors)
}

/** The whole base table, once every page is here. */
export function* baseTable({
  account,
  addOp,
  pages,
}: Sent & Pick<PendingWelcome, 'pages'>): Step<readonly BaseAuthor[] | undefined> {
  const rows = yield* range(bases, { owner: concat(addOp, account), limit: WELCOME_PAGES_MAX })
  return rows.length < pages ? undefined : rows.flatMap(({ value }) => value)
}

export function dropWelcome(turn: Turn, gid: Bytes32, welcome: PendingWelcome): void {
  const { account, addOp, pages } = welcome
  turn.remove(welcomes, { gid, account })
  for (let page = 1; page <= pages; page++) turn.remove(bases, { account, addOp, page })
}
