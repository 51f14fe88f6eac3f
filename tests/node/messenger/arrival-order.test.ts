import { expect, test } from 'vitest'
import type { Message } from '../../../node/api.ts'
import { inOrderOfArrival } from '../../../node/messenger/arrival-order.ts'

function message(text: string, arrival: number, arrivedAt: number): Message {
  const who = { name: 'bob', address: 'b' }
  return {
    id: text,
    chat: 'bob',
    kind: 'text',
    from: who,
    to: who,
    text,
    mine: false,
    lamport: 9 - arrival,
    sentAt: 0,
    arrivedAt,
    late: false,
    open: false,
    state: 'delivered',
    relays: 0,
    arrival,
  }
}

test('messages of all chats stand as they came, also where the clock was set back between them', () => {
  // As the logs have them: the second of Bob's came first.
  const bob = [message('b2', 2, 100), message('b1', 1, 500), message('b3', 3, 700)]
  const carol = [message('c1', 1, 400), message('c2', 2, 600)]
  expect(inOrderOfArrival([bob, carol]).map(({ text }) => text)).toEqual([
    'c1',
    'b1',
    'b2',
    'c2',
    'b3',
  ])
})
