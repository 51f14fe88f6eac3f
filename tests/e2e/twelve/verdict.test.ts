// What the verdict on the twelve must see: each fault planted in made-up views.
import { expect, test } from 'vitest'
import type { Message } from '../../../node/api.ts'
import type { Person, Shown } from './person.ts'
import type { Said } from './talk.ts'
import { type View, disagreements, misdelivered } from './verdict.ts'

const person = (name: string): Person =>
  ({ name, address: name, why: async (id: string) => `queued ${id}` }) as unknown as Person

const alice = person('alice')
const bob = person('bob')
const mallory = person('mallory')

function say(id: string, before: readonly Person[], rest: Partial<Said> = {}): Said {
  const to = new Set(before.map(({ address }) => address))
  return { id, text: `text ${id}`, author: alice, before: to, after: to, late: false, ...rest }
}

const message = ({ id, text }: Said): Message =>
  ({ id, text, kind: 'text', from: { name: 'alice', address: 'alice' } }) as unknown as Message

function view(of: Person, said: readonly Said[], shown: Partial<Shown> = {}): View {
  const members = [{ name: 'alice', address: 'alice', role: 'owner', you: false }]
  const whole = { group: { state: 'joined' }, members, epoch: 'e', waiting: 0, missing: 0, held: 0 }
  return { person: of, shown: { ...whole, ...shown } as Shown, messages: said.map(message) }
}

const one = say('1', [alice, bob])
const two = say('2', [alice, bob])
const both = [one, two]

test('nothing is wrong where all is well', async () => {
  const views = [view(alice, both), view(bob, both)]
  expect(disagreements(views, both)).toEqual([])
  expect(await misdelivered(views, both)).toEqual([])
})

test.each<[string, View, string]>([
  ['another order', view(bob, [two, one]), 'another order: 2 and 2 messages, place 1'],
  ['other members', view(bob, both, { members: [] }), 'other members'],
  ['another epoch', view(bob, both, { epoch: 'f' }), 'other epochs: f and e'],
  ['something waits', view(bob, both, { waiting: 1 }), 'bob: 1 waiting, 0 missing, 0 held'],
  ['something is missing', view(bob, both, { missing: 2 }), '0 waiting, 2 missing'],
  ['not in', view(bob, both, { group: { state: 'left' } as Shown['group'] }), 'bob is left'],
])('%s is seen', (_, other, fault) => {
  expect(disagreements([view(alice, both), other], both).join('\n')).toContain(fault)
})

test('what is lacking is named with why', async () => {
  const [fault] = await misdelivered([view(bob, [one])], both)
  expect(fault).toContain('bob lacks "text 2" (2); sotto why, at alice:\nqueued 2')
})

test('what is shown twice, and what nobody said, is seen', async () => {
  const other = say('3', [alice, bob])
  const faults = await misdelivered([view(bob, [one, two, two, other])], both)
  expect(faults).toEqual(['bob shows "text 2" (2) 2 times', 'bob shows "text 3": nobody said it'])
})

test('a removed one that reads what was said without it is seen', async () => {
  const faults = await misdelivered([view(mallory, [one])], both)
  expect(faults).toEqual(['mallory reads "text 1" (1), though its sender knew it to be no member'])
})

test('a message on its way while its sender learns of a removal may come or not', async () => {
  const torn = say('3', [alice, mallory], { after: new Set(['alice']) })
  expect(await misdelivered([view(mallory, [torn])], [torn])).toEqual([])
  expect(await misdelivered([view(mallory, [])], [torn])).toEqual([])
})

test('what a removed one said too late counts by its place alone', async () => {
  const late = say('3', [alice, bob], { late: true, author: mallory })
  const hidden: View = view(bob, [{ ...late, text: 'behind a removal' }])
  expect(disagreements([view(alice, [late]), hidden], [late])).toEqual([])
  expect(disagreements([view(alice, [late]), view(bob, [])], [late]).length).toBe(1)
})
