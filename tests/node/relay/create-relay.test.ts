import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import { noble } from '../../../crypto/index.ts'
import { systemClock } from '../../../node/clock.ts'
import { libp2pNetwork } from '../../../node/net/libp2p-host.ts'
import { MemoryNetwork } from '../../../node/net/memory-network.ts'
import { connectRelay } from '../../../node/relay-client/connect-relay.ts'
import { addressGroup } from '../../../node/net/address-group.ts'
import { type CreateRelayOptions, createRelay } from '../../../node/relay/create-relay.ts'
import { markRestored } from '../../../node/relay/relay-folder.ts'
import type { Host, Network } from '../../../node/transport.ts'
import { deriveCapKey } from '../../../protocol/index.ts'
import { bytesOf, envelope } from '../../support/relay-world.ts'

const random = (length: number): Uint8Array<ArrayBuffer> => new Uint8Array(randomBytes(length))
const folders: string[] = []

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'sotto-relay-'))
  folders.push(path)
  return path
}

afterAll(async () => {
  for (const path of folders) await rm(path, { recursive: true, force: true })
})

function optionsFor(dir: string, network: Network, listen: string): CreateRelayOptions {
  return {
    dir,
    network,
    listen: [listen],
    clock: systemClock,
    random,
    provider: noble,
    depositBits: 0,
    openBits: 0,
  }
}

async function depositOnce(host: Host, address: string): Promise<string> {
  return (await depositFor(host, address)).kind
}

async function depositFor(
  host: Host,
  address: string,
): Promise<{ readonly kind: string; readonly incarnation: Uint8Array }> {
  const connection = await connectRelay({
    host,
    address,
    expected: { pinned: true },
    clock: systemClock,
    provider: noble,
    random,
  })
  const secret = bytesOf('secret')
  const opened = await connection.openMailbox(bytesOf('owner'), {
    type: 1,
    secret,
    gen: 0,
    awayDays: 0,
  })
  if ('kind' in opened) throw new Error(opened.status)
  const right = { lane: 0, expiresS: 4_000_000_000, capId: bytesOf('cap', 8) }
  const capKey = deriveCapKey(noble, connection.serviceKey, secret, right)
  const result = await connection.deposit({
    mailboxId: opened.mailboxId,
    lane: 0,
    ttlS: 3_600,
    auth: { kind: 'capability', capKey, ...right },
    ...envelope('one'),
  })
  await connection.close()
  return { kind: result.kind, incarnation: opened.incarnation }
}

describe('a relay in a folder', () => {
  const listen = '/ip4/127.0.0.1/tcp/4001'

  it('makes keys and store once, for its owner only, and keeps what it took', async () => {
    const dir = join(await folder(), 'relay')
    const network = new MemoryNetwork(systemClock)
    const client = await network.createHost({ seed: random(32), listen: [], role: 'courier' })
    const relay = await createRelay(optionsFor(dir, network, listen))
    expect((await readdir(dir)).sort()).toEqual([
      'process.key',
      'service.key',
      'store',
      'transport.key',
    ])
    for (const name of ['process.key', 'service.key', 'transport.key']) {
      expect((await stat(join(dir, name))).mode & 0o777).toBe(0o600)
    }
    expect(await depositOnce(client, relay.addresses[0] ?? '')).toBe('stored')
    await relay.close()
    const again = await createRelay(optionsFor(dir, network, listen))
    expect(again.addresses).toEqual(relay.addresses)
    expect(again.service.serviceKey).toEqual(relay.service.serviceKey)
    expect(await depositOnce(client, again.addresses[0] ?? '')).toBe('dup')
    await again.close()
  })

  it.each([
    ['its keys are there without the store', 'store'],
    ['its store is there without a key', 'service.key'],
  ])('refuses to start where %s', async (_what, missing) => {
    const dir = join(await folder(), 'relay')
    const network = new MemoryNetwork(systemClock)
    await (await createRelay(optionsFor(dir, network, listen))).close()
    await rm(join(dir, missing), { recursive: true })
    await expect(createRelay(optionsFor(dir, network, listen))).rejects.toMatchObject({
      code: 'CORRUPT_STORE',
    })
  })

  it('shows other incarnations once it is marked as restored', async () => {
    const dir = join(await folder(), 'relay')
    const network = new MemoryNetwork(systemClock)
    const client = await network.createHost({ seed: random(32), listen: [], role: 'courier' })
    const relay = await createRelay(optionsFor(dir, network, listen))
    const before = await depositFor(client, relay.addresses[0] ?? '')
    await relay.close()
    await markRestored(dir, random)
    const again = await createRelay(optionsFor(dir, network, listen))
    const after = await depositFor(client, again.addresses[0] ?? '')
    expect(after.kind).toBe('dup')
    expect(after.incarnation).not.toEqual(before.incarnation)
    await again.close()
  })

  it('is locked to a second process', async () => {
    const dir = join(await folder(), 'relay')
    const network = new MemoryNetwork(systemClock)
    const relay = await createRelay(optionsFor(dir, network, listen))
    await expect(createRelay(optionsFor(dir, network, listen))).rejects.toMatchObject({
      code: 'LOCKED',
    })
    await relay.close()
  })

  it('leaves nothing open when it cannot listen', async () => {
    const dir = join(await folder(), 'relay')
    const network = new MemoryNetwork(systemClock)
    const taken = await network.createHost({ seed: random(32), listen: [listen], role: 'relay' })
    await expect(createRelay(optionsFor(dir, network, listen))).rejects.toMatchObject({
      code: 'PORT_IN_USE',
    })
    await taken.stop()
    await (await createRelay(optionsFor(dir, network, listen))).close()
  })

  it('shows health and figures on loopback, and no names', async () => {
    const dir = join(await folder(), 'relay')
    const network = new MemoryNetwork(systemClock)
    const relay = await createRelay({ ...optionsFor(dir, network, listen), healthPort: 0 })
    const client = await network.createHost({ seed: random(32), listen: [], role: 'courier' })
    await depositOnce(client, relay.addresses[0] ?? '')
    const base = `http://127.0.0.1:${relay.healthPort}`
    expect((await fetch(`${base}/healthz`)).status).toBe(200)
    expect((await fetch(`${base}/readyz`)).status).toBe(200)
    expect((await fetch(`${base}/other`)).status).toBe(404)
    const text = await (await fetch(`${base}/metrics`)).text()
    expect(text).toContain('sotto_relay_stored_total 1')
    expect(text).toContain('sotto_relay_stored_bytes_total 512')
    expect(text.match(/^# TYPE \S+ counter$/gm)?.length).toBeGreaterThanOrEqual(10)
    const labels = new Set(Array.from(text.matchAll(/\{(\w+)=/g), (match) => match[1]))
    expect([...labels].every((name) => name === 'status')).toBe(true)
    await relay.close()
    await expect(fetch(`${base}/healthz`)).rejects.toThrow('fetch failed')
  })

  it('serves over libp2p', async () => {
    const dir = join(await folder(), 'relay')
    const options = optionsFor(dir, libp2pNetwork, '/ip4/127.0.0.1/tcp/0')
    const relay = await createRelay(options)
    const client = await libp2pNetwork.createHost({ seed: random(32), listen: [], role: 'courier' })
    expect(relay.addresses[0]).toMatch(/^\/ip4\/127\.0\.0\.1\/tcp\/\d+\/p2p\/12D3KooW/)
    expect(await depositOnce(client, relay.addresses[0] ?? '')).toBe('stored')
    await client.stop()
    await relay.close()
  })
})

describe('limits by address', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:0db8::1', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
  ])('count %s as %s', (address, group) => {
    expect(addressGroup(address)).toBe(group)
  })
})
