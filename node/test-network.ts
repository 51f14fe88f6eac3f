// Nodes and relays within one process, for an embedder's tests: the real node and relay code on a
// network and stores in memory. No file, no socket, no passphrase.
import type { Contact } from './api.ts'
import { systemClock } from './clock.ts'
import { type NodePorts, type RunningNode, startNode } from './create-node.ts'
import { NodeError } from './errors.ts'
import { nativeCrypto } from './native-crypto.ts'
import { MemoryNetwork } from './net/memory-network.ts'
import { joinPeerAddress } from './net/peer-id.ts'
import { MemoryProfile } from './profile/memory-profile.ts'
import { pooledRandom } from './random.ts'
import { startRelayService } from './relay/relay-service.ts'
import { MemoryStore } from './store/memory-store.ts'
import { SortedMap } from './store/sorted-map.ts'
import type { Store } from './store.ts'

export interface TestNodeOptions {
  /** Relays of the network that the node uses, from its first start on. */
  readonly relays?: readonly TestRelay[]
  /** false: it dials only, and can be written to through its relays. true unless told. */
  readonly listens?: boolean
  /** false: nothing is sent or fetched. true unless told. */
  readonly online?: boolean
  readonly log?: (scope: string, text: string) => void
}

export interface TestRelay {
  /** As relays of a node are given: multiaddr/p2p/PeerId. */
  readonly address: string
  close(): Promise<void>
}

export interface TestNetwork {
  /**
   * Starts a node. The same name again, after its node was closed, starts the same profile: what it
   * knew is there.
   */
  node(name: string, options?: TestNodeOptions): Promise<RunningNode>
  relay(): Promise<TestRelay>
  /** Two nodes that are contacts of each other, verified to be ready. */
  pair(): Promise<readonly [RunningNode, RunningNode]>
  /** Makes two nodes contacts of each other by an invite. */
  introduce(one: RunningNode, other: RunningNode): Promise<void>
  /** Closes every node and relay. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Ports of a test network that tests of this package replace. */
export interface TestNetworkPorts {
  /** Wraps the store of a node's profile. */
  readonly store?: (name: string, store: Store) => Store
}

const PORT = 4001
const READY_MS = 20_000

interface Closable {
  close(): Promise<void>
}

export function createTestNetwork(ports: TestNetworkPorts = {}): TestNetwork {
  const network = new MemoryNetwork(systemClock)
  const profiles = new Map<string, { readonly profile: MemoryProfile; readonly address: string }>()
  const open = new Set<Closable>()
  let hosts = 0

  const nextAddress = (): string => {
    hosts += 1
    return `/ip4/10.0.${hosts >> 8}.${hosts & 0xff}/tcp/${PORT}`
  }

  function profileOf(name: string, relays: readonly string[]) {
    let found = profiles.get(name)
    if (found === undefined) {
      const map = new SortedMap()
      const wrap = ports.store ?? ((_name: string, store: Store): Store => store)
      const profile = new MemoryProfile({
        name,
        relays,
        provider: nativeCrypto,
        random: pooledRandom,
        nowMs: systemClock.nowMs(),
        openStore: async () => wrap(name, new MemoryStore(map)),
      })
      found = { profile, address: nextAddress() }
      profiles.set(name, found)
    }
    return found
  }

  async function node(name: string, options: TestNodeOptions = {}): Promise<RunningNode> {
    const relays = (options.relays ?? []).map(({ address }) => address)
    const { profile, address } = profileOf(name, relays)
    const nodePorts: NodePorts = {
      network: async () => network.machine(name),
      profile: () => profile.open(),
      provider: nativeCrypto,
      clock: systemClock,
      random: pooledRandom,
    }
    const { listens = true, online = true, log } = options
    const running = await startNode(
      { dir: name, relays, listen: listens ? [address] : [], online, ...(log && { log }) },
      nodePorts,
    )
    open.add(running)
    return running
  }

  async function relay(): Promise<TestRelay> {
    const host = await network
      .machine(`relay ${hosts}`)
      .createHost({ seed: pooledRandom(32), listen: [nextAddress()], role: 'relay' })
    const service = await startRelayService({
      host,
      store: new MemoryStore(),
      clock: systemClock,
      random: pooledRandom,
      provider: nativeCrypto,
      seeds: { service: pooledRandom(32), process: pooledRandom(32) },
      // Work is there to cost strangers time: a test has no strangers.
      depositBits: 0,
      openBits: 0,
    })
    const [address = ''] = host.addresses()
    const running: TestRelay = {
      address: joinPeerAddress(address, host.transportKey),
      close: async () => {
        await service.drain()
        await host.stop()
      },
    }
    open.add(running)
    return running
  }

  async function introduce(one: RunningNode, other: RunningNode): Promise<void> {
    const { link } = await one.invites.create()
    await other.contacts.add(link, { name: one.name })
    await Promise.all([ready(one, other.address), ready(other, one.address)])
  }

  async function close(): Promise<void> {
    for (const one of [...open].reverse()) await one.close()
    open.clear()
  }

  return {
    node,
    relay,
    introduce,
    async pair() {
      const [one, other] = [await node('alice'), await node('bob')]
      await introduce(one, other)
      return [one, other]
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** Resolves with the contact once it is ready. Rejects with TIMEOUT. */
async function ready(node: RunningNode, address: string): Promise<Contact> {
  const limit = systemClock.timeout(READY_MS)
  const isReady = (contact: Contact): boolean =>
    contact.address === address && contact.state === 'ready'
  const events = node.events.since(undefined, { signal: limit })
  const now = (await node.contacts.list()).find(isReady)
  if (now !== undefined) return now
  for await (const event of events) {
    if (event.event === 'contact' && isReady(event.contact)) return event.contact
  }
  throw new NodeError('TIMEOUT', `no contact with ${address} within ${READY_MS} ms`)
}
