// A group of whole nodes with real folders and one relay, on loopback, all in this process: what a
// member waits for between somebody's send() and its own `message`, which comes once it is durable.
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { systemClock as clock } from '../../node/clock.ts'
import { type RunningNode, createNode } from '../../node/create-node.ts'
import { initProfile } from '../../node/init-profile.ts'
import { nativeCrypto as provider } from '../../node/native-crypto.ts'
import { libp2pNetwork as network } from '../../node/net/libp2p-host.ts'
import { pooledRandom as random } from '../../node/random.ts'
import { type Relay, createRelay } from '../../node/relay/create-relay.ts'

const LISTEN = ['/ip4/127.0.0.1/tcp/0']
const READY_MS = 60_000

export interface NodeGroup {
  readonly nodes: readonly RunningNode[]
  /** Sends a text from the first member; milliseconds until each of the others was given it. */
  readonly deliver: (text: string) => Promise<readonly number[]>
  readonly close: () => Promise<void>
}

/**
 * Members who are all contacts of each other and listen, so that each pair is connected; or who only
 * dial the relay, so that none is.
 */
export async function nodeGroup(dir: string, size: number, connected: boolean): Promise<NodeGroup> {
  // Work is there to cost strangers time: nobody here is one.
  const relay = await createRelay({
    dir: join(dir, 'relay'),
    listen: LISTEN,
    network,
    clock,
    random,
    provider,
    depositBits: 0,
    openBits: 0,
  })
  const listen = connected ? LISTEN : []
  const nodes = await Promise.all(
    Array.from({ length: size }, (_, i) => start(dir, `member-${i}`, relay, listen)),
  )
  const [first, ...others] = nodes as [RunningNode, ...RunningNode[]]
  if (connected) {
    for (const [at, node] of nodes.entries()) {
      await Promise.all(nodes.slice(at + 1).map((other) => introduce(node, other)))
    }
  }
  await first.groups.create('bench')
  const { link } = await first.groups.invite('#bench', { reusable: true })
  for (const node of others) {
    await node.groups.join(link)
    await isOfSize(node, 0)
  }
  for (const node of nodes) await isOfSize(node, size)
  let heard = (_text: string): void => undefined
  for (const node of others) node.on('message', ({ text }) => heard(text))
  const deliver = (text: string): Promise<readonly number[]> => {
    const times: number[] = []
    return new Promise((resolve, reject) => {
      const before = performance.now()
      heard = (said) => {
        if (said !== text) return
        times.push(performance.now() - before)
        if (times.length === others.length) resolve(times)
      }
      first.chats.send('#bench', text).catch(reject)
    })
  }
  const close = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.close()))
    await relay.close()
  }
  return { nodes, deliver, close }
}

async function start(
  parent: string,
  name: string,
  relay: Relay,
  listen: readonly string[],
): Promise<RunningNode> {
  const dir = join(parent, name)
  await initProfile({ dir, name })
  return createNode({ dir, listen, relays: relay.addresses })
}

/** Contacts of each other, who have spoken on a direct stream. */
async function introduce(one: RunningNode, other: RunningNode): Promise<void> {
  const { link } = await one.invites.create()
  await other.contacts.add(link, { name: one.name })
  const { id } = await other.chats.send(one.name, 'hello')
  await other.chats.waitFor(id, 'delivered', { timeoutMs: READY_MS })
}

/** In the group as it is seen by a node, once that has `size` members or more. */
async function isOfSize(node: RunningNode, size: number): Promise<void> {
  const signal = clock.timeout(READY_MS)
  const events = node.events.since(undefined, { signal })
  const isThere = async (): Promise<boolean> => {
    const [group] = await node.groups.list()
    return group?.state === 'joined' && group.members.length >= size && group.epoch !== ''
  }
  if (await isThere()) return
  for await (const event of events) if (event.event === 'group' && (await isThere())) return
  throw new Error(`${node.name} is not in a group of ${size}`)
}
