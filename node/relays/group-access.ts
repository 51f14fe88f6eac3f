// What the secret of a lineage gives at one relay (SPEC.md §12.4, §14.8): proving or making the
// mailbox, and depositing in it.
import type { CryptoProvider } from '../../crypto/index.ts'
import {
  type GroupMailboxKeys,
  LANE_GROUP,
  type RelayFailure,
  groupCapability,
  groupMailboxKeys,
  isFailure,
} from '../../protocol/index.ts'
import type { RelayConnection } from '../relay-client/relay-connection.ts'
import type { DepositResult } from '../relay-client/relay-types.ts'
import type { GroupDeposit, GroupMailboxOptions } from './group-mailbox-types.ts'

/** The relay gives all rows one life: this only says that the envelope is not over. */
const DEPOSIT_TTL_S: number = 14 * 86_400

export class GroupAccess {
  readonly keys: GroupMailboxKeys
  readonly #options: GroupMailboxOptions
  readonly #provider: CryptoProvider

  constructor(options: GroupMailboxOptions) {
    const { core, relay, lineageSecret } = options
    this.#options = options
    this.#provider = core.provider
    this.keys = groupMailboxKeys(core.provider, relay.serviceKey, lineageSecret)
  }

  /** Proves the mailbox and renews its lease; `unknown` where it is not there. */
  async prove(connection: RelayConnection): Promise<RelayFailure | undefined> {
    const { ownerSeed, bind } = this.keys
    const proven = await connection.proveMailbox(ownerSeed, { type: 2, bind })
    return isFailure(proven) ? proven : undefined
  }

  /** Proves it, or makes it: a ticket and work are for a mailbox that is not there. */
  async proveOrOpen(connection: RelayConnection): Promise<RelayFailure | undefined> {
    const { mode, core, ticket } = this.#options
    const failure = await this.prove(connection)
    if (failure?.status !== 'unknown' || mode === 'read') return failure
    const { ownerSeed, secret } = this.keys
    // A ticket ties this mailbox to the own one that gave it: none is shown where nothing is to pay.
    const held = connection.openBits === 0 ? undefined : await ticket?.()
    const opened = await connection.openMailbox(
      ownerSeed,
      { type: 2, secret, gen: 0, awayDays: 0, ...(held === undefined ? {} : { ticket: held }) },
      core.stopping,
    )
    return isFailure(opened) ? opened : undefined
  }

  async deposit(connection: RelayConnection, deposit: GroupDeposit): Promise<DepositResult> {
    const { envId, env, capId, coalesce } = deposit
    const { secret, mailboxId } = this.keys
    const right = groupCapability(this.#provider, connection.serviceKey, secret, capId)
    const request = {
      mailboxId,
      envId,
      env,
      lane: LANE_GROUP,
      ttlS: DEPOSIT_TTL_S,
      auth: { kind: 'capability', ...right },
      ...(coalesce === undefined ? {} : { coalesce }),
    } as const
    const reply = await connection.deposit(request)
    const isAbsent = isFailure(reply) && reply.status === 'auth'
    if (!isAbsent || this.#options.mode === 'read') return reply
    // Every member has the right: the mailbox is not there, or not any more.
    const failure = await this.proveOrOpen(connection)
    return failure === undefined ? connection.deposit(request) : reply
  }
}
