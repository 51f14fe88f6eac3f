// A relay on the system's ports, as operators and embedders start it.
import { randomBytes } from 'node:crypto'
import { MAILBOX_LIMITS } from '../protocol/index.ts'
import { systemClock } from './clock.ts'
import { nativeCrypto } from './native-crypto.ts'
import {
  type Relay,
  type CreateRelayOptions as RelayOptions,
  createRelay as createRelayOn,
} from './relay/create-relay.ts'
import { CONNECTIONS_PER_ADDRESS, DEPOSITS_PER_S, DISK_MAX_BYTES } from './relay/limits.ts'

export type CreateRelayOptions = Omit<RelayOptions, 'network' | 'clock' | 'random' | 'provider'>
export type { Relay }

/**
 * Starts a relay in a folder; makes keys and store where the folder is empty. Rejects with NodeError:
 * NOT_INITIALISED (keys without a store), LOCKED, PORT_IN_USE, NOT_WRITABLE, DISK_FULL.
 */
export async function createRelay(options: CreateRelayOptions): Promise<Relay> {
  const { libp2pNetwork } = await import('./net/libp2p-host.ts')
  return createRelayOn({
    ...options,
    network: libp2pNetwork,
    clock: systemClock,
    random: (length) => new Uint8Array(randomBytes(length)),
    provider: nativeCrypto,
  })
}

/** What a relay keeps and serves at most with these options: for its operator to see at the start. */
export function relayLimits(
  options: Pick<CreateRelayOptions, 'diskMaxBytes' | 'limits'>,
): Readonly<Record<string, number>> {
  const { lanes, ttlMaxS } = { ...MAILBOX_LIMITS, ...options.limits }
  const [contacts, strangers] = lanes
  return {
    diskBytes: options.diskMaxBytes ?? DISK_MAX_BYTES,
    keptForDays: ttlMaxS / 86_400,
    mailboxMessages: contacts.rows,
    mailboxBytes: contacts.bytes,
    strangersMessages: strangers.rows,
    strangersBytes: strangers.bytes,
    connectionsPerAddress: CONNECTIONS_PER_ADDRESS,
    depositsPerSecond: DEPOSITS_PER_S,
  }
}
