// States that would be shown though they are not so, or never though they are.
import { describe, expect, test } from 'vitest'
import { noble } from '../../../crypto/index.ts'
import {
  blockContact,
  directConversation,
  gapsOf,
  get,
  noteAnswer,
  openFirstContacts,
  outboxHead,
  removeContact,
  type Step,
  sweepDelivery,
  tendDelivery,
  type Turn,
} from '../../../protocol/index.ts'
import { enqueue, putPrepared } from '../../../protocol/delivery/outbox.ts'
import { resumeCarriage, stopCarriage } from '../../../protocol/delivery/stop-carriage.ts'
import { addressTo } from '../../../protocol/delivery/unaddressed.ts'
import { OPEN_PER_AUTHOR_DIRECT_MAX, OUTBOX_MAX } from '../../../protocol/limits.ts'
import { authorTable } from '../../../protocol/log/author-table.ts'
import { MemoryDriver } from '../../support/memory-driver.ts'
import { Relay } from '../../support/person-parts.ts'
import { DAY_MS, Person, acquainted, restored, settle } from '../../support/person.ts'

const OTHER = new Uint8Array(32).fill(7)

/** Queues an entry as one of another conversation. */
function* enqueueIn(
  turn: Turn,
  to: Person,
  conversation: Uint8Array,
  entry: Uint8Array,
): Step<void> {
  yield* enqueue(turn, to.device, { kind: 'entry', conversation, entry, n: 1 })
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

describe('delivered', () => {
  test('is not shown for the answer of a host that the device did not name', () => {
    const [alice, bob] = acquainted('unproven')
    const carol = new Person({ name: 'carol', seed: 'unproven' })
    for (const code of ['committed', 'refused'] as const) {
      const sent = alice.send(bob, code)
      const { item } = alice.direct(bob).at(-1) ?? {}
      if (item?.message === undefined) throw new Error('nothing waits')
      const key = { device: bob.device, sequence: item.sequence, sid: item.message.sid }
      alice.driver.run((turn) =>
        noteAnswer(turn, key, { seq: 1, code, detail: 0 }, carol.transportKey),
      )
      expect(alice.state(sent)).toBe('queued')
    }
  })
})

describe('relayed', () => {
  test('stands no longer than its message is carried, whatever its relay promised', () => {
    const relay = new Relay(new MemoryDriver({ seed: 'relay' }).random)
    const [alice, bob] = acquainted('promise', { bob: [relay] })
    const sent = alice.send(bob, 'waits')
    alice.deposit(bob, relay, { holdS: 1_000 * 365 * 86_400 })
    alice.driver.advance(30 * DAY_MS - 2_000)
    expect(alice.state(sent)).toBe('relayed')
    alice.driver.advance(3_000)
    alice.driver.run((turn) => tendDelivery(turn))
    expect(alice.state(sent)).toBe('expired')
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

describe('a link that waits to be answered', () => {
  test('is not forgotten by a block that is taken back', () => {
    const alice = new Person({ name: 'alice', seed: 'blocked link' })
    const bob = new Person({ name: 'bob', seed: 'blocked link' })
    bob.add(alice.invite(), 'alice')
    const sent = bob.send(alice, 'hello')
    block(bob, alice, true)
    expect(bob.driver.run(() => openFirstContacts())).toEqual([])
    block(bob, alice, false)
    // Nothing came of it yet.
    expect(bob.contact(alice)?.state).toBe('pending')
    expect(bob.driver.run(() => openFirstContacts())).toHaveLength(1)
    expect(bob.effects('first-contact')).toBe(2)
    bob.take(alice)
    settle([alice, bob])
    expect(bob.contact(alice)?.state).toBe('ready')
    expect(bob.state(sent)).toBe('delivered')
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

describe('an entry beyond a limit', () => {
  test('is never called committed, and its number is known to be missing', () => {
    const [alice, bob] = acquainted('beyond')
    const conversation = directConversation(noble, alice.self.account, bob.self.account)
    bob.send(alice, 'one')
    settle([alice, bob])
    bob.send(alice, 'two, which is lost on its way')
    bob.prepare(alice)
    bob.send(alice, 'three')
    alice.driver.run(function* (turn) {
      const key = { conversation, author: bob.device }
      const row = yield* get(authorTable, key)
      if (row === undefined) throw new Error('no row')
      turn.put(authorTable, key, { ...row, open: OPEN_PER_AUTHOR_DIRECT_MAX })
    })
    const last = bob.direct(alice).at(-1)
    if (last === undefined) throw new Error('nothing waits')
    expect(alice.receive(last.arrival)).toMatchObject({ code: 'held', detail: 0 })
    // The same bytes by another path: still not in the log.
    expect(alice.receive(last.arrival)).toMatchObject({ code: 'held', detail: 0 })
    expect(alice.texts(bob)).toEqual(['one'])
    expect(alice.driver.run((turn) => gapsOf(turn, conversation))).toMatchObject([
      { from: 2, to: 3 },
    ])
  })
})

describe('a full outbox', () => {
  /** Has the outbox of a device look full, and back. */
  function fill(alice: Person, bob: Person, isFull: boolean): void {
    alice.driver.run(function* (turn) {
      const head = yield* outboxHead(bob.device)
      const items = head.items + (isFull ? OUTBOX_MAX : -OUTBOX_MAX)
      putPrepared(turn, bob.device, { ...head, items }, head.prepared)
    })
  }

  test('does not lose what waited for a first device', () => {
    const alice = new Person({ name: 'alice', seed: 'full' })
    const bob = new Person({ name: 'bob', seed: 'full' })
    bob.add(alice.invite(), 'alice')
    const sent = ['one', 'two'].map((text) => bob.send(alice, text))
    fill(bob, alice, true)
    const conversation = directConversation(noble, alice.self.account, bob.self.account)
    bob.driver.run((turn) => addressTo(turn, conversation, [alice.device]))
    fill(bob, alice, false)
    bob.take(alice)
    settle([alice, bob])
    // The next sign of life offers it.
    alice.send(bob, 'are you there?')
    settle([alice, bob])
    expect(sent.map((one) => bob.state(one))).toEqual(['delivered', 'delivered'])
    expect(alice.texts(bob).toSorted()).toEqual(['are you there?', 'one', 'two'])
  })

  test('keeps in mind all that was stopped, not the last conversation alone', () => {
    const [alice, bob] = acquainted('stopped')
    const sent = alice.send(bob, 'one')
    const conversation = directConversation(noble, alice.self.account, bob.self.account)
    alice.driver.run(function* (turn) {
      yield* enqueueIn(turn, bob, OTHER, sent.entry)
      yield* stopCarriage(turn, bob.device, 'expired')
    })
    fill(alice, bob, true)
    alice.driver.run((turn) => resumeCarriage(turn, bob.device))
    fill(alice, bob, false)
    alice.driver.run((turn) => resumeCarriage(turn, bob.device))
    const carried = alice
      .outbox(bob)
      .flatMap(({ content }) => (content.kind === 'entry' ? [content.conversation] : []))
    expect(carried).toEqual([conversation, OTHER])
  })
})

describe('a gap of a device that was lost', () => {
  test('is named as gone, and nothing more is asked of that device', () => {
    const [alice, bob] = acquainted('gap of the lost')
    const conversation = directConversation(noble, alice.self.account, bob.self.account)
    bob.send(alice, 'one, which is lost on its way')
    bob.prepare(alice)
    bob.send(alice, 'two')
    const last = bob.direct(alice).at(-1)
    if (last === undefined) throw new Error('nothing waits')
    alice.receive(last.arrival)
    const again = restored(bob, 'gap of the lost')
    again.add(alice.invite())
    again.take(alice)
    settle([alice, again])
    for (let hours = 0; hours < 5; hours++) {
      for (const one of [alice, again]) {
        one.driver.advance(3_700_000)
        one.driver.run((turn) => sweepDelivery(turn))
      }
      settle([alice, again])
    }
    expect(alice.outbox(bob)).toEqual([])
    expect(alice.driver.run((turn) => gapsOf(turn, conversation))).toMatchObject([
      { from: 1, to: 1, irretrievable: true },
    ])
  })
})
