// A relay and its clients on a network in memory, under virtual time.
import { noble, type Bytes32 } from '../../crypto/index.ts'
import type { Clock } from '../../node/clock.ts'
import { MemoryNetwork } from '../../node/net/memory-network.ts'
import { joinPeerAddress } from '../../node/net/peer-id.ts'
import { connectRelay } from '../../node/relay-client/connect-relay.ts'
import type { RelayConnection } from '../../node/relay-client/relay-connection.ts'
import type { ExpectedRelay } from '../../node/relay-client/relay-identity.ts'
import type { Deposit, DepositRight } from '../../node/relay-client/relay-types.ts'
import {
  type RelayService,
  type RelayServiceOptions,
  startRelayService,
} from '../../node/relay/relay-service.ts'
import { MemoryStore } from '../../node/store/memory-store.ts'
import { SortedMap } from '../../node/store/sorted-map.ts'
import type { Store, StoreWrite } from '../../node/store.ts'
import type { Host } from '../../node/transport.ts'
import {
  type RelayItem,
  deriveCapKey,
  deviceMailboxSecret,
  deviceOwnerSeed,
} from '../../protocol/index.ts'
import { VirtualClock } from '../sim/virtual-clock.ts'

const SEGMENT_BYTES = 1_448

/** Bytes that are the same in every run. */
export function bytesOf(text: string, length = 32): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(length)
  for (let at = 0, n = 0; at < length; n++, at += 32) {
    const block = noble.sha256(new TextEncoder().encode(`${text}/${n}`))
    out.set(block.subarray(0, Math.min(32, length - at)), at)
  }
  return out
}

/** A store whose writes can be made to fail, before or after they took effect. */
export class FaultyStore implements Store {
  readonly #store: MemoryStore
  fault: 'none' | 'before' | 'after' = 'none'
  onWritten: () => void = () => undefined
  writes = 0

  constructor(map: SortedMap) {
    this.#store = new MemoryStore(map)
  }

  get(keys: readonly Uint8Array[]): ReturnType<Store['get']> {
    return this.#store.get(keys)
  }

  range(query: Parameters<Store['range']>[0]): ReturnType<Store['range']> {
    return this.#store.range(query)
  }

  async write(batch: readonly StoreWrite[]): Promise<void> {
    if (this.fault === 'before') throw new Error('no space left on device')
    await this.#store.write(batch)
    this.writes += 1
    this.onWritten()
    if (this.fault === 'after') throw new Error('the disk went away')
  }

  close(): Promise<void> {
    return this.#store.close()
  }
}

export interface Owner {
  readonly connection: RelayConnection
  readonly ownerSeed: Bytes32
  readonly secret: Bytes32
  readonly mailboxId: Uint8Array
  readonly incarnation: Uint8Array
}

export class RelayWorld {
  readonly time = new VirtualClock()
  readonly clock: Clock
  readonly network: MemoryNetwork
  readonly map = new SortedMap()
  skewMs = 0
  /** Nothing passes, and nobody is told. */
  isCut = false
  store: FaultyStore = new FaultyStore(this.map)
  service: RelayService | undefined
  host: Host | undefined
  #randoms = 0
  #clients = 0

  /** `delayMs`: how long bytes travel; if at all, in segments as TCP has them. */
  constructor(delayMs = 0) {
    this.clock = this.time.port(() => this.skewMs)
    this.network = new MemoryNetwork(this.clock, {
      delayMs: () => (this.isCut ? undefined : delayMs),
      loses: () => false,
      pieceBytes: (_from, _to, sizeBytes) => (delayMs === 0 ? sizeBytes : SEGMENT_BYTES),
    })
  }

  readonly random = (length: number): Uint8Array<ArrayBuffer> =>
    bytesOf(`random ${this.#randoms++}`, length)

  /** Lets virtual time run until a promise settles. */
  async settle<T>(promise: Promise<T>): Promise<T> {
    const state = { settled: false }
    const watched = promise.finally(() => {
      state.settled = true
    })
    watched.catch(() => undefined)
    for (let i = 0; i < 200_000 && !state.settled; i++) {
      await new Promise(setImmediate)
      if (!state.settled) this.time.step()
    }
    if (!state.settled) throw new Error('nothing settles it')
    return watched
  }

  /** Runs all timers of the next `ms`. */
  async advance(ms: number): Promise<void> {
    const endMs = this.time.elapsedMs + ms
    for (;;) {
      await new Promise(setImmediate)
      const next = this.time.nextAtMs()
      if (next === undefined || next > endMs) break
      this.time.step()
    }
    this.time.skipTo(endMs)
    await new Promise(setImmediate)
  }

  /** Lets everything happen that needs no time. */
  quiet(): Promise<void> {
    return this.advance(0)
  }

  async start(options: Partial<RelayServiceOptions> = {}): Promise<RelayService> {
    this.store = new FaultyStore(this.map)
    this.host = await this.network.createHost({
      seed: bytesOf('relay transport'),
      listen: ['/ip4/10.0.0.1/tcp/4001'],
      role: 'relay',
    })
    this.service = await this.settle(
      startRelayService({
        host: this.host,
        store: this.store,
        clock: this.clock,
        random: this.random,
        provider: noble,
        seeds: { service: bytesOf('service'), process: bytesOf('process') },
        depositBits: 4,
        openBits: 0,
        ...options,
      }),
    )
    return this.service
  }

  /** Ends the relay as a kill does: streams break, nothing is flushed. */
  async kill(): Promise<void> {
    await this.host?.stop()
    await this.quiet()
  }

  get address(): string {
    return joinPeerAddress('/ip4/10.0.0.1/tcp/4001', this.host?.transportKey ?? bytesOf('none'))
  }

  async connect(expected: ExpectedRelay = { pinned: true }): Promise<RelayConnection> {
    const host = await this.network.createHost({
      seed: bytesOf(`client ${this.#clients++}`),
      listen: [],
      role: 'courier',
    })
    return this.settle(
      connectRelay({
        host,
        address: this.address,
        expected,
        clock: this.clock,
        provider: noble,
        random: this.random,
      }),
    )
  }

  async owner(name: string, gen = 0): Promise<Owner> {
    const connection = await this.connect()
    const { serviceKey } = connection
    const root = bytesOf(`${name} mailbox root`)
    const ownerSeed = deviceOwnerSeed(noble, serviceKey, root)
    const secret = deviceMailboxSecret(noble, serviceKey, root, gen)
    const opened = await this.settle(
      connection.openMailbox(ownerSeed, { type: 1, secret, gen, awayDays: 0 }),
    )
    if ('kind' in opened) throw new Error(`OPEN: ${opened.status}`)
    return { connection, ownerSeed, secret, ...opened }
  }

  /** A capability that an owner would hand out. */
  capability(owner: Owner, name: string, lane = 0): DepositRight & { readonly kind: 'capability' } {
    const expiresS = Math.floor(this.clock.nowMs() / 1000) + 90 * 86_400
    const capId = bytesOf(`capability ${name}`, 8)
    const capKey = deriveCapKey(noble, owner.connection.serviceKey, owner.secret, {
      lane,
      expiresS,
      capId,
    })
    return { kind: 'capability', capId, capKey, expiresS }
  }
}

export function envelope(
  name: string,
  sizeBytes = 512,
): {
  readonly envId: Uint8Array
  readonly env: Uint8Array
} {
  return { envId: bytesOf(`id ${name}`), env: bytesOf(`env ${name}`, sizeBytes) }
}

const TTL_S = 30 * 86_400

/** A deposit of a named envelope for 30 days. */
export function depositTo(
  owner: Owner,
  auth: Deposit['auth'],
  name: string,
  more: Partial<Deposit> = {},
): Deposit {
  return {
    mailboxId: owner.mailboxId,
    lane: auth.kind === 'work' ? 1 : 0,
    ttlS: TTL_S,
    auth,
    ...envelope(name),
    ...more,
  }
}

/** What lies in a mailbox. */
export async function items(world: RelayWorld, owner: Owner): Promise<readonly RelayItem[]> {
  const reply = await world.settle(
    owner.connection.fetch({
      mailboxId: owner.mailboxId,
      after: undefined,
      limit: 256,
      maxBytes: 200_000,
      idsOnly: false,
      envIds: [],
    }),
  )
  if ('kind' in reply) throw new Error(reply.status)
  return reply.items
}

/** A relay, Bob's mailbox there, and Alice's courier. */
export async function prepared(): Promise<{
  world: RelayWorld
  bob: Owner
  alice: RelayConnection
}> {
  const world = new RelayWorld()
  await world.start()
  const bob = await world.owner('bob')
  const alice = await world.connect()
  return { world, bob, alice }
}
