// A host's transport key as libp2p writes it: peer id text, and addresses that end in one. An Ed25519
// peer id is the identity multihash of the protobuf public key, base58btc: the key is in the text.
import { type Bytes32, equalBytes } from '../../crypto/index.ts'
import { fromString, toString } from 'uint8arrays'
import { NodeError } from '../errors.ts'

/** Multihash identity(0x00), 36 bytes; protobuf { 1: key type Ed25519 (1), 2: 32 bytes }. */
const PREFIX = Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20)

/** Peer id text of a transport key: '12D3KooW' and 44 characters more. */
export function peerIdText(key: Bytes32): string {
  const bytes = new Uint8Array(PREFIX.length + key.length)
  bytes.set(PREFIX)
  bytes.set(key, PREFIX.length)
  return toString(bytes, 'base58btc')
}

/** The transport key a peer id names. Throws ADDRESS_INVALID for anything but an Ed25519 peer id. */
export function keyOfPeerId(text: string): Bytes32 {
  // 52 characters; anything long is refused before base58, whose cost is quadratic.
  const bytes = text.length > 64 ? undefined : decode(text)
  if (
    bytes === undefined ||
    bytes.length !== PREFIX.length + 32 ||
    !equalBytes(bytes.subarray(0, PREFIX.length), PREFIX)
  ) {
    throw new NodeError('ADDRESS_INVALID', `not an Ed25519 peer id: ${text.slice(0, 64)}`)
  }
  return bytes.slice(PREFIX.length)
}

function decode(text: string): Uint8Array | undefined {
  try {
    return fromString(text, 'base58btc')
  } catch {
    // A letter outside the alphabet: the caller says so with the text at hand.
    return undefined
  }
}

export interface PeerAddress {
  /** The address without /p2p. */
  readonly address: string
  /** The transport key it names, where it names one. */
  readonly key: Bytes32 | undefined
}

/** Takes '/ip4/192.0.2.1/tcp/4001/p2p/12D3KooW...' apart. Throws ADDRESS_INVALID. */
export function splitPeerAddress(text: string): PeerAddress {
  const at = text.lastIndexOf('/p2p/')
  if (at === -1) return { address: text, key: undefined }
  return { address: text.slice(0, at), key: keyOfPeerId(text.slice(at + '/p2p/'.length)) }
}

/** The inverse of {@link splitPeerAddress}. */
export function joinPeerAddress(address: string, key: Bytes32): string {
  return `${address}/p2p/${peerIdText(key)}`
}
