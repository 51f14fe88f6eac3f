// What a relay signs for in a group's mailbox is there after a crash, on every store (SPEC.md §14.8).
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { noble } from '../../../crypto/index.ts'
import { systemClock } from '../../../node/clock.ts'
import { MemoryNetwork } from '../../../node/net/memory-network.ts'
import { joinPeerAddress } from '../../../node/net/peer-id.ts'
import { connectRelay } from '../../../node/relay-client/connect-relay.ts'
import type { RelayConnection } from '../../../node/relay-client/relay-connection.ts'
import type { DepositResult } from '../../../node/relay-client/relay-types.ts'
import { openRelayStore } from '../../../node/relay/relay-folder.ts'
import { startRelayService } from '../../../node/relay/relay-service.ts'
import { readHead, writeHead } from '../../../node/relay/store-head.ts'
import { GroupReading } from '../../../node/relays/group-reading.ts'
import { openLevelStore } from '../../../node/store/level-store.ts'
import { MemoryStore } from '../../../node/store/memory-store.ts'
import { SortedMap } from '../../../node/store/sorted-map.ts'
import type { Store } from '../../../node/store.ts'
import type { Host } from '../../../node/transport.ts'
import {
  type GroupCursor,
  groupCapability,
  groupMailboxKeys,
  wireCursor,
} from '../../../protocol/index.ts'
import { message } from '../../support/group-member.ts'
import { bytesOf } from '../../support/relay-world.ts'

const ADDRESS = '/ip4/127.0.0.1/tcp/4001'
const random = (length: number): Uint8Array<ArrayBuffer> => new Uint8Array(randomBytes(length))

interface Disk {
  readonly open: () => Promise<Store>
  readonly remove: () => Promise<void>
}

async function memoryDisk(): Promise<Disk> {
  const map = new SortedMap()
  return { open: async () => new MemoryStore(map), remove: () => Promise.resolve() }
}

async function levelDisk(): Promise<Disk> {
  const dir = await mkdtemp(join(tmpdir(), 'sotto-group-'))
  const path = join(dir, 'store')
  await (await openLevelStore(path, { createIfMissing: true })).close()
  return { open: () => openRelayStore(path), remove: () => rm(dir, { recursive: true }) }
}

/** A relay that can be killed right behind a commit. */
class Relay {
  readonly network = new MemoryNetwork(systemClock)
  readonly #disk: Disk
  #store: Store | undefined
  #host: Host | undefined
  #clients = 0

  constructor(disk: Disk) {
    this.#disk = disk
  }

  async start(): Promise<void> {
    const store = await this.#disk.open()
    this.#store = store
    this.#host = await this.network.createHost({
      seed: bytesOf('relay transport'),
      listen: [ADDRESS],
      role: 'relay',
    })
    await startRelayService({
      host: this.#host,
      store: {
        get: (keys) => store.get(keys),
        range: (query) => store.range(query),
        write: async (batch) => {
          await store.write(batch)
          this.onWritten()
        },
        close: () => store.close(),
      },
      clock: systemClock,
      random,
      provider: noble,
      seeds: { service: bytesOf('service'), process: bytesOf('process') },
      openBits: 0,
      lagProbeMs: 0,
    })
  }

  onWritten: () => void = () => undefined

  /** As a kill does: streams break, nothing more is flushed. */
  async kill(): Promise<void> {
    this.onWritten = () => undefined
    await this.#host?.stop()
    await this.#store?.close()
  }

  dieWithTheNextCommit(): void {
    this.onWritten = () => void this.#host?.stop()
  }

  async connect(): Promise<RelayConnection> {
    const host = await this.network.createHost({
      seed: bytesOf(`courier ${this.#clients++}`),
      listen: [],
      role: 'courier',
    })
    const key = noble.ed25519PublicKey(bytesOf('relay transport'))
    const connection = await connectRelay({
      host,
      address: joinPeerAddress(ADDRESS, key),
      expected: { serviceKey: noble.ed25519PublicKey(bytesOf('service')) },
      clock: systemClock,
      provider: noble,
      random,
    })
    const { ownerSeed, secret } = keys(connection)
    const opened = await connection.openMailbox(ownerSeed, {
      type: 2,
      secret,
      gen: 0,
      awayDays: 0,
    })
    if ('kind' in opened) throw new Error(opened.status)
    return connection
  }

  async markRestored(): Promise<void> {
    const store = await this.#disk.open()
    const head = await readHead(store, random)
    await store.write([writeHead(random(8), head.safeNowMs ?? 0)])
    await store.close()
  }

  remove(): Promise<void> {
    return this.#disk.remove()
  }
}

function keys(connection: RelayConnection): ReturnType<typeof groupMailboxKeys> {
  return groupMailboxKeys(noble, connection.serviceKey, bytesOf('lineage'))
}

function deposit(connection: RelayConnection, name: string): Promise<DepositResult> {
  const { mailboxId, secret } = keys(connection)
  const right = groupCapability(noble, connection.serviceKey, secret, bytesOf('writer', 8))
  return connection.deposit({
    mailboxId,
    envId: bytesOf(name),
    env: message(name),
    lane: 3,
    ttlS: 60,
    auth: { kind: 'capability', ...right },
  })
}

/** Reads everything from a cursor on, and checks all that can be checked. */
async function readOn(
  connection: RelayConnection,
  cursor: GroupCursor | undefined,
): Promise<{ readonly names: readonly string[]; readonly cursor: GroupCursor | undefined }> {
  const reading = new GroupReading(noble, cursor)
  const reply = await connection.fetch({
    mailboxId: keys(connection).mailboxId,
    after: wireCursor(cursor),
    limit: 256,
    maxBytes: 1 << 20,
    idsOnly: false,
    envIds: [],
  })
  if ('kind' in reply) throw new Error(reply.status)
  expect(reading.begin(reply)).toMatchObject({ kind: 'begun' })
  expect(reading.read(reply.items).end).toBeUndefined()
  expect(reading.head(reply)).toEqual({ kind: 'same' })
  const names = reply.items.map(({ env }) =>
    new TextDecoder().decode(env.subarray(1)).replaceAll('\0', ''),
  )
  return { names, cursor: reading.cursor }
}

let relay: Relay | undefined

afterEach(async () => {
  await relay?.kill()
  await relay?.remove()
})

describe.each([
  ['memory', memoryDisk],
  ['LevelDB', levelDisk],
] as const)('a group mailbox on a store in %s', (_name, disk) => {
  it('has what it committed before a crash that came before the reply: one row, one place', async () => {
    relay = new Relay(await disk())
    await relay.start()
    const first = await relay.connect()
    expect(await deposit(first, 'one')).toMatchObject({ kind: 'stored', seq: 1 })
    const before = await readOn(first, undefined)
    relay.dieWithTheNextCommit()
    await expect(deposit(first, 'two')).rejects.toMatchObject({ code: 'RELAY_UNREACHABLE' })
    await relay.kill()
    await relay.start()
    const again = await relay.connect()
    const retried = await deposit(again, 'two')
    expect(retried).toMatchObject({ kind: 'dup', found: 'there', seq: 2 })
    expect(await deposit(again, 'three')).toMatchObject({ kind: 'stored', seq: 3 })
    const later = await readOn(again, before.cursor)
    expect(later.names).toEqual(['two', 'three'])
    expect((await readOn(again, undefined)).cursor).toEqual(later.cursor)
  })

  it('goes on at the exact number and chain after every kind of stop', async () => {
    relay = new Relay(await disk())
    let cursor: GroupCursor | undefined
    for (let round = 1; round <= 4; round++) {
      await relay.start()
      const connection = await relay.connect()
      expect(await deposit(connection, `${round}`)).toMatchObject({ kind: 'stored', seq: round })
      const read = await readOn(connection, cursor)
      expect(read.names).toEqual([`${round}`])
      cursor = read.cursor
      await relay.kill()
    }
  })

  it('marked as restored refuses the old cursor, and hands out all it has', async () => {
    relay = new Relay(await disk())
    await relay.start()
    const connection = await relay.connect()
    await deposit(connection, 'one')
    const { cursor } = await readOn(connection, undefined)
    await relay.kill()
    await relay.markRestored()
    await relay.start()
    const again = await relay.connect()
    await expect(readOn(again, cursor)).rejects.toThrow('incarnation')
    expect((await readOn(again, undefined)).names).toEqual(['one'])
    expect(await deposit(again, 'one')).toMatchObject({ kind: 'dup', seq: 1 })
    expect(await deposit(again, 'two')).toMatchObject({ kind: 'stored', seq: 2 })
    expect((await readOn(again, undefined)).names).toEqual(['one', 'two'])
  })
})
