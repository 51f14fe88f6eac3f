// Who may connect: a slot per address until the handshake is done, then the strict Ed25519 rule, so
// that one key has one spelling and none is of small order (SPEC.md §1).
import type { ConnectionGater, PeerId } from '@libp2p/interface'
import { type Bytes32, ed25519KeyIsStrict } from '../../crypto/index.ts'
import { PendingCap } from './pending-cap.ts'

/** The raw Ed25519 public key in a peer id; undefined for keys of other types. */
export function ed25519Key(peer: PeerId): Bytes32 | undefined {
  return peer.type === 'Ed25519' ? peer.publicKey.raw : undefined
}

function refuses(peer: PeerId): boolean {
  const key = ed25519Key(peer)
  return key === undefined || !ed25519KeyIsStrict(key)
}

/** The rules as libp2p asks for them. */
export function admission(maxPendingPerAddress: number): ConnectionGater {
  const cap = new PendingCap(maxPendingPerAddress)
  return {
    denyInboundConnection: (connection) => !cap.take(connection),
    denyInboundEncryptedConnection: (peer) => refuses(peer),
    denyOutboundEncryptedConnection: (peer) => refuses(peer),
    denyInboundUpgradedConnection: (_peer, connection) => {
      cap.release(connection)
      return false
    },
  }
}
