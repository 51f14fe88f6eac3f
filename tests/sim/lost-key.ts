// A key that came and is gone: a store that lost rows, a profile put back to before. What no store
// forgets in the simulation is taken out of it by hand, while its node is down.
import { equalBytes, fromHex, toHex } from '../../crypto/index.ts'
import type { EpochRecord } from '../../protocol/epochs/epoch-record.ts'
import {
  type LineageRecord,
  chains,
  epochTags,
  epochs,
  lineageTags,
  lineages,
} from '../../protocol/epochs/epoch-tables.ts'
import type { Table } from '../../protocol/index.ts'
import { durableRecords } from './node-machine.ts'
import type { Simulation } from './simulation.ts'
import type { Person } from './world.ts'

type AnyTable = Table<never, unknown>

const ALL = 1_024

async function rows<T>(
  simulation: Simulation,
  { machine }: Person,
  table: Table<never, T>,
  owner: Uint8Array,
): Promise<readonly T[]> {
  const records = durableRecords(simulation, machine)
  const found = await records.range(table as AnyTable, { owner, limit: ALL })
  return found.map(({ value }) => value as T)
}

/** Ids of the operations whose epochs a person durably holds, of the last one first. */
export async function heldEpochs(
  simulation: Simulation,
  person: Person,
  gid: string,
): Promise<readonly string[]> {
  const held = await rows<EpochRecord>(
    simulation,
    person,
    epochs as AnyTable as never,
    fromHex(gid),
  )
  return held.toSorted((a, b) => b.lamport - a.lamport).map(({ opId }) => toHex(opId))
}

/** The same in no order, also where the state keys were changed since the machine's first start. */
export async function epochsKept(
  simulation: Simulation,
  { machine }: Person,
  gid: string,
): Promise<readonly string[]> {
  const records = durableRecords(simulation, machine)
  const orders = await records.orders(epochs as AnyTable, { owner: fromHex(gid), limit: ALL })
  return orders.map(toHex)
}

/**
 * Takes the keys of a fresh epoch away from a person whose node is down, and those of its lineage,
 * without which its mailbox is not found either, unless told.
 */
export async function loseKeys(
  simulation: Simulation,
  person: Person,
  gid: string,
  operation: string,
  keepsLineage = false,
): Promise<void> {
  const [group, opId] = [fromHex(gid), fromHex(operation)]
  const gone: Uint8Array[] = []
  const records = durableRecords(simulation, person.machine)
  const lose = (table: Table<never, unknown>, key: never): void => {
    gone.push(records.seal(table, table.place(key), undefined).key)
  }
  const held = await rows<EpochRecord>(simulation, person, epochs as AnyTable as never, group)
  const epoch = held.find((one) => equalBytes(one.opId, opId))
  if (epoch === undefined) throw new Error('an epoch that is held')
  lose(epochs as AnyTable, { group, opId } as never)
  lose(epochTags as AnyTable, { tag: epoch.tag, opId } as never)
  for (let devIdx = 0; devIdx < epoch.recipientCount; devIdx++) {
    lose(chains as AnyTable, { opId, devIdx } as never)
  }
  const known = await rows<LineageRecord>(simulation, person, lineages as AnyTable as never, group)
  const lineage = known.find((one) => equalBytes(one.opId, opId))
  if (lineage === undefined) throw new Error('an epoch with a seed of its own')
  if (!keepsLineage) {
    lose(lineages as AnyTable, { group, opId } as never)
    lose(lineageTags as AnyTable, { tag: lineage.tag, opId } as never)
  }
  const disk = person.machine.disk()
  disk.restore(disk.copy().filter(({ key }) => !gone.some((one) => equalBytes(one, key))))
}
