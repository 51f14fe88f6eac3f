// sotto relay run: a relay, until it is stopped.
import { timingSafeEqual } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { CliError } from '../cli-error.ts'
import { profileFolder } from '../folders.ts'
import { loadNode } from '../node-door.ts'
import { formatSize } from '../size.ts'
import type { Invocation } from '../tree/index.ts'
import { untilStopped } from '../until-stopped.ts'

const LOOPBACK = '/ip4/127.0.0.1/tcp/0'
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

function limitText(name: string, value: number): string {
  return `${name} ${name.endsWith('Bytes') ? formatSize(value) : String(value)}`
}

/** Whether two secrets are the same, in a time that does not tell where they differ. */
function equalSecrets(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}

export async function run(invocation: Invocation): Promise<void> {
  const { flags, global, environment, output, signal } = invocation
  const token = await tokenFrom(flags.text('inviteTokenFile'))
  const healthPort = flags.count('metrics', 0, MAX_PORT)
  const listen = flags.list('listen')
  const diskMaxBytes = flags.size('maxDisk') ?? MAX_DISK_BYTES
  const { createRelay, relayLimits } = await loadNode()
  const secret = token === undefined ? undefined : Buffer.from(token)
  const relay = await createRelay({
    dir: profileFolder(global.dir, environment, 'relay'),
    listen: listen.length === 0 ? [LOOPBACK] : listen,
    diskMaxBytes,
    onWarning: (code, error) => output.talk(`warning: ${code} ${error === undefined ? '' : String(error)}`),
    ...(flags.on('open') ? { openBits: 0 } : {}),
    ...(secret === undefined ? {} : { isTicket: (ticket) => equalSecrets(ticket, secret) }),
    ...(healthPort === undefined ? {} : { healthPort }),
  })
  try {
    const limits = Object.entries(relayLimits({ diskMaxBytes }))
    output.talk(`Limits: ${limits.map(([name, value]) => limitText(name, value)).join(', ')}`)
    if (listen.length === 0) output.talk('It listens on loopback alone; --listen opens it to others.')
    const [address = '', ...others] = relay.addresses
    const ready = { ready: true, address, addresses: relay.addresses, metricsPort: relay.healthPort }
    output.record(ready, () => [
      ['The relay runs. People use it with: sotto init --relay ADDRESS'],
      ...[address, ...others].map((text) => [text]),
    ])
    await untilStopped(signal)
    output.talk('Draining.')
  } finally {
    await relay.close()
  }
}
