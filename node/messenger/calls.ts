// What every call of the API goes through: a closed node and an aborted signal refuse it before
// anything is done, and whatever it fails with is a NodeError.
import type { CallOptions } from '../api.ts'
import type { Core } from '../core.ts'
import { NodeError } from '../errors.ts'
import { toNodeError } from './translate.ts'

export type Call = <T>(options: CallOptions | undefined, work: () => Promise<T>) => Promise<T>

export function closedError(cause?: unknown): NodeError {
  return new NodeError('CLOSED', 'the node is closed', {
    hint: 'Start it again: nothing that was acknowledged is lost.',
    ...(cause === undefined ? {} : { cause }),
  })
}

/**
 * A signal that is aborted already makes a call reject with ABORTED; a call under way is finished and
 * its outcome told, since one that changed something and says it was aborted would be made again.
 */
export function makeCall(core: Pick<Core, 'stopping'>): Call {
  return async (options, work) => {
    if (core.stopping.aborted) throw closedError()
    if (options?.signal?.aborted === true) {
      throw new NodeError('ABORTED', 'the call was aborted before it began', {
        cause: options.signal.reason,
      })
    }
    try {
      return await work()
    } catch (error) {
      throw core.stopping.aborted ? closedError(error) : toNodeError(error)
    }
  }
}
