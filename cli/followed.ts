// The change feed as a command prints it: where it breaks off, it says how to go on.
import type { Node, NodeEvent } from '../node/api.ts'
import type { Invocation } from './tree/index.ts'

/** Events from a cursor on until the command is stopped. An error is passed on, after a word of the last cursor. */
export async function* followed(
  { output, signal }: Invocation,
  node: Node,
  from: number | undefined,
): AsyncGenerator<NodeEvent> {
  let last: number | undefined
  try {
    for await (const event of node.events.since(from, { signal })) {
      last = event.cursor
      yield event
    }
  } catch (error) {
    if (last !== undefined)
      output.talk(`To go on after the last event: sotto watch --since ${last}`)
    throw error
  }
}
