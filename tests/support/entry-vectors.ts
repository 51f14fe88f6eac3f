// tests/vectors/entries.json, typed.
import { readFileSync } from 'node:fs'

/** Hex throughout. */
export interface EntryVectors {
  readonly direct: { readonly a: string; readonly b: string; readonly conversation: string }
  readonly entries: readonly {
    readonly conversation: string
    readonly author: string
    /** Empty: one-to-one. */
    readonly op: string
    readonly header: string
    readonly bodyHash: string
    readonly id: string
    readonly session: string
    readonly whole: string
  }[]
  readonly frames: readonly { readonly name: string; readonly hex: string }[]
}

const file = new URL('../vectors/entries.json', import.meta.url)

export const vectors = JSON.parse(readFileSync(file, 'utf8')) as EntryVectors
