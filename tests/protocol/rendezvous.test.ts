// Rendezvous mailboxes from both ends (SPEC.md §2.6): an account finds its generation, keeps no more
// keys than it needs, and a contact takes nothing but a card of the account that says more.
import { expect, test } from 'vitest'
import {
  type Bytes32,
  createPhrase,
  phraseSeed,
  rendezvousMailboxId,
  rendezvousRoot,
} from '../../crypto/index.ts'
import { nativeCrypto } from '../../node/native-crypto.ts'
import {
  type OwnMailbox,
  chooseRelay,
  get,
  meetRelay,
  noteIncarnation,
  noteRendezvousCard,
  peers,
  removeContact,
  rendezvousCard,
  rendezvousList,
  rendezvousRoots,
  rendezvousToFind,
  settleRendezvous,
  takeRendezvousCard,
} from '../../protocol/index.ts'
import { forgetRendezvousRoots, ownRendezvous } from '../../protocol/peers/rendezvous.ts'
import { MemoryDriver } from '../support/memory-driver.ts'
import { DAY_MS, Person, acquainted } from '../support/person.ts'

const { random } = new MemoryDriver({ seed: 'rendezvous' })
const seed = phraseSeed(createPhrase(random))
const rootsOf = (count: number): readonly Bytes32[] =>
  Array.from({ length: count }, (_, generation) => rendezvousRoot(nativeCrypto, seed, generation))

const SERVICES: readonly Bytes32[] = [random(32), random(32), random(32)]

/** A person who chose so many relays while the words were at hand. */
function person(roots: number, relays: number): Person {
  const one = new Person({ name: 'alice', seed: `${roots} ${relays}` })
  const madeAtMs = one.driver.safeNowMs
  one.driver.run(function* (turn) {
    turn.put(rendezvousRoots, 0, { roots: rootsOf(roots), madeAtMs })
    for (const transportKey of SERVICES.slice(0, relays)) {
      yield* chooseRelay(turn, { address: `/ip4/10.0.0.9/tcp/${relays}`, transportKey, ticket: '' })
    }
  })
  return one
}

/** The n-th relay is met: its mailbox, from 1. */
function meet(one: Person, slot: number): OwnMailbox {
  const serviceKey = SERVICES[slot - 1]
  if (serviceKey === undefined) throw new Error('no such relay')
  const choice = { slot, address: '/ip4/10.0.0.9/tcp/1', transportKey: serviceKey, ticket: '' }
  one.driver.run((turn) => meetRelay(turn, choice, serviceKey))
  return one.driver.run((turn) => noteIncarnation(turn, slot, new Uint8Array(8).fill(slot)))
}

const hasRoots = (one: Person): boolean => one.driver.rows(rendezvousRoots).length > 0

test('roots stay until the relays named at the start were met, and no longer', () => {
  const alice = person(2, 3)
  const [first, second, third] = [meet(alice, 1), meet(alice, 2), meet(alice, 3)]
  expect(alice.driver.run((turn) => rendezvousToFind(turn, first))?.length).toBe(1)
  alice.driver.run((turn) => settleRendezvous(turn, first, 0))
  expect(alice.driver.run((turn) => rendezvousToFind(turn, first))).toBeUndefined()
  expect(hasRoots(alice)).toBe(true)
  alice.driver.run((turn) => settleRendezvous(turn, second, 0))
  expect(hasRoots(alice)).toBe(false)
  // Two are enough, and without the words there is no third.
  expect(alice.driver.run((turn) => rendezvousToFind(turn, third))).toBeUndefined()
  const list = alice.driver.run(() => rendezvousList())
  expect(list.map(({ serviceKey }) => serviceKey)).toEqual(SERVICES.slice(0, 2))
  // Nothing of the next generation is left but its ids.
  const stored = alice.driver.storedBytes(ownRendezvous).map((bytes) => Buffer.from(bytes))
  for (const [i, serviceKey] of SERVICES.slice(0, 2).entries()) {
    const next = rootsOf(2)[1] ?? new Uint8Array()
    expect(list[i]?.idNext).toEqual(rendezvousMailboxId(nativeCrypto, next, serviceKey))
    expect(stored.some((bytes) => bytes.includes(Buffer.from(next)))).toBe(false)
  }
})

test('roots for a relay that is never met are deleted after a week', () => {
  const alice = person(2, 2)
  alice.driver.advance(7 * DAY_MS)
  alice.driver.run((turn) => forgetRendezvousRoots(turn))
  expect(hasRoots(alice)).toBe(true)
  alice.driver.advance(1)
  alice.driver.run((turn) => forgetRendezvousRoots(turn))
  expect(hasRoots(alice)).toBe(false)
  expect(alice.driver.run((turn) => rendezvousToFind(turn, meet(alice, 1)))).toBeUndefined()
})

test('a restored account comes to lie where the lost device said that the next one would', () => {
  const lost = person(2, 1)
  lost.driver.run((turn) => settleRendezvous(turn, meet(lost, 1), 0))
  const [told] = lost.driver.run(() => rendezvousList())
  const restored = person(66, 1)
  const own = meet(restored, 1)
  const ids = restored.driver.run((turn) => rendezvousToFind(turn, own)) ?? []
  expect(ids.length).toBe(65)
  expect(ids[0]).toEqual(told?.idNow)
  expect(ids[1]).toEqual(told?.idNext)
  restored.driver.run((turn) => settleRendezvous(turn, own, 1))
  expect(restored.driver.run(() => rendezvousList())[0]?.idNow).toEqual(told?.idNext)
})

test('the card is published at first, weekly, and to a relay that lost it', () => {
  const alice = person(2, 1)
  const own = meet(alice, 1)
  alice.driver.run((turn) => settleRendezvous(turn, own, 0))
  const due = (at: OwnMailbox) => alice.driver.run((turn) => rendezvousCard(turn, at))
  const first = due(own)
  if (first === undefined) throw new Error('no card')
  expect(first.card.item.length % 512).toBe(0)
  alice.driver.run((turn) => noteRendezvousCard(turn, own, first))
  expect(due(own)).toBeUndefined()
  const emptied = { ...own, incarnation: new Uint8Array(8).fill(9) }
  expect(due(emptied)).toBeDefined()
  alice.driver.advance(7 * DAY_MS + 1_000)
  expect(due(own)).toBeDefined()
})

/** Alice's card as it lies at a rendezvous mailbox, from a device that restored her account. */
function restoredCard(alice: Person): {
  readonly device: Person
  readonly place: { readonly serviceKey: Bytes32; readonly mailboxId: Uint8Array }
  readonly item: Uint8Array
} {
  const device = new Person({ name: 'anew', seed: 'anew', account: alice.account })
  alice.account.version += 100
  device.driver.advance(alice.driver.nowMs - device.driver.nowMs)
  device.adopt(alice.account.list([device.self], [alice.device]))
  device.driver.run((turn) =>
    chooseRelay(turn, {
      address: '/ip4/10.0.0.9/tcp/1',
      transportKey: SERVICES[0] ?? random(32),
      ticket: '',
    }),
  )
  device.driver.run(function* (turn) {
    turn.put(rendezvousRoots, 0, { roots: rootsOf(66), madeAtMs: turn.safeNowMs })
  })
  const own = meet(device, 1)
  device.driver.run((turn) => settleRendezvous(turn, own, 1))
  const due = device.driver.run((turn) => rendezvousCard(turn, own))
  if (due === undefined) throw new Error('no card')
  const { mailboxId } = due
  return { device, place: { serviceKey: own.serviceKey, mailboxId }, item: due.card.item }
}

test('a contact takes the card of a restored account, and is told that devices changed', () => {
  const [alice, bob] = acquainted('found')
  const { device, place, item } = restoredCard(alice)
  const account = alice.self.account
  expect(bob.driver.run((turn) => takeRendezvousCard(turn, account, place, item))).toBe(true)
  const peer = bob.driver.run(() => get(peers, device.device))
  expect(peer?.endpoints.mailboxes.length).toBe(1)
  expect(peer?.endpoints.rendezvous[0]?.idNow).toEqual(place.mailboxId)
  expect(bob.warnings()).toContain('DEVICES_CHANGED')
  // Again it says nothing new.
  expect(bob.driver.run((turn) => takeRendezvousCard(turn, account, place, item))).toBe(false)
})

test('a card that is damaged, from another place, of somebody else or of a removed contact is nothing', () => {
  const [alice, bob] = acquainted('refused')
  const { device, place, item } = restoredCard(alice)
  const take = (account: Bytes32, at: typeof place, bytes: Uint8Array): boolean =>
    bob.driver.run((turn) => takeRendezvousCard(turn, account, at, bytes))
  const account = alice.self.account
  const damaged = item.slice()
  damaged[40] = (damaged[40] ?? 0) ^ 1
  expect(take(account, place, damaged)).toBe(false)
  expect(take(account, { ...place, mailboxId: new Uint8Array(16) }, item)).toBe(false)
  expect(take(device.device, place, item)).toBe(false)
  bob.driver.run((turn) => removeContact(turn, account))
  expect(take(account, place, item)).toBe(false)
  expect(bob.driver.run(() => get(peers, device.device))).toBeUndefined()
  expect(bob.warnings()).not.toContain('DEVICES_CHANGED')
})
