import type { Multiaddr } from '@multiformats/multiaddr'

/** The IP address (or name) a multiaddr begins with, as text. */
export function remoteHost(address: Multiaddr): string {
  return address.getComponents()[0]?.value ?? ''
}
