// Times for people, in the zone of this machine.

function two(value: number): string {
  return String(value).padStart(2, '0')
}

/** `12:41` for today, else `2026-11-24 12:41`. */
export function formatTime(atMs: number, nowMs: number = Date.now()): string {
  const at = new Date(atMs)
  const time = `${two(at.getHours())}:${two(at.getMinutes())}`
  if (at.toDateString() === new Date(nowMs).toDateString()) return time
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`
}

/** `2026-11-24 12:41:07.042`. */
export function formatExactTime(atMs: number): string {
  const at = new Date(atMs)
  const date = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
  return `${date} ${time}.${String(at.getMilliseconds()).padStart(3, '0')}`
}
