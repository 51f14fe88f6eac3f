// States that would be shown though they are not so, or never though they are.
import { describe, expect, test } from 'vitest'
import { blockContact, removeContact, sweepDelivery } from '../../../protocol/index.ts'
import { MemoryDriver } from '../../support/memory-driver.ts'
import { Relay } from '../../support/person-parts.ts'
import { Person, acquainted, settle } from '../../support/person.ts'

/** Bob lost his device: the same account on another one, with a higher list that names it alone. */
function restored(bob: Person, seed: string): Person {
  bob.account.version += 1
  const again = new Person({ name: 'bob', seed: `${seed} restored`, account: bob.account })
  again.driver.nowMs = bob.driver.nowMs
  again.driver.safeNowMs = bob.driver.safeNowMs
  return again
}

function block(one: Person, other: Person, blocked: boolean): void {
  one.driver.run((turn) => blockContact(turn, other.self.account, blocked))
}

function remove(one: Person, other: Person): void {
  one.driver.run((turn) => removeContact(turn, other.self.account))
}

describe('read', () => {
  test('is not shown of what lies below the base of a device that joined', () => {
    const [alice, bob] = acquainted('base read')
    const before = ['one', 'two'].map((text) => alice.send(bob, text))
    settle([alice, bob])
    const again = restored(bob, 'base read')
    again.add(alice.invite())
    again.take(alice)
    settle([alice, again])
    // Nobody ever saw them: the device that had them was lost.
    expect(before.map((one) => alice.state(one))).toEqual(['delivered', 'delivered'])
  })
})

describe('somebody who is unblocked', () => {
  test('has what was refused on a stream carried again', () => {
    const [alice, bob] = acquainted('unblock')
    block(bob, alice, true)
    const sent = alice.send(bob, 'are you there?')
    settle([alice, bob])
    expect(alice.state(sent)).toBe('failed')
    block(bob, alice, false)
    settle([alice, bob])
    expect(bob.texts(alice)).toEqual(['are you there?'])
    expect(alice.state(sent)).toBe('delivered')
  })

  test('is asked for what a relay brought in vain', () => {
    const relay = new Relay(new MemoryDriver({ seed: 'relay' }).random)
    const [alice, bob] = acquainted('unblock relay', { bob: [relay] })
    block(bob, alice, true)
    const sent = alice.send(bob, 'are you there?')
    expect(alice.deposit(bob, relay)).toBe(1)
    expect(bob.fetch(relay).map(({ code }) => code)).toEqual(['refused'])
    block(bob, alice, false)
    // The relay has no copy any more, and takes none of what was acknowledged.
    const carry = (): void => {
      bob.receipts()
      for (const { item, arrival } of bob.direct(alice)) {
        bob.answered(alice, item, alice.receive(arrival))
      }
      alice.receipts()
      alice.prepare(bob)
      for (const { item, arrival } of alice.direct(bob)) {
        if (item.content.kind === 'entry') continue
        alice.answered(bob, item, bob.receive(arrival))
      }
    }
    carry()
    bob.driver.advance(61_000)
    bob.driver.run((turn) => sweepDelivery(turn))
    carry()
    carry()
    carry()
    expect(bob.texts(alice)).toEqual(['are you there?'])
    expect(alice.state(sent)).toBe('delivered')
  })
})

describe('a contact that was removed and is added again', () => {
  test('is ready, though it never knew', () => {
    const [alice, bob] = acquainted('again')
    remove(bob, alice)
    bob.add(alice.invite())
    bob.take(alice)
    settle([alice, bob])
    expect(bob.contact(alice)?.state).toBe('ready')
    expect(alice.contact(bob)?.state).toBe('ready')
    const sent = bob.send(alice, 'here again')
    settle([alice, bob])
    expect(bob.state(sent)).toBe('delivered')
  })

  test('learns that what it wrote meanwhile is there', () => {
    const [alice, bob] = acquainted('meanwhile')
    remove(bob, alice)
    const sent = alice.send(bob, 'hello?')
    settle([alice, bob])
    expect(bob.contact(alice)?.state).toBe('request')
    expect(alice.state(sent)).toBe('queued')
    bob.add(alice.invite())
    settle([alice, bob])
    expect(bob.texts(alice)).toEqual(['hello?'])
    expect(alice.state(sent)).toBe('delivered')
  })
})
