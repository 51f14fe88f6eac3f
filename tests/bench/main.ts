// npm run bench: measures this build beside its peers and prints one table. A missed goal is told,
// never an error; what cannot be measured is one.
import '../../node/runtime.ts'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { tmpdir } from 'node:os'
import { commandLine } from './cli.ts'
import { groupMessaging } from './groups.ts'
import { gossip } from './gossip.ts'
import { oneToOne } from './one-to-one.ts'
import { members } from './members.ts'
import { paths } from './paths.ts'
import { loadGroupPeers, loadPeers } from './peers.ts'
import type { Plan } from './plan.ts'
import { relay } from './relay.ts'
import { relayStore } from './relay-store.ts'
import { type Figure, formatTable, verdict } from './table.ts'

const short = process.argv.includes('--short')
const only = process.argv
  .find((argument) => argument.startsWith('--only='))
  ?.slice('--only='.length)

const wanted = process.argv.find((argument) => argument.startsWith('--members='))
/** Members of the group that is measured. */
const size = wanted === undefined ? undefined : Number(wanted.slice('--members='.length))

const say = (text: string): void => void process.stderr.write(`${text}\n`)
const plan: Plan = short
  ? { rounds: 3, warmUps: 2, scale: 0.25, say }
  : { rounds: 9, warmUps: 4, scale: 1, say }

const SECTIONS: Readonly<Record<string, (dir: string) => Promise<readonly Figure[]>>> = {
  crypto: async () => oneToOne(plan, await loadPeers(plan)),
  groups: async () => groupMessaging(plan, await loadGroupPeers(plan)),
  members: async () => members(plan, [size ?? (short ? 25 : 250)]),
  paths: (dir) => paths(plan, dir),
  relay: async (dir) => [...(await relayStore(plan, dir)), ...(await relay(plan, dir))],
  gossip: (dir) => gossip(plan, dir),
  cli: async (dir) => commandLine(plan, dir),
}

async function main(): Promise<void> {
  if (only !== undefined && SECTIONS[only] === undefined) {
    say(`--only=${Object.keys(SECTIONS).join('|')}`)
    process.exitCode = 2
    return
  }
  if (size !== undefined && !(Number.isSafeInteger(size) && size > 12)) {
    say('--members=N: a number above 12')
    process.exitCode = 2
    return
  }
  const dir = await mkdtemp(join(tmpdir(), 'sotto-bench-'))
  const table: Figure[] = []
  try {
    for (const [name, section] of Object.entries(SECTIONS)) {
      if (only !== undefined && only !== name) continue
      say(`measuring: ${name}`)
      table.push(...(await section(dir)))
    }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
  const missed = table.filter((figure) => verdict(figure) === 'missed').length
  const judged = table.filter((figure) => figure.goal !== undefined).length
  process.stdout.write(`
Node ${process.version}, ${short ? 'short' : 'full'} form. Times are CPU time of one operation, all threads of
this one process, both ends included; those with a percentile are wall time. Medians of ${plan.rounds} interleaved rounds.

${formatTable(table)}

${judged - missed} of ${judged} goals met.

What is compared, and what is not the same work:
- One to one: nobody writes to a disk. libsignal and ours turn the state into bytes and back with each
  message; olm keeps its state in memory. libsignal and olm send headers in the clear, ours are
  encrypted; olm has no post-quantum part. Sessions have run for some thousand messages before.
- Bytes: ours are 4 more than SPEC.md's overheads, the head of the one frame that is carried.
- Members: each is a whole node with its rows in memory, on a clock of its own; what each machine did
  is told apart by whose event it was. Beside a group of 8, or beside a seal over a session for each.
- Stored frame: the peer stores nothing. Whole message: both nodes' CPU, their logs and three synced
  batches, beside an echo that neither encrypts end to end nor stores.
- Group of twelve: whole nodes sign, encrypt, judge and sync a batch at sender and receiver, and take
  their copies from the relay; bare gossipsub does none of it. All twelve share one thread here, so
  each waits for the CPU of the others.
- Relay deposit: ours checks a capability, writes a row and a mark, and signs a root over what it took;
  the peer writes the same envelopes as one row each.
`)
}

await main()
// Native peers keep handles of their own.
process.exit()
