// Two real nodes with real folders who are contacts of each other over a direct stream.
import { join } from 'node:path'
import { type RunningNode, createNode } from '../../node/create-node.ts'
import { initProfile } from '../../node/init-profile.ts'

const READY_MS = 30_000

export interface TwoNodes {
  readonly alice: RunningNode
  /** Sends a text; resolves when it is in the other's log and that is known here. */
  readonly deliver: () => Promise<void>
  readonly close: () => Promise<void>
}

const TEXT = 'a'.repeat(256)

async function start(dir: string, name: string): Promise<RunningNode> {
  await initProfile({ dir, name })
  return createNode({ dir, listen: ['/ip4/127.0.0.1/tcp/0'] })
}

export async function twoNodes(dir: string): Promise<TwoNodes> {
  const alice = await start(join(dir, 'alice'), 'Alice')
  const bob = await start(join(dir, 'bob'), 'Bob')
  const { link } = await alice.invites.create()
  await bob.contacts.add(link, { name: 'alice' })
  const say = async (node: RunningNode, who: string): Promise<void> => {
    const { id } = await node.chats.send(who, TEXT)
    await node.chats.waitFor(id, 'delivered', { timeoutMs: READY_MS })
  }
  await say(bob, 'alice')
  await say(alice, 'Bob')
  return {
    alice,
    deliver: () => say(alice, 'Bob'),
    close: async () => {
      await alice.close()
      await bob.close()
    },
  }
}
