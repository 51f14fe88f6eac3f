import { describe, expect, it } from 'vitest'
import { noble } from '../../../crypto/index.ts'
import { ChainTrail } from '../../../protocol/relay/chain-trail.ts'
import { chainMark, extendChain, startChain } from '../../../protocol/relay/group-chain.ts'
import {
  type GroupCursor,
  beginReading,
  checkHead,
  passItem,
  wireCursor,
} from '../../../protocol/relay/group-reader.ts'
import { TRAIL_CLAIMS_MAX, TRAIL_MAX } from '../../../protocol/relay/limits.ts'
import { bytesOf } from '../../support/relay-world.ts'

const incarnation = bytesOf('incarnation', 8)
const mailboxId = bytesOf('mailbox', 16)
const start: GroupCursor = {
  incarnation,
  seq: 0,
  chain: startChain(noble, mailboxId, incarnation),
}

function itemAt(seq: number): { readonly seq: number; readonly envId: Uint8Array } {
  return { seq, envId: bytesOf(`id ${seq}`) }
}

/** The cursor behind items 1 to seq. */
function cursorAt(seq: number): GroupCursor {
  let { chain } = start
  for (let at = 1; at <= seq; at++) chain = extendChain(noble, chain, itemAt(at).envId)
  return { incarnation, seq, chain }
}

function told(headSeq: number, trimmedUpTo = 0): Parameters<typeof beginReading>[1] {
  return { incarnation, headSeq, trimmedUpTo, trimChain: cursorAt(trimmedUpTo).chain }
}

describe('the chain', () => {
  it('is these bytes', () => {
    const label = new TextEncoder().encode('sotto/1/chain\0')
    const first = noble.sha256(label, mailboxId, incarnation)
    expect(start.chain).toEqual(first)
    expect(extendChain(noble, first, itemAt(1).envId)).toEqual(noble.sha256(first, itemAt(1).envId))
    expect(wireCursor(cursorAt(2))).toEqual({
      incarnation,
      seq: 2,
      chain: cursorAt(2).chain.slice(0, 8),
    })
  })
})

describe('a reader begins', () => {
  it('where it was, at the front, or behind what was dropped, which is named', () => {
    expect(beginReading(undefined, told(5))).toEqual({
      kind: 'begun',
      cursor: start,
      missing: undefined,
    })
    expect(beginReading(cursorAt(3), told(5, 3))).toMatchObject({ cursor: cursorAt(3) })
    expect(beginReading(cursorAt(3), told(5, 2))).toMatchObject({ missing: undefined })
    expect(beginReading(cursorAt(1), told(5, 3))).toEqual({
      kind: 'begun',
      cursor: cursorAt(3),
      missing: { from: 2, to: 3 },
    })
    expect(beginReading(undefined, told(5, 5))).toMatchObject({ missing: { from: 1, to: 5 } })
  })

  it.each([
    ['drops more than it has', undefined, told(2, 3)],
    ['tells no chain', undefined, { ...told(2), trimChain: undefined }],
    [
      'takes a cursor of another life',
      { ...cursorAt(1), incarnation: mailboxId.slice(8) },
      told(2),
    ],
    ['takes a cursor from behind its head', cursorAt(3), told(2)],
    ['dropped something else than was read', { ...cursorAt(2), chain: start.chain }, told(3, 2)],
  ])('and finds a lie where the relay %s', (_what, cursor, answer) => {
    expect(beginReading(cursor, answer)).toMatchObject({ kind: 'lie' })
  })
})

describe('a reader goes on', () => {
  it('item by item, to a head that is its own', () => {
    let cursor = start
    for (let seq = 1; seq <= 4; seq++) {
      const next = passItem(noble, cursor, itemAt(seq))
      if ('kind' in next) throw new Error(next.kind)
      cursor = next
    }
    expect(cursor).toEqual(cursorAt(4))
    const head = { incarnation, headSeq: 4, chain: chainMark(cursor.chain) }
    expect(checkHead(cursor, head)).toEqual({ kind: 'same' })
    expect(checkHead(cursor, { ...head, headSeq: 5 })).toEqual({ kind: 'gap' })
    for (const wrong of [
      { ...head, headSeq: 3 },
      { ...head, chain: bytesOf('other', 8) },
      { ...head, chain: undefined },
      { ...head, incarnation: bytesOf('other', 8) },
    ]) {
      expect(checkHead(cursor, wrong)).toMatchObject({ kind: 'lie' })
    }
  })

  it('and takes nothing twice, and nothing from behind a gap', () => {
    expect(passItem(noble, cursorAt(2), itemAt(2))).toMatchObject({ kind: 'lie' })
    expect(passItem(noble, cursorAt(2), itemAt(4))).toEqual({ kind: 'gap' })
  })
})

describe('what members say of one queue', () => {
  const claimAt = (seq: number, more = {}): Parameters<ChainTrail['compare']>[0] => ({
    incarnation,
    seq,
    chain: chainMark(cursorAt(seq).chain),
    ...more,
  })
  const other = { chain: bytesOf('other', 8) }

  it('is the same, or proof against the relay, at every place that is remembered', () => {
    const trail = new ChainTrail()
    for (let seq = 0; seq <= 3; seq++) expect(trail.pass(cursorAt(seq))).toBe('same')
    for (let seq = 0; seq <= 3; seq++) {
      expect(trail.compare(claimAt(seq))).toBe('same')
      expect(trail.compare(claimAt(seq, other))).toBe('different')
    }
    expect(trail.compare(claimAt(1, { incarnation: bytesOf('other', 8) }))).toBe('unknown')
  })

  it('of a place to come waits until it is passed; two that differ need not wait', () => {
    const trail = new ChainTrail()
    trail.pass(cursorAt(0))
    expect(trail.compare(claimAt(1))).toBe('later')
    expect(trail.compare(claimAt(2, other))).toBe('later')
    expect(trail.compare(claimAt(2))).toBe('different')
    expect(trail.pass(cursorAt(1))).toBe('same')
    expect(trail.pass(cursorAt(2))).toBe('different')
  })

  it('is kept within bounds, whatever they say', () => {
    const trail = new ChainTrail()
    trail.pass(start)
    for (let seq = 1; seq <= TRAIL_CLAIMS_MAX; seq++) {
      expect(trail.compare({ ...claimAt(0), seq: 10_000 + seq })).toBe('later')
    }
    expect(trail.compare({ ...claimAt(0), seq: 20_000 })).toBe('unknown')
    let cursor = start
    for (let seq = 1; seq <= TRAIL_MAX; seq++) {
      const next = passItem(noble, cursor, itemAt(seq))
      if ('kind' in next) throw new Error(next.kind)
      cursor = next
      trail.pass(cursor)
    }
    expect(trail.compare(claimAt(0))).toBe('unknown')
    expect(trail.compare(claimAt(1))).toBe('same')
  })
})
