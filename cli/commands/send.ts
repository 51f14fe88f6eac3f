// sotto send: queue it durably, then see it on its way.
import type { SendResult } from '../../node/api.ts'
import { NodeError } from '../../node/rpc/index.ts'
import { CliError } from '../cli-error.ts'
import { correspondent } from '../correspondent.ts'
import { counted } from '../count.ts'
import { EXIT } from '../exit-codes.ts'
import { stateLabel } from '../message-line.ts'
import { type Session, withNode } from '../session.ts'
import { readInput } from '../stdin.ts'
import type { Invocation } from '../tree/index.ts'

const WAIT_MS = 30_000
const STATES = ['relayed', 'delivered', 'read'] as const

async function textOf(words: readonly string[]): Promise<string> {
  return words.length === 1 && words[0] === '-' ? readInput(process.stdin) : words.join(' ')
}

/** What is still queued, and what will send it. */
async function tellQueued(session: Session, who: string, invocation: Invocation): Promise<void> {
  if (session.lasting()) return
  const found = await correspondent(session.node, who)
  const { waiting } = found.kind === 'group' ? found.group : found.contact
  if (waiting === 0) return
  invocation.output.talk(
    `${counted(waiting, 'message')} for ${found.name} still queued: the next sotto command sends, or run \`sotto daemon start\`.`,
  )
}

export async function run(invocation: Invocation): Promise<number> {
  const { words, flags, output, signal } = invocation
  const [who = '', ...rest] = words
  const wait = flags.choice('wait', STATES)
  const timeoutMs = flags.duration('timeout') ?? WAIT_MS
  const replyTo = flags.text('reply')
  if (wait === undefined && flags.text('timeout') !== undefined) {
    throw new CliError('USAGE', '--timeout goes with --wait')
  }
  const text = await textOf(rest)
  return withNode(invocation, async (session) => {
    const { node } = session
    const show = (result: SendResult): void =>
      output.record({ id: result.id, state: result.state }, () => [
        [`${stateLabel(result.state)}  ${result.id}`],
      ])
    const queued = await node.chats.send(who, text, {
      signal,
      ...(replyTo === undefined ? {} : { replyTo }),
    })
    if (wait === undefined) {
      await session.settle()
      show(
        session.lasting()
          ? queued
          : { id: queued.id, state: (await node.chats.message(queued.id)).state },
      )
      await tellQueued(session, who, invocation)
      return EXIT.OK
    }
    try {
      show(await node.chats.waitFor(queued.id, wait, { timeoutMs, signal }))
      return EXIT.OK
    } catch (error) {
      if (!(error instanceof NodeError) || error.code !== 'TIMEOUT') throw error
      const { state } = await node.chats.message(queued.id)
      show({ id: queued.id, state })
      const hint = `It goes on; see \`sotto why ${queued.id}\`.`
      return output.fail(new NodeError('TIMEOUT', `not ${wait} in time: it is ${state}`, { hint }))
    }
  })
}
