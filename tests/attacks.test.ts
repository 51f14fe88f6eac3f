// Holds tests/attacks.md to the tests: each row names what stands against an attack and a test that is
// there, or says in a sentence why there is none.
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'

const TABLE = 'tests/attacks.md'
/** A sentence takes the place of a test. */
const SENTENCE = /^(?:cannot occur|not prevented): .{40,}\.$/
/** Between file and title, as runners print it. */
const ARROW = ' › '

interface Row {
  readonly line: number
  readonly cells: readonly string[]
}

/** The rows of the tables of a Markdown file, without heads; `\|` in a cell is a bar. */
function rowsOf(markdown: string): readonly Row[] {
  const lines = markdown.split('\n')
  return lines.flatMap((text, i) => {
    if (!text.startsWith('|') || /^\|[\s|-]+\|$/.test(text)) return []
    if (/^\|[\s|-]+\|$/.test(lines[i + 1] ?? '')) return []
    const cells = text
      .slice(1)
      .replace(/\|\s*$/, '')
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim().replaceAll('\\|', '|'))
    return [{ line: i + 1, cells }]
  })
}

const CLOSING: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}', '<': '>' }

/** The end of the string literal that begins at a quote. */
function endOfString(source: string, from: number): number {
  const quote = source[from]
  let at = from + 1
  while (at < source.length && source[at] !== quote) at += source[at] === '\\' ? 2 : 1
  return at + 1
}

/** Past white space and comments. */
function skipBlank(source: string, from: number): number {
  const blank = /(?:\s|\/\/[^\n]*\n|\/\*[\s\S]*?\*\/)*/y
  blank.lastIndex = from
  blank.exec(source)
  return blank.lastIndex
}

/** The end of the group that begins at a bracket. */
function endOfGroup(source: string, from: number): number {
  const end = CLOSING[source[from] ?? ''] ?? ''
  let at = from + 1
  while (at < source.length) {
    at = skipBlank(source, at)
    const character = source[at] ?? ''
    if (character === end) return at + 1
    if (`'"\``.includes(character)) at = endOfString(source, at)
    else if ('([{'.includes(character)) at = endOfGroup(source, at)
    else at += 1
  }
  return at
}

/** The value of a string literal without expressions. */
function valueOf(literal: string): string {
  return literal
    .slice(1, -1)
    .replaceAll(/\\u\{?([0-9a-f]+)\}?/gi, (_, hex: string) =>
      String.fromCodePoint(Number.parseInt(hex, 16)),
    )
    .replaceAll(/\\(.)/g, '$1')
}

/** Titles of it() and test(), those of it.each() as they are written: with %s and $name. */
function titlesOf(source: string): readonly string[] {
  const titles: string[] = []
  for (const { index } of source.matchAll(/^[ \t]*(?:it|test)\b/gm)) {
    let at = index + (/^[ \t]*(?:it|test)/.exec(source.slice(index))?.[0].length ?? 0)
    for (;;) {
      at = skipBlank(source, at)
      const character = source[at] ?? ''
      if (character === '.') {
        at += /^\.\w+/.exec(source.slice(at, at + 40))?.[0].length ?? 1
      } else if (character === '<') {
        at = endOfGroup(source, at)
      } else if (character === '(') {
        const first = skipBlank(source, at + 1)
        if (`'"\``.includes(source[first] ?? ' ')) {
          titles.push(valueOf(source.slice(first, endOfString(source, first))))
          break
        }
        at = endOfGroup(source, at)
      } else break
    }
  }
  return titles
}

const rows = rowsOf(await readFile(TABLE, 'utf8'))

test('every row has three cells, none of them empty, and no attack stands twice', () => {
  expect(rows.length).toBeGreaterThan(100)
  for (const { line, cells } of rows) {
    expect(cells, `line ${line}`).toHaveLength(3)
    expect(
      cells.every((cell) => cell !== ''),
      `line ${line}: an empty cell`,
    ).toBe(true)
  }
  const attacks = rows.map(({ cells }) => cells[0]?.toLowerCase())
  expect(attacks.filter((attack, i) => attacks.indexOf(attack) !== i)).toEqual([])
})

test('every section that stands against an attack is there', async () => {
  const spec = await readFile('SPEC.md', 'utf8')
  const sections = new Set([...spec.matchAll(/^#{2,3} (\d+(?:\.\d+)?)\.? /gm)].map(([, n]) => n))
  for (const { line, cells } of rows) {
    const named = [...(cells[1] ?? '').matchAll(/§(\d+(?:\.\d+)?)/g)].map(([, n]) => n)
    expect(named.length, `line ${line} names no section`).toBeGreaterThan(0)
    for (const n of named) expect(sections.has(n), `line ${line}: §${n}`).toBe(true)
  }
})

test('every test that a row names is there', async () => {
  const titles = new Map<string, readonly string[]>()
  const missing: string[] = []
  for (const { line, cells } of rows) {
    const [, , where = ''] = cells
    if (SENTENCE.test(where)) continue
    for (const one of where.split('<br>')) {
      const [file = '', title = ''] = one.trim().split(ARROW)
      let known = titles.get(file)
      if (known === undefined) {
        known = titlesOf(await readFile(file, 'utf8').catch(() => ''))
        titles.set(file, known)
      }
      if (!known.includes(title)) missing.push(`line ${line}: ${file}${ARROW}${title}`)
    }
  }
  expect(missing).toEqual([])
})

test('titles are read as runners show them', () => {
  const source = `
  it('plain', () => {})
  it.each([
    ['a', "it('no title')"], // nor is it('this'), isn't it
  ])('each %s', () => {})
  test.each<[string, number]>(rows.map((row) => [row, f(')')]))(
    "dash's %i",
    { timeout: 1 },
    () => {},
  )
  it.skipIf(asRoot)('skipped \\\\u0041', () => {})
  edit('none')
  `
  expect(titlesOf(source)).toEqual(['plain', 'each %s', "dash's %i", 'skipped A'])
  expect(titlesOf(`it.each(list)(\`of $name\`, f)`)).toEqual(['of $name'])
})

test('rows are read from tables alone', () => {
  const table = '# x\n\n| a | b |\n|---|---|\n| one \\| two | |\ntext\n'
  expect(rowsOf(table)).toEqual([{ line: 5, cells: ['one | two', ''] }])
})
