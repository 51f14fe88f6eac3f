// The real relay service on a simulated machine, honest or not. A dishonest one is the honest code
// on a store that lies to it: what it answers and signs is all it should, what it keeps is not.
import { compareBytes } from '../../crypto/index.ts'
import { type RelayService, startRelayService } from '../../node/relay/relay-service.ts'
import { joinPeerAddress } from '../../node/net/peer-id.ts'
import { readHead, writeHead } from '../../node/relay/store-head.ts'
import { rowKey } from '../../node/relay/row-keys.ts'
import { nativeCrypto } from '../../node/native-crypto.ts'
import type { Store, StoreWrite } from '../../node/store.ts'
import type { Host } from '../../node/transport.ts'
import type { MailboxLimits } from '../../protocol/index.ts'
import { imageOf } from './memory-disk.ts'
import { Prng } from './prng.ts'
import type { Machine, Program, Simulation } from './simulation.ts'

export interface RelayProgram extends Program {
  readonly service: RelayService
}

/** How a relay lies; may be changed at any time. */
export interface Lies {
  /** Signs for deposits and forgets them. */
  drops: boolean
  /** Keeps what it has to itself. */
  withholds: boolean
  /** Hands out again what was acknowledged long ago. */
  replays: boolean
}

export interface RelayMachine {
  readonly machine: Machine<RelayProgram>
  /** Multiaddr with /p2p. */
  readonly address: string
  readonly lies: Lies
  /** A copy of its disk, as a backup would be. */
  copy(): readonly StoreWrite[]
  /** Puts a copy back. While it is stopped. */
  restore(copy: readonly StoreWrite[]): void
  /** Marks the store as put back from a copy, as `sotto relay restore` does. While it is stopped. */
  markRestored(): Promise<void>
}

const NO_BYTES = new Uint8Array(0)
const ITEM = rowKey('row', NO_BYTES, NO_BYTES)
const EPOCH_BYTES = 8

function isItem(key: Uint8Array): boolean {
  return key[0] === ITEM[0]
}

/** The store as a dishonest operator's patch would have it. */
function lyingStore(store: Store, lies: Lies): Store {
  return {
    get: (keys) => store.get(keys),
    async range(query) {
      const rows = await store.range(query)
      return lies.withholds ? rows.filter(([key]) => !isItem(key)) : rows
    },
    write(batch: readonly StoreWrite[]) {
      const kept = batch.filter(({ key, value }) => {
        if (!isItem(key)) return true
        return value === undefined ? !lies.replays : !lies.drops
      })
      return store.write(kept)
    },
    close: () => store.close(),
  }
}

/** A machine that runs a relay at an address of its own. */
export function relayMachine(
  simulation: Simulation,
  name: string,
  options: {
    readonly ip: string
    readonly limits?: Partial<MailboxLimits>
    /** Bits of work for a new mailbox; 0 unless told. */
    readonly openBits?: number
    /** Bits of work for a stranger's deposit; 2 unless told. */
    readonly depositBits?: number
    /** Puts something between the network and the relay. */
    readonly host?: (host: Host) => Host
  },
): RelayMachine {
  const random = new Prng(simulation.seed).split(`relay-keys/${name}`).bytes
  const seeds = { service: random(32), process: random(32), transport: random(32) }
  const listen = `/ip4/${options.ip}/tcp/4001`
  const lies: Lies = { drops: false, withholds: false, replays: false }
  const machine = simulation.machine(name, async (ports): Promise<RelayProgram> => {
    const open = async (): Promise<Store> => lyingStore(await ports.openStore(), lies)
    let store = await open()
    const bare = await ports.network.createHost({
      seed: seeds.transport,
      listen: [listen],
      role: 'relay',
    })
    const host = options.host?.(bare) ?? bare
    const service = await startRelayService({
      host,
      store,
      reopen: async () => {
        store = await open()
        return store
      },
      clock: ports.clock,
      random: ports.random,
      provider: nativeCrypto,
      seeds,
      depositBits: options.depositBits ?? 2,
      openBits: options.openBits ?? 0,
      lagProbeMs: 0,
      ...(options.limits === undefined ? {} : { limits: options.limits }),
      onWarning: (code, error) =>
        simulation.trace('log', name, code, error instanceof Error ? error.message : ''),
    })
    return {
      service,
      stop: async () => {
        await service.drain()
        await host.stop()
        await store.close()
      },
    }
  })
  return {
    machine,
    address: joinPeerAddress(listen, nativeCrypto.ed25519PublicKey(seeds.transport)),
    lies,
    copy: () => machine.disk().copy(),
    restore: (copy) => machine.disk().restore(copy),
    async markRestored() {
      const disk = machine.disk()
      const head = await readHead(imageOf(disk), random)
      const write = writeHead(random(EPOCH_BYTES), head.safeNowMs ?? 0)
      const others = disk.copy().filter(({ key }) => compareBytes(key, write.key) !== 0)
      disk.restore([...others, write])
    },
  }
}
