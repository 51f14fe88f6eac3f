// The flags of a command as it asks for them: by name and type.
import { CliError } from './cli-error.ts'
import { parseDuration } from './duration.ts'
import { parseSize } from './size.ts'

export class Flags {
  readonly #values: Readonly<Record<string, unknown>>

  constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values
  }

  /** Whether a switch was given. */
  on(name: string): boolean {
    return this.#values[name] === true
  }

  text(name: string): string | undefined {
    const value = this.#values[name]
    return typeof value === 'string' ? value : undefined
  }

  /** A flag that may be given more than once. */
  list(name: string): readonly string[] {
    const value = this.#values[name]
    return Array.isArray(value) ? value.map(String) : []
  }

  /** Milliseconds. Throws USAGE. */
  duration(name: string): number | undefined {
    const text = this.text(name)
    return text === undefined ? undefined : parseDuration(text)
  }

  /** Bytes. Throws USAGE. */
  size(name: string): number | undefined {
    const text = this.text(name)
    return text === undefined ? undefined : parseSize(text)
  }

  /** A whole number from `least` to `most`. Throws USAGE. */
  count(name: string, least: number, most: number): number | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
    if (value >= least && value <= most) return value
    throw new CliError('USAGE', `not a number from ${least} to ${most}: '${text}'`)
  }

  /** One of a few words. Throws USAGE. */
  choice<T extends string>(name: string, words: readonly T[]): T | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    const found = words.find((word) => word === text)
    if (found !== undefined) return found
    throw new CliError('USAGE', `'${text}' is none of ${words.join(', ')}`)
  }
}
