import { randomBytes } from 'node:crypto'
import { StrictSign } from '@libp2p/gossipsub'
import type { Connection, Stream } from '@libp2p/interface'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { Gossip } from '../../../node/gossip.ts'
import { Libp2pHost, libp2pNetwork } from '../../../node/net/libp2p-host.ts'
import { GOSSIP_REOPEN_MS } from '../../../node/net/limits.ts'
import { gossipContract } from '../../contracts/gossip.ts'
import { type BareGossip, startBareGossip } from '../../support/bare-gossip.ts'
import { ShiftedClock } from '../../support/shifted-clock.ts'

const TOPIC = '/sotto/1/g/aaaaaaaaaaaaaaaaaaaaaaaaaa'
const OTHER = '/sotto/1/g/bbbbbbbbbbbbbbbbbbbbbbbbbb'
const LISTEN = '/ip4/127.0.0.1/tcp/0'
const MESHSUB = '/meshsub/1.2.0'
const CONNECT = { id: '/sotto/test/1', maxFrameBytes: 1024 }

async function until(holds: () => boolean): Promise<void> {
  await vi.waitUntil(holds, { timeout: 8_000, interval: 5 }).catch(() => {
    throw new Error(`not within 8 s: ${holds.toString()}`)
  })
}

gossipContract('gossipsub', () => {
  const clock = new ShiftedClock()
  return {
    network: libp2pNetwork,
    listen: LISTEN,
    clock: clock.port,
    until,
    pass: async (ms) => clock.pass(ms),
  }
})

function message(size = 512): Uint8Array {
  return new Uint8Array(randomBytes(size))
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

describe('gossip over libp2p', () => {
  const hosts: Libp2pHost[] = []
  const bare: BareGossip[] = []
  const clock = new ShiftedClock()

  async function host(): Promise<Libp2pHost> {
    const seed = new Uint8Array(randomBytes(32))
    const created = await Libp2pHost.start({ seed, listen: [LISTEN], role: 'home' })
    await created.handle(CONNECT, () => undefined)
    hosts.push(created)
    return created
  }

  interface Member {
    readonly host: Libp2pHost
    readonly gossip: Gossip
    readonly heard: Uint8Array[]
  }

  async function member(): Promise<Member> {
    const home = await host()
    const heard: Uint8Array[] = []
    const gossip = await home.startGossip({
      clock: clock.port,
      validate: ({ data }) => {
        heard.push(data)
        return 'accept'
      },
    })
    return { host: home, gossip, heard }
  }

  async function foreign(
    options: Parameters<typeof startBareGossip>[1] = {},
  ): Promise<{ readonly host: Libp2pHost; readonly gossip: BareGossip }> {
    const home = await host()
    const gossip = await startBareGossip(home, options)
    bare.push(gossip)
    return { host: home, gossip }
  }

  async function connect(one: Libp2pHost, other: Libp2pHost): Promise<Connection> {
    await one.dial(other.addresses()[0] ?? '', CONNECT, { expectedKey: other.transportKey })
    const [connection] = one.libp2p.getConnections(other.libp2p.peerId)
    if (connection === undefined) throw new Error('not connected')
    return connection
  }

  async function arrives(from: Gossip, to: Member): Promise<void> {
    const marker = message()
    await from.publish(TOPIC, marker)
    await until(() => to.heard.some((each) => same(each, marker)))
  }

  async function pair(): Promise<readonly [Member, Member]> {
    const [a, b] = [await member(), await member()]
    a.gossip.setPeers(TOPIC, [b.host.transportKey])
    b.gossip.setPeers(TOPIC, [a.host.transportKey])
    a.gossip.subscribe(TOPIC)
    b.gossip.subscribe(TOPIC)
    await connect(a.host, b.host)
    await linked(a, b)
    return [a, b]
  }

  async function linked(a: Member, b: Member): Promise<void> {
    await until(() => [a, b].every(({ gossip }) => gossip.peersOf(TOPIC).length > 0))
  }

  /** What a stream brings until it ends. */
  async function drain(stream: Stream): Promise<{ bytes: number; error: Error | undefined }> {
    let bytes = 0
    return new Promise((resolve) => {
      stream.addEventListener('message', ({ data }) => {
        bytes += data.byteLength
      })
      if (stream.status !== 'open') resolve({ bytes, error: new Error(stream.status) })
      stream.addEventListener('close', ({ error }) => resolve({ bytes, error }))
    })
  }

  afterEach(async () => {
    for (const each of bare.splice(0)) await each.stop()
    for (const each of hosts.splice(0)) await each.stop()
  })

  test('a stranger who speaks gossipsub learns no topic, and gets and brings nothing', async () => {
    const [a, b] = await pair()
    const stranger = await foreign()
    stranger.gossip.service.subscribe(TOPIC)
    await connect(stranger.host, a.host)
    await connect(b.host, stranger.host)
    // By hand as well: the protocol is negotiated, then the stream is reset without a byte.
    const connection = await connect(stranger.host, a.host)
    const stream = await connection.newStream(MESHSUB)
    expect(await drain(stream)).toMatchObject({ bytes: 0, error: expect.any(Error) })
    await arrives(a.gossip, b)
    await arrives(b.gossip, a)
    await stranger.gossip.service.publish(TOPIC, message())
    expect(stranger.gossip.service.getSubscribers(TOPIC)).toEqual([])
    expect(stranger.gossip.heard).toEqual([])
    expect(a.heard).toHaveLength(1)
    expect(b.heard).toHaveLength(1)
    // The same stranger on the list learns it: what was seen above was the list's doing. It connects
    // anew, since plain gossipsub may take its stream that was refused for a good one.
    await stranger.host.disconnect(a.host.transportKey)
    a.gossip.setPeers(TOPIC, [b.host.transportKey, stranger.host.transportKey])
    await connect(stranger.host, a.host)
    await until(() => stranger.gossip.service.getSubscribers(TOPIC).length === 1)
    await until(() => a.gossip.peersOf(TOPIC).length === 2)
    await a.gossip.publish(TOPIC, message())
    await until(() => stranger.gossip.heard.length === 1)
  })

  test('a co-member who speaks plain gossipsub is told the topics of its own groups only', async () => {
    const a = await member()
    const c = await foreign()
    for (const topic of [TOPIC, OTHER]) {
      a.gossip.subscribe(topic)
      c.gossip.service.subscribe(topic)
    }
    a.gossip.setPeers(TOPIC, [c.host.transportKey])
    await connect(c.host, a.host)
    await until(() => c.gossip.service.getSubscribers(TOPIC).length === 1)
    expect(c.gossip.service.getSubscribers(OTHER)).toEqual([])
    expect(a.gossip.peersOf(OTHER)).toEqual([])
    // It sends on the other topic all the same: not heard, and not held against it.
    const forged = message()
    await c.gossip.service.publish(OTHER, forged)
    a.gossip.subscribe('third')
    await until(() => a.gossip.peersOf(TOPIC).length === 1)
    const fine = message()
    await c.gossip.service.publish(TOPIC, fine)
    await until(() => a.heard.length === 1)
    expect(a.heard[0]).toEqual(fine)
    expect(c.gossip.service.getSubscribers('third')).toEqual([])
    // It ends its streams in good order, and the connection stays.
    await c.gossip.stop()
    await until(() => a.gossip.peersOf(TOPIC).length === 0)
  })

  test('a peer with 1,500 topics is known for the one that is shared', async () => {
    const a = await member()
    const c = await foreign()
    for (let i = 0; i < 1_500; i++) c.gossip.service.subscribe(`${OTHER}${i}`)
    c.gossip.service.subscribe(TOPIC)
    a.gossip.subscribe(TOPIC)
    a.gossip.setPeers(TOPIC, [c.host.transportKey])
    await connect(a.host, c.host)
    await until(() => a.gossip.peersOf(TOPIC).length === 1)
    expect(await a.gossip.publish(TOPIC, message())).toBe(1)
    await until(() => c.gossip.heard.length === 1)
  })

  test('a foreign member that sends what is too long, or signed, is out after the third', async () => {
    for (const bad of [
      { options: {}, data: () => message(65_537) },
      { options: { globalSignaturePolicy: StrictSign }, data: () => message() },
    ] as const) {
      const [a, b] = await pair()
      const c = await foreign(bad.options)
      c.gossip.service.subscribe(TOPIC)
      a.gossip.setPeers(TOPIC, [b.host.transportKey, c.host.transportKey])
      await connect(c.host, a.host)
      await until(() => c.gossip.service.getSubscribers(TOPIC).length === 1)
      await until(() => a.gossip.peersOf(TOPIC).length === 2)
      for (let i = 0; i < 2; i++) await c.gossip.service.publish(TOPIC, bad.data())
      await arrives(b.gossip, a)
      expect(a.gossip.peersOf(TOPIC)).toHaveLength(2)
      await c.gossip.service.publish(TOPIC, bad.data())
      await until(() => a.gossip.peersOf(TOPIC).length === 1)
      await arrives(a.gossip, b)
      expect(a.heard).toHaveLength(1)
      expect(b.heard).toHaveLength(1)
    }
  })

  test('an RPC too long for the stream ends gossip with its sender; it comes back by itself', async () => {
    const [a, b] = await pair()
    const c = await foreign()
    c.gossip.service.subscribe(TOPIC)
    a.gossip.setPeers(TOPIC, [b.host.transportKey, c.host.transportKey])
    await connect(a.host, c.host)
    await until(() => a.gossip.peersOf(TOPIC).length === 2)
    await until(() => c.gossip.service.getSubscribers(TOPIC).length === 1)
    await c.gossip.service.publish(TOPIC, message(1_100_000))
    await until(() => a.gossip.peersOf(TOPIC).length === 1)
    await arrives(a.gossip, b)
    clock.pass(GOSSIP_REOPEN_MS)
    await until(() => a.gossip.peersOf(TOPIC).length === 2)
    await c.gossip.service.publish(TOPIC, message())
    await until(() => a.heard.length === 1)
  })

  test('streams that broke under a good connection are opened again', async () => {
    const [a, b] = await pair()
    for (const connection of a.host.libp2p.getConnections()) {
      for (const stream of connection.streams) {
        if (stream.protocol === MESHSUB) stream.abort(new Error('broken'))
      }
    }
    await until(() => [a, b].every(({ gossip }) => gossip.peersOf(TOPIC).length === 0))
    expect(await a.gossip.publish(TOPIC, message())).toBe(0)
    clock.pass(GOSSIP_REOPEN_MS)
    await linked(a, b)
    await arrives(a.gossip, b)
    await arrives(b.gossip, a)
  })

  test('a stream that was refused before gossipsub had it is not taken for a good one', async () => {
    const [a, b] = [await member(), await member()]
    const isOpen = ({ protocol, status }: Stream): boolean =>
      protocol === MESHSUB && status === 'open'
    // The refusal arrives while libp2p still notes the protocol of the new stream.
    const { peerStore } = a.host.libp2p
    const merge = peerStore.merge.bind(peerStore)
    const noted = new Promise<void>((resolve) => {
      vi.spyOn(peerStore, 'merge').mockImplementation(async (id, data, options) => {
        const refused =
          data.protocols?.includes(MESHSUB) === true && b.host.libp2p.peerId.equals(id)
        if (refused)
          await until(() => a.host.libp2p.getConnections()[0]?.streams.some(isOpen) !== true)
        const peer = await merge(id, data, options)
        if (refused) setImmediate(resolve)
        return peer
      })
    })
    a.gossip.subscribe(TOPIC)
    a.gossip.setPeers(TOPIC, [b.host.transportKey])
    await connect(a.host, b.host)
    await noted
    vi.restoreAllMocks()
    b.gossip.subscribe(TOPIC)
    b.gossip.setPeers(TOPIC, [a.host.transportKey])
    await linked(a, b)
    await arrives(a.gossip, b)
  })

  test('a peer that reads nothing costs 1 MiB and its stream, and delays nobody', async () => {
    const [a, b] = await pair()
    const deaf = await host()
    const opened: Stream[] = []
    await deaf.libp2p.handle(MESHSUB, (stream) => {
      stream.pause()
      opened.push(stream)
    })
    a.gossip.setPeers(TOPIC, [b.host.transportKey, deaf.transportKey])
    const connection = await connect(deaf, a.host)
    // Subscribes by hand: RPC { subscriptions: [{ subscribe: true, topic }] }, length first.
    const topic = Buffer.from(TOPIC)
    const option = Buffer.concat([Buffer.from([0x08, 1, 0x12, topic.length]), topic])
    const rpc = Buffer.concat([Buffer.from([0x0a, option.length]), option])
    const stream = await connection.newStream(MESHSUB)
    stream.send(Buffer.concat([Buffer.from([rpc.length]), rpc]))
    await until(() => a.gossip.peersOf(TOPIC).length === 2)
    let sent = 0
    while (a.gossip.peersOf(TOPIC).length === 2) {
      await a.gossip.publish(TOPIC, message(65_536))
      sent += 1
      clock.pass(1_000)
      await until(() => b.heard.length === sent)
      // 1 MiB, and what is on its way.
      expect(sent).toBeLessThan(40)
    }
    await arrives(a.gossip, b)
  })
})
