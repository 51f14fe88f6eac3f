// Sizes as people write them: 512MiB, 10GiB, 10GB.
import { CliError } from './cli-error.ts'

const UNIT_BYTES: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
}

/** Bytes of a size such as `10GiB`. Throws USAGE; a bare number has no unit. */
export function parseSize(text: string): number {
  const match = /^(\d{1,12}(?:\.\d{1,3})?)\s?([kmgt]?i?b)$/i.exec(text)
  const unitBytes = UNIT_BYTES[(match?.[2] ?? '').toLowerCase()]
  const bytes = Math.round(Number(match?.[1]) * (unitBytes ?? Number.NaN))
  if (Number.isSafeInteger(bytes)) return bytes
  throw new CliError('USAGE', `not a size: '${text}'`, 'Write for example 512MiB or 10GiB.')
}

/** A size as text: `10 GiB`, `1.5 MiB`, `12 B`. */
export function formatSize(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${Number(value.toFixed(1))} ${units[unit] ?? ''}`
}
