// Finds Project Wycheproof's vectors, which are not part of the repository: in the folder that
// SOTTO_VECTORS names, else beside the checkout.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface WycheproofTest {
  readonly tcId: number
  readonly comment?: string
  readonly flags?: readonly string[]
  readonly result: 'valid' | 'invalid' | 'acceptable'
  readonly [field: string]: unknown
}

export interface WycheproofGroup {
  readonly tests: readonly WycheproofTest[]
  readonly tagSize?: number
  readonly publicKey?: { readonly pk: string }
}

const folder = join(
  process.env['SOTTO_VECTORS'] ??
    fileURLToPath(new URL('../../../shared/vectors', import.meta.url)),
  'wycheproof',
)

/** Whether the vectors are here; where not, their tests say so in their names. */
export const found: boolean = existsSync(folder)

/** Appended to the name of a suite: why it was skipped. */
export const reason: string = found
  ? ''
  : ' (skipped: no vectors; set SOTTO_VECTORS to their folder)'

export function groups(file: string): readonly WycheproofGroup[] {
  const text = readFileSync(join(folder, file), 'utf8')
  return (JSON.parse(text) as { readonly testGroups: readonly WycheproofGroup[] }).testGroups
}
