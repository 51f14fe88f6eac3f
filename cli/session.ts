// What a command works with: the node of its profile, wherever it runs.
import type { Node } from '../node/api.ts'
import { remoteNode } from '../node/rpc/index.ts'
import { profileFolder } from './folders.ts'
import { loadNode } from './node-door.ts'
import { LastingCalls } from './lasting-calls.ts'
import { OwnerFinder, type OwnerOptions } from './owner.ts'
import { passphraseFile } from './passphrase.ts'
import type { Invocation } from './tree/index.ts'

/** How long a command that runs the node itself spends on handing over or fetching. */
export const HAND_OVER_MS = 5_000

/** A daemon goes on by itself: an answer that comes this soon saves a second command. */
export const GLANCE_MS = 1_500

export interface Session {
  readonly node: Node
  /** A daemon goes on with it; otherwise the node stops when the command ends. */
  readonly lasting: () => boolean
  /** Without a daemon: fetches what relays hold and hands over what waits, for at most 5 s. */
  readonly settle: () => Promise<void>
  /** Tells the user where the node went and where it goes on; a screen of its own may replace it. */
  tell: (text: string) => void
}

export interface SessionOptions {
  readonly online?: boolean
  /** The command goes on until it is stopped, whatever becomes of the daemon. */
  readonly stays?: boolean
}

/** The options that find the owner of the profile an invocation names. */
export function ownerOptions(invocation: Invocation, online = true): OwnerOptions {
  const { global, environment, output, signal } = invocation
  return {
    dir: profileFolder(global.dir, environment),
    passphraseFile: passphraseFile(global.passphraseFile, environment),
    online,
    listen: [],
    log: (scope, text) => output.detail(`${scope}: ${text}`),
    signal,
    loadNode,
  }
}

/** Runs `use` with the node of a profile, and lets go of it whatever happens. */
export async function withNode<T>(
  invocation: Invocation,
  use: (session: Session) => Promise<T>,
  options: SessionOptions = {},
): Promise<T> {
  const online = options.online ?? true
  const { signal, output } = invocation
  const finder = new OwnerFinder({
    ...ownerOptions(invocation, online),
    stays: options.stays ?? false,
  })
  const owner = await finder.find()
  const calls: LastingCalls = new LastingCalls(finder, owner, (text) => session.tell(text))
  const node = remoteNode(calls)
  const session: Session = {
    node,
    lasting: () => calls.owner.lasting,
    async settle() {
      if (calls.owner.lasting || !online) return
      await node.settle(HAND_OVER_MS, { signal })
    },
    tell: (text) => output.talk(text),
  }
  try {
    return await use(session)
  } finally {
    await calls.close()
  }
}
