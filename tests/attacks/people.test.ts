// What contacts, strangers and relays of contacts try on a person: on invites, requests, endpoints,
// prekeys and device lists.
import { describe, expect, it } from 'vitest'
import { fromHex, noble, toHex } from '../../crypto/index.ts'
import {
  type ArrivalAnswer,
  type Contact,
  type ReceivedBundle,
  deviceLists,
  endpointsFrame,
  frameOf,
  get,
  knownDevices,
  peers,
  sweepDelivery,
  takeBundle,
} from '../../protocol/index.ts'
import { capabilityHolder } from '../../protocol/peers/handed-capability.ts'
import { tallyOf } from '../../protocol/tallies.ts'
import { capIdOf } from '../support/capability-id.ts'
import { Account, Relay } from '../support/person-parts.ts'
import { DAY_MS, Person, acquainted, settle } from '../support/person.ts'
import { codeOf } from '../support/session-peers.ts'
import { forge } from '../support/forge.ts'
import { seededRandom } from '../support/seeded-random.ts'

const random = seededRandom('people')

/** Sends what waits once; the answers in order. */
function carry(from: Person, to: Person): readonly ArrivalAnswer[] {
  return from.direct(to).map(({ item, arrival }) => {
    const answer = to.receive(arrival)
    from.answered(to, item, answer)
    return answer
  })
}

function startFrom(person: Person, bundle: ReceivedBundle): string {
  return codeOf(() => person.driver.run((turn) => takeBundle(turn, bundle)))
}

const EMPTY = new Uint8Array(0)

describe('a stolen invite link', () => {
  it('lets one in: the second is shown as a second claimant, by its key, and waits', () => {
    const alice = new Person({ name: 'alice', seed: 'theft' })
    const link = alice.invite()
    const [thief, bob] = ['thief', 'bob'].map((name) => new Person({ name, seed: 'theft' }))
    if (thief === undefined || bob === undefined) throw new Error('nobody')
    for (const one of [thief, bob]) {
      one.add(link)
      one.take(alice)
      carry(one, alice)
    }
    expect(alice.contact(thief)?.state).toBe('ready')
    expect(alice.contact(bob)).toMatchObject({ state: 'request', refusal: 'used' })
    const [warning] = alice.driver.changes.filter((change) => change.kind === 'warning')
    expect(warning).toMatchObject({ code: 'INVITE_USED_AGAIN' })
    expect(warning?.kind === 'warning' ? warning.text : '').toContain(
      toHex(bob.self.account).slice(0, 16),
    )
  })

  it('is worth nothing in another handshake: its proof was made over the first one', () => {
    const alice = new Person({ name: 'alice', seed: 'proof' })
    const link = alice.invite({ reusable: true })
    const bob = new Person({ name: 'bob', seed: 'proof' })
    bob.add(link)
    bob.take(alice)
    const [message] = bob.direct(alice)
    // The same intro under another transcript: the bytes are copied, the session is new.
    const mallory = new Person({ name: 'mallory', seed: 'proof' })
    mallory.add(link)
    mallory.take(alice)
    mallory.driver.run(function* (turn) {
      const peer = yield* get(peers, alice.device)
      if (peer?.invite === undefined) throw new Error('no invite')
      const invite = { ...peer.invite, secret: new Uint8Array(16) }
      turn.put(peers, alice.device, { ...peer, invite })
    })
    // The honest intro was encrypted before: it stays away, a later one comes.
    mallory.send(alice, 'let me in')
    const forged = mallory.direct(alice).at(-1)
    if (forged === undefined) throw new Error('nothing to send')
    expect(alice.receive(forged.arrival)).toMatchObject({ code: 'held', detail: 2 })
    expect(alice.contact(mallory)).toMatchObject({ state: 'request', refusal: 'unknown' })
    if (message === undefined) throw new Error('nothing to send')
    expect(alice.receive(message.arrival).code).toBe('committed')
  })
})

describe('endpoints that come again', () => {
  const mailboxesOf = (of: Person, whom: Person) =>
    of.driver.run(() => get(peers, whom.device))?.endpoints

  it('lose against the higher counter, whatever order they come in', () => {
    const [alice, bob] = acquainted('endpoints')
    const said = (c: number, counter: number, id: number) =>
      frameOf(endpointsFrame, {
        c,
        counter,
        mailboxes: [],
        home: undefined,
        rendezvous: [],
        seal: { id, publicKey: noble.x25519PublicKey(random(32)) },
        awayUntilS: 0,
      })
    const next = (bob.driver.run(() => get(peers, alice.device))?.numberedSent ?? 0) + 1
    forge(bob, alice, said(next, 9, 9))
    expect(mailboxesOf(alice, bob)).toMatchObject({ counter: 9, seal: { id: 9 } })
    forge(bob, alice, said(next + 1, 8, 8))
    expect(mailboxesOf(alice, bob)).toMatchObject({ counter: 9, seal: { id: 9 } })
    // The same number again is the same frame again, whatever it says now.
    forge(bob, alice, said(next, 99, 7))
    expect(mailboxesOf(alice, bob)).toMatchObject({ counter: 9, seal: { id: 9 } })
    forge(bob, alice, said(next + 2, 9, 10))
    expect(mailboxesOf(alice, bob)).toMatchObject({ counter: 9, seal: { id: 10 } })
  })

  it('carry no signature: nobody can prove to others where a device is reached', () => {
    const alice = noble.ed25519PublicKey(random(32))
    const body = endpointsFrame.encode({
      c: 1,
      counter: 1,
      mailboxes: [],
      home: { transportKey: alice, addresses: ['/ip4/203.0.113.7/tcp/4001'] },
      rendezvous: [],
      seal: { id: 1, publicKey: noble.x25519PublicKey(random(32)) },
      awayUntilS: 0,
    })
    // Transport key, seal key, an address and small numbers: no room for 64 bytes more.
    expect(body.length).toBeLessThan(32 + 32 + 25 + 64)
  })
})

describe('prekeys of a relay that cheats', () => {
  it('one OPK issued twice heals for a stranger by the second handshake, without one', () => {
    const relay = new Relay(random)
    const bob = new Person({ name: 'bob', seed: 'double', relays: [relay] })
    const alice = new Person({ name: 'alice', seed: 'double', relays: [relay] })
    const carol = new Person({ name: 'carol', seed: 'double', relays: [relay] })
    const link = bob.invite({ reusable: true })
    const bundle = bob.bundle()
    for (const one of [alice, carol]) {
      one.add(link)
      expect(startFrom(one, bundle)).toBe('nothing thrown')
    }
    carry(alice, bob)
    expect(bob.contact(alice)?.state).toBe('ready')
    const sent = carol.send(bob, 'can you read me?')
    expect(carol.deposit(bob, relay)).toBeGreaterThan(0)
    expect(bob.fetch(relay).map(({ code }) => code)).not.toContain('committed')
    expect(bob.contact(carol)).toBeUndefined()
    // To a stranger silence. Its own timer helps.
    bob.receipts()
    expect(carol.state(sent)).toBe('relayed')
    for (const one of [bob, carol]) one.driver.advance(DAY_MS + 60_000)
    carol.driver.run((turn) => sweepDelivery(turn))
    expect(carol.effects('renew')).toBe(1)
    carol.take(bob, { renewal: true })
    carry(carol, bob)
    settle([bob, carol])
    expect(bob.contact(carol)?.state).toBe('ready')
    expect(bob.texts(carol)).toEqual(['can you read me?'])
    expect(carol.state(sent)).toBe('delivered')
  })

  it('one OPK issued twice heals for a contact by a reset at once', () => {
    const [alice, bob] = acquainted('double contact')
    // With the KEM key used up too nobody could tell who wrote.
    const bundle = { ...bob.bundle(), okem: EMPTY }
    const dave = new Person({ name: 'dave', seed: 'double contact' })
    dave.add(bob.invite())
    expect(startFrom(dave, bundle)).toBe('nothing thrown')
    carry(dave, bob)
    expect(startFrom(alice, bundle)).toBe('nothing thrown')
    const sent = alice.send(bob, 'again with a used key')
    for (const { arrival } of alice.direct(bob)) {
      bob.receive({
        ...arrival,
        path: { kind: 'relay', serviceKey: random(32), capId: undefined, storedAtS: 1 },
      })
    }
    expect(bob.effects('reset')).toBe(1)
    bob.take(alice)
    settle([alice, bob])
    expect(bob.texts(alice)).toEqual(['again with a used key'])
    expect(alice.state(sent)).toBe('delivered')
  })

  it('that hands out none, or was drained, makes the handshake degraded, which is counted', () => {
    const bob = new Person({ name: 'bob', seed: 'depleted' })
    const alice = new Person({ name: 'alice', seed: 'depleted' })
    alice.add(bob.invite())
    const degraded = () => alice.driver.run(() => tallyOf('degraded-handshakes'))
    expect(degraded()).toBe(0)
    expect(startFrom(alice, { ...bob.bundle(), opk: EMPTY, okem: EMPTY })).toBe('nothing thrown')
    expect(degraded()).toBe(1)
    const sent = alice.send(bob, 'all the same')
    carry(alice, bob)
    settle([alice, bob])
    expect(alice.state(sent)).toBe('delivered')
    // With both it is not degraded.
    alice.take(bob)
    expect(degraded()).toBe(1)
  })

  it('an expired card, one of another account, and prekeys of another place are refused', () => {
    const bob = new Person({ name: 'bob', seed: 'stale' })
    const mallory = new Person({ name: 'mallory', seed: 'stale' })
    const alice = new Person({ name: 'alice', seed: 'stale' })
    alice.add(bob.invite())
    const bundle = bob.bundle()
    expect(startFrom(alice, { ...bundle, account: mallory.self.account })).toBe(
      'ERR_CRYPTO_UNAUTHENTIC',
    )
    expect(startFrom(alice, { ...bundle, card: mallory.bundle().card })).toBe(
      'ERR_CRYPTO_UNAUTHENTIC',
    )
    expect(startFrom(alice, { ...bundle, serviceKey: random(32) })).toBe('ERR_CRYPTO_UNAUTHENTIC')
    expect(startFrom(alice, { ...bundle, opk: mallory.bundle().opk })).toBe(
      'ERR_CRYPTO_UNAUTHENTIC',
    )
    expect(startFrom(alice, { ...bundle, opk: bundle.okem })).toBe('ERR_CRYPTO_UNAUTHENTIC')
    alice.driver.advance(14 * DAY_MS + 1_000)
    expect(startFrom(alice, bundle)).toBe('ERR_CRYPTO_EXPIRED')
    expect(alice.driver.run(() => get(peers, bob.device))).toBeUndefined()
  })
})

describe('an old card', () => {
  it('hides a revocation only until a device that knows better writes', () => {
    const account = new Account(random)
    const phone = new Person({ name: 'phone', seed: 'revoked', account })
    const laptop = new Person({ name: 'laptop', seed: 'revoked', account })
    const old = account.list([phone.self, laptop.self])
    phone.adopt(account.list([phone.self]))
    account.version += 1
    const both = account.list([phone.self, laptop.self])
    for (const one of [phone, laptop]) one.adopt(both)
    expect(old).not.toEqual(both)
    const alice = new Person({ name: 'alice', seed: 'revoked' })
    alice.add(laptop.invite())
    const [stolen, good] = [phone.bundle(), laptop.bundle()]
    // The phone is revoked. The relay serves both cards as they were.
    account.version += 1
    const revoked = account.list([laptop.self], [phone.device])
    laptop.adopt(revoked)
    expect(startFrom(alice, good)).toBe('nothing thrown')
    expect(startFrom(alice, stolen)).toBe('nothing thrown')
    const known = () =>
      alice.driver.run(() => knownDevices(account.key)).map(({ device }) => toHex(device))
    expect(known()).toContain(toHex(phone.device))
    // One message each way with the laptop: lists48 says who lacks what.
    settle([alice, laptop])
    expect(known()).toEqual([toHex(laptop.device)])
    expect(alice.driver.run(() => get(deviceLists, account.key))?.version).toBe(account.version)
    expect(startFrom(alice, stolen)).toBe('ERR_CRYPTO_UNAUTHENTIC')
    alice.send(laptop, 'for the laptop alone')
    expect(alice.direct(phone)).toEqual([])
  })
})

describe('somebody known', () => {
  it('who comes by the lane of strangers is no request', () => {
    const relay = new Relay(random)
    const [alice, bob] = acquainted('lane 1', { bob: [relay] })
    const states: Contact['state'][] = []
    const sent = alice.send(bob, 'my capability has ended')
    for (const { arrival } of alice.direct(bob)) {
      // Lane 1 shows no capability.
      const path = {
        kind: 'relay',
        serviceKey: relay.serviceKey,
        capId: undefined,
        storedAtS: 1,
      } as const
      expect(bob.receive({ ...arrival, path }).code).toBe('committed')
      states.push(bob.contact(alice)?.state ?? 'removed')
    }
    expect(states).toEqual(['ready'])
    settle([alice, bob])
    expect(alice.state(sent)).toBe('delivered')
  })

  it('is known to a relay by another name after a week, and by none that others share', () => {
    const relay = new Relay(random)
    const bob = new Person({ name: 'bob', seed: 'pseudonyms', relays: [relay] })
    const [one, other] = ['one', 'other'].map((name) => new Person({ name, seed: 'pseudonyms' }))
    if (one === undefined || other === undefined) throw new Error('nobody')
    const names = [capIdOf(bob, one), capIdOf(bob, other), capIdOf(bob, one)].map((id) => toHex(id))
    expect(names[0]).toHaveLength(16)
    expect(names[1]).not.toBe(names[0])
    expect(names[2]).toBe(names[0])
    bob.driver.advance(7 * DAY_MS)
    const later = capIdOf(bob, one)
    expect(toHex(later)).not.toBe(names[0])
    // The one before is known all the same: what it paid for before is on its way.
    for (const id of [later, fromHex(names[0] ?? '')]) {
      expect(bob.driver.run(() => capabilityHolder(id))).toEqual(one.device)
    }
  })

  it('who put on the name of another gets one of its own', () => {
    const [alice] = acquainted('names')
    const mallory = new Person({ name: 'bob', seed: 'names of mallory' })
    mallory.add(alice.invite())
    mallory.take(alice)
    carry(mallory, alice)
    const names = alice.contacts().map(({ name }) => name)
    expect(new Set(names).size).toBe(2)
    expect(alice.contact(mallory)?.theirName).toBe('bob')
  })
})
