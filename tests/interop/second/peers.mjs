// Devices that this one writes to one by one (§5 to §8, §10), by their mailboxes at one relay: what
// comes from whom, sessions and receipts of numbered frames. What frames mean is the program's.
import { setTimeout } from 'node:timers/promises'
import { LADDER, attempt, decode, demand, frame, hex, none, order, same, utf8 } from './basics.mjs'
import { contactBox, introOf, readBundle } from './identity.mjs'
import { deposit, takeBundle } from './relay.mjs'
import {
  afterInit,
  decrypt,
  ekOf,
  encrypt,
  initiate,
  innerIdOf,
  rekey,
  respond,
  seal,
  unseal,
} from './session.mjs'

export class Peers {
  #all = new Map()
  #taken = new Set()

  /** name and mailbox are what intros say; take(peer, kind, body) is what is done with a frame. */
  constructor(me, at, { name, mailbox, take }) {
    Object.assign(this, { me, at, name, mailbox, take })
  }

  /** The peer of a device; a new one begins with no session. */
  of(dk, ak) {
    const fresh = { dk, ak, key: hex(dk), sessions: [], numbered: new Set(), r: 0, c: 0 }
    if (!this.#all.has(hex(dk))) this.#all.set(hex(dk), { ...fresh, turn: Promise.resolve() })
    return this.#all.get(hex(dk))
  }
  /** Where it is written to from now on (§21.1). */
  reach(peer, [, addrs, ...rest], sealKey) {
    Object.assign(peer, { box: contactBox([none, addrs, ...rest]), seal: sealKey })
    const waiting = peer.waiting ?? []
    peer.waiting = []
    for (const frames of waiting) this.post(peer, frames)
  }
  /** Begins with a bundle that is at hand, answering the invite of a link. */
  meet(bundle, box, linkSecret) {
    const peer = this.of(bundle.dk, bundle.ak)
    const sessions = [initiate(this.me, bundle)]
    return Object.assign(peer, { box, seal: bundle.seal, sessions, linkSecret })
  }

  /** Sends frames, in the order of the calls. */
  post(peer, frames) {
    if (!peer.box) return void (peer.waiting = [...(peer.waiting ?? []), frames])
    peer.turn = peer.turn.then(() => this.#send(peer, frames))
  }
  async #send(peer, frames) {
    if (peer.sessions.length === 0) {
      const place = { serviceKey: this.at.serviceKey, mailboxId: peer.box.mailboxId }
      const bundle = readBundle(place, peer.ak, await takeBundle(this.at, peer.box))
      demand(same(bundle.dk, peer.dk))
      peer.sessions.push(initiate(this.me, bundle))
    }
    const [session] = peer.sessions.toSorted(byRank)
    const isHeard = peer.sessions.some(({ received }) => received)
    const inner = encrypt(session, isHeard ? frames : [this.#intro(peer, session), ...frames])
    const { mailboxId } = peer.box
    await deposit(this.at, peer.box, inner, seal(peer.seal, mailboxId, { ...session, inner }))
  }
  // §3.5
  #intro({ linkSecret }, { T }) {
    const uninvited = [1, none, none, utf8(this.name), [this.mailbox]]
    return frame(0x1002, linkSecret ? introOf(linkSecret, T, this.name, [this.mailbox]) : uninvited)
  }

  /** An envelope of the own mailbox. */
  receive(env, mailboxId) {
    const [sid, inner] = unseal(this.me, env, mailboxId)
    demand(LADDER.includes(inner.length + 66))
    const innerId = hex(innerIdOf(inner))
    if (this.#taken.has(innerId)) return
    const { peer, frames } = this.#open(sid, inner)
    this.#taken.add(innerId)
    for (const [kind, body] of frames) {
      if (kind >> 8 === 0x30) rekey(peer.session, kind, body)
      const c = kind >> 8 === 0x11 ? decode(body)[0] : 0
      if (peer.numbered.has(c)) continue
      if (c > 0) peer.numbered.add(c)
      if (c > 0) this.#oweReceipt(peer)
      attempt(
        () => this.take(peer, kind, body),
        (why) => this.take(peer, 0, why),
      )
    }
  }
  #open(sid, inner) {
    const mine = (is) => {
      const peer = [...this.#all.values()].find(({ sessions }) => sessions.some(is))
      return peer && Object.assign(peer, { session: peer.sessions.find(is) })
    }
    const begins = inner[0] === 0x10
    const h = begins ? ekOf(inner) : none
    const peer = mine((session) => same(begins ? session.h : session.sid, begins ? h : sid))
    if (peer) return { peer, frames: decrypt(peer.session, begins ? afterInit(inner) : inner) }
    demand(begins, 'unreadable')
    const { session, list, dk, message } = respond(this.me, inner)
    const frames = decrypt(session, message)
    const new_ = this.of(dk, list.ak)
    new_.sessions.push(session)
    return { peer: Object.assign(new_, { session }), frames }
  }
  // §10.1, §10.7: at most one in 2 s. Of the conversation of two there is nothing to say.
  #oweReceipt(peer) {
    peer.timer ??= setTimeout(2000 - Math.min(2000, Date.now() - (peer.at ?? 0))).then(() => {
      Object.assign(peer, { timer: null, at: Date.now() })
      const [c, ...ranges] = rangesOf(peer.numbered)
      this.post(peer, [frame(0x1001, [1, ++peer.r, [], [c, ranges]])])
    })
  }
}
/** §5.5 */
const byRank = (a, b) => b.resetEpoch - a.resetEpoch || b.received - a.received || order(a.h, b.h)
/** The end of the run of numbers from 1, and the ranges above it. */
export function rangesOf(numbers) {
  const runs = []
  for (const n of [...numbers].toSorted((a, b) => a - b))
    if (runs.at(-1)?.[1] === n - 1) runs.at(-1)[1] = n
    else runs.push([n, n])
  return runs[0]?.[0] === 1 ? [runs[0][1], ...runs.slice(1)] : [0, ...runs]
}
