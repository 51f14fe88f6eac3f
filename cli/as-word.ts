// A name as one word of a shell command that a hint shows: whoever copies the line runs what it says
// and nothing else, whatever a contact or a group calls itself.
import { terminalSafeLine } from './terminal-safe.ts'

const PLAIN = /^[A-Za-z0-9_%+=:,./@][A-Za-z0-9_%+=:,./@-]*$/

/** The name, quoted where a shell needs it; `stable`, its address or id, where it cannot be typed. */
export function asWord(name: string, stable: string = name): string {
  if (PLAIN.test(name)) return name
  if (terminalSafeLine(name) !== name || name.startsWith('-')) return stable
  return `'${name.replaceAll("'", "'\\''")}'`
}
