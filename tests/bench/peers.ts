// The libraries we are measured beside. They are copyleft or heavy, so the benchmark installs them
// into its own folder; nothing of the package depends on them.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Plan } from './plan.ts'

const INSTALL_MS = 180_000

export interface Side {
  readonly encrypt: (text: Uint8Array) => unknown
  readonly decrypt: (message: unknown) => unknown
  readonly sizeOf: (message: unknown) => number
}

export interface Pair {
  readonly alice: Side
  readonly bob: Side
}

/** A library with a one-to-one protocol: ours and the peers. */
export interface Messaging {
  readonly name: string
  /** Two people who have both received on one session. */
  readonly pair: (text: Uint8Array) => Promise<Pair>
  /** Begins a new session from a fresh bundle and delivers one message in it, at each call. */
  readonly setUps: () => (text: Uint8Array) => Promise<unknown>
}

/** Two members of one group, as many as it has. */
export interface GroupPair {
  readonly send: (text: Uint8Array) => unknown
  readonly receive: (message: unknown) => unknown
  /** Not measured, before a removal: with a DH step due on every session, or on none. */
  readonly prepareRemoval?: (steps: boolean) => Promise<void>
  /** One member is removed: all that its author computes. */
  readonly remove: () => unknown
  /** What each other member computes then. */
  readonly follow: (removal: unknown) => unknown
}

/** A library with a group protocol: ours and the peers. */
export interface GroupMessaging {
  readonly name: string
  /** A group of that many devices, which do not change from call to call of `remove`. */
  readonly group: (size: number) => Promise<GroupPair>
}

const FOLDER = 'tests/bench/peers'
const LIBRARIES = {
  'libsignal.mjs': '@signalapp/libsignal-client',
  'olm.mjs': '@matrix-org/olm',
} as const
const GROUP_LIBRARIES = { 'ts-mls.mjs': 'ts-mls' } as const

interface Manifest {
  readonly version?: string
  readonly dependencies?: Readonly<Record<string, string>>
}

function manifest(path: string): Manifest | undefined {
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Manifest) : undefined
}

function isInstalled(library: string): boolean {
  const wanted = manifest(join(FOLDER, 'package.json'))?.dependencies?.[library]
  return manifest(join(FOLDER, 'node_modules', library, 'package.json'))?.version === wanted
}

/** Some libraries take hold of the process's errors as they load: they are made to let go. */
async function quietly<T>(load: () => Promise<T>): Promise<T> {
  const events = ['uncaughtException', 'unhandledRejection']
  const before = new Map(events.map((event) => [event, process.rawListeners(event)]))
  const loaded = await load()
  for (const event of events) {
    for (const listener of process.rawListeners(event)) {
      if (before.get(event)?.includes(listener) === true) continue
      process.removeListener(event, listener as (...args: unknown[]) => void)
    }
  }
  return loaded
}

async function load<T>(
  plan: Plan,
  libraries: Readonly<Record<string, string>>,
): Promise<readonly (T & { readonly name: string })[]> {
  if (!Object.values(libraries).every(isInstalled)) {
    plan.say(`installing the peers into ${FOLDER}`)
    const args = ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--no-package-lock']
    spawnSync('npm', args, { cwd: FOLDER, stdio: 'ignore', timeout: INSTALL_MS })
  }
  const peers: (T & { readonly name: string })[] = []
  for (const [file, library] of Object.entries(libraries)) {
    const version = manifest(join(FOLDER, 'package.json'))?.dependencies?.[library] ?? ''
    if (!isInstalled(library)) {
      plan.say(`${library} ${version} cannot be installed here: our values stand alone`)
      continue
    }
    const url = pathToFileURL(join(process.cwd(), FOLDER, file)).href
    const loaded = await quietly(() => import(url) as Promise<T>)
    peers.push({ ...loaded, name: `${library} ${version}` })
  }
  return peers
}

/** Installs what is missing, once; what cannot be had is said and left out. */
export function loadPeers(plan: Plan): Promise<readonly Messaging[]> {
  return load<Omit<Messaging, 'name'>>(plan, LIBRARIES)
}

/** Each peer twice: with its state encoded at every step, as ours is, and without. */
export async function loadGroupPeers(plan: Plan): Promise<readonly GroupMessaging[]> {
  interface GroupPeer {
    readonly group: (size: number, encodes: boolean) => Promise<GroupPair>
  }
  const loaded = await load<GroupPeer>(plan, GROUP_LIBRARIES)
  return loaded.flatMap(({ name, group }) => [
    { name, group: (size) => group(size, true) },
    { name: `${name}, its state not encoded`, group: (size) => group(size, false) },
  ])
}
