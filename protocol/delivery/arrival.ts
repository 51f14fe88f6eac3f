// An inner message on its way in, and what is answered once its batch is durable.
import type { Bytes16, Bytes32, Bytes8 } from '../../crypto/index.ts'
import type { AnswerCode } from '../direct/direct-frame.ts'

export interface Arrival {
  /** Names the session: a hint until the message opened. */
  readonly sid: Bytes16
  readonly inner: Uint8Array
  readonly path:
    | { readonly kind: 'direct'; readonly transportKey: Bytes32 }
    | {
        readonly kind: 'relay'
        readonly serviceKey: Bytes32
        readonly capId: Bytes8 | undefined
        readonly storedAtS: number
      }
}

export interface ArrivalAnswer {
  readonly code: AnswerCode
  readonly detail: number
  /** The accepted device that it is from, as the session proves. */
  readonly from?: { readonly account: Bytes32; readonly device: Bytes32 }
  /** The peer broke the format: close the stream, score it. */
  readonly malformed: boolean
}

export const COMMITTED: ArrivalAnswer = { code: 'committed', detail: 0, malformed: false }
export const IN_REQUESTS: ArrivalAnswer = { code: 'held', detail: 2, malformed: false }
export const BEYOND_LIMIT: ArrivalAnswer = { code: 'held', detail: 0, malformed: false }
export const REFUSED: ArrivalAnswer = { code: 'refused', detail: 0, malformed: false }
