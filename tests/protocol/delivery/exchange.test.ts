import { expect, test } from 'vitest'
import { acquainted, settle } from '../../support/person.ts'

test('an invitee and an inviter become contacts, and outboxes empty', () => {
  const [alice, bob] = acquainted('first')
  expect(alice.contact(bob)).toMatchObject({ state: 'ready', name: 'bob', theirName: 'bob' })
  expect(bob.contact(alice)).toMatchObject({ state: 'ready', name: 'alice' })
  expect(alice.outbox(bob)).toEqual([])
  expect(bob.outbox(alice)).toEqual([])
})

test('a text is queued, then delivered', () => {
  const [alice, bob] = acquainted('text')
  const sent = alice.send(bob, 'hello')
  expect(alice.state(sent)).toBe('queued')
  settle([alice, bob])
  expect(alice.state(sent)).toBe('delivered')
  expect(bob.texts(alice)).toEqual(['hello'])
})
