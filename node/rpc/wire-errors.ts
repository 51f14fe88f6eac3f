// Errors across the local API: `code`, `hint` and `retryable` travel in the data of a JSON-RPC error.
import { JSONRPCErrorException, type JSONRPCErrorResponse, type JSONRPCID } from 'json-rpc-2.0'
import { NodeError, type NodeErrorCode } from '../errors.ts'

/** The JSON-RPC code of an error that carries one of ours (implementation-defined range). */
const APPLICATION_ERROR = -32_000

/** What an owner that stops answers: the call was not made, or may be made again elsewhere. */
export function closingError(): NodeError {
  return new NodeError('CLOSED', 'the process that runs this profile is stopping', {
    hint: 'Run the command again.',
    retryable: true,
  })
}

/** Whether an owner that stops said so. */
export function isClosing(error: unknown): boolean {
  return error instanceof NodeError && error.code === 'CLOSED' && error.retryable
}

/** What a caller gets when the other end went away before it answered. */
export class OwnerLost extends NodeError {
  constructor() {
    super('CLOSED', 'the process that runs this profile went away', {
      hint: 'Whether the last call was carried out is not known: check with `sotto read`.',
    })
  }
}

/** Any error as a NodeError. */
export function toNodeError(error: unknown): NodeError {
  if (error instanceof NodeError) return error
  const text = error instanceof Error ? error.message : String(error)
  if (error instanceof Error && error.name === 'AbortError') {
    return new NodeError('ABORTED', 'stopped before it was done', { cause: error })
  }
  if (error instanceof Error && error.name === 'TimeoutError') {
    return new NodeError('TIMEOUT', text, { cause: error, retryable: true })
  }
  return new NodeError('INTERNAL', text, { cause: error })
}

/** The JSON-RPC answer to a call that failed. */
export function errorResponse(id: JSONRPCID, error: unknown): JSONRPCErrorResponse {
  const { code, message, hint, retryable } = toNodeError(error)
  return {
    jsonrpc: '2.0',
    id,
    error: { code: APPLICATION_ERROR, message, data: { code, hint, retryable } },
  }
}

/** What the client throws for an error that the server answered. */
export function fromAnswer(error: unknown): unknown {
  if (!(error instanceof JSONRPCErrorException)) return error
  const data = error.data as { code?: unknown; hint?: unknown; retryable?: unknown } | undefined
  if (typeof data?.code !== 'string') {
    return new NodeError('INTERNAL', error.message, { cause: error })
  }
  return new NodeError(data.code as NodeErrorCode, error.message, {
    hint: typeof data.hint === 'string' ? data.hint : '',
    retryable: data.retryable === true,
  })
}
