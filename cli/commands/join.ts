// sotto add, where the link joins a group.
import type { Node } from '../../node/api.ts'
import type { Group } from '../../node/api-groups.ts'
import { asWord } from '../../node/as-word.ts'
import { refusedError } from '../group-problem.ts'
import { GLANCE_MS, HAND_OVER_MS, type Session } from '../session.ts'
import type { Invocation } from '../tree/index.ts'
import { groupRecord, shownName } from './group.ts'

/** Somebody decided, or it is known who has to. */
function isAnswered({ state, problem }: Group): boolean {
  return state !== 'joining' || problem === 'PENDING'
}

interface Asked {
  readonly group: Group
  /** Numbers of the groups that one was out of: the link may be of one of them. */
  readonly out: ReadonlySet<number>
  /** Of the event feed, from before it was asked. */
  readonly from: number
}

/** Waits until the group let us in or turned us down, at most until the signal aborts. */
async function answerOf(node: Node, asked: Asked, signal: AbortSignal): Promise<Group> {
  let last = asked.group
  const now = (await node.groups.list()).find(({ number }) => number === last.number)
  if (now !== undefined && isAnswered(now)) return now
  for await (const event of node.events.since(asked.from, { signal })) {
    if (event.event !== 'group') continue
    const { group } = event
    // It is called otherwise once its name was told: the number stays, unless one was in it before.
    const isSame = group.number === last.number
    const isBack = asked.out.has(group.number) && ['joining', 'joined'].includes(group.state)
    if (!isSame && !isBack) continue
    last = group
    if (isAnswered(last)) break
  }
  return last
}

/** Asks to join by a link, and says what came of it. */
export async function join(invocation: Invocation, session: Session, link: string): Promise<void> {
  const { flags, output, signal } = invocation
  const { node, settle, lasting } = session
  const name = flags.text('name')
  const from = await node.events.cursor()
  const out = (await node.groups.list()).filter(
    ({ state }) => state === 'left' || state === 'removed',
  )
  const group = await node.groups.join(link, { signal, ...(name === undefined ? {} : { name }) })
  await settle()
  const waitMs = lasting() ? GLANCE_MS : HAND_OVER_MS
  const asked = { group, out: new Set(out.map(({ number }) => number)), from }
  const soon = AbortSignal.any([signal, AbortSignal.timeout(waitMs)])
  const answered = await answerOf(node, asked, soon)
  const { state, problem } = answered
  if (state !== 'joined' && state !== 'joining') throw refusedError(problem, answered.name)
  output.record(groupRecord(answered), () => [
    [state === 'joined' ? `You are in ${shownName(answered)}.` : 'Asked to join.'],
  ])
  if (state === 'joined') {
    const word = asWord(`#${answered.name}`, `'#${answered.id}'`)
    output.talk(`Next: sotto send ${word} "hello"`)
    return
  }
  output.talk(
    problem === 'PENDING' ? 'An admin has yet to let you in.' : 'Waiting for their answer.',
  )
  if (!lasting()) {
    output.talk('Run `sotto daemon start`, or `sotto read` later, to take their answer.')
  }
}
