// An answer of a relay that leaves its caller nothing to go on with, as an error.
import type { RelayFailure } from '../../protocol/index.ts'
import { NodeError } from '../errors.ts'

/** The NodeError for an operation whose refusal leaves nothing to go on with. */
export function refusal(what: string, failure: RelayFailure): NodeError {
  const isQuota = failure.status === 'quota' || failure.status === 'full'
  const code = isQuota ? 'RELAY_QUOTA' : 'RELAY_UNREACHABLE'
  return new NodeError(code, `the relay answered ${what} with ${failure.status}`, {
    retryable: failure.retryAfterMs > 0,
    cause: failure,
  })
}
