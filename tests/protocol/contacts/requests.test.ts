import { describe, expect, test } from 'vitest'
import { encodeAddress, noble } from '../../../crypto/index.ts'
import {
  type ArrivalAnswer,
  blockContact,
  endpointsFrame,
  frameOf,
  removeContact,
  revokeInvite,
  allInvites,
} from '../../../protocol/index.ts'
import type { Intro } from '../../../protocol/content/intro.ts'
import { settleContact } from '../../../protocol/contacts/settle-contact.ts'
import { forge } from '../../support/forge.ts'
import { DAY_MS, Person, acquainted, settle } from '../../support/person.ts'

/** Sends what waits once; the answers in order. */
function carry(from: Person, to: Person): readonly ArrivalAnswer[] {
  return from.direct(to).map(({ item, arrival }) => {
    const answer = to.receive(arrival)
    from.answered(to, item, answer)
    return answer
  })
}

/** Somebody who answers an invite that does not admit him any more. */
function stranger(seed: string, break_: (alice: Person) => void = () => undefined) {
  const alice = new Person({ name: 'alice', seed })
  const mallory = new Person({ name: 'mallory', seed })
  mallory.add(alice.invite())
  break_(alice)
  mallory.take(alice)
  return { alice, mallory }
}

function revokeAll(alice: Person): void {
  for (const { inviteId } of alice.driver.run(() => allInvites())) {
    alice.driver.run((turn) => revokeInvite(turn, inviteId))
  }
}

describe('requests', () => {
  test('a stranger waits: no contact, no receipt, no endpoints, nothing delivered', () => {
    const { alice, mallory } = stranger('waits', revokeAll)
    const sent = mallory.send(alice, 'let me in')
    for (const answer of carry(mallory, alice)) {
      expect(answer).toMatchObject({ code: 'held', detail: 2 })
    }
    expect(alice.contact(mallory)).toMatchObject({ state: 'request', refusal: 'revoked' })
    alice.receipts()
    expect(alice.outbox(mallory)).toEqual([])
    expect(mallory.state(sent)).toBe('queued')
  })

  test('who told no name yet is called by the address, and by the name once it is told', () => {
    const { alice, mallory } = stranger('nameless', revokeAll)
    const { account, device } = mallory.self
    const settle = (intro: Intro | undefined) =>
      alice.driver.run((turn) =>
        settleContact(turn, { account, device, admission: undefined, intro }),
      )
    const standIn = encodeAddress(noble, account).slice(0, 10)
    expect(settle(undefined)).toMatchObject({ state: 'request', name: standIn, named: false })
    const intro = { invite: undefined, mailboxes: [] }
    // Of format characters alone: no name.
    expect(settle({ ...intro, name: '\u200b' })).toMatchObject({ name: standIn })
    expect(settle({ ...intro, name: 'Mal' })).toMatchObject({ name: 'Mal', theirName: 'Mal' })
    alice.accept(mallory)
    expect(settle({ ...intro, name: 'Mallory' })).toMatchObject({ name: 'Mal', named: true })
  })

  test('a copy of a waiting message is not called delivered either', () => {
    const { alice, mallory } = stranger('copy', revokeAll)
    const sent = mallory.send(alice, 'let me in')
    const messages = mallory.direct(alice)
    for (let i = 0; i < 2; i++) {
      for (const { arrival } of messages) {
        expect(alice.receive(arrival)).toMatchObject({ code: 'held', detail: 2 })
      }
    }
    alice.accept(mallory)
    // It was in the log all along: the same bytes are committed now.
    expect(messages.map(({ arrival }) => alice.receive(arrival).code)).toEqual(
      messages.map(() => 'committed'),
    )
    settle([alice, mallory])
    expect(mallory.state(sent)).toBe('delivered')
  })

  test('eight messages of one account are kept, the ninth is told to wait', () => {
    const { alice, mallory } = stranger('eight', revokeAll)
    for (let i = 0; i < 8; i++) mallory.send(alice, `text ${i}`)
    carry(mallory, alice)
    expect(alice.contact(mallory)?.requestEntries).toBe(8)
    const entry = mallory.send(alice, 'text 8')
    // Its own program holds it back: eight entries until somebody answers.
    expect(mallory.direct(alice)).toEqual([])
    expect(mallory.state(entry)).toBe('queued')
    alice.accept(mallory)
    settle([alice, mallory])
    expect(mallory.state(entry)).toBe('delivered')
    expect(alice.texts(mallory)).toHaveLength(9)
  })

  test('whatever comes of an account with eight messages is told to wait', () => {
    const { alice, mallory } = stranger('ninth', revokeAll)
    for (let i = 0; i < 8; i++) mallory.send(alice, `text ${i}`)
    carry(mallory, alice)
    expect(forge(mallory, alice)).toMatchObject({ code: 'busy' })
  })

  test('one message with many entries takes no more room than there is', () => {
    const { alice, mallory } = stranger('bytes', revokeAll)
    for (let i = 0; i < 8; i++) mallory.send(alice, 'x'.repeat(49_152))
    carry(mallory, alice)
    const contact = alice.contact(mallory)
    expect(contact?.requestBytes).toBeGreaterThan(8 * 49_152)
    expect(contact?.requestBytes).toBeLessThan(1 << 20)
  })

  test('200 entries of all strangers together, and the room comes back', () => {
    const alice = new Person({ name: 'alice', seed: 'all' })
    const link = alice.invite({ reusable: true })
    revokeAll(alice)
    const strangers: Person[] = []
    for (let i = 0; i < 26; i++) {
      const one = new Person({ name: `stranger ${i}`, seed: 'all' })
      one.add(link)
      one.take(alice)
      for (let k = 0; k < 8; k++) one.send(alice, `text ${k}`)
      carry(one, alice)
      strangers.push(one)
    }
    const waiting = alice.contacts().reduce((sum, one) => sum + one.requestEntries, 0)
    expect(waiting).toBe(200)
    const [first] = strangers
    const last = strangers.at(-1)
    if (first === undefined || last === undefined) throw new Error('nobody')
    expect(alice.contact(last)).toBeUndefined()
    alice.driver.run((turn) => blockContact(turn, first.self.account, true))
    carry(last, alice)
    expect(alice.contact(last)?.state).toBe('request')
  })
})

describe('invites', () => {
  test('the second claimant of a used one waits, and is shown as that', () => {
    const alice = new Person({ name: 'alice', seed: 'second' })
    const link = alice.invite()
    const bob = new Person({ name: 'bob', seed: 'second' })
    const mallory = new Person({ name: 'mallory', seed: 'second' })
    for (const one of [bob, mallory]) {
      one.add(link)
      one.take(alice)
    }
    carry(bob, alice)
    carry(mallory, alice)
    expect(alice.contact(bob)?.state).toBe('ready')
    expect(alice.contact(mallory)).toMatchObject({ state: 'request', refusal: 'used' })
    expect(alice.warnings()).toEqual(['INVITE_USED_AGAIN'])
    const [invite] = alice.driver.run(() => allInvites())
    expect(invite?.claims.map(({ account }) => account)).toEqual([bob.self.account])
  })

  test('a late one is judged by when the relay stored it, if that is earlier', () => {
    for (const storedEarly of [true, false]) {
      const seed = `late ${storedEarly}`
      const alice = new Person({ name: 'alice', seed })
      const bob = new Person({ name: 'bob', seed })
      const link = alice.invite({ expiresAtS: Math.floor(alice.driver.nowMs / 1000) + 3_600 })
      bob.add(link)
      bob.take(alice)
      const [message] = bob.direct(alice)
      if (message === undefined) throw new Error('nothing waits')
      const storedAtS = Math.floor(alice.driver.nowMs / 1000)
      alice.driver.advance(2 * 3_600_000)
      const lateS = Math.floor(alice.driver.nowMs / 1000)
      const path = {
        kind: 'relay',
        serviceKey: new Uint8Array(32),
        capId: undefined,
        storedAtS: storedEarly ? storedAtS : lateS,
      } as const
      alice.receive({ ...message.arrival, path })
      expect(alice.contact(bob)?.state).toBe(storedEarly ? 'ready' : 'request')
    }
  })

  test('who used it before may not come back by it after it expired', () => {
    const [alice, bob] = acquainted('expired claim')
    alice.driver.run((turn) => removeContact(turn, bob.self.account))
    for (const person of [alice, bob]) person.driver.advance(30 * DAY_MS)
    bob.send(alice, 'me again')
    settleOneWay(bob, alice)
    expect(alice.contact(bob)?.state).toBe('request')
  })

  test('old ones make room for new ones', () => {
    const alice = new Person({ name: 'alice', seed: 'room' })
    for (let i = 0; i < 260; i++) {
      alice.invite({ expiresAtS: Math.floor(alice.driver.nowMs / 1000) + 1 })
      alice.driver.advance(5_000)
    }
    const many = new Person({ name: 'many', seed: 'room' })
    expect(() => {
      for (let i = 0; i < 257; i++) many.invite()
    }).toThrow(expect.objectContaining({ code: 'ERR_PROTOCOL_LIMIT' }))
  })
})

function settleOneWay(from: Person, to: Person): void {
  for (const { item, arrival } of from.direct(to)) from.answered(to, item, to.receive(arrival))
}

describe('blocked and removed', () => {
  test('a blocked contact is met with silence, and nothing goes to it', () => {
    const [alice, bob] = acquainted('blocked')
    const sent = alice.send(bob, 'never')
    alice.driver.run((turn) => blockContact(turn, bob.self.account, true))
    expect(alice.outbox(bob)).toEqual([])
    expect(alice.state(sent)).toBe('failed')
    bob.send(alice, 'hello?')
    const changes = alice.driver.changes.length
    expect(carry(bob, alice).every(({ code }) => code === 'refused')).toBe(true)
    alice.receipts()
    expect(alice.outbox(bob)).toEqual([])
    expect(alice.driver.changes.slice(changes)).toEqual([])
    expect(() => alice.send(bob, 'x')).toThrow(
      expect.objectContaining({ code: 'ERR_PROTOCOL_FORBIDDEN' }),
    )
  })

  test('a blocked contact does not come back by a link, on another device', () => {
    const [alice, bob] = acquainted('blocked, with a link')
    alice.driver.run((turn) => blockContact(turn, bob.self.account, true))
    bob.account.version += 1
    const again = new Person({ name: 'bob', seed: 'another device', account: bob.account })
    again.add(alice.invite({ reusable: true }))
    again.take(alice)
    again.send(alice, 'it is me')
    const changes = alice.driver.changes.length
    const answers = carry(again, alice)
    expect(answers.length).toBeGreaterThan(0)
    for (const { code } of answers) expect(code).toBe('refused')
    expect(alice.contact(bob)?.state).toBe('blocked')
    expect(alice.driver.changes.slice(changes)).toEqual([])
    expect(alice.outbox(again)).toEqual([])
  })

  test('unblocking brings back what both sides wrote meanwhile', () => {
    const [alice, bob] = acquainted('unblocked')
    const mine = alice.send(bob, 'before the block')
    alice.driver.run((turn) => blockContact(turn, bob.self.account, true))
    const theirs = bob.send(alice, 'into silence')
    carry(bob, alice)
    expect(bob.state(theirs)).toBe('failed')
    alice.driver.run((turn) => blockContact(turn, bob.self.account, false))
    expect(alice.contact(bob)?.state).toBe('ready')
    settle([alice, bob])
    expect(alice.state(mine)).toBe('delivered')
    expect(bob.state(theirs)).toBe('delivered')
    expect(alice.texts(bob).toSorted()).toEqual(['before the block', 'into silence'])
  })

  test('a stranger that was blocked is a stranger when unblocked', () => {
    const { alice, mallory } = stranger('stranger', revokeAll)
    carry(mallory, alice)
    alice.driver.run((turn) => blockContact(turn, mallory.self.account, true))
    alice.driver.run((turn) => blockContact(turn, mallory.self.account, false))
    expect(alice.contact(mallory)?.state).toBe('removed')
  })

  test('a removed contact that writes becomes a request, and may be accepted again', () => {
    const [alice, bob] = acquainted('removed')
    alice.driver.run((turn) => removeContact(turn, bob.self.account))
    const sent = bob.send(alice, 'still there?')
    expect(carry(bob, alice)).toMatchObject([{ code: 'held', detail: 2 }])
    expect(alice.contact(bob)?.state).toBe('request')
    alice.receipts()
    expect(alice.outbox(bob)).toEqual([])
    alice.accept(bob)
    settle([alice, bob])
    expect(bob.state(sent)).toBe('delivered')
  })

  test('a stranger’s endpoints are noted and not answered', () => {
    const { alice, mallory } = stranger('endpoints', revokeAll)
    carry(mallory, alice)
    const frame = frameOf(endpointsFrame, {
      c: 1,
      counter: 5,
      mailboxes: [],
      home: undefined,
      rendezvous: [],
      seal: { id: 1, publicKey: noble.x25519PublicKey(new Uint8Array(32).fill(7)) },
      awayUntilS: 0,
    })
    expect(forge(mallory, alice, frame)).toMatchObject({ code: 'held', detail: 2 })
    expect(alice.outbox(mallory)).toEqual([])
  })
})
