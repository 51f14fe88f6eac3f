// The port of a relay that was given no address: chosen once, then kept, since people know the relay
// by it and nobody tells them another one.
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CliError } from './cli-error.ts'

const FILE = 'port'
const MAX_PORT = 65_535

/** Where the relay of a folder listens: on loopback, at the port it had, or at any free one. */
export async function keptAddress(dir: string): Promise<string> {
  const path = join(dir, FILE)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return address(0)
    throw error
  }
  const port = Number(text)
  if (Number.isSafeInteger(port) && port > 0 && port <= MAX_PORT) return address(port)
  throw new CliError(
    'INPUT_INVALID',
    `${path} holds no port`,
    'Write the port of the address that people use into it, or give --listen.',
  )
}

/** Remembers the port of an address that was listened on. */
export async function keepPort(dir: string, listening: string): Promise<void> {
  const port = /\/tcp\/(\d+)/.exec(listening)?.[1]
  if (port === undefined) return
  const path = join(dir, FILE)
  await writeFile(`${path}.new`, `${port}\n`, { mode: 0o600 })
  await rename(`${path}.new`, path)
}

function address(port: number): string {
  return `/ip4/127.0.0.1/tcp/${port}`
}
