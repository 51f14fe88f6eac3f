// §8 Entries and the log: what is the same for two people and for a group.
import { randomBytes } from '@noble/hashes/utils.js'
import { H, L, decode, demand, encode, hex, none, order, same, textOf, utf8 } from './basics.mjs'

/** Roots (§8.8), which count as closed without being held, as [id, lamport]; heads are cited first. */
export function createLog(heads = [], lasts = []) {
  const isHead = (id) => heads.some(([head]) => same(head, id))
  const closed = [...heads, ...lasts].map(([id, lamport]) => [hex(id), { id, lamport }])
  const cited = lasts.filter(([id]) => !isHead(id)).map(([id]) => hex(id))
  return { closed: new Map(closed), open: new Set(), cited: new Set(cited) }
}
const lamportOf = (cites) => 1 + Math.max(0, ...cites.map(([, lamport]) => lamport))

/** Adds an entry, and closes what is closed now (§8.5). */
export function addEntry(log, entry) {
  log.open.add(entry)
  const holds = ([id, lamport]) => log.closed.get(hex(id))?.lamport === lamport
  const closing = () => [...log.open].find(({ cites }) => cites.every(holds))
  for (let next; (next = closing()); log.open.delete(next)) {
    log.closed.set(hex(next.id), next)
    for (const [id] of next.cites) log.cited.add(hex(id))
  }
}

/** The next entry of an author, as { header, elided, salt, body, id, n, lamport, cites }. */
export function compose(log, [conv, op, author], last, text) {
  const cite = ({ id, lamport }) => [id, lamport]
  const prev = last ? cite(last) : []
  const isFree = ({ id }) => !log.cited.has(hex(id)) && !(last && same(id, last.id))
  const parents = [...log.closed.values()].filter(isFree).map(cite).slice(-16)
  parents.sort(([a], [b]) => order(a, b))
  const cites = last ? [prev, ...parents] : parents
  const [n, lamport, salt] = [(last?.n ?? 0) + 1, lamportOf(cites), randomBytes(16)]
  const body = encode([utf8(text), none])
  const links = [n, prev, parents, lamport, 1, Date.now()]
  const header = [1, conv, op, author, ...links, H(L('body'), salt, body)]
  const elided = [1, none, none, none, ...links, none]
  return {
    id: H(L('entry'), encode(header)),
    n,
    lamport,
    cites,
    author,
    header,
    elided,
    salt,
    body,
  }
}

/** An entry as it came (§8.3), with what its carrier says for the fields that are absent. */
export function readEntry([elided, reason, salt, body], carrier) {
  const wire = decode(elided)
  const header = wire.map((field, i) =>
    i >= 1 && i <= 3 && !field.length ? carrier[i - 1] : field,
  )
  demand(reason === 0 ? wire[10].length === 0 : wire[10].length === 32)
  if (reason === 0) header[10] = H(L('body'), salt, body)
  const [, conv, op, author, n, prev, parents, lamport, kind] = header
  const cites = n > 1 ? [prev, ...parents] : parents
  demand(n >= 1 && prev.length === (n > 1 ? 2 : 0) && lamport === lamportOf(cites))
  const text = kind === 1 && reason === 0 ? textOf(decode(body)[0]) : null
  const id = H(L('entry'), encode(header))
  return { id, conv, op, author, n, prev, lamport, cites, text, header, reason, salt, body }
}
