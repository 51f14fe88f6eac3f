import { libp2pNetwork } from '../../../node/net/libp2p-host.ts'
import { transportContract } from '../../contracts/transport.ts'

transportContract('libp2p over TCP', () => ({
  network: libp2pNetwork,
  listen: '/ip4/127.0.0.1/tcp/0',
  nobody: '/ip4/127.0.0.1/tcp/1',
}))

transportContract('libp2p over WebSocket', () => ({
  network: libp2pNetwork,
  listen: '/ip4/127.0.0.1/tcp/0/ws',
  nobody: '/ip4/127.0.0.1/tcp/1/ws',
}))
