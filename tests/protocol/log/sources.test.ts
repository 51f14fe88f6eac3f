// Who may bring whose entries, and what a forker costs (SPEC.md §8, §10).
import { describe, expect, it } from 'vitest'
import { noble } from '../../../crypto/index.ts'
import { proofsOf } from '../../../protocol/log/read.ts'
import type { Entry } from '../../../protocol/log/entry.ts'
import type { EntrySource } from '../../../protocol/log/source.ts'
import { bytesOf, chain, CONVERSATION, entryOf, refOf } from '../../support/entries.ts'
import { Replica } from '../../support/replica.ts'

const bob = bytesOf('bob')
const carol = bytesOf('carol')
const mallory = bytesOf('mallory')

function accept(replica: Replica, entries: readonly Entry[]): void {
  for (const entry of entries) replica.accept(entry)
}

describe('who may hand on whose entries', () => {
  const a1 = bytesOf('a1')
  const b2 = bytesOf('b2')
  const session = (device: Uint8Array, account: 'own' | 'contact'): EntrySource => ({
    kind: 'session',
    device,
    account,
    ownDevices: [a1],
    contactDevices: [bob, b2],
  })

  it('takes an entry over its author’s own session', () => {
    const alice = new Replica('alice')
    const [entry] = chain(bob, 1)
    if (entry === undefined) throw new Error('no entry')
    expect(alice.accept(entry, session(bob, 'contact'))).toMatchObject({ kind: 'closed' })
    expect(alice.view(entry.id)).toMatchObject({ via: undefined, labelled: false })
  })

  it('refuses entries of my account from the contact', () => {
    const a2 = new Replica('a2')
    const [forged] = chain(a1, 1)
    if (forged === undefined) throw new Error('no entry')
    const refused = { kind: 'refused', reason: 'author' }
    expect(a2.accept(forged, session(bob, 'contact'))).toEqual(refused)
    const [mine] = chain(a2.device, 1)
    if (mine === undefined) throw new Error('no entry')
    expect(a2.accept(mine, session(bob, 'contact'))).toEqual(refused)
    expect(a2.ordered()).toEqual([])
    // Not even what an accepted entry names as prev, and not its own from an own device.
    const [first, second] = chain(a1, 2)
    if (first === undefined || second === undefined) throw new Error('no entries')
    a2.accept(second, session(a1, 'own'))
    expect(a2.accept(first, session(bob, 'contact'))).toEqual(refused)
    expect(a2.accept(mine, session(a1, 'own'))).toEqual(refused)
  })

  it('labels entries that another listed device of the contact hands on', () => {
    const alice = new Replica('alice')
    const [entry] = chain(bob, 1)
    if (entry === undefined) throw new Error('no entry')
    alice.accept(entry, session(b2, 'contact'))
    expect(alice.view(entry.id)).toMatchObject({ labelled: true })
  })

  it('notes the own device that handed an entry on, which never overwrites: conflict is a fork', () => {
    const alice = new Replica('alice')
    const [entry] = chain(bob, 1)
    if (entry === undefined) throw new Error('no entry')
    const other = entryOf({ author: bob, n: 1, text: 'another first' })
    alice.accept(entry, session(bob, 'contact'))
    expect(alice.accept(other, session(a1, 'own'))).toMatchObject({
      kind: 'fork',
      siblings: [entry.id],
    })
    expect(alice.view(other.id)).toMatchObject({ via: a1, forked: true })
    expect(alice.view(entry.id)).toMatchObject({ via: undefined, forked: true })
    expect(alice.frontier(bob)).toMatchObject({ n: 1, last: refOf(entry) })
  })

  it('takes anybody’s hand only for what an accepted entry of the author names as prev', () => {
    const alice = new Replica('alice')
    const [first, second] = chain(carol, 2)
    if (first === undefined || second === undefined) throw new Error('no entries')
    const from = session(bob, 'contact')
    expect(alice.accept(first, from)).toMatchObject({ kind: 'refused' })
    // A parent of somebody else's entry is no licence: ids can be invented there.
    alice.accept(entryOf({ author: bob, n: 1, parents: [refOf(first)] }))
    expect(alice.accept(first, from)).toMatchObject({ kind: 'refused' })
    alice.accept(second)
    expect(alice.accept(first, from)).toMatchObject({ kind: 'closed' })
  })

  it('takes a group entry from any member, and only with its author’s signature', () => {
    const alice = new Replica('alice')
    const seed = bytesOf('seed')
    const author = noble.ed25519PublicKey(seed)
    const signed = entryOf({ author, n: 1, op: bytesOf('op'), seed })
    const forged = entryOf({ author, n: 1, op: bytesOf('op'), seed: bytesOf('wrong') })
    const member: EntrySource = { kind: 'member' }
    expect(alice.accept(forged, member)).toEqual({ kind: 'refused', reason: 'signature' })
    expect(alice.accept(signed, member)).toMatchObject({ kind: 'closed' })
    const [unsigned] = chain(bob, 1)
    if (unsigned === undefined) throw new Error('no entry')
    expect(alice.accept(unsigned, member)).toMatchObject({ kind: 'refused' })
  })

  it('refuses an entry of another conversation', () => {
    const alice = new Replica('alice')
    const foreign = entryOf({ author: bob, n: 1, conversation: bytesOf('elsewhere') })
    expect(alice.accept(foreign)).toEqual({ kind: 'refused', reason: 'conversation' })
  })
})

describe('a forker', () => {
  const siblings = Array.from({ length: 10 }, (_, i) =>
    entryOf({ author: mallory, n: 1, text: `sibling ${i}` }),
  )

  it('costs eight headers and two bodies per number; the rest is counted', () => {
    const alice = new Replica('alice')
    const outcomes = siblings.map((entry) => alice.accept(entry).kind)
    expect(outcomes).toEqual(['closed', ...Array(7).fill('fork'), 'beyondLimit', 'beyondLimit'])
    const kinds = alice.ordered().map((view) => view.content.kind)
    expect(kinds.filter((kind) => kind === 'text')).toHaveLength(2)
    expect(kinds).toHaveLength(8)
    for (const entry of siblings.slice(0, 8)) {
      expect(alice.accept(entry)).toMatchObject({ kind: 'duplicate', healed: false })
    }
    expect(alice.driver.run((turn) => proofsOf(turn, CONVERSATION))).toHaveLength(7)
  })

  it('does not get an honest reply lost: a cited sibling is kept beyond the limit', () => {
    const alice = new Replica('alice')
    const [ninth] = siblings.slice(8)
    if (ninth === undefined) throw new Error('no entry')
    accept(alice, siblings.slice(0, 8))
    alice.accept(entryOf({ author: bob, n: 1, parents: [refOf(ninth)] }))
    expect(alice.accept(ninth)).toMatchObject({ kind: 'fork' })
    expect(alice.ordered().every((view) => !view.open)).toBe(true)
  })
})
