// The way to the node's code, which is large: it is loaded only by a command that runs a node.
import type { Node } from '../node/api.ts'

/** Takes what no caller waits for: a scope and a sentence, never plaintext. */
export type Log = (scope: string, text: string) => void

export interface RunningRelay {
  readonly address: string
  readonly addresses: readonly string[]
  readonly limits: Readonly<Record<string, number>>
  /** Finishes what was acknowledged, then stops. */
  drain(): Promise<void>
}

export type RunningNode = Node & { addresses(): readonly string[] }

/** What the command line uses of the node floor's index. */
export interface NodeDoor {
  readonly createNode: (options: {
    readonly dir: string
    readonly passphrase?: string
    readonly listen?: readonly string[]
    readonly relays?: readonly string[]
    readonly online?: boolean
    readonly log?: Log
  }) => Promise<RunningNode>
  readonly initProfile: (options: {
    readonly dir: string
    readonly name: string
    readonly passphrase?: string
    readonly phrase?: string
    readonly relays: readonly string[]
  }) => Promise<{ readonly name: string; readonly address: string; readonly phrase: string }>
  readonly profileNeedsPassphrase: (dir: string) => Promise<boolean>
  readonly createRelay: (options: {
    readonly dir: string
    readonly listen: readonly string[]
    readonly maxDiskBytes: number
    readonly open?: boolean
    readonly inviteToken?: string
    readonly metricsPort?: number
    readonly log?: Log
  }) => Promise<RunningRelay>
}

/** Loads the node floor. */
export async function loadNode(): Promise<NodeDoor> {
  const door: unknown = await import('../node/index.ts')
  return door as NodeDoor
}
