// Live delivery in a group of 12 on loopback, all in this process: whole nodes, from send() to each
// `message`, beside gossipsub as it comes; and the adapter by itself.
import { join } from 'node:path'
import { systemClock } from '../../node/clock.ts'
import { type Group, MEMBERS, adapted, bare, deliveries } from './gossip-hosts.ts'
import { cpuUs } from './measure.ts'
import { type NodeGroup, nodeGroup } from './node-group.ts'
import { percentiles } from './paths.ts'
import { type Plan, countOf } from './plan.ts'
import type { Figure } from './table.ts'

/** Two heartbeats of gossipsub: meshes are made. */
const SETTLE_MS = 2_500
/** With an entry's head, signature and encryption it is a message of 1 KiB. */
const TEXT = 'x'.repeat(600)
/** Of one core, over so long: nothing is under way. */
const QUIET_PART = 0.1
const QUIET_MS = 25
/** A busy machine is never quiet: it is not waited for longer. */
const QUIET_LIMIT_MS = 500

/** Whoever delivers one message to all, and answers with the microseconds that each took. */
type Delivery = () => Promise<readonly number[]>

/**
 * What members still do when all have a message is not charged to who comes next: copies handed on,
 * deposits at the relay, receipts.
 */
async function quiet(): Promise<void> {
  for (let waitedMs = 0; waitedMs < QUIET_LIMIT_MS; waitedMs += QUIET_MS) {
    const before = cpuUs()
    await systemClock.sleep(QUIET_MS)
    if (cpuUs() - before < QUIET_PART * QUIET_MS * 1_000) return
  }
}

/** Each in turn, each after each of the others; the first tenth does not count. */
async function inTurn<K extends string>(
  count: number,
  contenders: Readonly<Record<K, Delivery>>,
): Promise<Readonly<Record<K, readonly number[]>>> {
  const names = Object.keys(contenders) as K[]
  const times = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<
    K,
    number[]
  >
  for (let i = -Math.ceil(count / 10); i < count; i++) {
    for (const at of names.keys()) {
      const name = names[(i + count + at * ((i & 1) + 1)) % names.length] ?? names[0]
      if (name === undefined) continue
      await quiet()
      const measured = await contenders[name]()
      if (i >= 0) times[name].push(...measured)
    }
  }
  return times
}

/** Whole nodes: text, entry, signature, encryption, batches and all. */
function wholly({ deliver }: NodeGroup): Delivery {
  let n = 0
  return async () => (await deliver(`${++n} ${TEXT}`)).map((ms) => ms * 1_000)
}

function barely(group: Group): Delivery {
  return () => deliveries(group)
}

/** A group of its own that is gone again before the next: idle nodes are not quite idle. */
async function wholeNodes(plan: Plan, dir: string, connected: boolean): Promise<readonly Figure[]> {
  plan.say(`measuring: whole nodes, ${connected ? 'connected' : 'pushed'}`)
  const nodes = await nodeGroup(join(dir, 'nodes'), MEMBERS, connected)
  const [plain, stored] = [await bare(), await bare(join(dir, 'stores'))]
  await systemClock.sleep(SETTLE_MS)
  const { ours, peer, floor } = await inTurn(countOf(plan, 120), {
    ours: wholly(nodes),
    peer: barely(plain),
    floor: barely(stored),
  })
  for (const each of [nodes, plain, stored]) await each.close()
  const how = connected ? 'all connected' : 'by mailbox push'
  const what = `send() to message in a group of ${MEMBERS}, ${how}`
  return [
    ...percentiles(`${what}, beside bare gossipsub`, { ours, peer }, connected ? 1.5 : undefined),
    ...percentiles(`${what}, beside gossipsub and a synced put each`, { ours, peer: floor }),
  ]
}

async function adapter(plan: Plan): Promise<readonly Figure[]> {
  const [{ gossip, direct }, plain] = [await adapted(), await bare()]
  await systemClock.sleep(SETTLE_MS)
  const times = await inTurn(countOf(plan, 200), {
    ours: barely(gossip),
    bare: barely(plain),
    direct: barely(direct),
  })
  for (const each of [gossip, plain, direct]) await each.close()
  const { ours } = times
  const what = `gossip of 1 KiB to each of ${MEMBERS - 1} connected members`
  return [
    ...percentiles(`${what}, beside bare gossipsub`, { ours, peer: times.bare }),
    ...percentiles(`${what}, beside a frame on 11 streams`, { ours, peer: times.direct }, 1.5),
  ]
}

export async function gossip(plan: Plan, dir: string): Promise<readonly Figure[]> {
  return [
    ...(await adapter(plan)),
    ...(await wholeNodes(plan, join(dir, 'connected'), true)),
    ...(await wholeNodes(plan, join(dir, 'pushed'), false)),
  ]
}
