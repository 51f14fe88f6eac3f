import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { NodeError } from '../errors.ts'

/** Parses a multiaddr. Throws ADDRESS_INVALID for text that is none, and for an empty one. */
export function parseAddress(text: string): Multiaddr {
  let cause: unknown
  try {
    const parsed = multiaddr(text)
    if (parsed.getComponents().length > 0) return parsed
  } catch (error) {
    cause = error
  }
  throw new NodeError('ADDRESS_INVALID', `not an address: '${text.slice(0, 200)}'`, {
    hint: 'addresses look like /ip4/192.0.2.1/tcp/4001 or /dns4/example.org/tcp/443/ws',
    cause,
  })
}

/** The IP address (or name) a multiaddr begins with, as text. */
export function hostOf(address: Multiaddr): string {
  return address.getComponents()[0]?.value ?? ''
}
