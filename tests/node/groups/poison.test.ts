// What comes by a group's mailbox where one item of it cannot be taken.
import { afterEach, expect, it, vi } from 'vitest'
import { NodeError } from '../../../node/errors.ts'
import { createTestNetwork } from '../../../node/test-network.ts'
import { groupIs, messageIn } from './wait.ts'

/** Once somebody counts, the second message that comes stumbles over what it is told, each time. */
const came = vi.hoisted(() => ({
  ids: [] as string[],
  stumbles: undefined as (() => Error) | undefined,
}))

vi.mock(import('../../../protocol/groups/receive.ts'), async (original) => {
  const real = await original()
  return {
    ...real,
    takeGroupMessage: function* (turn, message, handed) {
      const { stumbles } = came
      if (stumbles !== undefined && message[0] === 0x21) {
        const id = message.join()
        if (!came.ids.includes(id)) came.ids.push(id)
        if (came.ids.indexOf(id) === 1) throw stumbles()
      }
      return yield* real.takeGroupMessage(turn, message, handed)
    },
  }
})

const network = createTestNetwork()
afterEach(async () => {
  came.stumbles = undefined
  came.ids.length = 0
  await network.close()
})

/** Bob is away while Alice says three things in their group. */
async function awayFor(name: string) {
  const relays = [await network.relay()]
  const alice = await network.node(`alice ${name}`, { relays, listens: false })
  const log: string[] = []
  const bobs = {
    relays,
    listens: false,
    log: (scope: string, text: string) => log.push(`${scope}: ${text}`),
  }
  const bob = await network.node(`bob ${name}`, bobs)
  await alice.groups.create('team')
  const { link } = await alice.groups.invite('#team')
  await bob.groups.join(link)
  await groupIs(bob, ({ state }) => state === 'joined')
  await groupIs(alice, ({ members }) => members.length === 2)
  await alice.chats.send('#team', 'hello')
  await messageIn(bob, 'hello')
  await bob.close()
  const say = async (text: string): Promise<void> => {
    const { id } = await alice.chats.send('#team', text)
    await alice.chats.waitFor(id, 'relayed', { timeoutMs: 20_000 })
  }
  for (const text of ['one', 'two', 'three']) await say(text)
  return { log, say, bob: () => network.node(`bob ${name}`, bobs) }
}

it('an item that cannot be taken holds back none beside it, and comes by its author', async () => {
  const { log, say, bob } = await awayFor('poison')
  came.stumbles = () => new TypeError('stumbled')
  const again = await bob()
  await messageIn(again, 'three')
  await say('four')
  await messageIn(again, 'four')
  await messageIn(again, 'two')
  const texts = (await again.chats.messages('#team')).map(({ text }) => text)
  expect(texts).toEqual(['hello', 'one', 'two', 'three', 'four'])
  expect(log.join('; ')).toContain('not taken: TypeError: stumbled')
}, 60_000)

it('what the disk refuses is passed over by nobody', async () => {
  const { bob, log } = await awayFor('refused')
  let refusals = 0
  came.stumbles = () => {
    if (++refusals > 1) came.stumbles = undefined
    return new NodeError('DISK_FULL', 'no space', { retryable: true })
  }
  const again = await bob()
  await messageIn(again, 'two')
  expect(refusals).toBeGreaterThan(0)
  expect(log.join('; ')).toContain('items not taken: NodeError')
  expect(log.join('; ')).not.toContain('an item was not taken')
  const texts = (await again.chats.messages('#team')).map(({ text }) => text)
  expect(texts).toEqual(['hello', 'one', 'two', 'three'])
}, 60_000)
