// A running node: opens the profile, puts the services together, and hands out the API.
import { randomBytes } from 'node:crypto'
import type { CryptoProvider } from '../crypto/index.ts'
import type { CallOptions, IncomingMessage, Node } from './api.ts'
import { type Clock, systemClock } from './clock.ts'
import { Messenger } from './messenger.ts'
import { eventsSince } from './messenger/events.ts'
import { makeChats } from './messenger/chats.ts'
import { makeContacts, makeInvites, makeRequests } from './messenger/people.ts'
import { statusOf } from './messenger/status.ts'
import { selfPerson } from './messenger/views.ts'
import { nativeCrypto } from './native-crypto.ts'
import { type OpenedProfile, openProfile } from './profile/open-profile.ts'
import type { Network } from './transport.ts'

export interface CreateNodeOptions {
  /** Folder of a profile that `initProfile` made. */
  readonly dir: string
  readonly passphrase?: string
  /** Multiaddrs for direct streams; none: this device dials only. */
  readonly listen?: readonly string[]
  /** Relays to use from now on, beside those chosen before: multiaddr/p2p/PeerId. */
  readonly relays?: readonly string[]
  /** false: nothing is sent or fetched, the history can be read. */
  readonly online?: boolean
  readonly log?: (scope: string, text: string) => void
}

/** Ports that tests and the simulator replace; the published createNode takes none of them. */
export interface NodePorts {
  readonly network: () => Promise<Network>
  /** Opens the profile's records; called again after a write failed. */
  readonly profile: (options: {
    readonly dir: string
    readonly passphrase: string | undefined
  }) => Promise<OpenedProfile>
  readonly provider: CryptoProvider
  readonly clock: Clock
  readonly random: (length: number) => Uint8Array<ArrayBuffer>
}

export type RunningNode = Node & {
  /** Multiaddrs with /p2p that this device listens on. */
  addresses(): readonly string[]
}

const random = (length: number): Uint8Array<ArrayBuffer> => new Uint8Array(randomBytes(length))

const systemPorts: NodePorts = {
  network: async () => (await import('./net/libp2p-host.ts')).libp2pNetwork,
  profile: (options) => openProfile({ ...options, provider: nativeCrypto, random }),
  provider: nativeCrypto,
  clock: systemClock,
  random,
}

/**
 * Opens a profile and runs it. Rejects with NodeError: NOT_INITIALISED, WRONG_PASSPHRASE, LOCKED,
 * PORT_IN_USE, CORRUPT_STORE, VERSION_UNSUPPORTED, NOT_WRITABLE, DISK_FULL.
 */
export function createNode(options: CreateNodeOptions): Promise<RunningNode> {
  return startNode(options, systemPorts)
}

/** createNode on given ports. */
export async function startNode(
  options: CreateNodeOptions,
  ports: NodePorts,
): Promise<RunningNode> {
  const messenger = await Messenger.start(options, ports)
  const { core } = messenger
  const { ledger, clock, stopping } = core
  const person = await ledger.read((turn) => selfPerson(turn))
  const moved = (signal: AbortSignal): Promise<void> => messenger.moved.next(signal)
  const events = {
    since: (cursor: number | undefined, callOptions?: CallOptions) =>
      eventsSince(core, moved, cursor, callOptions),
    cursor: () => Promise.resolve(ledger.cursor),
  }
  const chats = makeChats({
    core,
    stateRose: moved,
    troubles: (device) => messenger.troubles(device),
  })
  const close = (): Promise<void> => messenger.close()
  return {
    ...person,
    status: () => statusOf(messenger, person),
    invites: makeInvites(core, {
      reachable: (signal) => messenger.reachable(signal),
      publish: () => messenger.publish(),
    }),
    contacts: makeContacts(core, (account) => messenger.dropAccount(account)),
    requests: makeRequests(core),
    chats,
    events,
    on(_event, listener) {
      const stop = new AbortController()
      const run = async (): Promise<void> => {
        for await (const event of events.since(undefined, { signal: stop.signal })) {
          if (event.event !== 'message' || event.message.mine) continue
          const { message } = event
          const reply = (text: string) =>
            chats.send(message.from.address, text, { replyTo: message.id })
          const incoming: IncomingMessage = { ...message, reply }
          await listener(incoming)
        }
      }
      run().catch((error: unknown) => core.log('listener', String(error)))
      return () => stop.abort()
    },
    async settle(ms, callOptions = {}) {
      await messenger.settle(clock.timeout(ms, callOptions.signal ?? stopping))
    },
    close,
    [Symbol.asyncDispose]: close,
    addresses: () => messenger.addresses(),
  }
}
