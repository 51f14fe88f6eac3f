// sotto add, where the link joins a group.
import type { Node } from '../../node/api.ts'
import type { Group } from '../../node/api-groups.ts'
import { NodeError } from '../../node/errors.ts'
import { refusedError } from '../group-problem.ts'
import { GLANCE_MS, HAND_OVER_MS, type Session } from '../session.ts'
import type { Invocation } from '../tree/index.ts'
import { groupRecord, shownName } from './group.ts'

/** Waits until the group let us in or turned us down, at most until the signal aborts. */
async function answerOf(node: Node, { number }: Group, signal: AbortSignal): Promise<Group> {
  const from = await node.events.cursor()
  // It is called otherwise once its name was told: the number stays.
  const now = (await node.groups.list()).find((group) => group.number === number)
  if (now === undefined) throw new NodeError('UNKNOWN_GROUP', 'the group is gone')
  if (now.state !== 'joining') return now
  let last = now
  for await (const event of node.events.since(from, { signal })) {
    if (event.event !== 'group' || event.group.number !== number) continue
    last = event.group
    if (last.state !== 'joining') break
  }
  return last
}

/** Asks to join by a link, and says what came of it. */
export async function join(invocation: Invocation, session: Session, link: string): Promise<void> {
  const { flags, output, signal } = invocation
  const { node, settle, lasting } = session
  const name = flags.text('name')
  const asked = await node.groups.join(link, { signal, ...(name === undefined ? {} : { name }) })
  await settle()
  const waitMs = lasting() ? GLANCE_MS : HAND_OVER_MS
  const group = await answerOf(node, asked, AbortSignal.any([signal, AbortSignal.timeout(waitMs)]))
  if (group.state === 'refused') throw refusedError(group.problem)
  output.record(groupRecord(group), () => [
    [group.state === 'joined' ? `You are in ${shownName(group)}.` : 'Asked to join.'],
  ])
  if (group.state === 'joined') {
    output.talk(`Next: sotto send '${shownName(group)}' "hello"`)
    return
  }
  output.talk('Waiting for their answer.')
  if (!lasting()) {
    output.talk('Run `sotto daemon start`, or `sotto read` later, to take their answer.')
  }
}
