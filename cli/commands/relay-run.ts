// sotto relay run: a relay, until it is stopped.
import { readFile } from 'node:fs/promises'
import type { Relay } from '../../node/run-relay.ts'
import { CliError } from '../cli-error.ts'
import { profileFolder } from '../folders.ts'
import { loadNode } from '../node-door.ts'
import { keepPort, keptAddress } from '../relay-port.ts'
import { formatSize } from '../size.ts'
import type { Invocation } from '../tree/index.ts'
import { untilStopped } from '../until-stopped.ts'

const LOOPBACK_ADDRESS = /^\/(ip4\/127\.|ip6\/::1\/)/
const MAX_DISK_BYTES = 10 * 2 ** 30
const MAX_PORT = 65_535

async function tokenFrom(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined
  let token: string
  try {
    token = (await readFile(file, 'utf8')).trim()
  } catch (error) {
    throw new CliError('INPUT_INVALID', `cannot read ${file}`, 'It holds the invite token.', error)
  }
  if (token !== '') return token
  throw new CliError('INPUT_INVALID', `${file} is empty`, 'It holds the invite token.')
}

/** The limits in words; programs read them from /metrics. */
function limitLines({ limits }: Relay): readonly string[] {
  const { diskBytes = 0, mailboxBytes = 0, strangersBytes = 0 } = limits
  return [
    `Limits: ${formatSize(diskBytes)} of disk, messages kept for ${limits['keptForDays']} days,`,
    `  a mailbox ${limits['mailboxMessages']} messages and ${formatSize(mailboxBytes)}, of strangers ${limits['strangersMessages']} and ${formatSize(strangersBytes)},`,
    `  ${limits['connectionsPerAddress']} connections of an IP address, ${limits['depositsPerSecond']} messages a second`,
  ]
}

export async function run(invocation: Invocation): Promise<void> {
  const { flags, global, environment, output, signal } = invocation
  const listen = flags.list('listen')
  // Who reaches it is on this machine already: a new mailbox need not cost anything.
  const local = listen.every((address) => LOOPBACK_ADDRESS.test(address))
  const inviteToken = await tokenFrom(flags.text('inviteTokenFile'))
  const open = flags.on('open')
  if (open && inviteToken !== undefined) {
    throw new CliError(
      'USAGE',
      'either --open or --invite-token-file, not both',
      'See: sotto relay run --help',
    )
  }
  const metricsPort = flags.count('metrics', 1, MAX_PORT)
  const maxDiskBytes = flags.size('maxDisk') ?? MAX_DISK_BYTES
  const { createRelay } = await loadNode()
  const dir = profileFolder(global.dir, environment, 'relay')
  const relay = await createRelay({
    dir,
    listen: listen.length === 0 ? [await keptAddress(dir)] : listen,
    maxDiskBytes,
    open: open || local,
    log: (scope, text) => output.detail(`${scope}: ${text}`),
    ...(inviteToken === undefined ? {} : { inviteToken }),
    ...(metricsPort === undefined ? {} : { metricsPort }),
  })
  try {
    if (listen.length === 0) await keepPort(dir, relay.address)
    for (const line of limitLines(relay)) output.talk(line)
    if (listen.length === 0)
      output.talk('It listens on loopback alone; --listen opens it to others.')
    output.record({ ready: true, address: relay.address, addresses: relay.addresses }, () => [
      ['The relay runs. People use it with: sotto init --relay'],
      [relay.address],
    ])
    await untilStopped(signal)
    output.talk('Draining.')
  } finally {
    await relay.drain()
  }
}
