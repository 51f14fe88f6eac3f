// The real node on a simulated machine: memory disk under a RecordStore, memory network, virtual
// clock, seeded randomness. Its keys are made at its first start and lie on its disk from then on;
// the vault's keys belong to the machine, as a passphrase belongs to its user.
import { type GroupOp, decodeGroupOp, fromHex } from '../../crypto/index.ts'
import type { NodeEvent } from '../../node/api.ts'
import type { Core } from '../../node/core.ts'
import { type CreateNodeOptions, type RunningNode, startNode } from '../../node/create-node.ts'
import { identities, type IdentityRecord } from '../../node/profile/identity-record.ts'
import { memoryStateKeys } from '../../node/profile/memory-state-keys.ts'
import { newIdentity, writeFirstRecords } from '../../node/profile/new-identity.ts'
import type { OpenedProfile } from '../../node/profile/open-profile.ts'
import { RecordStore } from '../../node/store/record-store.ts'
import { VaultKeys } from '../../node/store/vault-keys.ts'
import type { Store } from '../../node/store.ts'
import { nativeCrypto } from '../../node/native-crypto.ts'
import { epochs as epochTable } from '../../protocol/epochs/epoch-tables.ts'
import { groupOpTable } from '../../protocol/membership/tables.ts'
import { GROUP_OPS_HELD_MAX } from '../../protocol/group-limits.ts'
import { entryTable } from '../../protocol/log/tables.ts'
import type { Table } from '../../protocol/index.ts'
import { KeyWatch } from './key-watch.ts'
import { imageOf } from './memory-disk.ts'
import { Prng } from './prng.ts'
import type { Machine, Ports, Program, Simulation } from './simulation.ts'

type AnyTable = Table<never, unknown>

export interface NodeProgram extends Program {
  readonly node: RunningNode
}

export type NodeMachine = Machine<NodeProgram>

export interface NodeMachineOptions {
  readonly name: string
  /** Multiaddrs of relays with /p2p. */
  readonly relays?: readonly string[]
  readonly listen?: readonly string[]
  readonly watch?: KeyWatch
  /** Another machine whose vault and profile this one has: a copied folder. */
  readonly profileOf?: string
  /** The words of an account that there is already; else it is a new one. */
  readonly phrase?: string
  /** What lies between the node and its disk: for defects that the oracle must see. */
  readonly tamper?: (store: Store) => Store
  /** Every event of every life; those before a crash come again with the same cursor. */
  readonly onEvent?: (event: NodeEvent) => void
  readonly onLog?: (scope: string, text: string) => void
  /** Hands out the inside of each life: for a node that lies. */
  readonly onStart?: (core: Core) => void
}

/** The vault of a machine: the same in all its lives. */
function vaultOf(seed: string | number, owner: string, watch: KeyWatch): VaultKeys {
  const random = new Prng(seed).split(`vault/${owner}`).bytes
  const root = { root: random(32), storeId: random(16) }
  return new VaultKeys(watch.provider(owner), root, [{ generation: 1, key: random(32) }])
}

async function openOrCreate(
  options: NodeMachineOptions,
  ports: Ports,
  keys: VaultKeys,
  watch: KeyWatch,
): Promise<OpenedProfile> {
  const { random, clock, openStore } = ports
  const provider = watch.provider(options.name)
  const open = async (): Promise<RecordStore> =>
    new RecordStore({
      store: (options.tamper ?? ((store) => store))(await openStore()),
      keys,
      provider,
      random,
    })
  const records = await open()
  const read = (): Promise<unknown> => records.get(identities as AnyTable, identities.place(0))
  if ((await read()) === undefined) {
    const nowMs = clock.nowMs()
    const identity = newIdentity({ provider, random, nowMs, phrase: options.phrase })
    await writeFirstRecords(records, provider, identity, {
      name: options.name,
      nowMs,
      relays: options.relays ?? [],
    })
  }
  return {
    records,
    identity: (await read()) as IdentityRecord,
    reopen: async (failed) => {
      await failed.close()
      return open()
    },
    stateKeys: memoryStateKeys(keys, random),
    tidy: () => Promise.resolve(),
  }
}

/** A machine that runs the node. */
export function nodeMachine(simulation: Simulation, options: NodeMachineOptions): NodeMachine {
  const watch = options.watch ?? new KeyWatch()
  const keys = vaultOf(simulation.seed, options.profileOf ?? options.name, watch)
  return simulation.machine(options.name, async (ports) => {
    const create: CreateNodeOptions = {
      dir: options.name,
      listen: options.listen ?? [],
      log: (scope, text) => {
        simulation.trace('log', options.name, scope, text)
        options.onLog?.(scope, text)
      },
    }
    const node = await startNode(create, {
      network: () => Promise.resolve(ports.network),
      profile: () => openOrCreate(options, ports, keys, watch),
      provider: watch.provider(options.name),
      clock: ports.clock,
      random: ports.random,
      ...(options.onStart === undefined ? {} : { onStart: options.onStart }),
    })
    const { onEvent } = options
    if (onEvent !== undefined) {
      const follow = async (): Promise<void> => {
        for await (const event of node.events.since(0)) onEvent(event)
      }
      follow().catch((error: unknown) => options.onLog?.('events', String(error)))
    }
    return { node, stop: () => node.close() }
  })
}

/** The records that are durably on a machine's disk, now. */
export function durableRecords(simulation: Simulation, machine: NodeMachine): RecordStore {
  const watch = new KeyWatch()
  return new RecordStore({
    store: imageOf(machine.disk()),
    keys: vaultOf(simulation.seed, machine.name, watch),
    provider: watch.provider(machine.name),
    random: () => {
      throw new Error('reading draws nothing')
    },
  })
}

/** Tells whether a machine's disk holds an entry durably, now. */
export function durableLog(
  simulation: Simulation,
  machine: NodeMachine,
): (entry: string) => Promise<boolean> {
  const records = durableRecords(simulation, machine)
  return async (entry) =>
    (await records.get(entryTable as AnyTable, entryTable.place(fromHex(entry)))) !== undefined
}

/** The operations of a group that are durably on a machine's disk, as they came. */
export async function durableOperations(
  simulation: Simulation,
  machine: NodeMachine,
  gid: string,
): Promise<readonly GroupOp[]> {
  const records = durableRecords(simulation, machine)
  const query = { owner: fromHex(gid), limit: GROUP_OPS_HELD_MAX }
  const rows = await records.range(groupOpTable as AnyTable, query)
  return rows.map(({ value }) => decodeGroupOp(nativeCrypto, value as Uint8Array))
}

/** How many epochs' keys are durably on a machine's disk: counted, for their sealing key moves on. */
export async function durableEpochs(simulation: Simulation, machine: NodeMachine): Promise<number> {
  const tables = await durableRecords(simulation, machine).verify(() => true)
  return tables.find(({ table }) => table === epochTable.name)?.records ?? 0
}

/** The keys of the device that a machine runs. */
export async function durableIdentity(
  simulation: Simulation,
  machine: NodeMachine,
): Promise<IdentityRecord> {
  const records = durableRecords(simulation, machine)
  return (await records.get(identities as AnyTable, identities.place(0))) as IdentityRecord
}
