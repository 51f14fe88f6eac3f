// §20.5 Control objects: [body, sig] of a device in a group, with a number that rises.
import { cat, decode, demand, encode, frame, hex, sign, u16, verify } from './basics.mjs'

export const FRONTIER = 0x1083
export const ASKED = 0x1084
export const MEMBER = 0x1086

export class Control {
  #r = 0
  #seen = new Map()

  constructor(me, gid) {
    Object.assign(this, { me, gid })
  }
  #signed = (kind, body) => cat(this.gid, u16(kind), body)

  frame(kind, fields) {
    const body = encode([1, ++this.#r, ...fields])
    return frame(kind, [body, sign(this.me.dk, 'group-control', this.#signed(kind, body))])
  }
  verify(dk, kind, [body, sig]) {
    demand(kind >= 0x1083 && kind <= 0x1086)
    verify(dk, 'group-control', this.#signed(kind, body), sig)
  }
  /** What follows r, of an object whose r is new; isLatest: it is the highest. */
  take(dk, [body]) {
    const [one, r, ...fields] = decode(body)
    const seen = this.#seen.get(hex(dk)) ?? new Set()
    this.#seen.set(hex(dk), seen)
    const highest = Math.max(0, ...seen)
    if (one !== 1 || seen.has(r) || r <= highest - 64) return null
    seen.add(r)
    return { fields, isLatest: r > highest }
  }
}
