// Waiting until somebody can reach this device at one of its relays.
import type { Bytes32 } from '../../crypto/index.ts'
import type { Core } from '../core.ts'
import { NodeError } from '../errors.ts'
import type { OwnRelay } from '../relays/own-relay.ts'

/** How long a call waits for a relay. */
const REACH_MS = 10_000

/**
 * Waits until one of the chosen relays holds our mailbox open: the service keys of those that do, none
 * where no relay is chosen. Rejects with RELAY_UNREACHABLE, or ABORTED.
 */
export async function reachable(
  { clock, stopping }: Core,
  relays: readonly OwnRelay[],
  signal: AbortSignal | undefined,
): Promise<readonly Bytes32[]> {
  if (relays.length === 0) return []
  const limit = clock.timeout(REACH_MS, signal ?? stopping)
  // The first that is open is enough: one that does not answer holds up nobody.
  const opened = relays.map(async (relay) => {
    if (!(await relay.opened(limit))) throw new Error(relay.trouble)
  })
  await Promise.any(opened).catch(() => undefined) // None is: told below.
  const reached = relays.flatMap((relay) => relay.serviceKey ?? [])
  if (reached.length > 0) return reached
  if (signal?.aborted === true) {
    throw new NodeError('ABORTED', 'stopped waiting for a relay', { cause: signal.reason })
  }
  const why = relays.map((relay) => relay.trouble || 'no answer').join('; ')
  throw new NodeError('RELAY_UNREACHABLE', `no relay answered: ${why}`, {
    hint: 'Check that the relay runs and its address is right; then try again.',
    retryable: true,
  })
}
