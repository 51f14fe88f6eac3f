// The reply of an operation that did not take effect (SPEC.md §12.3):
// [status >= 16, retryAfterMs u32, scope, detail..].
import type { CborValue } from '../../crypto/index.ts'
import { FieldReader } from '../../crypto/index.ts'
import { SCOPE, STATUS, type ScopeName, type StatusName, scopeName, statusName } from './status.ts'

export interface RelayFailure {
  readonly kind: 'failed'
  /** 'refused' also stands for statuses of later versions: do not repeat. */
  readonly status: StatusName
  /** Milliseconds to wait before repeating; 0: no wait is asked. */
  readonly retryAfterMs: number
  readonly scope: ScopeName
  /** Bits wanted ('pow'): number; the mailbox's incarnation ('incarnation'): 8 bytes. */
  readonly detail?: number | Uint8Array
}

const UINT32_MAX = 0xffffffff

/** A failure with the given status; scope 'op' and no wait unless told. */
export function failed(
  status: StatusName,
  more: Partial<Pick<RelayFailure, 'retryAfterMs' | 'scope' | 'detail'>> = {},
): RelayFailure {
  return { kind: 'failed', status, retryAfterMs: 0, scope: 'op', ...more }
}

export function encodeFailure(failure: RelayFailure): readonly CborValue[] {
  const wait = Math.min(Math.max(0, Math.ceil(failure.retryAfterMs)), UINT32_MAX)
  const head = [STATUS[failure.status], wait, SCOPE[failure.scope]]
  return failure.detail === undefined ? head : [...head, failure.detail]
}

/** Reads what follows a status of 16 or above. */
export function decodeFailure(status: number, fields: FieldReader): RelayFailure {
  const failure = failed(statusName(status) ?? 'refused', {
    retryAfterMs: fields.uint('retryAfterMs', UINT32_MAX),
    scope: scopeName(fields.uint('scope', 255)),
  })
  if (status === STATUS.pow) return { ...failure, detail: fields.uint('bits', 255) }
  if (status === STATUS.incarnation) return { ...failure, detail: fields.bytes('incarnation', 8) }
  return failure
}
