// Published vectors (tests/vectors/*.json): computed here from fixed seeds, compared with the file.
// UPDATE_VECTORS=1 writes them; they only ever grow.
import { readFileSync, writeFileSync } from 'node:fs'

export type VectorValue =
  | string
  | number
  | readonly VectorValue[]
  | { readonly [k: string]: VectorValue }

/** The vectors of a file; with UPDATE_VECTORS=1 the computed ones, written there first. */
export function vectors(name: string, computed: VectorValue): unknown {
  const path = new URL(`../vectors/${name}.json`, import.meta.url)
  if (process.env['UPDATE_VECTORS'] === '1') {
    writeFileSync(path, `${JSON.stringify(computed, undefined, 2)}\n`)
  }
  return JSON.parse(readFileSync(path, 'utf8'))
}
