import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { limitRows } from '../support/limit-rows.ts'

test('the table of SPEC.md §15 is what the program has', async () => {
  const spec = await readFile(new URL('../../SPEC.md', import.meta.url), 'utf8')
  const section = spec.slice(spec.indexOf('## 15. Limits'), spec.indexOf('<!-- §15 end -->'))
  const stated = section.split('\n').filter((line) => /^\| [A-Z]/u.test(line))
  const rows = await limitRows()
  expect(rows.length).toBeGreaterThan(100)
  expect(stated).toEqual(
    rows.map(({ name, value, reason }) => `| ${name} | ${value} | ${reason} |`),
  )
})
