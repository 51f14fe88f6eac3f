import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concat } from '../../../crypto/index.ts'
import { deviceLists, sessionIndex, sessions, skippedSeeds } from '../../../protocol/index.ts'
import type { Table } from '../../../protocol/index.ts'
import { readListVersions } from '../../../protocol/session/list-versions.ts'
import { replayMap, replayPrekeys } from '../../../protocol/session/replay-map.ts'
import { SessionPeer, codeOf, talkingPeers } from '../../support/session-peers.ts'

const [alice, bob] = talkingPeers('records')
alice.send(bob, 'skipped')
bob.read(alice.send(bob, 'received'))
const unconfirmed = new SessionPeer('carol records')
unconfirmed.send(bob, 'with an init')

/** A table with a value of every shape it stores. */
const stored: readonly (readonly [Table<never, unknown>, readonly unknown[]])[] = [
  [sessions, [...bob.driver.rows(sessions), ...unconfirmed.driver.rows(sessions)]],
  [sessionIndex, [...bob.driver.rows(sessionIndex), ...unconfirmed.driver.rows(sessionIndex)]],
  [skippedSeeds, bob.driver.rows(skippedSeeds)],
  [replayMap, bob.driver.rows(replayMap)],
  [replayPrekeys, bob.driver.rows(replayPrekeys)],
  [
    deviceLists,
    bob.driver
      .rows(deviceLists)
      .flatMap((record) => [record, { ...record, conflict: record.bytes }]),
  ],
] as readonly (readonly [Table<never, unknown>, readonly unknown[]])[]

describe('stored records', () => {
  it('survive their bytes; a byte less or more is malformed', () => {
    for (const [table, values] of stored) {
      expect(values.length, table.name).toBeGreaterThan(0)
      for (const value of values) {
        const bytes = table.encode(value)
        expect(table.decode(bytes), table.name).toEqual(value)
        // Every tenth truncation of the long ones: each decoder is the same CBOR underneath.
        for (let length = 0; length < bytes.length; length += bytes.length > 500 ? 10 : 1) {
          const code = codeOf(() => table.decode(bytes.subarray(0, length)))
          expect(code, table.name).toBe('ERR_WIRE_MALFORMED')
        }
        const longer = concat(bytes, Uint8Array.of(0))
        expect(
          codeOf(() => table.decode(longer)),
          table.name,
        ).toBe('ERR_WIRE_MALFORMED')
      }
    }
  })

  it('of any bytes decode or are malformed, nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        for (const [table] of stored) {
          const code = codeOf(() => table.decode(bytes))
          expect(['nothing thrown', 'ERR_WIRE_MALFORMED']).toContain(code)
        }
      }),
      { endOnFailure: true },
    )
  })

  it('have names of at most 16 characters and orders that name nobody', () => {
    for (const [table] of stored) expect(table.name.length).toBeLessThanOrEqual(16)
    const { device, account } = bob.self
    expect(sessionIndex.place(device).order).toHaveLength(0)
    expect(deviceLists.place(account).order).toHaveLength(0)
    expect(sessions.place(new Uint8Array(16)).order).toHaveLength(0)
  })

  it('secrets lie under the state key', () => {
    expect([sessions.sealing, skippedSeeds.sealing]).toEqual(['state', 'state'])
  })
})

describe('list versions', () => {
  const none = { theirs: undefined, ours: undefined }

  it('have exactly 48 bytes', () => {
    for (const length of [0, 47, 49]) {
      const code = codeOf(() => readListVersions(new Uint8Array(length), none))
      expect(code).toBe('ERR_WIRE_MALFORMED')
    }
    expect(readListVersions(new Uint8Array(48), none)).toMatchObject({
      needTheirs: false,
      owesOurs: false,
    })
  })

  it('above 2^53 - 1 are malformed', () => {
    const code = codeOf(() => readListVersions(new Uint8Array(48).fill(0xff), none))
    expect(code).toBe('ERR_WIRE_MALFORMED')
  })
})

describe('buffers of others', () => {
  it('a caller that reuses its buffer after a message changes nothing', () => {
    const [a, b] = talkingPeers('aliasing')
    for (let i = 0; i < 3; i++) {
      const message = a.send(b, `${i}`)
      const inner = Uint8Array.from(message.inner)
      const opened = b.open({ sid: message.sid, inner })
      inner.fill(0xee)
      expect(opened).toMatchObject({ kind: 'opened' })
      expect(b.read(message)).toBe('duplicate')
      expect(a.read(b.send(a, 'turn'))).toBe('turn')
    }
    const fresh = new SessionPeer('dave aliasing')
    const message = fresh.send(b, 'init')
    const inner = Uint8Array.from(message.inner)
    b.open({ sid: message.sid, inner })
    inner.fill(0xee)
    expect(fresh.read(b.send(fresh, 'answer'))).toBe('answer')
  })
})
