// Waiting until somebody can reach this device at one of its relays.
import type { Core } from '../core.ts'
import { NodeError } from '../errors.ts'
import type { OwnRelay } from '../relays/own-relay.ts'

/** How long a call waits for a relay. */
const REACH_MS = 10_000

/** Waits until one of the chosen relays holds our mailbox open. Rejects with RELAY_UNREACHABLE. */
export async function reachable(
  { clock, stopping }: Core,
  relays: readonly OwnRelay[],
  signal: AbortSignal | undefined,
): Promise<void> {
  if (relays.length === 0) return
  const limit = clock.timeout(REACH_MS, signal ?? stopping)
  const opened = await Promise.all(relays.map((relay) => relay.opened(limit)))
  if (opened.includes(true)) return
  const why = relays.map((relay) => relay.trouble || 'no answer').join('; ')
  throw new NodeError('RELAY_UNREACHABLE', `no relay answered: ${why}`, {
    hint: 'Check that the relay runs and its address is right; then try again.',
    retryable: true,
  })
}
