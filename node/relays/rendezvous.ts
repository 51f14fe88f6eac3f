// Keeping this account's card at its rendezvous mailbox of one relay (SPEC.md §2.6): finds the
// account's generation there while the words were at hand, then publishes like any card.
import { encodeText } from '../../crypto/index.ts'
import {
  type OwnMailbox,
  type RelayChoice,
  isFailure,
  noteRendezvousCard,
  rendezvousCard,
  rendezvousToFind,
  settleRendezvous,
} from '../../protocol/index.ts'
import type { Core } from '../core.ts'
import { NodeError } from '../errors.ts'
import type { RelayConnection } from '../relay-client/relay-connection.ts'

/** Settles which generation this account has at a relay: the first one where no card lies. */
export async function findRendezvous(
  core: Pick<Core, 'ledger'>,
  connection: RelayConnection,
  own: OwnMailbox,
): Promise<void> {
  const ids = await core.ledger.run((turn) => rendezvousToFind(turn, own))
  for (const [generation, id] of ids?.entries() ?? []) {
    const reply = await connection.cardGet(id)
    if (!isFailure(reply)) continue
    if (reply.status !== 'auth' && reply.status !== 'unknown') {
      throw new NodeError('RELAY_UNREACHABLE', `the relay answered ${reply.status}`)
    }
    await core.ledger.run((turn) => settleRendezvous(turn, own, generation))
    return
  }
}

/** Publishes the card where it is due. */
export async function publishRendezvous(
  core: Pick<Core, 'ledger'>,
  connection: RelayConnection,
  own: OwnMailbox,
  { ticket }: Pick<RelayChoice, 'ticket'>,
): Promise<void> {
  const due = await core.ledger.run((turn) => rendezvousCard(turn, own))
  if (due === undefined) return
  const opened = await connection.openMailbox(due.ownerSeed, {
    type: 3,
    secret: undefined,
    gen: 0,
    awayDays: 0,
    ...(ticket === '' ? {} : { ticket: encodeText(ticket) }),
  })
  if (isFailure(opened)) {
    throw new NodeError('RELAY_UNREACHABLE', `the relay refused the mailbox: ${opened.status}`)
  }
  await connection.putCard(due.mailboxId, due.card.issuedAtS, due.card.item)
  await core.ledger.run((turn) => noteRendezvousCard(turn, own, due))
}
