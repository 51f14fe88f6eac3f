// The relays that this device has its mailboxes at, for the API.
import { toHex } from '../../crypto/index.ts'
import {
  type RelayChoice,
  type Step,
  allOwnMailboxes,
  allRelayChoices,
  chooseRelay,
  leaveRelay,
  refreshEndpoints,
} from '../../protocol/index.ts'
import type { Node } from '../api.ts'
import type { Core } from '../core.ts'
import { NodeError } from '../errors.ts'
import { formatRelayAddress, parseRelayAddress } from '../relays/relay-address.ts'
import { makeCall } from './calls.ts'

const PREFIX_MIN_CHARS = 4

export interface RelayHooks {
  /** A relay is to be used, perhaps at another address than before. */
  readonly use: (choice: RelayChoice) => Promise<void>
  /** One is not to be used any more. */
  readonly leave: (slot: number) => Promise<void>
}

/** The relay meant by an address, with or without its key, or by how its service key begins. */
function* relayMeant(which: string): Step<RelayChoice> {
  const choices = yield* allRelayChoices()
  const services = new Map(
    (yield* allOwnMailboxes()).map(({ slot, serviceKey }) => [slot, toHex(serviceKey)]),
  )
  const word = which.trim()
  const [found, second] = choices.filter(
    (one) =>
      one.address === word ||
      formatRelayAddress({ ...one, ticket: '' }) === word.split('#', 1)[0] ||
      (word.length >= PREFIX_MIN_CHARS && services.get(one.slot)?.startsWith(word) === true),
  )
  if (found === undefined || second !== undefined) {
    throw new NodeError('INVALID', `no relay of this profile is meant by "${word.slice(0, 300)}"`, {
      hint: 'See which there are: sotto relays list',
    })
  }
  if (choices.length === 1) {
    throw new NodeError('NO_RELAY', 'this is the only relay: nobody could leave anything for you', {
      hint: 'Add another one first: sotto relays add ADDRESS',
    })
  }
  return found
}

export function makeRelays(core: Core, hooks: RelayHooks): Node['relays'] {
  const call = makeCall(core)
  return {
    add: (address, options) =>
      call(options, async () => {
        const parsed = parseRelayAddress(address.trim())
        await hooks.use(await core.ledger.run((turn) => chooseRelay(turn, parsed)))
      }),
    remove: (which, options) =>
      call(options, async () => {
        const slot = await core.ledger.run(function* (turn): Step<number> {
          const meant = yield* relayMeant(which)
          yield* leaveRelay(turn, meant.slot)
          yield* refreshEndpoints(turn)
          return meant.slot
        })
        await hooks.leave(slot)
      }),
  }
}
