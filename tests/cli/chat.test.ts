// What a chat shows above the line that is being typed.
import { createInterface } from 'node:readline'
import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { Conversation } from '../../cli/chat/conversation.ts'
import { Screen } from '../../cli/chat/screen.ts'
import { correspondent } from '../../cli/correspondent.ts'
import { Output } from '../../cli/output.ts'
import { FakeNode } from '../support/fake-node.ts'

interface Chat {
  readonly node: FakeNode
  readonly conversation: Conversation
  readonly shown: () => string
}

/** A chat with Bob, of whom so many messages are unread. */
async function chat(unread: number): Promise<Chat> {
  let shown = ''
  const output = new Output({
    stdout: { write: (text) => (shown += text) },
    stderr: { write: (text) => (shown += text) },
    json: false,
    quiet: false,
    verbose: false,
    color: false,
  })
  const lines = createInterface({ input: new PassThrough() })
  lines.close()
  const node = new FakeNode()
  for (let n = 1; n <= unread; n += 1) node.put('bob', `number ${n}`, false)
  const bob = await correspondent(node, 'bob')
  if (bob.kind !== 'contact') throw new Error('bob is no contact')
  const other = { ...bob, contact: { ...bob.contact, unread } }
  const signal = new AbortController().signal
  const conversation = new Conversation(node, other, new Screen(output, lines), signal)
  return { node, conversation, shown: () => shown }
}

test.each([
  [5, 5, 1],
  [200, 200, 1],
  [201, 200, 2],
])('of %d unread messages it shows %d, from number %d on', async (unread, count, first) => {
  const { node, conversation, shown } = await chat(unread)
  await conversation.history()
  const numbers = [...shown().matchAll(/bob {2}number (\d+)/g)].map(([, n]) => Number(n))
  expect(numbers).toEqual(Array.from({ length: count }, (_, at) => first + at))
  expect(shown().includes('201 are unread. All of them: sotto read bob -n 201')).toBe(
    count < unread,
  )
  expect([...node.read.values()]).toEqual([unread])
})

test('warns of what is wrong with this profile or with whom one talks to, not of others', async () => {
  const { conversation, shown } = await chat(0)
  const warning = { cursor: 1, at: 0, event: 'warning' } as const
  await conversation.take({ ...warning, code: 'PROFILE_COPIED', text: 'a copy was started' })
  await conversation.take({ ...warning, code: 'KEY_CHANGED', text: 'two\nlists', chat: 'bob' })
  await conversation.take({ ...warning, code: 'KEY_CHANGED', text: 'of carol', chat: 'carol' })
  expect(shown()).toBe('  PROFILE_COPIED: a copy was started\n  KEY_CHANGED: two\\nlists\n')
})

test('what one sends elsewhere shows, and marks rise on all that is on the screen', async () => {
  const { node, conversation, shown } = await chat(0)
  const before = node.put('bob', 'said before', true)
  await conversation.history()
  node.feed.length = 0
  await conversation.send('said here')
  const elsewhere = node.put('bob', 'said in another terminal', true)
  node.put('carol', 'said to carol', true)
  node.advance(before.id, 'read')
  for (const event of node.feed) await conversation.take(event)
  expect(shown().split('\n')).toEqual([
    expect.stringContaining('you  said before  …'),
    '  …  said here',
    expect.stringContaining('you  said in another terminal  …'),
    '  ✓✓ read  said before',
    '',
  ])
  expect(conversation.last).toBe(elsewhere.id)
})

test('an event that overtakes the answer of its send is not shown as a second message', async () => {
  const { node, conversation, shown } = await chat(0)
  let open = (): void => undefined
  node.gate = new Promise((resolve) => (open = resolve))
  const sent = conversation.send('said once')
  const message = { ...node.put('bob', 'said once', true), id: '1'.padStart(64, '0') }
  const taken = conversation.take({ cursor: 1, at: 0, event: 'message', message })
  node.log.length = 0
  open()
  await sent
  await taken
  expect(shown()).toBe('  …  said once\n')
})
