// A message as lines for a terminal.
import type { Message, MessageState } from '../node/api.ts'
import type { Part } from './output.ts'
import { terminalSafeLine } from './terminal-safe.ts'
import { formatTime } from './when.ts'

const MARKS: Readonly<Record<MessageState, string>> = {
  queued: '…',
  relayed: '✓',
  delivered: '✓✓',
  read: '✓✓ read',
  failed: '✗ failed',
  expired: '✗ expired',
}

/** How far one's own message got, as a mark and, at the ends, a word. */
export function stateMark(state: string): string {
  return Object.hasOwn(MARKS, state) ? MARKS[state as MessageState] : state
}

/** The mark with its word: `✓✓ delivered`. */
export function stateLabel(state: string): string {
  const mark = stateMark(state)
  return mark.endsWith(state) ? mark : `${mark} ${state}`
}

/** Where it was said, among messages of all chats: `you -> bob`, `bob in #team`. */
function chatPart(message: Message, withChat: boolean): string {
  if (!withChat) return ''
  if (message.mine) return ` -> ${message.chat}`
  return message.group === undefined ? '' : ` in ${message.chat}`
}

/**
 * `12:41 bob  are you coming?`. Further lines of a text are indented, so that no text can pass
 * itself off as a message of somebody else.
 */
export function messageLines(message: Message, withChat: boolean): readonly (readonly Part[])[] {
  const who = message.mine ? 'you' : message.from.name
  const chat = chatPart(message, withChat)
  const notes = [
    message.late ? 'late' : '',
    message.behindRemoval === true ? 'behind a removal' : '',
    message.open ? 'answers a message that is missing' : '',
    message.mine ? stateMark(message.state) : '',
  ].filter((note) => note !== '')
  // The newline that ends it, as of a file, is in the message and needs no row.
  const [first = '', ...rest] = message.text.replace(/\n$/, '').split('\n')
  const text: Part = message.kind === 'text' ? first : { text: `(${first})`, style: 'dim' }
  const tail: Part[] = notes.length === 0 ? [] : [{ text: `  ${notes.join(', ')}`, style: 'dim' }]
  const head: Part[] = [
    { text: `${formatTime(message.sentAt)} `, style: 'dim' },
    { text: terminalSafeLine(`${who}${chat}`), style: 'bold' },
    '  ',
    text,
  ]
  if (rest.length === 0) return [[...head, ...tail]]
  return [
    head,
    ...rest.slice(0, -1).map((line) => [`    ${line}`]),
    [`    ${rest.at(-1) ?? ''}`, ...tail],
  ]
}
