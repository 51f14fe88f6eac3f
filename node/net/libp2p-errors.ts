// From libp2p's errors to the codes of this floor.
import { NodeError } from '../errors.ts'
import type { ListenFailure } from './listeners.ts'

const WRONG_PEER_TEXT = 'sotto: the host proved another key than expected'

function hasName(cause: unknown, name: string): boolean {
  return cause instanceof Error && cause.name === name
}

export function isWrongPeer(cause: unknown): boolean {
  return hasName(cause, 'UnexpectedPeerError')
}

/** An error whose text {@link dialError} recognises. */
export function wrongPeer(cause: unknown): Error {
  return new Error(WRONG_PEER_TEXT, { cause })
}

function codeOf(cause: unknown): unknown {
  return cause instanceof Error && 'code' in cause ? cause.code : undefined
}

/** Why a host did not start. Codes: PORT_IN_USE, ADDRESS_INVALID, LISTEN_FAILED. */
export function startError(failures: readonly ListenFailure[], cause: unknown): NodeError {
  const taken = failures.find((failure) => codeOf(failure.cause) === 'EADDRINUSE')
  if (taken !== undefined) {
    return new NodeError('PORT_IN_USE', `${taken.address} is taken by another program`, {
      hint: 'stop the other program, or listen on another port',
      cause: taken.cause,
    })
  }
  if (cause instanceof NodeError) return cause
  const failed = failures[0]
  const what = failed === undefined ? 'cannot listen' : `cannot listen on ${failed.address}`
  return new NodeError('LISTEN_FAILED', what, {
    hint: 'check that the address belongs to this machine and the port may be used',
    cause: failed?.cause ?? cause,
  })
}

/**
 * Why a dial failed. An aborted signal gives its own reason (an AbortError keeps its name). Codes:
 * WRONG_PEER, KEY_REFUSED, PROTOCOL_UNSUPPORTED, ADDRESS_INVALID, UNREACHABLE.
 */
export function dialError(address: string, cause: unknown, signal?: AbortSignal): Error {
  if (cause instanceof NodeError) return cause
  if (cause instanceof Error && cause.message.includes(WRONG_PEER_TEXT)) {
    return new NodeError('WRONG_PEER', `${address} is another host than expected`, { cause })
  }
  if (signal?.aborted === true && signal.reason instanceof Error) return signal.reason
  if (hasName(cause, 'ConnectionInterceptedError')) {
    return new NodeError('KEY_REFUSED', `${address} has a key that is not accepted`, { cause })
  }
  if (hasName(cause, 'UnsupportedProtocolError')) {
    return new NodeError('PROTOCOL_UNSUPPORTED', `${address} does not speak this protocol`, {
      cause,
    })
  }
  if (hasName(cause, 'NoValidAddressesError') || hasName(cause, 'TransportUnavailableError')) {
    return new NodeError('ADDRESS_INVALID', `${address} cannot be dialled`, { cause })
  }
  return new NodeError('UNREACHABLE', `${address} cannot be reached`, { retryable: true, cause })
}
