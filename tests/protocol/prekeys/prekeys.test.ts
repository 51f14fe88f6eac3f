import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { noble, openEnvelope, prekeyId, prekeySlot, sealEnvelope } from '../../../crypto/index.ts'
import {
  consumePrekey,
  currentSealKey,
  endSlot,
  findPrekey,
  issuePrekeys,
  offeredPrekeys,
  refillCounts,
  renewPrekeys,
  sealKeys,
  sweepPrekeys,
} from '../../../protocol/index.ts'
import { prekeySlots } from '../../../protocol/prekeys/tables.ts'
import { counting } from '../../crypto/decoder-checks.ts'
import { device } from '../../crypto/identity-fixture.ts'
import { Memory } from './memory-turn.ts'
import { DAY, issue, other, relay, started } from './prekeys-fixture.ts'

describe('the keys a card offers', () => {
  it('do not exist before they are made', () => {
    const memory = new Memory()
    expect(() => memory.run((turn) => offeredPrekeys(turn))).toThrow(
      expect.objectContaining({ code: 'ERR_PROTOCOL_STATE' }),
    )
  })

  it('are renewed every 7 days, asking for cards to be published', () => {
    const memory = started()
    expect(memory.effects).toEqual([{ kind: 'publish' }])
    const first = memory.run((turn) => offeredPrekeys(turn))
    expect(first.signedPrekey.id).toBe(1)
    memory.nowMs += 7 * DAY - 1
    expect(memory.run((turn) => renewPrekeys(turn))).toBe(false)
    expect(memory.run((turn) => offeredPrekeys(turn))).toEqual(first)
    memory.nowMs += 1
    expect(memory.run((turn) => renewPrekeys(turn))).toBe(true)
    const second = memory.run((turn) => offeredPrekeys(turn))
    expect([second.signedPrekey.id, second.lastResortKem.id, second.sealKey.id]).toEqual([2, 2, 2])
    expect(second.signedPrekey.publicKey).not.toEqual(first.signedPrekey.publicKey)
    expect(memory.effects.length).toBe(2)
  })

  it('can be renewed at once', () => {
    const memory = started()
    expect(memory.run((turn) => renewPrekeys(turn, true))).toBe(true)
    expect(memory.run((turn) => currentSealKey(turn)).id).toBe(2)
  })

  it('wrap seal key ids from 255 to 1, never to 0', () => {
    const memory = started()
    const ids = Array.from({ length: 256 }, () => {
      memory.nowMs += 7 * DAY
      memory.run((turn) => renewPrekeys(turn))
      memory.run((turn) => sweepPrekeys(turn, memory.nowMs))
      return memory.run((turn) => currentSealKey(turn)).id
    })
    expect(ids.slice(252)).toEqual([254, 255, 1, 2])
    expect(memory.run((turn) => sealKeys(turn)).length).toBeLessThan(12)
  })

  it('are found by id after they were superseded, as long as they are kept', () => {
    const memory = started()
    const old = memory.run((turn) => offeredPrekeys(turn))
    memory.nowMs += 7 * DAY
    memory.run((turn) => renewPrekeys(turn))
    const spk = memory.run(() => findPrekey('spk', 1)) as Uint8Array
    const kem = memory.run(() => findPrekey('kem', 1)) as Uint8Array
    expect(noble.x25519PublicKey(spk)).toEqual(old.signedPrekey.publicKey)
    expect(noble.mlkemPublicKey(kem)).toEqual(old.lastResortKem.publicKey)
    expect(memory.run(() => findPrekey('spk', 3))).toBe('unknown')
    memory.run((turn) => consumePrekey(turn, 'spk', 1))
    memory.run((turn) => consumePrekey(turn, 'kem', 1))
    expect(memory.run(() => findPrekey('spk', 1))).toEqual(spk)
    expect(memory.run(() => findPrekey('kem', 1))).toEqual(kem)
  })

  it('open envelopes sealed to the DH key, the current and the previous seal key', () => {
    const memory = started()
    const previous = memory.run((turn) => currentSealKey(turn))
    memory.nowMs += 7 * DAY
    memory.run((turn) => renewPrekeys(turn))
    const current = memory.run((turn) => currentSealKey(turn))
    const keys = memory.run((turn) => sealKeys(turn))
    const own = { id: 0, publicKey: device(0).cert.dh }
    for (const { id, publicKey } of [own, previous, current]) {
      const target = { keyId: id, publicKey, mailboxId: counting(16) }
      const content = { sid: counting(16), inner: counting(446) }
      const envelope = sealEnvelope(noble, counting, target, content)
      expect(openEnvelope(noble, keys, counting(16), envelope).keyId).toBe(id)
    }
  })
})

describe('one-time prekeys', () => {
  it('are refilled to 100 and 20 once fewer than 30 or 6 are left', () => {
    expect(refillCounts({ opk: 0, okem: 0 })).toEqual({ opk: 100, okem: 20 })
    expect(refillCounts({ opk: 29, okem: 6 })).toEqual({ opk: 71, okem: 0 })
    expect(refillCounts({ opk: 30, okem: 5 })).toEqual({ opk: 0, okem: 15 })
  })

  it('come as items that open for who knows the address, with ids in the slot of their relay', () => {
    const memory = started()
    const here = issue(memory, relay, 3, 2)
    const there = issue(memory, other, 1)
    expect(here.map(({ id }) => id)).toEqual([1, 2, 3, 1, 2].map((n) => prekeyId(1, n)))
    expect(there.map(({ id }) => prekeySlot(id))).toEqual([2])
    expect(issue(memory, relay, 1)[0]?.id).toBe(prekeyId(1, 4))
    expect(here[0]?.notAfterS).toBe(memory.nowMs / 1000 + 60 * 86_400)
  })

  it('have the sizes a relay expects', () => {
    const memory = started()
    const items = memory.run((turn) => issuePrekeys(turn, relay, { opk: 1, okem: 1 }))
    expect([items.opk[0]?.length, items.okem[0]?.length]).toEqual([178, 1332])
  })

  it('are found until they are used; used differs from never issued', () => {
    const memory = started()
    const [opk, okem] = issue(memory, relay, 1, 1)
    for (const [kind, prekey] of [
      ['opk', opk],
      ['kem', okem],
    ] as const) {
      const id = prekey?.id ?? 0
      const secret = memory.run(() => findPrekey(kind, id)) as Uint8Array
      const publicKey =
        kind === 'opk' ? noble.x25519PublicKey(secret) : noble.mlkemPublicKey(secret)
      expect(publicKey).toEqual(prekey?.publicKey)
      memory.run((turn) => consumePrekey(turn, kind, id))
      expect(memory.run(() => findPrekey(kind, id))).toBe('consumed')
      expect(memory.run(() => findPrekey(kind, id + 1))).toBe('unknown')
    }
    expect(memory.count('prekey-secrets')).toBe(3)
  })

  it('leave no tombstone for what was never issued', () => {
    const memory = started()
    memory.run((turn) => consumePrekey(turn, 'opk', prekeyId(9, 9)))
    expect(memory.run(() => findPrekey('opk', prekeyId(9, 9)))).toBe('unknown')
    expect(memory.run(() => findPrekey('opk', 0))).toBe('unknown')
  })

  it('stay usable where the turn that used them was undone', () => {
    const memory = started()
    const [opk] = issue(memory, relay, 1)
    expect(() =>
      memory.run(function* (turn) {
        yield* consumePrekey(turn, 'opk', opk?.id ?? 0)
        throw new Error('the first message did not open')
      }),
    ).toThrow('did not open')
    expect(memory.run(() => findPrekey('opk', opk?.id ?? 0))).toBeInstanceOf(Uint8Array)
  })

  it('are never issued twice under one id, in whatever order they are made and used', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.record({ act: fc.constant('issue' as const), n: fc.nat(3), at: fc.nat(1) }),
            fc.record({ act: fc.constant('use' as const), n: fc.nat(20), at: fc.nat(1) }),
            fc.record({ act: fc.constant('end' as const), n: fc.nat(200), at: fc.nat(1) }),
          ),
          { maxLength: 12 },
        ),
        (acts) => {
          const memory = started()
          const seen = new Map<number, 'live' | 'used'>()
          for (const { act, n, at } of acts) {
            const where = at === 0 ? relay : other
            if (act === 'issue') {
              for (const { id } of issue(memory, where, n)) {
                expect(seen.has(id)).toBe(false)
                seen.set(id, 'live')
              }
            } else if (act === 'use') {
              const id = [...seen.keys()][n % Math.max(1, seen.size)]
              if (id === undefined) continue
              memory.run((turn) => consumePrekey(turn, 'opk', id))
              seen.set(id, 'used')
            } else {
              memory.run((turn) => endSlot(turn, where))
              memory.nowMs += n * DAY
            }
          }
          for (const [id, state] of seen) {
            const found = memory.run(() => findPrekey('opk', id))
            expect(found instanceof Uint8Array ? 'live' : 'used').toBe(state)
          }
        },
      ),
      { numRuns: 25 },
    )
  })

  it('stop being issued where 2 000 wait for their use, and go on once some are used', () => {
    const memory = started()
    const first = issue(memory, relay, 1990)
    expect(issue(memory, relay, 100).length).toBe(10)
    expect(issue(memory, relay, 100).length).toBe(0)
    memory.run((turn) => consumePrekey(turn, 'opk', first[5]?.id ?? 0))
    expect(issue(memory, relay, 100).length).toBe(1)
    expect(issue(memory, other, 5).length).toBe(5)
  })
})

describe('slots', () => {
  it('are not given to another relay within 180 days of their end', () => {
    const memory = started()
    issue(memory, relay, 1)
    memory.run((turn) => endSlot(turn, relay))
    expect(prekeySlot(issue(memory, other, 1)[0]?.id ?? 0)).toBe(2)
    memory.run((turn) => endSlot(turn, other))
    memory.nowMs += 180 * DAY - 1
    expect(prekeySlot(issue(memory, relay, 1)[0]?.id ?? 0)).toBe(3)
    memory.nowMs += 1
    const third = { serviceKey: counting(32, 3), mailboxId: counting(16, 3) }
    const reused = issue(memory, third, 1)[0]?.id ?? 0
    expect(prekeySlot(reused)).toBe(1)
    // Its counter goes on: the id differs from the first relay's.
    expect(reused).toBe(prekeyId(1, 2))
  })

  it('are refused beyond 255, without harm', () => {
    const memory = started()
    memory.run(function* (turn) {
      for (let n = 1; n <= 255; n++) {
        const record = { ...relay, serviceKey: counting(32, n), nextOpk: 1, nextOkem: 1 }
        turn.put(prekeySlots, n, { ...record, endedAtMs: 0 })
      }
    })
    expect(() =>
      issue(memory, { serviceKey: new Uint8Array(32), mailboxId: counting(16) }, 1),
    ).toThrow(expect.objectContaining({ code: 'ERR_PROTOCOL_LIMIT' }))
    expect(issue(memory, relay, 1).length).toBe(1)
  })
})
