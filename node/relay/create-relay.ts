// A relay in a folder: keys and store from there, a host on its addresses, and the service between
// them. What `sotto relay run` and an embedder start.
import type { CryptoProvider, Random } from '../../crypto/index.ts'
import type { MailboxLimits } from '../../protocol/index.ts'
import type { Clock } from '../clock.ts'
import { joinPeerAddress } from '../net/peer-id.ts'
import type { Host, Network } from '../transport.ts'
import { DiskGauge } from './disk-gauge.ts'
import { type HealthServer, startHealthServer } from './health-server.ts'
import { DISK_MAX_BYTES } from './limits.ts'
import { openRelayFolder, openRelayStore } from './relay-folder.ts'
import { type RelayService, type RelayServiceOptions, startRelayService } from './relay-service.ts'

export interface CreateRelayOptions extends Pick<
  RelayServiceOptions,
  'depositBits' | 'openBits' | 'isTicket' | 'announce' | 'onWarning'
> {
  readonly dir: string
  /** e.g. /ip4/0.0.0.0/tcp/4001 */
  readonly listen: readonly string[]
  readonly network: Network
  readonly clock: Clock
  readonly random: Random
  readonly provider: CryptoProvider
  readonly limits?: Partial<MailboxLimits>
  /** Bytes of disk the store may take; 10 GiB unless told. */
  readonly diskMaxBytes?: number
  /** Port of /healthz, /readyz and /metrics on 127.0.0.1; 0: any free one; undefined: none. */
  readonly healthPort?: number
}

export interface Relay {
  readonly service: RelayService
  /** For people: multiaddr ‖ /p2p/ ‖ peer id. */
  readonly addresses: readonly string[]
  readonly healthPort: number | undefined
  /** Drains, then closes host and store. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Starts a relay. Rejects with NodeError; nothing is left running then. */
export async function createRelay(options: CreateRelayOptions): Promise<Relay> {
  const { dir, network, clock, random } = options
  const folder = await openRelayFolder(dir, random)
  const gauge = new DiskGauge(clock, folder.storePath, options.diskMaxBytes ?? DISK_MAX_BYTES)
  let host: Host | undefined
  try {
    await gauge.start()
    host = await network.createHost({
      seed: folder.seeds.transport,
      listen: options.listen,
      role: 'relay',
    })
    let { store } = folder
    const service = await startRelayService({
      ...options,
      host,
      store,
      reopen: async () => {
        store = await openRelayStore(folder.storePath)
        return store
      },
      seeds: folder.seeds,
      diskUsed: () => gauge.part,
    })
    const health =
      options.healthPort === undefined
        ? undefined
        : await startHealthServer(service, options.healthPort, () => gauge.usedBytes)
    return assemble({ service, host, health, gauge, closeStore: () => store.close() }, options)
  } catch (error) {
    gauge.stop()
    await host?.stop()
    await folder.store.close()
    throw error
  }
}

interface RelayParts {
  readonly service: RelayService
  readonly host: Host
  readonly health: HealthServer | undefined
  readonly gauge: DiskGauge
  readonly closeStore: () => Promise<void>
}

function assemble(parts: RelayParts, options: CreateRelayOptions): Relay {
  const { service, host, health, gauge, closeStore } = parts
  const told = options.announce ?? host.addresses()
  let closing: Promise<void> | undefined
  const shut = async (): Promise<void> => {
    await service.drain()
    gauge.stop()
    await health?.close()
    await host.stop()
    await closeStore()
  }
  const close = (): Promise<void> => (closing ??= shut())
  return {
    service,
    addresses: told.map((address) => joinPeerAddress(address, host.transportKey)),
    healthPort: health?.port,
    close,
    [Symbol.asyncDispose]: close,
  }
}
