// A relay's address as people hand it around: multiaddr ‖ "/p2p/" ‖ peer id, and after a # the token
// that opens a mailbox at a relay that is not open to everybody.
import type { Bytes32 } from '../../crypto/index.ts'
import { NodeError } from '../errors.ts'
import { joinPeerAddress, splitPeerAddress } from '../net/peer-id.ts'

/** Bytes of a token: printable ASCII without white space. */
const TOKEN = /^[\x21-\x7e]{1,64}$/

export interface RelayAddress {
  /** Multiaddr without /p2p. */
  readonly address: string
  readonly transportKey: Bytes32
  /** The operator's token; "" where none is needed. */
  readonly ticket: string
}

/** Takes an address apart. Throws ADDRESS_INVALID. */
export function parseRelayAddress(text: string): RelayAddress {
  const at = text.indexOf('#')
  const ticket = at === -1 ? '' : text.slice(at + 1)
  const { address, key } = splitPeerAddress(at === -1 ? text : text.slice(0, at))
  if (key === undefined || (at !== -1 && !TOKEN.test(ticket))) {
    throw new NodeError('ADDRESS_INVALID', `not the address of a relay: ${text.slice(0, 300)}`, {
      hint: 'Copy it whole, as the relay printed it when it started: it holds /p2p/ and a key.',
    })
  }
  return { address, transportKey: key, ticket }
}

/** The inverse of {@link parseRelayAddress}. */
export function formatRelayAddress({ address, transportKey, ticket }: RelayAddress): string {
  const plain = joinPeerAddress(address, transportKey)
  return ticket === '' ? plain : `${plain}#${ticket}`
}

/** The token an operator chose, checked. Throws INVALID. */
export function checkToken(token: string): string {
  if (TOKEN.test(token)) return token
  throw new NodeError('INVALID', 'an invite token has 1 to 64 printable characters, no spaces')
}
