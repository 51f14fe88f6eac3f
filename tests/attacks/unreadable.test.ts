// What cannot be opened: kept within bounds, answered seldom, and from strangers not kept at all
// (SPEC.md §5.6, §5.7).
import { describe, expect, it } from 'vitest'
import { noble, u32 } from '../../crypto/index.ts'
import { blockContact, get, noteUnopened, peers } from '../../protocol/index.ts'
import { NOBODY, keptCount, keptDevices } from '../../protocol/delivery/kept.ts'
import { requestReset } from '../../protocol/delivery/reset.ts'
import { QUARANTINE_MAX_BYTES, QUARANTINE_PEER_MAX_BYTES } from '../../protocol/limits.ts'
import { capabilityHolder } from '../../protocol/peers/handed-capability.ts'
import { capIdOf } from '../support/capability-id.ts'
import { Relay } from '../support/person-parts.ts'
import { Person, acquainted, settle } from '../support/person.ts'
import { seededRandom } from '../support/seeded-random.ts'

const random = seededRandom('unreadable')

describe('what cannot be opened', () => {
  const garbage = () => {
    const inner = random(65_470)
    inner[0] = 0x11
    return inner
  }
  it('and came from a stranger is acknowledged and dropped: nothing kept, nobody warned', () => {
    const bob = new Person({ name: 'bob', seed: 'strangers', relays: [new Relay(random)] })
    for (let i = 0; i < 30; i++) {
      const path = {
        kind: 'relay',
        serviceKey: random(32),
        capId: undefined,
        storedAtS: 1,
      } as const
      expect(bob.receive({ sid: random(16), inner: garbage(), path }).code).toBe('refused')
    }
    expect(bob.driver.run(() => keptCount(NOBODY))).toBe(0)
    expect(bob.driver.run(() => keptDevices.all())).toEqual([])
    expect(bob.warnings()).toEqual([])
  })

  it('and begins a session under keys that are not here is kept within a bound, without a word', () => {
    const bob = new Person({ name: 'bob', seed: 'inits' })
    const mallory = new Person({ name: 'mallory', seed: 'inits' })
    mallory.add(bob.invite())
    mallory.take(bob)
    const [message] = mallory.direct(bob)
    if (message === undefined) throw new Error('nothing to send')
    const { sid, inner } = message.arrival
    const path = { kind: 'relay', serviceKey: random(32), capId: undefined, storedAtS: 1 } as const
    const fits = Math.floor(QUARANTINE_PEER_MAX_BYTES / inner.length)
    for (let i = 0; i < fits + 20; i++) {
      const other = Uint8Array.from(inner)
      other.set(u32(0xff_00_00 + i), 39)
      expect(bob.receive({ sid, inner: other, path }).code).toBe('held')
    }
    expect(bob.driver.run(() => keptCount(NOBODY))).toBe(fits)
    expect(bob.warnings()).toEqual([])
  })

  it('for want of a seal key makes a contact told of the present one, seldom, and nobody else', () => {
    const relay = new Relay(random)
    const [alice, bob] = acquainted('seal', { bob: [relay] })
    const capId = capIdOf(bob, alice)
    const unopened = (by: Uint8Array | undefined) => {
      for (let i = 0; i < 20; i++) bob.driver.run((turn) => noteUnopened(turn, by))
      return bob.outbox(alice).filter(({ content }) => content.kind === 'control').length
    }
    expect(unopened(undefined)).toBe(0)
    expect(unopened(random(8))).toBe(0)
    expect(unopened(capId)).toBe(1)
    alice.driver.run(function* (turn) {
      const peer = yield* get(peers, bob.device)
      if (peer === undefined) throw new Error('nobody')
      const seal = { id: 200, publicKey: noble.x25519PublicKey(random(32)) }
      turn.put(peers, bob.device, { ...peer, endpoints: { ...peer.endpoints, seal } })
    })
    settle([alice, bob])
    const told = alice.driver.run(() => get(peers, bob.device))
    expect(told?.endpoints.seal?.id).not.toBe(200)
    bob.driver.run((turn) => blockContact(turn, alice.self.account, true))
    bob.driver.advance(7 * 3_600_000)
    expect(unopened(capId)).toBe(0)
  })

  it('is kept within a bound for each contact and one for all', () => {
    const relay = new Relay(random)
    const bob = new Person({ name: 'bob', seed: 'bounds', relays: [relay] })
    const link = bob.invite({ reusable: true })
    const friends = Array.from({ length: 6 }, (_, i) => {
      const friend = new Person({ name: `friend ${i}`, seed: 'bounds' })
      friend.add(link)
      friend.take(bob)
      settle([bob, friend])
      return friend
    })
    let kept = 0
    for (const friend of friends) {
      const capId = capIdOf(bob, friend)
      expect(bob.driver.run(() => capabilityHolder(capId))).toEqual(friend.device)
      const path = { kind: 'relay', serviceKey: relay.serviceKey, capId, storedAtS: 1 } as const
      for (let i = 0; i < 20; i++) {
        bob.receive({ sid: random(16), inner: garbage(), path })
      }
      const mine = bob.driver.run(() => keptCount(friend.device))
      expect(mine * 65_470).toBeLessThanOrEqual(QUARANTINE_PEER_MAX_BYTES)
      kept += mine
    }
    expect(kept * 65_470).toBeLessThanOrEqual(QUARANTINE_MAX_BYTES)
    expect(kept * 65_470).toBeGreaterThan(QUARANTINE_MAX_BYTES - 2 * 65_470)
    expect(bob.warnings()).toContain('KEPT_FULL')
  }, 60_000)

  it('starts three resets at once, then one an hour, however much of it comes', () => {
    const [alice, bob] = acquainted('resets')
    const begun = () => bob.effects('reset')
    const provoke = () => {
      bob.driver.run((turn) => requestReset(turn, alice.device, random(16)))
      bob.take(alice)
      settle([alice, bob])
      // Answered, so that the next is not merely added to it.
      alice.send(bob, 'heard')
      settle([alice, bob])
    }
    for (let i = 0; i < 3; i++) provoke()
    expect(begun()).toBe(3)
    for (let i = 0; i < 5; i++) {
      bob.driver.run((turn) => requestReset(turn, alice.device, random(16)))
    }
    expect(begun()).toBe(3)
    for (const one of [alice, bob]) one.driver.advance(3_600_000)
    bob.driver.run((turn) => requestReset(turn, alice.device, random(16)))
    expect(begun()).toBe(4)
  })
})
