// A burst of messages while the receiver is killed (kill -9) and started again, all of it the real
// program in processes of its own: two daemons, and a relay where they may not meet.
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Node } from '../../node/api.ts'
import { connect } from '../../node/rpc/client.ts'
import { readRunFile } from '../../node/rpc/run-file.ts'
import { type Started, json, sotto, start } from '../cli/real-sotto.ts'
import { freePort } from './child.ts'

const PATIENCE_MS = 600_000

export interface BurstPlan {
  /** An empty folder. */
  readonly root: string
  readonly path: 'direct' | 'relay'
  readonly messages: number
  readonly kills: number
}

export interface BurstFigures {
  /** Texts that `read --json` shows, in its order. */
  readonly shown: readonly string[]
  readonly sent: readonly string[]
  readonly delivered: number
  /** How many the receiver had when it was killed. */
  readonly killedAt: readonly number[]
  readonly queuedMs: number
  readonly totalMs: number
}

async function nodeOf(dir: string): Promise<Node> {
  const run = await readRunFile(dir)
  if (run === undefined) throw new Error(`nobody runs ${dir}`)
  return connect({ socket: run.socket })
}

async function untilContact(dir: string): Promise<void> {
  const endMs = Date.now() + 30_000
  for (;;) {
    const { stdout } = await sotto(['contact', 'list', '--json', '--dir', dir])
    if (stdout.includes('"state":"ready"')) return
    if (Date.now() > endMs) throw new Error('they do not become contacts')
    await sleep(100)
  }
}

/** Counts what a receiver was shown, over all its lives, until `wanted`. */
async function untilShown(dir: string, ids: Set<string>, wanted: number): Promise<void> {
  const node = await nodeOf(dir)
  try {
    for await (const event of node.events.since(0)) {
      if (event.event === 'message' && !event.message.mine) ids.add(event.message.id)
      if (ids.size >= wanted) return
    }
  } finally {
    await node.close()
  }
}

/** Plays it. What is to hold of the figures is up to the caller. */
export async function runBurst(plan: BurstPlan): Promise<BurstFigures> {
  const { root, messages, kills } = plan
  const [alice, bob] = [join(root, 'alice'), join(root, 'bob')]
  const relayed = plan.path === 'relay'
  const running: Started[] = []
  const listen = relayed ? [] : ['--listen', `/ip4/127.0.0.1/tcp/${await freePort()}`]
  const relays: string[] = []
  if (relayed) {
    const relay = await start(['relay', 'run', '--open', '--dir', join(root, 'relay')])
    running.push(relay)
    relays.push('--relay', String(relay.ready['address']))
  }
  await json(['init', '--name', 'Alice', '--no-passphrase', ...relays, '--dir', alice])
  await json(['init', '--name', 'Bob', '--no-passphrase', ...relays, '--dir', bob])
  const daemon = ['daemon', 'run', '--dir']
  running.push(await start([...daemon, alice]))
  let receiver = await start([...daemon, bob, ...listen])
  const { link } = await json(['invite', '--dir', bob])
  await json(['add', String(link), '--name', 'Bob', '--dir', alice])
  await untilContact(alice)
  await untilContact(bob)

  const sender = await nodeOf(alice)
  const sent = Array.from({ length: messages }, (_, i) => `message ${i + 1} of ${messages}`)
  const beganMs = Date.now()
  let queuedMs = 0
  const ids: string[] = []
  const sending = (async () => {
    for (const text of sent) ids.push((await sender.chats.send('Bob', text)).id)
    queuedMs = Date.now() - beganMs
  })()
  const seen = new Set<string>()
  const killedAt: number[] = []
  for (let kill = 1; kill <= kills; kill += 1) {
    await untilShown(bob, seen, Math.floor((kill * messages) / (kills + 1)))
    receiver.child.kill('SIGKILL')
    await receiver.ended
    killedAt.push(seen.size)
    receiver = await start([...daemon, bob, ...listen])
  }
  await sending
  for (const id of ids) await sender.chats.waitFor(id, 'delivered', { timeoutMs: PATIENCE_MS })
  const totalMs = Date.now() - beganMs
  await sender.close()
  const read = ['read', 'Alice', '-n', String(messages * 2), '--json', '--dir', bob]
  const { stdout } = await sotto(read)
  const shown = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { readonly text: string; readonly mine: boolean })
    .filter(({ mine }) => !mine)
    .map(({ text }) => text)
  for (const { child, ended } of [...running, receiver]) {
    child.kill('SIGTERM')
    await ended
  }
  return { shown, sent, delivered: ids.length, killedAt, queuedMs, totalMs }
}
