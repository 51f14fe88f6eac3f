// Who may read what was said without a key to send it with: who is a member while it waits.
import { expect, test } from 'vitest'
import type { Group } from '../../../node/api-groups.ts'
import type { Person } from '../world.ts'
import { GroupLog } from './group-log.ts'

function view(epoch: string, ...addresses: readonly string[]): Group {
  const members = addresses.map((address) => ({ address }))
  return { id: 'gid', epoch, members } as unknown as Group
}

test('a text is for who was a member before or after, and one that waits for who is until it goes', async () => {
  let current = view('', 'alice', 'bob')
  const machine = {
    running: true,
    program: {
      node: {
        groups: { list: () => Promise.resolve([current]) },
        chats: { send: () => Promise.resolve({ id: 'message' }) },
      },
    },
  }
  const alice = { name: 'alice', machine } as unknown as Person
  const log = new GroupLog('gid')
  const readers = async (): Promise<readonly (readonly string[])[]> => {
    await log.look()
    return log.said.map(({ allowed }) => [...allowed].sort())
  }
  await log.say(alice)
  expect(log.said[0]?.owed).toEqual(new Set(['alice', 'bob']))
  current = view('', 'alice', 'bob', 'carol')
  expect(await readers()).toEqual([['alice', 'bob', 'carol']])
  // The key comes: what waited goes out, to Dave as well; who comes later has no part in it.
  current = view('e1', 'alice', 'dave')
  expect(await readers()).toEqual([['alice', 'bob', 'carol', 'dave']])
  await log.say(alice)
  current = view('e1', 'alice', 'dave', 'eve')
  expect(await readers()).toEqual([
    ['alice', 'bob', 'carol', 'dave'],
    ['alice', 'dave'],
  ])
})
