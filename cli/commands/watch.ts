// sotto watch: the change feed, one event a line.
import type { Contact, NodeEvent } from '../../node/api.ts'
import type { Group } from '../../node/api-groups.ts'
import { counted } from '../count.ts'
import { followed } from '../followed.ts'
import { groupChanges } from '../group-change.ts'
import { messageLines, stateMark } from '../message-line.ts'
import type { Part } from '../output.ts'
import { type Session, withNode } from '../session.ts'
import { terminalSafeLine } from '../terminal-safe.ts'
import type { Invocation } from '../tree/index.ts'
import { formatTime } from '../when.ts'
import { shownName } from './group.ts'

function contactLine({ name, state, refusal }: Contact): string {
  const why = refusal === undefined ? '' : ` (its invite is ${refusal})`
  return `${terminalSafeLine(name)} is ${state}${why}`
}

/** What changed of a group since it was last told of; how it stands, where that is not known. */
function groupLines(
  group: Group,
  before: Group | undefined,
  at: Part,
): readonly (readonly Part[])[] {
  const { state, members } = group
  const shown = before ?? group
  if (before === undefined) {
    return [[at, `${shownName(shown)}: ${state}, ${counted(members.length, 'member')}`]]
  }
  return groupChanges(before, group).map((change) => [at, `${shownName(shown)}: ${change}`])
}

function lines(event: NodeEvent, groups: Map<number, Group>): readonly (readonly Part[])[] {
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
      const { group } = event
      const before = groups.get(group.number)
      groups.set(group.number, group)
      return groupLines(group, before, at)
    }
    case 'gap': {
      const count = event.last - event.first + 1
      const what = counted(count, 'message')
      const where = event.group === undefined ? '' : ` in ${terminalSafeLine(event.chat)}`
      const who = `${terminalSafeLine(event.from.name)}${where}`
      const missing = event.irretrievable === true ? 'missing for good' : 'missing'
      const now = event.missing ? `${count === 1 ? 'is' : 'are'} ${missing}` : 'came after all'
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
  const { flags, output } = invocation
  const since = flags.count('since', 0, Number.MAX_SAFE_INTEGER)
  const watch = async ({ node }: Session): Promise<void> => {
    // From now on only what changes is told; of what is past, how each group stands at its first event.
    const known = output.json || since !== undefined ? [] : await node.groups.list()
    const groups = new Map(known.map((group) => [group.number, group]))
    // The cursor of a script is the last event it handled; the feed is asked for the next one.
    const from = since === undefined || since === 0 ? since : since + 1
    for await (const event of followed(invocation, node, from)) {
      output.record(event, () => lines(event, groups))
    }
  }
  await withNode(invocation, watch, { stays: true })
}
