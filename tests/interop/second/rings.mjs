// §14.8, §20.2, §21.6: the mailboxes of a group's lineages, over a host that proved nothing else.
import { H, L, demand, hex, none, same } from './basics.mjs'
import { groupBox, groupMailbox } from './epochs.mjs'
import { connect, createHost, deposit, openMailbox } from './relay.mjs'

const FETCH_BYTES = 2 ** 18

export class Rings {
  #boxes = new Map()
  #readers = new Map()

  /** take gets each message that lies there, its own too. */
  static async open(addr, isExpected, take) {
    const rings = new Rings()
    const onEvent = (event) => rings.#event(event, take)
    return Object.assign(rings, {
      at: await connect(await createHost(), addr, isExpected, onEvent),
      take,
    })
  }
  /** Opens the mailbox of a lineage and follows it; gives the right of a device to write there. */
  follow(lineage, dk) {
    const { key } = lineage.root
    if (!this.#boxes.has(key)) this.#boxes.set(key, this.#open(lineage, dk))
    return this.#boxes.get(key)
  }
  async #open(lineage, dk) {
    const keys = groupMailbox(this.at.serviceKey, lineage)
    const { id, incarnation } = await openMailbox(this.at, 2, ...keys)
    const reader = { id, chain: H(L('chain'), id, incarnation), seq: 0 }
    this.#readers.set(hex(id), reader)
    const { results } = await this.at.call([8, id, [], 1024, 2 ** 24]) // SUB
    const [, , , seq, chain] = results[0]
    if (seq > 0) Object.assign(reader, { seq, chain })
    return groupBox(this.at.serviceKey, lineage, dk, id)
  }
  #event([code, id, ...rest], take) {
    const reader = this.#readers.get(hex(id))
    for (const [seq, envId, , , , , env] of code === 1 ? rest[0] : []) {
      demand(seq === reader.seq + 1, 'a hole in the queue')
      Object.assign(reader, { seq, chain: H(reader.chain, envId) })
      if (env.length > 0) take(env)
      void this.at.call([9, id, 1, env.length]) // CREDIT
    }
    if (code === 2) demand(same(rest[2], reader.chain.slice(0, 8)), 'another queue')
  }
  /** A message at the mailbox of its lineage; resolves once the relay signed for it. */
  async put(lineage, dk, message, coalesce = none) {
    const options = { ttl: 1_209_600, coalesce }
    await deposit(this.at, await this.follow(lineage, dk), message, message, options)
  }
  /** Hands over again what lies in every mailbox that is known (§12.2 FETCH). */
  async drain() {
    for (const { id } of this.#readers.values()) {
      const { results } = await this.at.call([7, id, [], 256, FETCH_BYTES, 0, []])
      for (const [, , , , , , env] of results[0][2]) if (env.length > 0) this.take(env)
    }
  }
}
