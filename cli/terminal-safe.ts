// Text from outside must not control the terminal: no cursor moves, no colours, no title, no
// reversed or hidden characters. What could is shown as an escape, so nothing vanishes.

const LINE_BREAKS = /[\n\t]/g

// C0 without \n and \t, DEL, C1, bidi marks, embeddings, overrides and isolates, the two separators
// that break lines, the zero-width no-break space, and surrogates without their half.
const UNSAFE =
  // oxlint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g
// JSON.stringify escapes C0 and lone surrogates by itself.
// oxlint-disable-next-line no-control-regex
const UNSAFE_IN_JSON = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\t': '\\t', '\r': '\\r' }

function escaped(unit: string): string {
  const code = unit.charCodeAt(0)
  const short = SHORT[unit]
  if (short !== undefined) return short
  return code < 0x100
    ? `\\x${code.toString(16).padStart(2, '0')}`
    : `\\u${code.toString(16).padStart(4, '0')}`
}

/** Text for a terminal: line feeds and tabs stay, all other control characters become visible. */
export function terminalSafe(text: string): string {
  return text.replace(UNSAFE, escaped)
}

/** The same for what must stay on one line: names, error texts. */
export function terminalSafeLine(text: string): string {
  return terminalSafe(text).replace(LINE_BREAKS, escaped)
}

/** One JSON value on one line, exact when parsed, and harmless when shown on a terminal. */
export function safeJson(value: unknown): string {
  return JSON.stringify(value).replace(
    UNSAFE_IN_JSON,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
