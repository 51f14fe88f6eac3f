// A new profile has its mailbox only once its relay was met: what needs one is given a moment.
import type { Node } from '../node/api.ts'
import { NodeError } from '../node/errors.ts'
import { HAND_OVER_MS } from './session.ts'

/** Runs `make`; where it fails with NO_RELAY though a relay is chosen, once more after that moment. */
export async function whenReachable<T>(node: Node, make: () => Promise<T>): Promise<T> {
  try {
    return await make()
  } catch (error) {
    if (!(error instanceof NodeError) || error.code !== 'NO_RELAY') throw error
    const { relays } = await node.status()
    if (relays.length === 0) throw error
  }
  await node.settle(HAND_OVER_MS)
  try {
    return await make()
  } catch (error) {
    if (!(error instanceof NodeError) || error.code !== 'NO_RELAY') throw error
    const troubles = (await node.status()).relays.map(
      ({ address, trouble }) => `${address} ${trouble}`,
    )
    throw new NodeError('RELAY_UNREACHABLE', `no relay answered: ${troubles.join('; ')}`, {
      hint: 'Without one nobody could use the link. Try again when it runs.',
      retryable: true,
      cause: error,
    })
  }
}
