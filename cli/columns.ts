// Tables as aligned columns of plain text: no lines, so that they can be searched and copied.
import stringWidth from 'string-width'
import { terminalSafeLine } from './terminal-safe.ts'

const GAP = '  '

/** Rows under a heading, each column as wide as its widest cell. Cells are made safe here. */
export function columns(
  heading: readonly string[],
  rows: readonly (readonly string[])[],
): readonly string[] {
  const all = [heading, ...rows].map((row) => row.map(terminalSafeLine))
  const widths = heading.map((_, at) => Math.max(...all.map((row) => stringWidth(row[at] ?? ''))))
  return all.map((row) =>
    row
      .map((cell, at) => cell + ' '.repeat(Math.max(0, (widths[at] ?? 0) - stringWidth(cell))))
      .join(GAP)
      .trimEnd(),
  )
}
