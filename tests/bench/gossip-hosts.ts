// Groups of hosts that are all connected, on loopback, all in this process: with the gossip adapter,
// with gossipsub as it comes, and with one frame on a stream to each member.
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { systemClock } from '../../node/clock.ts'
import type { Gossip } from '../../node/gossip.ts'
import { Libp2pHost } from '../../node/net/libp2p-host.ts'
import { joinPeerAddress } from '../../node/net/peer-id.ts'
import { pooledRandom } from '../../node/random.ts'
import { openLevelStore } from '../../node/store/level-store.ts'
import type { Store } from '../../node/store.ts'
import type { FrameStream } from '../../node/transport.ts'
import { startBareGossip } from '../support/bare-gossip.ts'

export const MEMBERS = 12
const MESSAGE_BYTES = 1_024
const TOPIC = '/sotto/1/g/aaaaaaaaaaaaaaaaaaaaaaaaaa'
const PROTOCOL = { id: '/sotto-bench/group/1', maxFrameBytes: 65_536 }
/** A group whose first member sends; `heard` is called at each delivery. */
export interface Group {
  readonly send: (message: Uint8Array) => void
  onHeard: () => void
  readonly close: () => Promise<void>
}

async function connectedHosts(): Promise<readonly Libp2pHost[]> {
  const hosts = await Promise.all(
    Array.from({ length: MEMBERS }, () =>
      Libp2pHost.start({ seed: pooledRandom(32), listen: ['/ip4/127.0.0.1/tcp/0'], role: 'home' }),
    ),
  )
  return hosts
}

async function connectAll(hosts: readonly Libp2pHost[]): Promise<readonly FrameStream[]> {
  const ofFirst: FrameStream[] = []
  for (const [at, host] of hosts.entries()) {
    for (const other of hosts.slice(at + 1)) {
      const [address = ''] = other.addresses()
      const stream = await host.dial(joinPeerAddress(address, other.transportKey), PROTOCOL)
      if (at === 0) ofFirst.push(stream)
    }
  }
  return ofFirst
}

function storeIn(dir: string, at: number): Promise<Store> {
  return openLevelStore(join(dir, `host-${at}`), { createIfMissing: true })
}

async function close(hosts: readonly Libp2pHost[]): Promise<void> {
  for (const host of hosts) await host.stop()
}

/** The adapter, and one frame to each member on the same connections. */
export async function adapted(): Promise<{ readonly gossip: Group; readonly direct: Group }> {
  const hosts = await connectedHosts()
  const gossip: Group = {
    send: (message) => void first.publish(TOPIC, message),
    onHeard: () => undefined,
    close: () => close(hosts),
  }
  const direct: Group = {
    send: (message) => {
      for (const stream of streams) stream.send(message)
    },
    onHeard: () => undefined,
    close: async () => undefined,
  }
  const keys = hosts.map(({ transportKey }) => transportKey)
  const services: Gossip[] = []
  for (const host of hosts) {
    await host.handle(PROTOCOL, (stream) => stream.onFrame(() => direct.onHeard()))
    const service = await host.startGossip({
      clock: systemClock,
      validate: () => {
        gossip.onHeard()
        return 'accept'
      },
    })
    service.setPeers(
      TOPIC,
      keys.filter((key) => key !== host.transportKey),
    )
    service.subscribe(TOPIC)
    services.push(service)
  }
  const [first] = services as [Gossip]
  const streams = await connectAll(hosts)
  return { gossip, direct }
}

/**
 * gossipsub as it comes. With a folder, what it carries is on the disk of the sender before it goes
 * out, and on that of each member before it counts as heard: one synced put each.
 */
export async function bare(dir?: string): Promise<Group> {
  const hosts = await connectedHosts()
  const stores = dir === undefined ? [] : await Promise.all(hosts.map((_, i) => storeIn(dir, i)))
  const keep = async (at: number, value: Uint8Array): Promise<void> =>
    stores[at]?.write([{ key: pooledRandom(32), value }])
  const group: Group = {
    send: (message) => void keep(0, message).then(() => service.publish(TOPIC, message)),
    onHeard: () => undefined,
    close: async () => {
      for (const each of services) await each.stop()
      await close(hosts)
      for (const store of stores) await store.close()
    },
  }
  const services = await Promise.all(hosts.map((host) => startBareGossip(host)))
  for (const [at, host] of hosts.entries()) {
    await host.handle(PROTOCOL, () => undefined)
    services[at]?.service.subscribe(TOPIC)
    services[at]?.service.addEventListener('gossipsub:message', ({ detail }) => {
      void keep(at, detail.msg.data).then(() => group.onHeard())
    })
  }
  const [{ service }] = services as [(typeof services)[number]]
  await connectAll(hosts)
  return group
}

/** Microseconds from sending to each of the deliveries. */
export function deliveries(group: Group): Promise<readonly number[]> {
  const message = pooledRandom(MESSAGE_BYTES)
  const times: number[] = []
  return new Promise((resolve) => {
    const before = performance.now()
    group.onHeard = () => {
      times.push((performance.now() - before) * 1000)
      if (times.length === MEMBERS - 1) resolve(times)
    }
    group.send(message)
  })
}
