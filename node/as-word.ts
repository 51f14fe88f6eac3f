// A name as one word of a shell command that a hint shows: whoever copies the line runs what it says
// and nothing else, whatever a contact or a group calls itself.

const PLAIN = /^[A-Za-z0-9_%+=:,./@][A-Za-z0-9_%+=:,./@-]*$/
/** What is shown otherwise than it is, or not at all: it cannot be copied from a screen. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u

/** The name, quoted where a shell needs it; `stable`, its address or id, where it cannot be typed. */
export function asWord(name: string, stable: string = name): string {
  if (PLAIN.test(name)) return name
  if (INVISIBLE.test(name) || name.startsWith('-')) return stable
  return `'${name.replaceAll("'", "'\\''")}'`
}
