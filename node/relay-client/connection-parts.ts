// What the parts of one connection to a relay share.
import type { Bytes32, CryptoProvider } from '../../crypto/index.ts'
import type { OpReply, RelayPush } from '../../protocol/index.ts'
import type { Clock } from '../clock.ts'
import type { FrameStream } from '../transport.ts'
import type { OperationQueue } from './operation-queue.ts'
import type { KnownRelay } from './relay-identity.ts'

export interface PushTarget {
  handle: (push: RelayPush) => void
}

export interface ConnectionParts {
  readonly stream: FrameStream
  readonly queue: OperationQueue
  readonly pushes: PushTarget
  readonly known: KnownRelay
  readonly hello: OpReply<'hello'>
  readonly helloAtMs: number
  readonly clock: Clock
  readonly provider: CryptoProvider
  readonly clientKey: Bytes32
}

const HOUR_MS = 3_600_000

/** The relay's clock now: what HELLO told and what passed since, Unix ms. */
export function relayNowMs(parts: ConnectionParts): number {
  return Math.floor(parts.hello.timeMs + parts.clock.monotonicMs() - parts.helloAtMs)
}

/** The hour that a proof of work done now is about. */
export function relayHour(parts: ConnectionParts): number {
  return Math.floor(relayNowMs(parts) / HOUR_MS)
}
