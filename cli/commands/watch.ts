// sotto watch: the change feed, one event a line.
import type { Contact, NodeEvent } from '../../node/api.ts'
import { messageLines, stateMark } from '../message-line.ts'
import type { Part } from '../output.ts'
import { withNode } from '../session.ts'
import { terminalSafeLine } from '../terminal-safe.ts'
import type { Invocation } from '../tree/index.ts'
import { formatTime } from '../when.ts'
import { shownName } from './group.ts'

function contactLine({ name, state, refusal }: Contact): string {
  const why = refusal === undefined ? '' : ` (its invite is ${refusal})`
  return `${terminalSafeLine(name)} is ${state}${why}`
}

function lines(event: NodeEvent): readonly (readonly Part[])[] {
  const at: Part = { text: `${formatTime(event.at)} `, style: 'dim' }
  switch (event.event) {
    case 'message':
      return messageLines(event.message, true)
    case 'message:state':
      return [
        [at, `${terminalSafeLine(event.chat)}  ${stateMark(event.state)} ${event.id.slice(0, 8)}`],
      ]
    case 'contact':
      return [[at, contactLine(event.contact)]]
    case 'group': {
      const { state, members } = event.group
      const count = members.length === 1 ? '1 member' : `${members.length} members`
      return [[at, `${shownName(event.group)}: ${state}, ${count}`]]
    }
    case 'gap': {
      const count = event.last - event.first + 1
      const what = count === 1 ? '1 message' : `${count} messages`
      const who = terminalSafeLine(event.from.name)
      const now = event.missing ? `${count === 1 ? 'is' : 'are'} missing` : 'came after all'
      return [[at, { text: `${what} from ${who} ${now}`, style: 'yellow' }]]
    }
    case 'warning': {
      const about = event.chat === undefined ? '' : `${terminalSafeLine(event.chat)}: `
      const text = `${event.code}: ${about}${terminalSafeLine(event.text)}`
      return [[at, { text, style: 'yellow' }]]
    }
  }
}

export async function run(invocation: Invocation): Promise<void> {
  const { flags, output, signal } = invocation
  const since = flags.count('since', 0, Number.MAX_SAFE_INTEGER)
  await withNode(invocation, async ({ node }) => {
    // The cursor of a script is the last event it handled; the feed is asked for the next one.
    const from = since === undefined || since === 0 ? since : since + 1
    for await (const event of node.events.since(from, { signal })) {
      output.record(event, () => lines(event))
    }
  })
}
