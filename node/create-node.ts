// A running node: opens the profile, puts the services together, and hands out the API.
import type { CryptoProvider } from '../crypto/index.ts'
import type { Node } from './api.ts'
import { type Clock, keepAlive, systemClock } from './clock.ts'
import type { Core } from './core.ts'
import { Messenger } from './messenger.ts'
import { makeCall } from './messenger/calls.ts'
import { type Feed, eventsSince } from './messenger/events.ts'
import { Listeners } from './messenger/listeners.ts'
import { makeChats } from './messenger/chats.ts'
import { makeGroups } from './messenger/groups.ts'
import { type InviteHooks, makeContacts, makeInvites, makeRequests } from './messenger/people.ts'
import { makeRelays } from './messenger/relays.ts'
import { reachable } from './messenger/reachable.ts'
import { statsOf, statusOf } from './messenger/status.ts'
import { selfPerson } from './messenger/views.ts'
import { nativeCrypto } from './native-crypto.ts'
import { type OpenedProfile, openProfile } from './profile/open-profile.ts'
import { pooledRandom } from './random.ts'
import { joinSignals } from './signal.ts'
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
  /** Hands out the inside, once it runs: for a simulated node that lies. */
  readonly onStart?: (core: Core) => void
}

export type RunningNode = Node & {
  /** Multiaddrs with /p2p that this device listens on. */
  addresses(): readonly string[]
}

const systemPorts: NodePorts = {
  network: async () => (await import('./net/libp2p-host.ts')).libp2pNetwork,
  profile: (options) => openProfile({ ...options, provider: nativeCrypto, random: pooledRandom }),
  provider: nativeCrypto,
  clock: systemClock,
  random: pooledRandom,
}

/**
 * Opens a profile and runs it. Rejects with NodeError: NOT_INITIALISED, WRONG_PASSPHRASE, LOCKED,
 * PROFILE_COPIED, PORT_IN_USE, CORRUPT_STORE, VERSION_UNSUPPORTED, NOT_WRITABLE, DISK_FULL. The
 * process lives until the node is closed, unless it is offline.
 */
export async function createNode(options: CreateNodeOptions): Promise<RunningNode> {
  // A node whose relay is away has no socket open: it must live on to see it come back.
  const alive = options.online === false ? undefined : keepAlive()
  try {
    const node = await startNode(options, systemPorts)
    const close = (): Promise<void> => node.close().finally(() => alive?.cancel())
    return { ...node, close, [Symbol.asyncDispose]: close }
  } catch (error) {
    alive?.cancel()
    throw error
  }
}

/** createNode on given ports. */
export async function startNode(
  options: CreateNodeOptions,
  ports: NodePorts,
): Promise<RunningNode> {
  const messenger = await Messenger.start(options, ports)
  const { core } = messenger
  ports.onStart?.(core)
  const { ledger } = core
  const person = await ledger.read((turn) => selfPerson(turn))
  const call = makeCall(core)
  const moved = (signal: AbortSignal): Promise<void> => messenger.waiters.moved(signal)
  const feed: Feed = { core, moved }
  const chats = makeChats({
    core,
    stateRose: (entry, signal) => messenger.waiters.stateRose(entry, signal),
    troubles: {
      device: (device) => messenger.troubles(device),
      link: (contactNumber) => messenger.linkTroubles(contactNumber),
    },
    groupTroubles: (gid) => messenger.groupTroubles(gid),
  })
  const listeners = new Listeners(feed, messenger.startCursor, (who, text, sendOptions) =>
    chats.send(who, text, sendOptions),
  )
  const close = (): Promise<void> => messenger.close()
  const hooks: InviteHooks = {
    reachable: (signal) => reachable(core, messenger.relays, signal),
    publish: () => messenger.publish(),
  }
  return {
    ...person,
    status: (callOptions) => call(callOptions, () => statusOf(messenger, person)),
    stats: (callOptions) => call(callOptions, () => statsOf(messenger)),
    relays: makeRelays(core, {
      use: (choice) => messenger.useRelay(choice),
      leave: (slot) => messenger.leaveRelay(slot),
    }),
    invites: makeInvites(core, hooks),
    contacts: makeContacts(core, (account) => messenger.dropAccount(account)),
    requests: makeRequests(core),
    chats,
    groups: makeGroups(core, hooks),
    events: {
      since: (cursor, callOptions) => eventsSince(feed, cursor, callOptions),
      cursor: (callOptions) => call(callOptions, async () => ledger.cursor),
    },
    on: (_event, listener, listenOptions) => listeners.on(listener, listenOptions),
    settle: (ms, callOptions = {}) =>
      call(callOptions, async () => {
        const { signal, release } = joinSignals(core.stopping, callOptions.signal)
        await messenger.settle(core.clock.timeout(ms, signal)).finally(release)
      }),
    close,
    [Symbol.asyncDispose]: close,
    addresses: () => messenger.addresses(),
  }
}
