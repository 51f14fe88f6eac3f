// What lies below a base: history that is not missing, and lies that use it (SPEC.md §8.8).
import { describe, expect, it } from 'vitest'
import { toHex } from '../../../crypto/index.ts'
import { acceptBase, giveUp } from '../../../protocol/log/base.ts'
import type { EntrySource } from '../../../protocol/log/source.ts'
import { bytesOf, chain, CONVERSATION, entryOf, refOf } from '../../support/entries.ts'
import { fromDevice, Replica } from '../../support/replica.ts'

const bob = bytesOf('bob')
const carol = bytesOf('carol')
const history = chain(bob, 20)
const [last, fifteenth, sixteenth] = [history[19], history[14], history[15]]
if (!last || !fifteenth || !sixteenth) throw new Error('no entries')
const row = { author: bob, n: 20, id: last.id, lamport: 20 }
const base = { conversation: undefined, heads: [refOf(last)], authors: [row] }

function newcomer(source: EntrySource = fromDevice(bob)): Replica {
  const dave = new Replica('dave')
  dave.driver.run((turn) => acceptBase(turn, CONVERSATION, base, source))
  return dave
}

describe('below a base', () => {
  it('an entry is closed at once, and is not cited in place of the heads', () => {
    const dave = newcomer()
    expect(dave.accept(fifteenth)).toMatchObject({ kind: 'closed' })
    expect(dave.append('x').header.parents).toEqual([refOf(last)])
    expect(dave.gaps()).toEqual([])
  })

  it('a reply to it from outside closes', () => {
    const dave = newcomer()
    const reply = entryOf({ author: carol, n: 1, parents: [refOf(fifteenth)] })
    expect(dave.accept(reply)).toMatchObject({ kind: 'open', missing: [fifteenth.id] })
    expect(dave.accept(fifteenth)).toMatchObject({ closed: [fifteenth.id, reply.id] })
  })

  it('the head itself may arrive: it stays the head that it was, and once cited it is none', () => {
    const dave = newcomer()
    dave.accept(last)
    expect(dave.frontiers().heads).toEqual([refOf(last)])
    const mine = dave.append('x')
    expect(dave.frontiers().heads).toEqual([{ id: mine.id, lamport: 21 }])
    const other = newcomer()
    const first = other.append('x')
    other.accept(last)
    expect(other.frontiers().heads).toEqual([{ id: first.id, lamport: 21 }])
  })

  it('a forged entry with a timestamp too high for its number stays open', () => {
    const dave = newcomer()
    const forged = entryOf({
      author: bob,
      n: 15,
      prev: { id: bytesOf('invented'), lamport: 2 ** 40 },
    })
    expect(dave.accept(forged)).toMatchObject({ kind: 'open' })
    expect(dave.append('x').lamport).toBe(21)
  })

  it('what was open before the base came is closed by it, each once', () => {
    const dave = new Replica('dave')
    for (const entry of [sixteenth, fifteenth]) dave.accept(entry)
    expect(dave.ordered().map((view) => view.open)).toEqual([true, true])
    const outcome = dave.driver.run((turn) => acceptBase(turn, CONVERSATION, base, fromDevice(bob)))
    const closed = outcome.kind === 'accepted' ? outcome.closed.map(toHex) : []
    expect([...closed].sort()).toEqual([fifteenth, sixteenth].map(({ id }) => toHex(id)).sort())
    expect(dave.ordered().map((view) => view.open)).toEqual([false, false])
    const placed = dave.driver.changes.filter((change) => change.kind === 'placed')
    expect(placed).toHaveLength(2)
  })

  it('a lower base, or the same again, changes nothing', () => {
    const dave = newcomer()
    const changes = dave.driver.changes.length
    const lower = { author: bob, n: 15, id: fifteenth.id, lamport: 15 }
    for (const authors of [[lower], [row]]) {
      dave.driver.run((turn) =>
        acceptBase(turn, CONVERSATION, { ...base, heads: [], authors }, fromDevice(bob)),
      )
    }
    expect(dave.frontier(bob)).toMatchObject({ n: 20, baseN: 20 })
    expect(dave.driver.changes).toHaveLength(changes)
  })

  it('an own device may vouch for everybody but this device', () => {
    const phone = bytesOf('phone')
    const dave = new Replica('dave')
    const source: EntrySource = {
      kind: 'session',
      device: phone,
      account: 'own',
      ownDevices: [phone],
      contactDevices: [bob],
    }
    const mine = { author: dave.device, n: 3, id: bytesOf('mine'), lamport: 9 }
    const outcome = dave.driver.run((turn) =>
      acceptBase(turn, CONVERSATION, { ...base, authors: [row, mine] }, source),
    )
    expect(outcome).toMatchObject({ ignored: [dave.device] })
    expect(dave.frontier(bob)?.n).toBe(20)
  })
})

describe('an id that is given up', () => {
  it('stays given up when asked again, and its citers do not reopen when it comes', () => {
    const dave = new Replica('dave')
    dave.accept(sixteenth)
    const ask = () => dave.driver.run((turn) => giveUp(turn, CONVERSATION, fifteenth.id))
    expect(ask()).toEqual({ kind: 'root', closed: [sixteenth.id] })
    expect(ask()).toEqual({ kind: 'kept' })
    expect(dave.accept(fifteenth)).toMatchObject({ kind: 'closed', open: false })
    expect(dave.frontiers().heads).toEqual([refOf(sixteenth)])
    expect(ask()).toEqual({ kind: 'kept' })
  })

  it('goes on being waited for by whoever claims another timestamp', () => {
    const dave = new Replica('dave')
    const claim = (author: Uint8Array, lamport: number) =>
      entryOf({ author, n: 1, parents: [{ id: bytesOf('gone'), lamport }] })
    const honest = [claim(bytesOf('x'), 7), claim(bytesOf('y'), 7)]
    const liar = claim(bytesOf('z'), 900)
    for (const entry of [...honest, liar]) dave.accept(entry)
    const outcome = dave.driver.run((turn) => giveUp(turn, CONVERSATION, bytesOf('gone')))
    const closed = outcome.kind === 'root' ? outcome.closed.map(toHex).sort() : []
    expect(closed).toEqual(honest.map(({ id }) => toHex(id)).sort())
    expect(dave.view(liar.id)?.open).toBe(true)
    expect(dave.append('x').lamport).toBe(9)
  })
})
