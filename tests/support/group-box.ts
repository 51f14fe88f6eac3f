// A group's mailbox by its rules alone: a store, a clock to set, no network.
import { noble } from '../../crypto/index.ts'
import { FlushView } from '../../node/relay/flush-view.ts'
import { MemoryStore } from '../../node/store/memory-store.ts'
import {
  type CountersCache,
  type Cursor,
  type DepositOutcome,
  type GroupMailboxKeys,
  MAILBOX_LIMITS,
  type MailboxCounters,
  type MailboxLimits,
  type MailboxTurn,
  type OpReply,
  type OpenGrant,
  type RelayFailure,
  type Step,
  type StreamBinding,
  depositMac,
  dueExpiry,
  dueLease,
  expireRows,
  fetchItems,
  groupCapability,
  groupMailboxKeys,
  openMailbox,
  signOpen,
  sweepLease,
  takeDeposit,
} from '../../protocol/index.ts'
import { bytesOf } from './relay-world.ts'

export const START_S = 1_800_000_000
const serviceKey = bytesOf('service key')

export interface GroupDeposit {
  readonly writer: number
  readonly name: number
  readonly sizeBytes: number
  readonly coalesce?: number
  readonly ttlS?: number
}

export function idOf(name: number): Uint8Array<ArrayBuffer> {
  return bytesOf(`id ${name}`)
}

export class GroupBox {
  readonly store = new MemoryStore()
  readonly limits: MailboxLimits
  readonly keys: GroupMailboxKeys = groupMailboxKeys(noble, serviceKey, bytesOf('lineage'))
  nowS = START_S
  diskUsed = 0
  mayDelete = true
  openBits = 0
  epoch = 'epoch'
  #counters = new Map<string, MailboxCounters>()
  #randoms = 0

  constructor(limits: Partial<MailboxLimits>) {
    this.limits = { ...MAILBOX_LIMITS, ...limits }
  }

  async run<T>(steps: (turn: MailboxTurn) => Step<T>): Promise<T> {
    const view = new FlushView(this.store)
    const counters: CountersCache = this.#counters
    const turn: MailboxTurn = {
      nowS: this.nowS,
      crypto: noble,
      random: (length) => bytesOf(`random ${this.#randoms++}`, length),
      serviceKey,
      storeEpoch: bytesOf(this.epoch, 8),
      limits: this.limits,
      diskUsed: this.diskUsed,
      mayDelete: this.mayDelete,
      shedding: false,
      depositBits: 0,
      openBits: this.openBits,
      dummySecret: bytesOf('dummy'),
      gate: { take: () => 0 },
      counters,
      put: view.put,
      remove: view.remove,
    }
    const result = await view.run(steps(turn))
    await this.store.write(view.writes())
    return result
  }

  /** Drops every cache, as a restart does. */
  forget(): void {
    this.#counters = new Map()
  }

  open(
    more: {
      readonly ttlS?: number
      readonly awayDays?: number
      readonly secret?: Uint8Array
      readonly grant?: OpenGrant
    } = {},
  ): Promise<OpReply<'open'> | RelayFailure> {
    const { ownerSeed, ownerKey, mailboxId } = this.keys
    const { ttlS = 0, awayDays = 0, secret = this.keys.secret, grant = { kind: 'none' } } = more
    const stream: StreamBinding = {
      nonce: bytesOf('nonce'),
      serviceKey,
      relayTransportKey: bytesOf('relay'),
      clientTransportKey: bytesOf('client'),
    }
    const opened = { type: 2, mailboxId, secret, gen: 0 } as const
    const signature = signOpen(noble, ownerSeed, stream, opened)
    const request = { type: 2, ownerKey, signature, secret, gen: 0, ttlS, awayDays } as const
    return this.run((turn) => openMailbox(turn, stream, { ...request, grant }, () => false))
  }

  deposit(what: GroupDeposit): Promise<DepositOutcome> {
    const { writer, name, sizeBytes, coalesce, ttlS = 60 } = what
    const { mailboxId, secret } = this.keys
    const right = groupCapability(noble, serviceKey, secret, bytesOf(`writer ${writer}`, 8))
    const request = {
      mailboxId,
      envId: idOf(name),
      lane: right.lane,
      flags: coalesce === undefined ? 0 : 4,
      ttlS,
      coalesce: coalesce === undefined ? undefined : bytesOf(`coalesce ${coalesce}`, 16),
      env: bytesOf(`env ${name}`, sizeBytes),
    }
    const mac = depositMac(noble, { capKey: right.capKey, serviceKey }, request)
    const { capId, expiresS } = right
    const auth = { kind: 'capability', capId, expiresS, mac } as const
    return this.run((turn) => takeDeposit(turn, { ...request, auth }))
  }

  fetch(after?: Cursor, limit = 256): Promise<OpReply<'fetch'> | RelayFailure> {
    const { mailboxId } = this.keys
    const request = { mailboxId, after, limit, maxBytes: 1 << 22, idsOnly: false, envIds: [] }
    return this.run((turn) => fetchItems(turn, request, 1 << 22))
  }

  async expire(budget = 2): Promise<void> {
    for (;;) {
      const due = await this.run((turn) => dueExpiry(turn))
      if (due === undefined) return
      let from: Uint8Array | undefined
      do {
        const at: Uint8Array | undefined = from
        from = await this.run((turn) => expireRows(turn, due, at, budget))
      } while (from !== undefined)
    }
  }

  async lapse(): Promise<void> {
    for (let due = await this.run(dueLease); due !== undefined; due = await this.run(dueLease)) {
      const lease = due
      await this.run((turn) => sweepLease(turn, lease, 2))
    }
  }
}
