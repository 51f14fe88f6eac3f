// A terminal of some columns, as far as readline uses one: what a person would see of what is written.
// A control sequence, one that sets a mode, or a character.
// oxlint-disable-next-line no-control-regex
const PIECES = /\x1b\[(\d*)([A-Z])|\x1b(\[\?\d+[hl])|([\s\S])/g

export class LittleTerminal {
  readonly isTTY = true
  readonly columns: number
  readonly #rows: string[][] = [[]]
  #row = 0
  #column = 0

  constructor(columns: number) {
    this.columns = columns
  }

  /** The rows, without what is blank at their ends. */
  get rows(): readonly string[] {
    const rows = this.#rows.map((cells) =>
      Array.from(cells, (cell) => cell ?? ' ')
        .join('')
        .trimEnd(),
    )
    return rows.slice(0, rows.findLastIndex((row) => row !== '') + 1)
  }

  write(text: string): boolean {
    for (const [, count, letter, mode, plain] of text.matchAll(PIECES)) {
      if (mode !== undefined) continue
      if (plain === undefined) this.#move(letter ?? '', Number(count || '1'), count ?? '')
      else this.#put(plain)
    }
    return true
  }

  #put(character: string): void {
    if (character === '\r') this.#column = 0
    else if (character === '\n') {
      this.#row += 1
      this.#column = 0
    } else {
      // The last column is left only when something follows.
      if (this.#column === this.columns) {
        this.#row += 1
        this.#column = 0
      }
      this.#cells(this.#row)[this.#column] = character
      this.#column += 1
    }
  }

  #cells(row: number): string[] {
    return (this.#rows[row] ??= [])
  }

  #move(letter: string, count: number, given: string): void {
    if (letter === 'A') this.#row = Math.max(0, this.#row - count)
    else if (letter === 'B') this.#row += count
    else if (letter === 'C') this.#column = Math.min(this.columns - 1, this.#column + count)
    else if (letter === 'D') this.#column = Math.max(0, this.#column - count)
    else if (letter === 'G') this.#column = count - 1
    else if (letter === 'K' && given === '2') this.#cells(this.#row).length = 0
    else if (letter === 'K') this.#cells(this.#row).length = this.#column
    else if (letter === 'J') {
      this.#cells(this.#row).length = Math.min(this.#column, this.#cells(this.#row).length)
      this.#rows.length = this.#row + 1
    } else throw new Error(`a little terminal knows no ${letter}`)
  }
}
