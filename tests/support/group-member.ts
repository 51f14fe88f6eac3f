// A member of a group at its mailbox: the real client over a courier, and what it was handed.
import { noble } from '../../crypto/index.ts'
import type { Clock } from '../../node/clock.ts'
import { Courier } from '../../node/relays/courier.ts'
import type {
  GroupDepositOutcome,
  GroupMailboxOptions,
  GroupRelay,
} from '../../node/relays/group-mailbox-types.ts'
import { GroupMailbox } from '../../node/relays/group-mailbox.ts'
import type { Network } from '../../node/transport.ts'
import type { GroupCursor, RelayItem, SeqSpan } from '../../protocol/index.ts'
import { bytesOf } from './relay-world.ts'

export const LINEAGE = bytesOf('lineage')

export interface MemberOptions extends Partial<
  Pick<GroupMailboxOptions, 'mode' | 'cursor' | 'lineageSecret' | 'ticket'>
> {
  readonly network: Network
  readonly clock: Clock
  readonly relay: GroupRelay
  readonly name: string
  readonly random: (length: number) => Uint8Array<ArrayBuffer>
}

export class Member {
  readonly mailbox: GroupMailbox
  readonly courier: Courier
  readonly capId: Uint8Array<ArrayBuffer>
  readonly items: RelayItem[] = []
  readonly missing: SeqSpan[] = []
  readonly lies: string[] = []
  readonly log: string[] = []
  drained = 0
  restarts = 0
  rooms = 0
  gone = 0
  /** What its user made durable. */
  cursor: GroupCursor | undefined
  /** Makes the next page fail, as a full disk would. */
  failing = false
  /** What its disk waits for. */
  disk: Promise<void> = Promise.resolve()
  readonly #stopping = new AbortController()
  readonly #watchers = new Set<() => void>()

  constructor(options: MemberOptions) {
    const { network, clock, relay, name, random, ticket } = options
    this.cursor = options.cursor
    this.capId = bytesOf(`pseudonym ${name}`, 8)
    const core = {
      clock,
      random,
      provider: noble,
      stopping: this.#stopping.signal,
      log: (_scope: string, text: string) => void this.log.push(text),
    }
    const host = network.createHost({ seed: random(32), listen: [], role: 'courier' })
    this.courier = new Courier(core, () => host)
    this.mailbox = new GroupMailbox({
      core,
      courier: this.courier,
      relay,
      lineageSecret: options.lineageSecret ?? LINEAGE,
      mode: options.mode ?? 'open',
      cursor: options.cursor,
      ...(ticket === undefined ? {} : { ticket }),
      handlers: {
        onItems: async ({ items, cursor }) => {
          await this.disk
          if (this.failing) throw new Error('no space left on device')
          this.items.push(...items)
          this.cursor = cursor
          this.#changed()
        },
        onDrained: (cursor) => {
          this.cursor = cursor
          this.drained += 1
          this.#changed()
        },
        onMissing: (span) => this.#note(() => this.missing.push(span)),
        onRestart: () => this.#note(() => (this.restarts += 1)),
        onLie: (reason) => this.#note(() => this.lies.push(reason)),
        onRoom: () => this.#note(() => (this.rooms += 1)),
        onGone: () => this.#note(() => (this.gone += 1)),
      },
    })
  }

  #note(what: () => unknown): void {
    what()
    this.#changed()
  }

  #changed(): void {
    for (const watch of this.#watchers) watch()
  }

  /** Resolves once something holds of what this member was told. */
  until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const watch = (): void => {
        if (!holds()) return
        this.#watchers.delete(watch)
        resolve()
      }
      this.#watchers.add(watch)
      watch()
    })
  }

  get names(): readonly string[] {
    return this.items.map(({ env }) =>
      new TextDecoder().decode(env.subarray(1)).replaceAll('\0', ''),
    )
  }

  deposit(name: string, coalesce?: string): Promise<GroupDepositOutcome> {
    return this.mailbox.deposit({
      envId: bytesOf(`inner ${name}`),
      env: message(name),
      capId: this.capId,
      ...(coalesce === undefined ? {} : { coalesce: bytesOf(coalesce, 16) }),
    })
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.mailbox.stop()
    await this.courier.stop()
  }
}

/** A group message as a relay sees one: a type byte and what it cannot read. Here it can. */
export function message(name: string): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(512)
  out[0] = 0x21
  out.set(new TextEncoder().encode(name), 1)
  return out
}
