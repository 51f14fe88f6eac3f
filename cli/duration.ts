// Durations as people write them: 30s, 5m, 24h, 7d, 500ms.
import { CliError } from './cli-error.ts'

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}
const MAX_MS = 10 * 365 * 86_400_000

/** Milliseconds of a duration such as `24h` or `1.5h`. Throws USAGE; a bare number has no unit. */
export function parseDuration(text: string): number {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d|w)$/.exec(text)
  const unitMs = UNIT_MS[match?.[2] ?? '']
  const ms = Math.round(Number(match?.[1]) * (unitMs ?? Number.NaN))
  if (Number.isFinite(ms) && ms <= MAX_MS) return ms
  throw new CliError('USAGE', `not a duration: '${text}'`, 'Write for example 30s, 5m, 24h or 7d.')
}

/** A duration as text, in its two largest units: `1d 2h`, `30s`, `250ms`. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))}ms`
  if (ms < 10_000) return `${(ms / 1_000).toFixed(1)}s`
  const parts: string[] = []
  let rest = Math.round(ms / 1_000) * 1_000
  for (const unit of ['d', 'h', 'm', 's']) {
    const unitMs = UNIT_MS[unit] ?? 1
    const count = Math.floor(rest / unitMs)
    rest -= count * unitMs
    if (count > 0) parts.push(`${count}${unit}`)
  }
  return parts.slice(0, 2).join(' ')
}
