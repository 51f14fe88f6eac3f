import { describe, expect, test } from 'vitest'
import {
  get,
  noteCustody,
  peers,
  relayDoubts,
  sweepDelivery,
  tendDelivery,
} from '../../../protocol/index.ts'
import { MemoryDriver } from '../../support/memory-driver.ts'
import { DAY_MS, Person, acquainted, needsBundle, settle } from '../../support/person.ts'
import { Relay } from '../../support/person-parts.ts'

const MINUTE_MS = 60_000

function relays(seed: string): readonly [Relay, Relay] {
  const { random } = new MemoryDriver({ seed: `relays ${seed}` })
  return [new Relay(random), new Relay(random)]
}

function advance(people: readonly Person[], ms: number): void {
  for (const person of people) person.driver.advance(ms)
}

/** Alice, and Bob with mailboxes at two relays. */
function world(seed: string) {
  const [first, second] = relays(seed)
  const [alice, bob] = acquainted(seed, { alice: [first, second], bob: [first, second] })
  return { alice, bob, first, second }
}

describe('custody', () => {
  test('each relay that signed counts, once, until its hold ends', () => {
    const { alice, bob, first, second } = world('custody')
    const sent = alice.send(bob, 'hello')
    alice.deposit(bob, first, { signed: false })
    expect(alice.state(sent)).toBe('queued')
    alice.deposit(bob, first)
    expect(alice.deposit(bob, first)).toBe(0)
    alice.deposit(bob, second)
    expect(alice.state(sent)).toBe('relayed')
    expect(alice.evidence(sent).devices[0]?.custody).toHaveLength(2)
    advance([alice, bob], 30 * DAY_MS)
    expect(alice.state(sent)).toBe('queued')
  })

  test('one message over both relays and the stream arrives once', () => {
    const { alice, bob, first, second } = world('once')
    const sent = alice.send(bob, 'hello')
    alice.deposit(bob, first)
    alice.deposit(bob, second)
    expect(bob.fetch(first).map(({ code }) => code)).toEqual(['committed'])
    expect(bob.fetch(second).map(({ code }) => code)).toEqual(['committed'])
    settle([alice, bob])
    expect(bob.texts(alice)).toEqual(['hello'])
    expect(alice.state(sent)).toBe('delivered')
  })

  test('another incarnation voids what was signed before, and the copies go out again', () => {
    const { alice, bob, first } = world('incarnation')
    const lost = alice.send(bob, 'lost')
    alice.deposit(bob, first)
    advance([alice, bob], 2 * MINUTE_MS)
    first.lose(alice.driver.random)
    const later = alice.send(bob, 'later')
    alice.deposit(bob, first)
    expect(alice.state(lost)).toBe('queued')
    expect(alice.state(later)).toBe('relayed')
    expect(alice.evidence(lost).devices[0]?.custody[0]).toMatchObject({ void: true })
    expect(alice.deposit(bob, first)).toBe(1)
    bob.fetch(first)
    expect(bob.texts(alice).toSorted()).toEqual(['later', 'lost'])
  })

  test('a relay that changes its incarnation with every reply is doubted, not obeyed', () => {
    const { alice, bob, first } = world('hasty')
    alice.send(bob, 'one')
    alice.deposit(bob, first)
    for (let i = 0; i < 5; i++) {
      first.incarnation = alice.driver.random(8)
      alice.send(bob, `more ${i}`)
      expect(alice.deposit(bob, first)).toBeLessThanOrEqual(2)
    }
    expect(alice.driver.run(() => relayDoubts(first.serviceKey))).toBeGreaterThan(0)
  })

  test('custody of a ciphertext that was replaced on its way counts for nothing', () => {
    const { alice, bob, first } = world('stale copy')
    const sent = alice.send(bob, 'hello')
    const [before] = alice.direct(bob)
    if (before?.item.message === undefined) throw new Error('nothing waits')
    const { sequence, message } = before.item
    // The stream says that the session is unknown while the deposit travels; then custody comes.
    alice.answered(bob, before.item, { code: 'unknownSession', detail: 0, malformed: false })
    alice.take(bob)
    expect(alice.outbox(bob)[0]?.message?.innerId).not.toEqual(message.innerId)
    const peer = alice.driver.run(() => get(peers, bob.device))
    const mailbox = peer?.endpoints.mailboxes[0]
    if (mailbox === undefined) throw new Error('no mailbox')
    const { serviceKey, mailboxId } = mailbox
    const { incarnation } = first
    alice.driver.run((turn) =>
      noteCustody(
        turn,
        { device: bob.device, sequence, innerId: message.innerId },
        { serviceKey, mailboxId, incarnation, holdS: 86_400, found: 'new' },
      ),
    )
    expect(alice.state(sent)).toBe('queued')
    expect(alice.deposit(bob, first)).toBe(1)
    bob.fetch(first)
    settle([alice, bob])
    expect(alice.state(sent)).toBe('delivered')
  })
})

describe('doubt', () => {
  /** Alice's message is at a relay that throws it away; Bob writes, and receipts what he has. */
  function lied(seed: string) {
    const { alice, bob, first, second } = world(seed)
    first.lies = true
    const sent = alice.send(bob, 'swallowed')
    alice.deposit(bob, first)
    return { alice, bob, first, second, sent }
  }

  function receiptFromBob(alice: Person, bob: Person, text: string): void {
    alice.driver.advance(0)
    bob.send(alice, text)
    for (const { item, arrival } of bob.direct(alice))
      bob.answered(alice, item, alice.receive(arrival))
    alice.receipts()
    // Alice's receipt comes; Bob's cumulative one is made due by a read mark or a duplicate.
    for (const { item, arrival } of alice.direct(bob)) {
      if (item.content.kind === 'notice') alice.answered(bob, item, bob.receive(arrival))
    }
  }

  test('a receipt that lacks what a relay signed for a minute ago sends it elsewhere', () => {
    const { alice, bob, first, second, sent } = lied('doubt')
    advance([alice, bob], 2 * MINUTE_MS)
    const other = alice.send(bob, 'direct')
    const last = alice.direct(bob).at(-1)
    if (last === undefined) throw new Error('nothing waits')
    bob.receive(last.arrival)
    bob.receipts()
    for (const { item, arrival } of bob.direct(alice))
      bob.answered(alice, item, alice.receive(arrival))
    expect(alice.state(other)).toBe('delivered')
    expect(alice.outbox(bob).map(({ deposits }) => deposits.some((one) => one.holds))).toEqual([
      false,
    ])
    expect(alice.effects('outbox')).toBeGreaterThan(0)
    alice.deposit(bob, second)
    bob.fetch(second)
    settle([alice, bob])
    expect(alice.state(sent)).toBe('delivered')
    // It handed on nothing later either: one crossing receipt brands no relay.
    expect(alice.driver.run(() => relayDoubts(first.serviceKey))).toBe(0)
  })

  test('a relay is scored down by the second receipt, a minute later', () => {
    const { alice, bob, first } = lied('score')
    for (let round = 0; round < 2; round++) {
      advance([alice, bob], 2 * MINUTE_MS)
      const text = alice.send(bob, `direct ${round}`)
      const last = alice.direct(bob).at(-1)
      if (last === undefined) throw new Error('nothing waits')
      bob.receive(last.arrival)
      bob.receipts()
      receiptFromBob(alice, bob, `answer ${round}`)
      expect(alice.state(text)).toBe('delivered')
      expect(alice.driver.run(() => relayDoubts(first.serviceKey))).toBe(round)
      alice.deposit(bob, first)
    }
    expect(alice.warnings().filter((code) => code === 'RELAY_DOUBTED')).toHaveLength(1)
  })

  test('a relay that handed on a later message and not this one is scored down at once', () => {
    const { alice, bob, first } = lied('skipped')
    first.lies = false
    alice.send(bob, 'handed on')
    alice.deposit(bob, first)
    advance([alice, bob], 2 * MINUTE_MS)
    bob.fetch(first)
    bob.receipts()
    for (const { item, arrival } of bob.direct(alice))
      bob.answered(alice, item, alice.receive(arrival))
    expect(alice.driver.run(() => relayDoubts(first.serviceKey))).toBe(1)
  })

  test('a receipt within the minute doubts nothing', () => {
    const { alice, bob } = lied('young')
    const other = alice.send(bob, 'direct')
    const last = alice.direct(bob).at(-1)
    if (last === undefined) throw new Error('nothing waits')
    bob.receive(last.arrival)
    bob.receipts()
    receiptFromBob(alice, bob, 'answer')
    expect(alice.state(other)).toBe('delivered')
    expect(alice.outbox(bob)[0]?.deposits[0]).toMatchObject({ holds: true })
  })
})

describe('expiry', () => {
  test('after 30 days carriage stops, and the next sign of life takes it up again', () => {
    const { alice, bob, first } = world('expiry')
    const sent = alice.send(bob, 'old')
    alice.deposit(bob, first)
    advance([alice, bob], 30 * DAY_MS - MINUTE_MS)
    alice.driver.run((turn) => tendDelivery(turn))
    expect(alice.state(sent)).not.toBe('expired')
    advance([alice, bob], 2 * MINUTE_MS)
    alice.driver.run((turn) => tendDelivery(turn))
    expect(alice.state(sent)).toBe('expired')
    expect(alice.outbox(bob).filter(({ content }) => content.kind === 'entry')).toEqual([])
    first.lose(alice.driver.random)
    bob.send(alice, 'I am back')
    settle([alice, bob])
    expect(alice.state(sent)).toBe('delivered')
    expect(bob.texts(alice)).toContain('old')
  })

  test('what was never encrypted does not expire', () => {
    const bob = new Person({ name: 'bob', seed: 'unencrypted' })
    const alice = new Person({ name: 'alice', seed: 'unencrypted' })
    alice.add(bob.invite())
    const sent = alice.send(bob, 'waits for a bundle')
    advance([alice, bob], 40 * DAY_MS)
    alice.driver.run((turn) => tendDelivery(turn))
    expect(alice.state(sent)).toBe('queued')
  })

  test('a deposit carries the remaining life, never a new one', () => {
    const { alice, bob, second } = world('ttl')
    alice.send(bob, 'hello')
    alice.prepare(bob)
    advance([alice, bob], 10 * DAY_MS)
    alice.deposit(bob, second)
    const [custody] = alice.outbox(bob).map(({ deposits }) => deposits[0])
    expect(custody).toMatchObject({ holds: true })
    const nowS = Math.floor(alice.driver.nowMs / 1000)
    const [entry] = alice.outbox(bob)
    if (entry?.content.kind !== 'entry') throw new Error('not an entry')
    const row = alice.evidence({ ...entry.content, lamport: 0 })
    expect(row.devices[0]?.custody[0]?.holdUntilS).toBe(nowS + 20 * 86_400)
  })
})

describe('unanswered first messages', () => {
  function silent(seed: string) {
    const [first, second] = relays(seed)
    const alice = new Person({ name: 'alice', seed, relays: [first, second] })
    const bob = new Person({ name: 'bob', seed })
    bob.add(alice.invite())
    bob.take(alice)
    for (let i = 0; i < 3; i++) bob.send(alice, `text ${i}`)
    return { alice, bob, first, second }
  }

  test('a new handshake is asked for after 24 hours and after 14 days, and then not again', () => {
    const { alice, bob, first } = silent('renewal times')
    const asked = (days: number): number => {
      bob.driver.advance(days * DAY_MS)
      alice.driver.advance(days * DAY_MS)
      bob.driver.effects = []
      bob.driver.run((turn) => sweepDelivery(turn))
      return bob.effects('renew')
    }
    expect(asked(2)).toBe(0)
    expect(bob.deposit(alice, first)).toBeGreaterThan(0)
    expect(asked(0.9)).toBe(0)
    expect(asked(0.2)).toBe(1)
    expect(asked(0)).toBe(1)
    bob.take(alice, { renewal: true })
    expect(asked(1)).toBe(0)
    expect(asked(12)).toBe(1)
    bob.take(alice, { renewal: true })
    expect(asked(10)).toBe(0)
  })

  test('the oldest eight entries go again under a session without one-time keys', () => {
    const { alice, bob, first } = silent('renewal')
    expect(bob.deposit(alice, first)).toBeGreaterThan(0)
    bob.driver.advance(DAY_MS + MINUTE_MS)
    alice.driver.advance(DAY_MS + MINUTE_MS)
    bob.driver.run((turn) => sweepDelivery(turn))
    expect(bob.effects('renew')).toBe(1)
    const sids = bob.outbox(alice).map(({ message }) => message?.sid)
    bob.take(alice, { renewal: true })
    bob.prepare(alice)
    for (const [i, item] of bob.outbox(alice).entries()) {
      expect(item.message?.sid).not.toEqual(sids[i])
    }
    bob.driver.run((turn) => sweepDelivery(turn))
    expect(bob.effects('renew')).toBe(1)
    // The first copies never come; the second do.
    settle([alice, bob])
    expect(alice.texts(bob)).toEqual(['text 0', 'text 1', 'text 2'])
    expect(needsBundle(bob, alice)).toBe(false)
  })
})
