// What must hold of a group in the simulation after everything healed (the groups' invariants D1 to
// D8): asked of the API as a user would, and of the disk as a power cut would.
import { GROUP_SETTINGS, type GroupOp, encodeAddress, toHex } from '../../../crypto/index.ts'
import type { Group } from '../../../node/api-groups.ts'
import type { Message } from '../../../node/api.ts'
import { nativeCrypto } from '../../../node/native-crypto.ts'
import { GroupDag } from '../../../protocol/index.ts'
import { durableOperations } from '../node-machine.ts'
import type { Person, World } from '../world.ts'
import { type GroupLog, type Said, viewOf } from './group-log.ts'

const ALL = 10_000

export interface Judged {
  readonly person: Person
  readonly group: Group | undefined
  readonly messages: readonly Message[]
  readonly ops: readonly GroupOp[]
}

/** Operations of a group by what they are for. */
interface OperationCount {
  readonly changes: number
  /** Fresh ones and refreshes. */
  readonly epochs: number
}

const CHANGES: readonly string[] = ['create', 'add', 'remove', 'leave', 'role', 'meta', 'carriage']
const EPOCHS: readonly string[] = ['create', 'remove', 'rotate', 'merge', 'refresh']

/** `rotations`: those that people asked for, which are changes as well. */
export function countOperations(ops: readonly GroupOp[], rotations: number): OperationCount {
  const kinds = ops.map(({ payload }) => payload.kind)
  return {
    changes: kinds.filter((kind) => CHANGES.includes(kind)).length + rotations,
    epochs: kinds.filter((kind) => EPOCHS.includes(kind)).length,
  }
}

async function lookAt(world: World, log: GroupLog, person: Person): Promise<Judged> {
  const { simulation } = world
  const { machine } = person
  const group = await simulation.settle(viewOf(machine, log.gid))
  const { chats } = machine.program.node
  const messages =
    group === undefined
      ? []
      : await simulation.settle(chats.messages(`#${log.gid}`, { limit: ALL }))
  return { person, group, messages, ops: await durableOperations(simulation, machine, log.gid) }
}

/** All that a set of operations amounts to, as text. */
function stateText(gid: string, ops: readonly GroupOp[]): string {
  const dag = new GroupDag(nativeCrypto, Buffer.from(gid, 'hex'))
  for (const op of ops) dag.add(op)
  const view = dag.view()
  const members = view
    .members()
    .map(({ account, role, devices }) => [toHex(account), role, devices.map(toHex)])
  const voided = ops.filter(({ id }) => view.isVoid(id)).map(({ id }) => toHex(id))
  const approval = view.settings & GROUP_SETTINGS.approval
  return JSON.stringify([members, view.name, approval, dag.size, dag.pendingSize, voided.sort()])
}

/** What everybody sees and holds now. */
export async function lookAll(world: World, log: GroupLog): Promise<readonly Judged[]> {
  await world.simulation.settle(log.look())
  const seen: Judged[] = []
  for (const person of world.people) seen.push(await lookAt(world, log, person))
  return seen
}

/**
 * What is broken in it; [] where all holds. Before all is quiet much may be. `seen`: of honest people;
 * `liars`: addresses of members of whom nothing is expected.
 */
export function judgeViews(
  log: GroupLog,
  seen: readonly Judged[],
  liars: ReadonlySet<string> = new Set(),
): readonly string[] {
  const inside = seen.filter(({ group }) => group?.state === 'joined')
  return [
    ...sameGroup(log, inside, liars),
    ...sameOrder(inside),
    ...seen.flatMap((one) => readable(log, one, inside)),
    ...inside.flatMap(quietness),
  ]
}

/** D6: at most two fresh or refresh operations for each change, and one more for each partition. */
export function judgeEpochs(
  { changes, epochs }: OperationCount,
  healed: number,
): readonly string[] {
  if (epochs <= (2 + healed) * changes) return []
  return [`D6 ${epochs} epochs for ${changes} changes and ${healed} healed partitions`]
}

/** D1: members, roles and everything else that the operations amount to. */
function sameGroup(
  log: GroupLog,
  inside: readonly Judged[],
  liars: ReadonlySet<string>,
): readonly string[] {
  const broken: string[] = []
  const [first, ...others] = inside
  if (first === undefined) return broken
  const state = stateText(log.gid, first.ops)
  const names = (one: Judged): string =>
    (one.group?.members ?? [])
      .map(({ address, role }) => `${address.slice(0, 6)} ${role}`)
      .sort()
      .join()
  for (const other of others) {
    const pair = `${first.person.name} and ${other.person.name}`
    if (stateText(log.gid, other.ops) !== state) {
      broken.push(
        `D1 ${pair} hold ${first.ops.length} and ${other.ops.length} operations, or differ`,
      )
    }
    if (names(other) !== names(first)) broken.push(`D1 ${pair} see other members`)
  }
  const addresses = inside.map(({ person }) => person.address).sort()
  const members = (first.group?.members ?? [])
    .map(({ address }) => address)
    .filter((address) => !liars.has(address))
    .sort()
  if (addresses.join() !== members.join()) {
    broken.push(`D1 ${inside.map(({ person }) => person.name).join()} are in, not those it names`)
  }
  return broken
}

/** D2: what two people both have stands in one order. */
function sameOrder(inside: readonly Judged[]): readonly string[] {
  const broken: string[] = []
  for (const [i, one] of inside.entries()) {
    for (const other of inside.slice(i + 1)) {
      const theirs = new Set(other.messages.map(({ id }) => id))
      const here = one.messages.filter(({ id }) => theirs.has(id)).map(({ id }) => id)
      const mine = new Set(here)
      const there = other.messages.filter(({ id }) => mine.has(id)).map(({ id }) => id)
      if (here.join() === there.join()) continue
      broken.push(`D2 ${one.person.name} and ${other.person.name} show another order`)
    }
  }
  return broken
}

/** Whether an operation ended somebody's membership at any time: then it may have cut what it said. */
function wasEnded(ops: readonly GroupOp[], address: string): boolean {
  return ops.some(({ payload, account }) => {
    const gone =
      payload.kind === 'remove' ? payload.target : payload.kind === 'leave' ? account : undefined
    return gone !== undefined && encodeAddress(nativeCrypto, gone) === address
  })
}

function shows({ messages }: Judged, id: string): boolean {
  return messages.some((message) => message.id === id)
}

/** What may explain it: that much waits for its key. */
function heldOf({ group }: Judged): string {
  return group === undefined || group.held === 0 ? '' : `, with ${group.held} held for their key`
}

/** D3, D4: who was a member for the sender reads it, once; nobody else does. */
function readable(log: GroupLog, one: Judged, inside: readonly Judged[]): readonly string[] {
  const broken: string[] = []
  const isInside = inside.includes(one)
  const { person, messages } = one
  const by = new Map<string, Said>(log.said.map((said) => [said.text, said]))
  const times = new Map<string, number>()
  for (const { text, kind, id, open } of messages) {
    if (kind !== 'text') continue
    times.set(text, (times.get(text) ?? 0) + 1)
    const said = by.get(text)
    if (said === undefined) broken.push(`${person.name} shows "${text}", which nobody said`)
    else if (!said.allowed.has(person.address)) {
      broken.push(`D3 ${person.name} reads "${text}", which was not said to it`)
    }
    if (said?.id !== undefined && said.id !== id) broken.push(`"${text}" has two ids`)
    if (open && isInside) broken.push(`${person.name} shows "${text}" as open`)
  }
  for (const [text, count] of times) {
    if (count > 1) broken.push(`${person.name} shows "${text}" ${count} times`)
  }
  if (!isInside) return broken
  const held = new Map(messages.map((message) => [message.id, message]))
  for (const { id, text, owed, from } of log.said) {
    if (id === undefined || !owed.has(person.address)) continue
    const message = held.get(id)
    // What no member has of somebody who was removed lies beyond every cut: it is nobody's to read.
    const isGone = wasEnded(one.ops, from.address) && inside.every((each) => !shows(each, id))
    if (message === undefined && isGone) continue
    if (message === undefined) broken.push(`D4 ${person.name} lacks "${text}"${heldOf(one)}`)
    else if (message.kind !== 'text' && !wasEnded(one.ops, from.address)) {
      broken.push(`D4 ${person.name} cannot read "${text}": ${message.text}`)
    }
  }
  return broken
}

/**
 * How many messages are missing, but for what is named as had by nobody of somebody whose membership was
 * ended: no member has it, so it lies beyond every cut.
 */
function missingOf({ missing, gaps }: Group, ops: readonly GroupOp[]): number {
  const gone = gaps.filter(({ address, irretrievable }) => irretrievable && wasEnded(ops, address))
  return gone.reduce((left, { from, to }) => left - (to - from + 1), missing)
}

/** Nothing waits, nothing is missing, everybody has a key. */
function quietness({ person, group, ops }: Judged): readonly string[] {
  if (group === undefined) return []
  const broken: string[] = []
  const { name } = person
  const missing = missingOf(group, ops)
  if (missing > 0) broken.push(`D4 ${name} misses ${missing} messages`)
  if (group.waiting > 0) broken.push(`D4 ${name} has ${group.waiting} waiting`)
  if (group.epoch === '') broken.push(`D7 ${name} has no key to send with`)
  return broken
}
