// sotto why: the chain of evidence for a message.
import type { Why } from '../../node/api.ts'
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

export async function run(invocation: Invocation): Promise<void> {
  const [id = ''] = invocation.words
  await withNode(
    invocation,
    async ({ node }) => {
      const why = await node.chats.why(id)
      invocation.output.record(why, () => whyLines(why))
    },
    { online: false },
  )
}
