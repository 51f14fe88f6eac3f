// Who may connect: so many of an address, in the air and in all, then the strict Ed25519 rule, so that
// one key has one spelling and none is of small order (SPEC.md §1).
import type { ConnectionGater, PeerId } from '@libp2p/interface'
import { type Bytes32, ed25519KeyIsStrict } from '../../crypto/index.ts'
import { hostOf } from './address.ts'
import { AddressCap } from './address-cap.ts'
import { isLoopback } from './address-group.ts'
import type { RoleLimits } from './limits.ts'

/** The raw Ed25519 public key in a peer id; undefined for keys of other types. */
export function ed25519Key(peer: PeerId): Bytes32 | undefined {
  return peer.type === 'Ed25519' ? peer.publicKey.raw : undefined
}

function refuses(peer: PeerId): boolean {
  const key = ed25519Key(peer)
  return key === undefined || !ed25519KeyIsStrict(key)
}

/** The rules as libp2p asks for them. */
export function admission(
  limits: Pick<RoleLimits, 'maxPendingInboundPerAddress' | 'maxConnectionsPerAddress'>,
): ConnectionGater {
  const pending = new AddressCap(limits.maxPendingInboundPerAddress)
  // Also of those that open no stream, which no protocol counts.
  const open = new AddressCap(limits.maxConnectionsPerAddress)
  return {
    denyInboundConnection: (connection) =>
      !pending.take(connection) ||
      !(isLoopback(hostOf(connection.remoteAddr)) || open.take(connection)),
    denyInboundEncryptedConnection: (peer) => refuses(peer),
    denyOutboundEncryptedConnection: (peer) => refuses(peer),
    denyInboundUpgradedConnection: (_peer, connection) => {
      pending.release(connection)
      return false
    },
  }
}
