// §8, §10.2 of a group: whose entries are held, from a base on.
import { encode, hex, none, same } from './basics.mjs'
import { addEntry, compose, createLog } from './log.mjs'

export class GroupLog {
  #log
  #entries = new Map()
  #authors = new Map()

  /** heads and table: where it begins for a newcomer (§8.8, §21.3). */
  constructor(heads, table) {
    const lasts = table.map(([, , id, lamport]) => [id, lamport])
    this.#log = createLog(heads, lasts)
    for (const [dk, n, id] of table)
      this.#authors.set(hex(dk), { held: new Map(), base: { n, id } })
  }
  #author(dk) {
    if (!this.#authors.has(hex(dk)))
      this.#authors.set(hex(dk), { held: new Map(), base: { n: 0, id: none } })
    return this.#authors.get(hex(dk))
  }
  has = (id) => this.#entries.has(hex(id))
  isOpen = (entry) => this.#log.open.has(entry)
  /** The ids of what is closed, in the order of the log (§8.4). */
  get order() {
    const closed = [...this.#log.closed.values()].filter(({ id }) => this.has(id))
    closed.sort((a, b) => a.lamport - b.lamport || (hex(a.id) < hex(b.id) ? -1 : 1))
    return closed.map(({ id }) => hex(id))
  }

  add(entry) {
    this.#entries.set(hex(entry.id), entry)
    this.#author(entry.author).held.set(entry.n, entry)
    addEntry(this.#log, entry)
  }
  /** The next own entry; carrier: conv, op and author. */
  next(carrier, text) {
    const { held } = this.#author(carrier[2])
    return compose(this.#log, carrier, held.get(Math.max(0, ...held.keys())), text)
  }
  /** Entries 1 to this one of a device are held, counted from the base. */
  run(dk) {
    const { held, base } = this.#author(dk)
    let { n } = base
    while (held.has(n + 1)) n++
    return n
  }
  lastId(dk) {
    const { held, base } = this.#author(dk)
    return held.get(this.run(dk))?.id ?? base.id
  }
  cut = (dks) =>
    dks.filter((dk) => this.run(dk) > 0).map((dk) => [dk, this.run(dk), this.lastId(dk)])
  upTo = (dk, n) => [...this.#author(dk).held.values()].filter((entry) => entry.n <= n)

  /** §19.5: whether an entry is one that a row of a cut names, or stands on the chain that ends there. */
  isWithin = (entry, [, n, id]) => {
    let one = this.#entries.get(hex(id))
    while (one && one.n > entry.n) one = this.#entries.get(hex(one.prev[0]))
    return entry.n <= n && (one ? same(one.id, entry.id) : entry.n === n && same(id, entry.id))
  }
  /** The rows of a sync page with what is asked for, newest first; isFor judges who gets a body. */
  page(ranges, ids, isFor) {
    const isAsked = ({ id, n, author }) =>
      ids.some((asked) => same(asked, id)) ||
      ranges.some(([dk, from, to]) => same(dk, author) && from <= n && n <= to)
    const asked = [...this.#entries.values()].filter((entry) => isAsked(entry))
    asked.sort((a, b) => b.lamport - a.lamport)
    return asked.slice(0, 16).map((entry) => {
      const { header, reason, salt, body, sig } = entry
      if (reason > 0 || !isFor(entry)) return [encode(header), reason || 5, none, none, sig]
      return [encode(header.with(10, none)), 0, salt, body, sig]
    })
  }
}
