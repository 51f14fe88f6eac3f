// Connecting to a relay (SPEC.md §12.1): dial, HELLO, descriptor; nothing else leaves before the
// relay has proven who it is.
import { CryptoError } from '../../crypto/index.ts'
import { decodeRelayFrame, isFailure } from '../../protocol/index.ts'
import { NodeError } from '../errors.ts'
import { splitPeerAddress } from '../net/peer-id.ts'
import { RELAY_PROTOCOL } from '../relay/limits.ts'
import type { FrameStream } from '../transport.ts'
import type { PushTarget } from './connection-parts.ts'
import { CONNECT_MS } from './limits.ts'
import { OperationQueue } from './operation-queue.ts'
import { refusal } from './refusal.ts'
import { RelayConnection } from './relay-connection.ts'
import { identifyRelay } from './relay-identity.ts'
import type { ConnectRelayOptions } from './relay-types.ts'

/**
 * Dials a relay and checks who it is. Rejects with NodeError RELAY_UNREACHABLE, or with what the
 * host or the signal said.
 */
export async function connectRelay(options: ConnectRelayOptions): Promise<RelayConnection> {
  const { host, expected, clock, provider } = options
  const { address, key } = splitPeerAddress(options.address)
  if ('pinned' in expected && key === undefined) {
    throw new NodeError('RELAY_UNREACHABLE', 'the address does not say which relay it is', {
      hint: 'use an address that ends in /p2p/ and the peer id of the relay',
    })
  }
  const limit = clock.timeout(CONNECT_MS, options.signal)
  const dial = key === undefined ? { signal: limit } : { signal: limit, expectedKey: key }
  const stream = await host.dial(address, RELAY_PROTOCOL, dial)
  const stop = (): void => stream.abort(asError(limit.reason))
  limit.addEventListener('abort', stop, { once: true })
  const queue = new OperationQueue(stream, clock)
  const pushes = listen(stream, queue)
  try {
    const startMs = clock.monotonicMs()
    const haveSeq = 'descriptor' in expected ? (expected.descriptor?.seq ?? 0) : 0
    const [hello, desc] = await Promise.all([
      queue.call('hello', { minor: 0, features: 0 }),
      queue.call('desc', { haveSeq }),
    ])
    if (isFailure(hello.reply)) throw refusal('HELLO', hello.reply)
    if (isFailure(desc.reply)) throw refusal('DESC', desc.reply)
    const known = identifyRelay(provider, expected, {
      hello: hello.reply,
      descriptor: desc.reply.descriptor,
      transportKey: stream.remoteKey,
    })
    queue.setLimits({ ops: hello.reply.inflightOps, bytes: hello.reply.inflightBytes })
    // Half of the round trip is a fair guess at when the relay looked at its clock.
    const helloAtMs = (startMs + clock.monotonicMs()) / 2
    return new RelayConnection({
      stream,
      queue,
      pushes,
      known,
      hello: hello.reply,
      helloAtMs,
      clock,
      provider,
      clientKey: host.transportKey,
    })
  } catch (error) {
    stream.abort(asError(error))
    if (error instanceof CryptoError) {
      throw new NodeError('RELAY_UNREACHABLE', 'what answers there is no relay', { cause: error })
    }
    throw error
  } finally {
    limit.removeEventListener('abort', stop)
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason))
}

/** Frames of the relay: answers go to the queue, pushes to who listens. */
function listen(stream: FrameStream, queue: OperationQueue): PushTarget {
  const target: PushTarget = { handle: () => undefined }
  stream.onClose((error) =>
    queue.close(
      new NodeError('RELAY_UNREACHABLE', 'the stream to the relay is over', {
        retryable: true,
        cause: error,
      }),
    ),
  )
  stream.onFrame((bytes) => {
    try {
      const frame = decodeRelayFrame(bytes)
      if (frame.kind === 'reply') queue.answered(frame.requestId, frame.custody, frame.replies)
      else for (const push of frame.pushes) target.handle(push)
    } catch (error) {
      stream.abort(asError(error))
    }
  })
  return target
}
