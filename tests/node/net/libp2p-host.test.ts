import { randomBytes } from 'node:crypto'
import { type AddressInfo, type Socket, connect, createServer } from 'node:net'
import type { IdentifyResult, PeerId } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, test } from 'vitest'
import { noble } from '../../../crypto/index.ts'
import { admission } from '../../../node/net/admission.ts'
import { Libp2pHost, libp2pNetwork } from '../../../node/net/libp2p-host.ts'
import { joinPeerAddress } from '../../../node/net/peer-id.ts'
import { transportContract } from '../../contracts/transport.ts'

transportContract('libp2p over TCP', () => ({
  network: libp2pNetwork,
  listen: '/ip4/127.0.0.1/tcp/0',
  nobody: '/ip4/127.0.0.1/tcp/1',
}))

transportContract('libp2p over WebSocket', () => ({
  network: libp2pNetwork,
  listen: '/ip4/127.0.0.1/tcp/0/ws',
  nobody: '/ip4/127.0.0.1/tcp/1/ws',
}))

const PROTOCOL = { id: '/sotto/test/1', maxFrameBytes: 1024 }

function seed(): Uint8Array {
  return new Uint8Array(randomBytes(32))
}

async function idleSockets(port: number, count: number): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, () =>
    connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2' }),
  )
  for (const socket of sockets) socket.on('error', () => undefined)
  await Promise.all(
    sockets.map((socket) => new Promise((resolve) => socket.once('connect', resolve))),
  )
  return sockets
}

function portOf(address: string): number {
  return Number(/\/tcp\/(\d+)/.exec(address)?.[1])
}

describe('the libp2p host', () => {
  test.each(['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws'])(
    'idle sockets of one address lock nobody out, nor hold up stopping: %s',
    async (listen) => {
      const relay = await Libp2pHost.start({ seed: seed(), listen: [listen], role: 'relay' })
      await relay.handle(PROTOCOL, () => undefined)
      const client = await Libp2pHost.start({ seed: seed(), listen: [], role: 'courier' })
      const address = relay.addresses()[0]!
      const sockets = await idleSockets(portOf(address), 300)
      const stream = await client.dial(address, PROTOCOL, { signal: AbortSignal.timeout(5000) })
      expect(stream.open).toBe(true)
      const started = performance.now()
      await Promise.all([relay.stop(), client.stop()])
      expect(performance.now() - started).toBeLessThan(2500)
      for (const socket of sockets) socket.destroy()
    },
  )

  test('dials anew where a connection is open and nothing passes any more', async () => {
    const relay = await Libp2pHost.start({
      seed: seed(),
      listen: ['/ip4/127.0.0.1/tcp/0'],
      role: 'relay',
    })
    await relay.handle(PROTOCOL, () => undefined)
    // As a NAT that forgot, or a machine that woke in another network: no end is ever told.
    let isHole = false
    const proxy = createServer((near) => {
      const far = connect({ port: portOf(relay.addresses()[0]!), host: '127.0.0.1' })
      const born = isHole
      near.on('data', (bytes) => isHole === born && far.write(bytes))
      far.on('data', (bytes) => isHole === born && near.write(bytes))
      for (const socket of [near, far]) socket.on('error', () => undefined)
      near.on('close', () => far.destroy())
    })
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
    const { port } = proxy.address() as AddressInfo
    const address = joinPeerAddress(`/ip4/127.0.0.1/tcp/${port}`, relay.transportKey)
    const client = await Libp2pHost.start({ seed: seed(), listen: [], role: 'courier' })
    const before = await client.dial(address, PROTOCOL)
    const lost = new Promise<Error | undefined>((resolve) => before.onClose(resolve))
    isHole = true
    const after = await client.dial(address, PROTOCOL, { signal: AbortSignal.timeout(10_000) })
    expect(after.open).toBe(true)
    expect(await lost).toMatchObject({ name: 'NodeError' })
    await Promise.all([client.stop(), relay.stop()])
    proxy.close()
  }, 20_000)

  test('identify names the program and no address', async () => {
    const listen = ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws']
    const relay = await Libp2pHost.start({ seed: seed(), listen, role: 'relay' })
    await relay.handle(PROTOCOL, () => undefined)
    const home = await Libp2pHost.start({ seed: seed(), listen, role: 'home' })
    const identified = new Promise<IdentifyResult>((resolve) => {
      home.libp2p.addEventListener('peer:identify', (event) => resolve(event.detail))
    })
    await home.dial(relay.addresses()[0]!, PROTOCOL)
    const result = await identified
    expect(result.agentVersion).toBe('sotto/1')
    expect(result.listenAddrs).toEqual([])
    expect(result.signedPeerRecord?.addresses ?? []).toEqual([])
    await home.stop()
    await relay.stop()
  })

  test('dials names, with and without the peer id', async () => {
    const relay = await Libp2pHost.start({
      seed: seed(),
      listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws'],
      role: 'relay',
    })
    await relay.handle(PROTOCOL, () => undefined)
    for (const bound of relay.addresses()) {
      const client = await Libp2pHost.start({ seed: seed(), listen: [], role: 'courier' })
      const named = bound.replace('/ip4/127.0.0.1', '/dns4/localhost')
      expect((await client.dial(named, PROTOCOL)).open).toBe(true)
      await client.dial(joinPeerAddress(named, relay.transportKey), PROTOCOL)
      expect(client.libp2p.getConnections()).toHaveLength(1)
      const other = joinPeerAddress(named, client.transportKey)
      await expect(
        client.dial(other, PROTOCOL, { expectedKey: relay.transportKey }),
      ).rejects.toMatchObject({ code: 'WRONG_PEER' })
      await client.stop()
    }
    await relay.stop()
  })

  test('keeps the key of its seed, and writes all frames of a tick at once', async () => {
    const own = seed()
    const relay = await Libp2pHost.start({
      seed: own,
      listen: ['/ip4/127.0.0.1/tcp/0'],
      role: 'relay',
    })
    expect(relay.transportKey).toEqual(noble.ed25519PublicKey(own))
    let chunks = 0
    const received = new Promise<void>((resolve) => {
      void relay.handle(PROTOCOL, (stream) => {
        let frames = 0
        stream.onFrame(() => {
          frames += 1
          if (frames === 100) resolve()
        })
      })
    })
    const client = await Libp2pHost.start({ seed: seed(), listen: [], role: 'courier' })
    const stream = await client.dial(relay.addresses()[0]!, PROTOCOL)
    const raw = client.libp2p
      .getConnections()[0]!
      .streams.find((each) => each.protocol === PROTOCOL.id)!
    const send = raw.send.bind(raw)
    raw.send = (data) => {
      chunks += 1
      return send(data)
    }
    await Promise.all(
      Array.from({ length: 100 }, async () => {
        await Promise.resolve()
        stream.send(new Uint8Array(50))
      }),
    )
    await received
    expect(chunks).toBe(1)
    await client.stop()
    await relay.stop()
  })

  test('forgets peers that left', async () => {
    const relay = await Libp2pHost.start({
      seed: seed(),
      listen: ['/ip4/127.0.0.1/tcp/0'],
      role: 'relay',
    })
    await relay.handle(PROTOCOL, () => undefined)
    const client = await Libp2pHost.start({ seed: seed(), listen: [], role: 'courier' })
    const gone = new Promise((resolve) => {
      relay.libp2p.addEventListener('peer:disconnect', resolve)
    })
    await client.dial(relay.addresses()[0]!, PROTOCOL)
    expect(await relay.libp2p.peerStore.all()).toHaveLength(1)
    await client.stop()
    await gone
    await expect.poll(() => relay.libp2p.peerStore.all()).toHaveLength(0)
    await relay.stop()
  })

  test.each([
    ['half a length', Uint8Array.of(0, 0), 'FRAME_TRUNCATED'],
    ['half a frame', Uint8Array.of(0, 0, 0, 5, 1, 2), 'FRAME_TRUNCATED'],
    ['an empty frame', Uint8Array.of(0, 0, 0, 0), 'FRAME_LENGTH'],
    ['a frame too long', Uint8Array.of(0, 0, 4, 1), 'FRAME_LENGTH'],
  ])('a remote that writes %s and ends is cut off', async (_what, bytes, code) => {
    const listen = ['/ip4/127.0.0.1/tcp/0']
    const relay = await Libp2pHost.start({ seed: seed(), listen, role: 'relay' })
    const frames: Uint8Array[] = []
    const closed = new Promise((resolve) => {
      void relay.handle(PROTOCOL, (stream) => {
        stream.onFrame((frame) => frames.push(frame))
        stream.onClose(resolve)
      })
    })
    const client = await Libp2pHost.start({ seed: seed(), listen: [], role: 'courier' })
    const stream = await client.dial(relay.addresses()[0]!, PROTOCOL)
    stream.send(Uint8Array.of(1))
    await new Promise(setImmediate)
    const raw = client.libp2p
      .getConnections()[0]!
      .streams.find((each) => each.protocol === PROTOCOL.id)!
    raw.send(bytes)
    await raw.close()
    expect(await closed).toMatchObject({ code })
    expect(frames).toEqual([Uint8Array.of(1)])
    await client.stop()
    await relay.stop()
  })

  test('a host that only dials starts without a listener', async () => {
    const client = await Libp2pHost.start({ seed: seed(), listen: [], role: 'courier' })
    expect(client.addresses()).toEqual([])
    await client.stop()
  })
})

function peer(raw: Uint8Array, type = 'Ed25519'): PeerId {
  return { type, publicKey: { raw } } as unknown as PeerId
}

describe('admission', () => {
  const rules = admission({ maxPendingInboundPerAddress: 2, maxConnectionsPerAddress: 3 })

  /** A connection that comes in from an address. */
  function from(address: string): { readonly isIn: boolean; upgrade(): void; close(): void } {
    const connection = new EventTarget()
    Object.assign(connection, { remoteAddr: multiaddr(address) })
    const inbound = connection as never
    return {
      isIn: rules.denyInboundConnection?.(inbound) === false,
      upgrade: () => void rules.denyInboundUpgradedConnection?.(undefined as never, inbound),
      close: () => void connection.dispatchEvent(new Event('close')),
    }
  }

  test('takes so many connections of one address, also where they are never used', () => {
    const open = Array.from({ length: 3 }, () => {
      const one = from('/ip4/192.0.2.1/tcp/1')
      one.upgrade()
      return one
    })
    expect(open.map(({ isIn }) => isIn)).toEqual([true, true, true])
    expect(from('/ip4/192.0.2.1/tcp/1').isIn).toBe(false)
    expect(from('/ip4/192.0.2.2/tcp/1').isIn).toBe(true)
    open[0]!.close()
    const next = from('/ip4/192.0.2.1/tcp/1')
    expect(next.isIn).toBe(true)
    next.upgrade()
    expect(from('/ip4/192.0.2.1/tcp/1').isIn).toBe(false)
    for (const one of [...open, next]) one.close()
    // A subscriber has 2^64 addresses of IPv6.
    const many = [1, 2, 3, 4].map((n) => from(`/ip6/2001:db8::${n}/tcp/1`))
    expect(many.map(({ isIn }) => isIn)).toEqual([true, true, false, false])
    // Behind a proxy on this machine all have its address.
    for (let i = 0; i < 9; i++) {
      const local = from('/ip4/127.0.0.1/tcp/1')
      expect(local.isIn).toBe(true)
      local.upgrade()
    }
  })

  test('refuses transport keys outside the strict rule', () => {
    const smallOrder = new Uint8Array(32)
    smallOrder[0] = 1
    const nonCanonical = new Uint8Array(32).fill(255)
    for (const key of [smallOrder, nonCanonical]) {
      expect(rules.denyInboundEncryptedConnection?.(peer(key), undefined as never)).toBe(true)
      expect(rules.denyOutboundEncryptedConnection?.(peer(key), undefined as never)).toBe(true)
    }
    const good = peer(noble.ed25519PublicKey(seed()))
    expect(rules.denyInboundEncryptedConnection?.(good, undefined as never)).toBe(false)
  })

  test('refuses keys of other types', () => {
    const rsa = peer(noble.ed25519PublicKey(seed()), 'RSA')
    expect(rules.denyInboundEncryptedConnection?.(rsa, undefined as never)).toBe(true)
  })
})
