// Group encryption beside its peer: sending, receiving, removing one of many; and bytes on the wire.
import { LADDER } from '../../crypto/index.ts'
import { type Contender, type Cost, interleave } from './measure.ts'
import type { GroupMessaging, GroupPair } from './peers.ts'
import { type Plan, countOf } from './plan.ts'
import { sottoGroup } from './sotto-group.ts'
import { type Figure, faster } from './table.ts'

const TEXT: Uint8Array = new Uint8Array(256).fill(0x61)
const SIZES = [8, 64, 256] as const
const REMOVALS = [64, 256] as const
/** Messages in one epoch end at 1 000: rounds together stay below. */
const CHAIN_MESSAGES = 900
/** As many as one-to-one before its first round that counts: fewer, and what is measured is the compiler. */
const WARM_UP_MESSAGES = 4 * CHAIN_MESSAGES

type Costs = ReadonlyMap<string, Cost>
type Groups = ReadonlyMap<string, GroupPair>

async function measure(
  plan: Plan,
  groups: Groups,
  count: number,
  make: (pair: GroupPair) => Contender,
): Promise<Costs> {
  const contenders: Record<string, Contender> = {}
  for (const [name, pair] of groups) contenders[name] = make(pair)
  return new Map(Object.entries(await interleave(contenders, plan.rounds, count)))
}

/** Beside each peer; the goal is judged on the first. */
function figures(
  what: string,
  costs: Costs,
  peers: readonly GroupMessaging[],
  goal?: number,
): readonly Figure[] {
  const ours = costs.get(sottoGroup.name)?.cpuUs
  if (ours === undefined) throw new Error(`${what}: not measured`)
  if (peers.length === 0) return [faster(what, ours, undefined)]
  return peers.map(({ name }, i) =>
    faster(`${what}, beside ${name}`, ours, costs.get(name)?.cpuUs, i === 0 ? goal : undefined),
  )
}

function sending(pair: GroupPair, waiting: unknown[]): Contender {
  return {
    run: async (count) => {
      for (let i = 0; i < count; i++) waiting.push(await pair.send(TEXT))
    },
  }
}

function receiving(pair: GroupPair, waiting: unknown[]): Contender {
  return {
    run: async (count) => {
      for (const message of waiting.splice(0, count)) await pair.receive(message)
    },
  }
}

function removing(pair: GroupPair, steps: boolean): Contender {
  return {
    prepare: async () => pair.prepareRemoval?.(steps),
    run: async (count) => {
      for (let i = 0; i < count; i++) await pair.remove()
    },
  }
}

function following(pair: GroupPair): Contender {
  let commits: unknown[] = []
  return {
    prepare: async () => {
      await pair.prepareRemoval?.(true)
      commits = [await pair.remove()]
    },
    run: async () => {
      for (const commit of commits) await pair.follow(commit)
    },
  }
}

/** What is neither entry nor padding, at the longest text that fits the smallest size. */
function overheadBytes(): number {
  const step = LADDER[0] ?? 0
  let overhead = step
  for (let length = 1; length < step; length++) {
    const { message, entry } = sottoGroup.sizes(length)
    if (message > step) break
    overhead = message - entry
  }
  return overhead
}

/** Compiled code on all sides before anything counts: in a group that is thrown away. */
async function warmUp(plan: Plan, all: readonly GroupMessaging[]): Promise<void> {
  for (const library of all) {
    for (let left = countOf(plan, WARM_UP_MESSAGES); left > 0; left -= CHAIN_MESSAGES) {
      const pair = await library.group(SIZES[0])
      const count = Math.min(left, CHAIN_MESSAGES)
      for (let i = 0; i < count; i++) await pair.receive(await pair.send(TEXT))
    }
  }
}

async function ofSize(plan: Plan, all: readonly GroupMessaging[], size: number): Promise<Figure[]> {
  const groups = new Map<string, GroupPair>()
  for (const library of all) groups.set(library.name, await library.group(size))
  const peers = all.slice(1)
  const count = Math.min(countOf(plan, 90), Math.floor(CHAIN_MESSAGES / (plan.rounds + 1)))
  const waiting = new Map([...groups.keys()].map((name) => [name, [] as unknown[]]))
  const queue = (pair: GroupPair): unknown[] => {
    for (const [name, other] of groups) if (other === pair) return waiting.get(name) ?? []
    return []
  }
  const sent = await measure(plan, groups, count, (pair) => sending(pair, queue(pair)))
  const received = await measure(plan, groups, count, (pair) => receiving(pair, queue(pair)))
  const table = [
    ...figures(`group send, 256 B, ${size} devices`, sent, peers, 10),
    ...figures(`group receive, 256 B, ${size} devices`, received, peers, 6),
  ]
  if (!REMOVALS.some((n) => n === size)) return table
  const [first] = peers
  const one = first === undefined ? [] : [first]
  const few = new Map(
    [...groups].filter(([name]) => name === sottoGroup.name || name === first?.name),
  )
  for (const steps of [false, true]) {
    const costs = await measure(plan, few, 1, (pair) => removing(pair, steps))
    const when = steps ? 'a DH step due on each session' : 'no DH step due'
    table.push(...figures(`remove one of ${size}, ${when}`, costs, one, 10))
  }
  const followed = await measure(plan, few, 1, following)
  return [...table, ...figures(`take that removal in, each of ${size}`, followed, one)]
}

export async function groupMessaging(
  plan: Plan,
  peers: readonly GroupMessaging[],
): Promise<readonly Figure[]> {
  const all = [sottoGroup, ...peers]
  const table: Figure[] = []
  await warmUp(plan, all)
  for (const size of SIZES) table.push(...(await ofSize(plan, all, size)))
  const bytes = overheadBytes()
  table.push({
    what: 'bytes beyond entry and padding, group',
    ours: `${bytes} B`,
    peer: 'ts-mls 132 to 134 B, headers in clear; goal 135 B',
    ratio: bytes / 135,
    goal: { at: 'most', ratio: 1 },
  })
  return table
}
