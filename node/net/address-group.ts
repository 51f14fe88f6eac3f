// What counts as one remote address for limits.

/** IPv4 as it is; of IPv6 the first 64 bits: one subscriber has them all. */
export function addressGroup(address: string): string {
  if (!address.includes(':')) return address
  const [head = '', tail] = address.split('%')[0]?.split('::') ?? []
  const groups = head === '' ? [] : head.split(':')
  const missing =
    8 - groups.length - (tail === undefined || tail === '' ? 0 : tail.split(':').length)
  const full =
    tail === undefined
      ? groups
      : [...groups, ...Array.from({ length: Math.max(0, missing) }, () => '0'), ...tail.split(':')]
  return full
    .slice(0, 4)
    .map((group) => Number.parseInt(group === '' ? '0' : group, 16).toString(16))
    .join(':')
}

/**
 * Who is on this machine: also a proxy before it, behind which everybody is. IPv4 never comes in the
 * form of IPv6: whoever listens for that takes nothing else.
 */
export function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.')
}
