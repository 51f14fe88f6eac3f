// Deposits and card fetches at other people's relays, from a host of their own with a throw-away
// key: a relay that serves two friends cannot tie a deposit to a mailbox owner except by address and
// time (SPEC.md §12). Connections close after a minute without work.
import {
  type Bytes16,
  type Bytes32,
  EMPTY,
  type Mailbox,
  equalBytes,
  inviteCapability,
  toHex,
} from '../../crypto/index.ts'
import {
  type Found,
  type InviteAnswer,
  type SealedCopy,
  decodeCapability,
  isFailure,
} from '../../protocol/index.ts'
import type { Timer } from '../clock.ts'
import type { Core } from '../core.ts'
import { NodeError } from '../errors.ts'
import { connectRelay } from '../relay-client/connect-relay.ts'
import type { RelayConnection } from '../relay-client/relay-connection.ts'
import type { DepositRight } from '../relay-client/relay-types.ts'
import type { Host } from '../transport.ts'

/** Card, OPK and OKEM. */
const ALL_CLASSES = 0b111
const IDLE_MS = 60_000
const CONNECT_MS = 15_000

export type DepositOutcome =
  | {
      readonly kind: 'held'
      readonly incarnation: Uint8Array
      /** How long it promised to hold it from now on, by its own clock, in seconds. */
      readonly holdS: number
      readonly found: Found
    }
  | { readonly kind: 'failed'; readonly reason: string; readonly retryAfterMs: number }

export interface BundleItems {
  readonly serviceKey: Bytes32
  readonly card: Uint8Array
  readonly opk: Uint8Array
  readonly okem: Uint8Array
}

interface Line {
  readonly connection: Promise<RelayConnection>
  timer: Timer | undefined
  /** Who follows a mailbox on it: it stays open for them. */
  holds: number
}

/** A line that stays open until it is let go. */
export interface HeldLine {
  readonly connection: RelayConnection
  release(): void
}

type Expected = Parameters<typeof connectRelay>[0]['expected']

/** What of a node a courier works with. */
type CourierCore = Pick<Core, 'clock' | 'random' | 'provider' | 'stopping'>

export class Courier {
  readonly #core: CourierCore
  readonly #host: () => Promise<Host>
  readonly #lines = new Map<string, Line>()

  constructor(core: CourierCore, host: () => Promise<Host>) {
    this.#core = core
    this.#host = host
  }

  async stop(): Promise<void> {
    const lines = [...this.#lines.values()]
    this.#lines.clear()
    for (const line of lines) {
      line.timer?.cancel()
      const connection = await line.connection.catch(() => undefined)
      await connection?.close()
    }
  }

  /** A line to a relay for the mailboxes of groups: they are opened, read and written here. */
  async hold(relay: {
    readonly serviceKey: Bytes32
    readonly addresses: readonly string[]
  }): Promise<HeldLine> {
    const [name, line] = this.#lineOf(relay.addresses, { serviceKey: relay.serviceKey })
    line.holds += 1
    this.#keep(name, line)
    let isHeld = true
    const release = (): void => {
      if (!isHeld) return
      isHeld = false
      line.holds -= 1
      if (this.#lines.get(name) === line) this.#keep(name, line)
    }
    try {
      return { connection: await line.connection, release }
    } catch (error) {
      release()
      throw error
    }
  }

  /** Deposits one sealed copy; `held` only with the relay's verified signature. */
  async deposit(
    mailbox: Mailbox,
    copy: SealedCopy,
    invite: InviteAnswer | undefined,
  ): Promise<DepositOutcome> {
    const connection = await this.#line(mailbox.addresses, { serviceKey: mailbox.serviceKey })
    const { lane, auth } = this.#right(connection, mailbox, invite)
    const deposit = {
      mailboxId: mailbox.mailboxId,
      envId: copy.envelopeId,
      lane,
      ttlS: copy.ttlS,
      auth,
      env: copy.envelope,
    }
    const reply = await connection.deposit(deposit, this.#core.stopping)
    if (isFailure(reply)) {
      return { kind: 'failed', reason: reply.status, retryAfterMs: reply.retryAfterMs }
    }
    if (reply.kind === 'unproven') {
      return { kind: 'failed', reason: 'its signature does not hold', retryAfterMs: 0 }
    }
    const { incarnation, holdUntilS, found } = reply
    const holdS = holdUntilS - Math.floor(connection.relayNowMs() / 1000)
    return { kind: 'held', incarnation, holdS, found }
  }

  /** The bundle behind an invite link: the relay is known by its hash only. */
  async takeByInvite(request: {
    readonly address: string
    readonly serviceKeyHash: Bytes16
    readonly mailboxId: Bytes16
    readonly secret: Bytes16
    readonly claim: Bytes16
  }): Promise<BundleItems> {
    const { address, serviceKeyHash, mailboxId, secret, claim } = request
    const connection = await this.#line([address], { serviceKeyHash })
    const { capId, capKey } = inviteCapability(this.#core.provider, secret, mailboxId)
    const auth = { kind: 'invite', capId, capKey, claim } as const
    return this.#takeFrom(connection, { mailboxId, lane: 0, auth })
  }

  /** A bundle of a device whose mailbox we know. */
  async take(mailbox: Mailbox, invite: InviteAnswer | undefined): Promise<BundleItems> {
    const connection = await this.#line(mailbox.addresses, { serviceKey: mailbox.serviceKey })
    return this.#takeFrom(connection, {
      mailboxId: mailbox.mailboxId,
      ...this.#right(connection, mailbox, invite),
    })
  }

  /** The card at a mailbox that anybody who knows its id may read; undefined: none lies there. */
  async card(place: {
    readonly serviceKey: Bytes32
    readonly address: string
    readonly mailboxId: Bytes16
  }): Promise<Uint8Array | undefined> {
    const { serviceKey, address, mailboxId } = place
    const connection = await this.#line([address], { serviceKey })
    const reply = await connection.cardGet(mailboxId)
    if (!isFailure(reply)) return reply.item
    if (reply.status === 'auth' || reply.status === 'unknown') return undefined
    throw new NodeError('RELAY_UNREACHABLE', `the relay answered ${reply.status}`)
  }

  async #takeFrom(
    connection: RelayConnection,
    request: { readonly mailboxId: Bytes16; readonly lane: number; readonly auth: DepositRight },
  ): Promise<BundleItems> {
    const signal = this.#core.stopping
    const reply = await connection.take({ ...request, classes: ALL_CLASSES, signal })
    if (isFailure(reply)) {
      const used = reply.status === 'used'
      throw new NodeError(
        used ? 'INVITE_USED' : 'RELAY_UNREACHABLE',
        `the relay answered ${reply.status}`,
        {
          retryable: !used,
        },
      )
    }
    const { card = EMPTY, opk = EMPTY, okem = EMPTY } = reply
    if (card.length === 0) {
      throw new NodeError('RELAY_UNREACHABLE', 'the relay holds no card there', { retryable: true })
    }
    return { serviceKey: connection.serviceKey, card, opk, okem }
  }

  /** What a deposit is allowed by: a capability, the invite it answers, or work (lane 1). */
  #right(
    connection: RelayConnection,
    mailbox: Mailbox,
    invite: InviteAnswer | undefined,
  ): { readonly lane: number; readonly auth: DepositRight } {
    if (mailbox.capability !== undefined) {
      const { lane, expiresS, capId, capKey } = decodeCapability(mailbox.capability)
      // One that ended opens nothing: a stranger's way in still does. By the relay's clock, which
      // judges: by one here that is ten years ahead every contact would knock as a stranger.
      const relayMs = this.#core.clock.nowMs() + connection.timeOffsetMs
      if (expiresS * 1000 > relayMs) {
        return { lane, auth: { kind: 'capability', capId, expiresS, capKey } }
      }
    }
    if (invite?.mailbox !== undefined && equalBytes(invite.mailbox.mailboxId, mailbox.mailboxId)) {
      const { secret, claim } = invite
      const { capId, capKey } = inviteCapability(this.#core.provider, secret, mailbox.mailboxId)
      return { lane: 0, auth: { kind: 'invite', capId, capKey, claim } }
    }
    return { lane: 1, auth: { kind: 'work' } }
  }

  async #line(addresses: readonly string[], expected: Expected): Promise<RelayConnection> {
    const [name, line] = this.#lineOf(addresses, expected)
    this.#keep(name, line)
    return line.connection
  }

  #lineOf(addresses: readonly string[], expected: Expected): readonly [name: string, line: Line] {
    const [address] = addresses
    if (address === undefined)
      throw new NodeError('RELAY_UNREACHABLE', 'the mailbox has no address')
    const name = `${address} ${JSON.stringify(Object.values(expected).map((v) => (v instanceof Uint8Array ? toHex(v) : v)))}`
    let line = this.#lines.get(name)
    if (line === undefined) {
      const connection = this.#connect(addresses, expected)
      const made: Line = { connection, timer: undefined, holds: 0 }
      line = made
      this.#lines.set(name, made)
      const forget = (): void => {
        // Or its end of idleness would be that of the line which takes its place.
        made.timer?.cancel()
        if (this.#lines.get(name) === made) this.#lines.delete(name)
      }
      connection.then((opened) => opened.onClose(forget), forget)
    }
    return [name, line]
  }

  /** Closes a line after a minute without use. */
  #keep(name: string, line: Line): void {
    line.timer?.cancel()
    if (line.holds > 0) return
    line.timer = this.#core.clock.after(IDLE_MS, () => {
      this.#lines.delete(name)
      void line.connection.then(
        (connection) => connection.close(),
        () => undefined,
      )
    })
  }

  async #connect(addresses: readonly string[], expected: Expected): Promise<RelayConnection> {
    const { clock, provider, random, stopping } = this.#core
    const host = await this.#host()
    let last: unknown
    for (const address of addresses) {
      try {
        const signal = clock.timeout(CONNECT_MS, stopping)
        return await connectRelay({ host, address, expected, clock, provider, random, signal })
      } catch (error) {
        last = error
      }
    }
    throw last
  }
}
