// The way to the node's code, which is large: it is loaded only by a command that runs a node.

/** Takes what no caller waits for: a scope and a sentence, never plaintext. */
export type Log = (scope: string, text: string) => void

type NodeFloor = typeof import('../node/index.ts')

/** What the command line uses of the node floor's index. */
export type NodeDoor = Pick<
  NodeFloor,
  | 'checkNewFolder'
  | 'checkProfile'
  | 'createNode'
  | 'createRelay'
  | 'initProfile'
  | 'markRelayRestored'
  | 'profileNeedsPassphrase'
  | 'repairProfile'
>

/** Loads the node floor. */
export async function loadNode(): Promise<NodeDoor> {
  return import('../node/index.ts')
}
