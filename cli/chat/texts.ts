// What is typed into a chat, text by text. A terminal says where a paste begins and ends: what is
// pasted is one text, however many lines it has, and goes out with Enter.
import type { EventEmitter } from 'node:events'
import type { Interface } from 'node:readline'
import { Readable } from 'node:stream'

/** Asks a terminal to mark pastes, and to stop it. */
export const MARK_PASTES = '\u001B[?2004h'
export const MARK_PASTES_NO_MORE = '\u001B[?2004l'

export interface TextsOptions {
  readonly lines: Interface
  /** Where readline tells of keys; undefined where nobody types. */
  readonly keys: EventEmitter | undefined
  /** Called after a paste of several lines, of which so many wait for Enter. */
  readonly pasted: (count: number) => void
}

/** Listens at once: lines that come before anybody reads wait, and so does the end. */
export function typedTexts({ lines, keys, pasted }: TextsOptions): AsyncIterable<string> {
  const texts = new Readable({ objectMode: true, read: () => undefined })
  const held: string[] = []
  let pasting = false
  keys?.on('keypress', (_text: unknown, key: { readonly name?: string } | undefined) => {
    if (key?.name === 'paste-start') pasting = true
    if (key?.name !== 'paste-end') return
    pasting = false
    if (held.length > 0) pasted(held.length + (lines.line === '' ? 0 : 1))
  })
  lines.on('line', (line) => {
    held.push(line)
    // The newline that ends a paste is no line of its own.
    if (!pasting) texts.push(held.splice(0).join('\n').replace(/\n$/, ''))
  })
  lines.once('close', () => texts.push(null))
  return texts
}
