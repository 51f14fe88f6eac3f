// sotto daemon start and stop: the same node in the background.
import { spawn } from 'node:child_process'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { NodeError, type NodeErrorCode } from '../../node/rpc/index.ts'
import { counted } from '../count.ts'
import { selfCommand } from '../self-command.ts'
import { loadNode } from '../node-door.ts'
import { type Owner, OwnerFinder } from '../owner.ts'
import { askPassphrase } from '../passphrase.ts'
import { ownerOptions } from '../session.ts'
import { STDIN_FILE } from '../stdin.ts'
import type { Invocation } from '../tree/index.ts'

const START_PATIENCE_MS = 30_000
const STOP_PATIENCE_MS = 20_000
const POLL_MS = 100

/** The error that a daemon wrote to its log before it ended. */
async function errorInLog(path: string): Promise<NodeError> {
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n')
  for (const line of lines.toReversed().slice(0, 50)) {
    try {
      const { error } = JSON.parse(line) as {
        error?: { code: string; message: string; hint: string }
      }
      if (error !== undefined) {
        return new NodeError(error.code as NodeErrorCode, error.message, { hint: error.hint })
      }
    } catch {
      // Talk, not the error.
      continue
    }
  }
  return new NodeError('CLOSED', 'the daemon ended at once', { hint: `Its log: ${path}` })
}

async function launch(
  invocation: Invocation,
  dir: string,
): Promise<{ readonly ended: () => boolean; readonly log: string }> {
  const { flags } = invocation
  const { passphraseFile } = ownerOptions(invocation)
  const needed = await (await loadNode()).profileNeedsPassphrase(dir)
  // The child cannot ask; what is typed here reaches it through a pipe, which leaves no trace.
  const asked = passphraseFile === undefined || passphraseFile === STDIN_FILE
  const typed = needed && asked ? await askPassphrase(passphraseFile) : undefined
  const file = typed === undefined ? passphraseFile : STDIN_FILE
  const log = join(dir, 'daemon.log')
  const handle = await open(log, 'a', 0o600)
  const { command, prefix } = selfCommand()
  const listen = flags.list('listen').flatMap((address) => ['--listen', address])
  const secret = file === undefined ? [] : ['--passphrase-file', file]
  const child = spawn(
    command,
    [...prefix, 'daemon', 'run', '--json', '--dir', dir, ...listen, ...secret],
    { detached: true, stdio: ['pipe', handle.fd, handle.fd] },
  )
  let over = false
  child.once('exit', () => (over = true))
  child.once('error', () => (over = true))
  child.stdin?.on('error', () => undefined)
  child.stdin?.end(typed ?? '')
  child.unref()
  await handle.close()
  return { ended: () => over, log }
}

function tell(invocation: Invocation, owner: Owner, sentence: string): void {
  const addresses = owner.addresses()
  invocation.output.record({ ready: true, addresses }, () => [
    [sentence],
    ...addresses.map((address) => [`  listening at ${address}`]),
  ])
}

export async function start(invocation: Invocation): Promise<void> {
  const options = ownerOptions(invocation)
  const finder = new OwnerFinder(options)
  const there = await finder.running()
  if (there?.lasting === true) {
    tell(invocation, there, 'The daemon runs already.')
    return there.close()
  }
  await there?.close()
  const { ended, log } = await launch(invocation, options.dir)
  const patience = performance.now() + START_PATIENCE_MS
  while (performance.now() < patience) {
    const owner = await finder.running()
    if (owner?.lasting === true) {
      tell(invocation, owner, `The daemon runs. Its log: ${log}`)
      return owner.close()
    }
    await owner?.close()
    if (ended()) throw await errorInLog(log)
    await sleep(POLL_MS, undefined, { signal: invocation.signal })
  }
  throw new NodeError('NODE_RUNNING', 'the daemon did not start in time', {
    hint: `Its log: ${log}`,
  })
}

export async function stop(invocation: Invocation): Promise<void> {
  const options = ownerOptions(invocation)
  const finder = new OwnerFinder(options)
  const owner = await finder.running()
  if (owner?.lasting !== true) {
    await owner?.close()
    throw new NodeError('CLOSED', 'no daemon runs for this profile', {
      hint: 'Start it with `sotto daemon start`.',
    })
  }
  const { waiting } = (await owner.request('status', {}, {})) as { waiting: number }
  await owner.request('daemon.stop', {}, {})
  await owner.close()
  const patience = performance.now() + STOP_PATIENCE_MS
  for (;;) {
    const left = await finder.running()
    await left?.close()
    // A chat or a watch that was open goes on by itself, and runs the node meanwhile.
    if (left?.lasting !== true) break
    if (performance.now() >= patience) {
      throw new NodeError('NODE_RUNNING', 'the daemon does not stop')
    }
    await sleep(POLL_MS, undefined, { signal: invocation.signal })
  }
  invocation.output.record({ stopped: true, waiting }, () => [['Stopped.']])
  if (waiting > 0) {
    invocation.output.talk(
      `${counted(waiting, 'message')} still queued: the next sotto command sends.`,
    )
  }
}
