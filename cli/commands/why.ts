// sotto why: the chain of evidence for a message.
import type { Node, Why } from '../../node/api.ts'
import { asWord } from '../../node/as-word.ts'
import { NodeError } from '../../node/errors.ts'
import { correspondent } from '../correspondent.ts'
import { stateLabel } from '../message-line.ts'
import type { Part } from '../output.ts'
import { withNode } from '../session.ts'
import type { Invocation } from '../tree/index.ts'
import { formatExactTime } from '../when.ts'

/** The chain as lines, for `sotto why` and the chat. */
export function whyLines(why: Why): readonly (readonly Part[])[] {
  const steps = why.steps.map((step): readonly Part[] => [
    { text: `  ${formatExactTime(step.at)}  `, style: 'dim' },
    step.what.padEnd(10),
    step.by === undefined ? 'here' : `by ${step.by}`,
    `  (${step.evidence})`,
    step.until === undefined ? '' : `  held until ${formatExactTime(step.until).slice(0, 16)}`,
  ])
  const missing = why.missing.map((text): readonly Part[] => [
    { text: `  ${text}`, style: 'yellow' },
  ])
  return [[{ text: stateLabel(why.state), style: 'bold' }], ...steps, ...missing]
}

const PAGE = 200

/** The message meant by an id, or by whom it went to: the last one then. Rejects with UNKNOWN_MESSAGE. */
async function messageMeant(node: Node, word: string): Promise<string> {
  if (/^[0-9a-f]{64}$/i.test(word)) return word
  const { chat, name } = await correspondent(node, word).catch((cause: unknown) => {
    if (!(cause instanceof NodeError) || cause.code !== 'UNKNOWN_CONTACT') throw cause
    throw new NodeError('UNKNOWN_MESSAGE', `"${word.slice(0, 80)}" is no message and no contact`, {
      hint: 'Say the id of a message, all 64 characters of it, or whom your last one went to.',
      cause,
    })
  })
  for (let before: string | undefined; ;) {
    const options = { limit: PAGE, ...(before === undefined ? {} : { before }) }
    const page = await node.chats.messages(chat, options)
    const last = page.findLast(({ mine }) => mine)
    if (last !== undefined) return last.id
    before = page[0]?.id
    if (before === undefined) {
      throw new NodeError('UNKNOWN_MESSAGE', `you have sent nothing to ${name}`, {
        hint: `Send something: sotto send ${asWord(name, chat)} "hello"`,
      })
    }
  }
}

export async function run(invocation: Invocation): Promise<void> {
  const [word = ''] = invocation.words
  await withNode(
    invocation,
    async ({ node }) => {
      const why = await node.chats.why(await messageMeant(node, word))
      invocation.output.record(why, () => whyLines(why))
    },
    { online: false },
  )
}
