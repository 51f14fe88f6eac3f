// sotto relay restore: says of a relay's folder that it was put back from a copy.
import { profileFolder } from '../folders.ts'
import { loadNode } from '../node-door.ts'
import { terminalSafeLine } from '../terminal-safe.ts'
import type { Invocation } from '../tree/index.ts'

export async function run(invocation: Invocation): Promise<void> {
  const { global, environment, output } = invocation
  const dir = profileFolder(global.dir, environment, 'relay')
  const { markRelayRestored } = await loadNode()
  await markRelayRestored({ dir })
  output.record({ restored: true, dir }, () => [
    [`${terminalSafeLine(dir)} is marked as restored.`],
    ['Whoever uses this relay notices at once, and sends again what the copy does not have.'],
  ])
  output.talk('Next: sotto relay run, with the flags it had before.')
}
