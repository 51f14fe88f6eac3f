// A relay on the system's ports, as operators and embedders start it.
import { encodeText, equalBytes } from '../crypto/index.ts'
import { MAILBOX_LIMITS } from '../protocol/index.ts'
import { systemClock } from './clock.ts'
import { nativeCrypto } from './native-crypto.ts'
import { pooledRandom } from './random.ts'
import { createRelay as createRelayOn } from './relay/create-relay.ts'
import { markRestored } from './relay/relay-folder.ts'
import { checkToken, formatRelayAddress, parseRelayAddress } from './relays/relay-address.ts'
import { CONNECTIONS_PER_ADDRESS, DEPOSITS_PER_S, DISK_MAX_BYTES } from './relay/limits.ts'

export interface CreateRelayOptions {
  /** Keys and store are made where the folder is new or empty. */
  readonly dir: string
  /** Multiaddrs, e.g. /ip4/0.0.0.0/tcp/4001 and /ip4/0.0.0.0/tcp/4002/ws. */
  readonly listen: readonly string[]
  /** Bytes of disk the store may take; 10 GiB unless told. */
  readonly maxDiskBytes?: number
  /** Anybody may have a mailbox without work; otherwise a new one costs some, except on loopback. */
  readonly open?: boolean
  /** Only who shows this token, 1 to 64 bytes, may open a mailbox; undefined: anybody. */
  readonly inviteToken?: string
  /** Port of /healthz, /readyz and /metrics on 127.0.0.1; undefined: none. */
  readonly metricsPort?: number
  readonly log?: (scope: string, text: string) => void
}

export interface Relay {
  /** For people: multiaddr ‖ /p2p/ ‖ peer id, and # ‖ token where one is needed. */
  readonly address: string
  readonly addresses: readonly string[]
  readonly metricsPort: number | undefined
  /** What it keeps, and for how long. */
  readonly limits: Readonly<Record<string, number>>
  /** Answers what is durable, tells its clients, closes. */
  drain(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** More work than anybody does: only a ticket opens a mailbox then. */
const CLOSED_BITS = 255

/**
 * Starts a relay in a folder. Rejects with NodeError: CORRUPT_STORE (keys without a store), LOCKED,
 * PORT_IN_USE, ADDRESS_INVALID, NOT_WRITABLE, DISK_FULL.
 */
export async function createRelay(options: CreateRelayOptions): Promise<Relay> {
  const { libp2pNetwork } = await import('./net/libp2p-host.ts')
  const { dir, listen, inviteToken, metricsPort, log } = options
  const ticket = inviteToken === undefined ? undefined : encodeText(checkToken(inviteToken))
  const diskMaxBytes = options.maxDiskBytes ?? DISK_MAX_BYTES
  const relay = await createRelayOn({
    dir,
    listen,
    diskMaxBytes,
    network: libp2pNetwork,
    clock: systemClock,
    random: pooledRandom,
    provider: nativeCrypto,
    onWarning: (code, error) => log?.('relay', `${code}: ${String(error)}`),
    ...(ticket === undefined
      ? options.open === true
        ? { openBits: 0 }
        : {}
      : { openBits: CLOSED_BITS, isTicket: (shown: Uint8Array) => equalBytes(shown, ticket) }),
    ...(metricsPort === undefined ? {} : { healthPort: metricsPort }),
  })
  const addresses = relay.addresses.map((plain) =>
    formatRelayAddress({ ...parseRelayAddress(plain), ticket: inviteToken ?? '' }),
  )
  const [address = ''] = addresses
  const [contacts, strangers] = MAILBOX_LIMITS.lanes
  const drain = (): Promise<void> => relay.close()
  return {
    address,
    addresses,
    metricsPort: relay.healthPort,
    limits: {
      diskBytes: diskMaxBytes,
      keptForDays: Math.floor(MAILBOX_LIMITS.ttlMaxS / 86_400),
      mailboxMessages: contacts?.rows ?? 0,
      mailboxBytes: contacts?.bytes ?? 0,
      strangersMessages: strangers?.rows ?? 0,
      strangersBytes: strangers?.bytes ?? 0,
      connectionsPerAddress: CONNECTIONS_PER_ADDRESS,
      depositsPerSecond: DEPOSITS_PER_S,
    },
    drain,
    [Symbol.asyncDispose]: drain,
  }
}

/**
 * Says of a relay's folder that it was put back from a copy: to be called before the relay runs.
 * Rejects with NodeError: NOT_INITIALISED where there is no relay, LOCKED while one runs,
 * CORRUPT_STORE, NOT_WRITABLE, DISK_FULL.
 */
export function markRelayRestored({ dir }: { readonly dir: string }): Promise<void> {
  return markRestored(dir, pooledRandom)
}
