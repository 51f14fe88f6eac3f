// What the demonstration shows: who typed what, and what came out. With `markdown` everything that
// differs from run to run is replaced by a word for it, so that README.md can hold the result.

/** Replaces what differs from run to run: the same value always by the same word. */
export class Normaliser {
  readonly #ids = new Map<string, string>()
  readonly #names = new Map<string, string>()

  /** Whose address this is, so that it reads better than a number. */
  name(value: string, word: string): void {
    this.#names.set(value, word)
  }

  #idOf(id: string): string {
    const known = this.#ids.get(id)
    if (known !== undefined) return known
    const word = `ID${this.#ids.size + 1}`
    this.#ids.set(id, word)
    return word
  }

  line(text: string): string {
    let result = text
    for (const [value, word] of this.#names) result = result.replaceAll(value, word)
    return result
      .replaceAll(/\bsotto:[a-z2-7]{40,}/gi, 'sotto:LINK')
      .replaceAll(/\b[0-9a-f]{64}\b/g, (id) => this.#idOf(id))
      .replaceAll(/\b[a-z2-7]{56}\b/g, 'ADDRESS')
      .replaceAll(/\/ip4\/127\.0\.0\.1\/tcp\/\d+(\/ws)?(\/p2p\/\w+)?[\w/+=-]*/g, 'LOOPBACK')
      .replaceAll(/\b\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d\.\d{3})?/g, 'TIME')
      .replaceAll(/^\d\d:\d\d /g, 'TIME ')
      .replaceAll(/\bby (relay|device) [0-9a-f]{8}\b/g, 'by $1 KEY')
  }
}

export class Transcript {
  readonly #markdown: boolean
  readonly #write: (line: string) => void
  readonly normaliser: Normaliser = new Normaliser()
  #begun = false

  constructor(markdown: boolean, write: (line: string) => void) {
    this.#markdown = markdown
    this.#write = write
    if (markdown) write('```console')
  }

  #line(text: string): void {
    this.#write(this.#markdown ? this.normaliser.line(text) : text)
  }

  /** A heading. */
  scene(text: string): void {
    if (this.#begun) this.#write('')
    this.#begun = true
    this.#write(`# ${text}`)
  }

  /** A command as somebody would type it. */
  command(who: string, typed: string): void {
    this.#line(`${who}$ ${typed}`)
  }

  /** What it printed. */
  result(lines: readonly string[]): void {
    for (const line of lines) this.#line(line)
  }

  end(): void {
    if (this.#markdown) this.#write('```')
  }
}
