// The bounds of the two pure floors as their sources state them, for the table of SPEC.md §15.
import { readFile } from 'node:fs/promises'
import * as cryptoLimits from '../../crypto/limits.ts'
import * as groupLimits from '../../protocol/group-limits.ts'
import * as protocolLimits from '../../protocol/limits.ts'

export interface LimitRow {
  readonly name: string
  readonly value: string
  readonly reason: string
}

const SOURCES = [
  ['crypto/limits.ts', cryptoLimits],
  ['protocol/limits.ts', protocolLimits],
  ['protocol/group-limits.ts', groupLimits],
] as const

/** One row per exported bound, in the order of the sources. A comment stands for all bounds below it. */
export async function limitRows(): Promise<readonly LimitRow[]> {
  const rows: LimitRow[] = []
  for (const [path, values] of SOURCES) {
    const source = await readFile(new URL(`../../${path}`, import.meta.url), 'utf8')
    const pattern = /\/\*\*(?<comment>[\s\S]*?)\*\/|export const (?<name>[A-Z0-9_]+)/gu
    let reason = ''
    for (const { groups } of source.matchAll(pattern)) {
      const { comment, name } = groups ?? {}
      if (comment !== undefined)
        reason = comment.replaceAll(/\s*\*?\s*\n\s*\*?\s*|\s+/gu, ' ').trim()
      if (name === undefined) continue
      const value = (values as Readonly<Record<string, unknown>>)[name]
      rows.push({ name, value: valueText(value), reason: reason.replaceAll('|', '\\|') })
    }
  }
  return rows
}

function valueText(value: unknown): string {
  if (typeof value === 'number') return value.toLocaleString('en').replaceAll(',', ' ')
  return JSON.stringify(value)
}
