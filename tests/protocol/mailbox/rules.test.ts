// The rules against a naive reference: a plain list of rows, asked the same things in any order.
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { noble, toHex } from '../../../crypto/index.ts'
import { FlushView } from '../../../node/relay/flush-view.ts'
import { MemoryStore } from '../../../node/store/memory-store.ts'
import {
  type CountersCache,
  MAILBOX_LIMITS,
  type MailboxCounters,
  type MailboxLimits,
  type MailboxTurn,
  type Step,
  acknowledge,
  depositMac,
  deriveCapKey,
  dueExpiry,
  expireRows,
  fetchItems,
  mailboxes,
  takeDeposit,
  trimMarks,
} from '../../../protocol/index.ts'
import { bytesOf } from '../../support/relay-world.ts'

const serviceKey = bytesOf('service key')
const mailboxId = bytesOf('mailbox', 16)
const secret = bytesOf('secret')
const START_S = 1_800_000_000
const LIMITS: MailboxLimits = {
  ...MAILBOX_LIMITS,
  lanes: [
    { rows: 12, bytes: 60 },
    { rows: 4, bytes: 20 },
    { rows: 4, bytes: 20 },
  ],
  reservedRows: 2,
  overflow: { rows: 4, bytes: 20 },
  ackedMarks: 6,
}

/** A mailbox over a store; `forget` drops every cache, as a restart does. */
class Box {
  readonly store = new MemoryStore()
  nowS = START_S
  diskUsed = 0
  #counters = new Map<string, MailboxCounters>()
  readonly #rates = { take: (): number => 0 }

  async run<T>(steps: (turn: MailboxTurn) => Step<T>): Promise<T> {
    const view = new FlushView(this.store)
    const counters: CountersCache = this.#counters
    const turn: MailboxTurn = {
      nowS: this.nowS,
      crypto: noble,
      random: (length) => bytesOf('random', length),
      serviceKey,
      storeEpoch: bytesOf('epoch', 8),
      limits: LIMITS,
      diskUsed: this.diskUsed,
      mayDelete: true,
      shedding: false,
      depositBits: 0,
      openBits: 0,
      dummySecret: bytesOf('dummy'),
      gate: this.#rates,
      counters,
      put: view.put,
      remove: view.remove,
    }
    const result = await view.run(steps(turn))
    await this.store.write(view.writes())
    return result
  }

  forget(): void {
    this.#counters = new Map()
  }

  async open(): Promise<void> {
    await this.run(function* (turn) {
      turn.put(mailboxes, mailboxId, {
        type: 1,
        ownerKey: bytesOf('owner'),
        secret,
        gen: 0,
        ttlS: 2_592_000,
        leaseUntilS: START_S * 2,
        awayDays: 0,
        incarnation: bytesOf('incarnation', 8),
        seqHigh: 0,
        revoked: new Uint8Array(0),
        closing: false,
      })
    })
  }

  deposit(
    cap: number,
    name: number,
    size: number,
    ttlS: number,
    more: { readonly flags?: number; readonly coalesce?: Uint8Array } = {},
  ): ReturnType<Box['run']> {
    const capability = {
      lane: 0,
      expiresS: START_S * 2,
      capId: bytesOf(`capability ${cap}`, 8),
    }
    const request = {
      mailboxId,
      envId: bytesOf(`id ${name}`),
      lane: 0,
      flags: more.flags ?? 0,
      ttlS,
      coalesce: more.coalesce,
      env: bytesOf(`env ${name}`, size),
    }
    const capKey = deriveCapKey(noble, serviceKey, secret, capability)
    const mac = depositMac(noble, { capKey, serviceKey }, request)
    const auth = { kind: 'capability', ...capability, mac } as const
    return this.run((turn) => takeDeposit(turn, { ...request, auth }))
  }

  async ids(): Promise<readonly string[]> {
    const request = {
      mailboxId,
      after: undefined,
      limit: 256,
      maxBytes: 1 << 20,
      idsOnly: true,
      envIds: [],
    }
    const reply = await this.run((turn) => fetchItems(turn, request, 1 << 20))
    if ('kind' in reply) throw new Error(reply.status)
    return reply.items.map(({ envId }) => toHex(envId))
  }

  async expire(): Promise<void> {
    for (;;) {
      const due = await this.run((turn) => dueExpiry(turn))
      if (due === undefined) return
      let from: Uint8Array | undefined
      do {
        const at: Uint8Array | undefined = from
        from = await this.run((turn) => expireRows(turn, due, at, 2))
      } while (from !== undefined)
    }
  }
}

interface NaiveRow {
  readonly id: string
  readonly cap: number
  readonly size: number
  readonly expiresS: number
  held: boolean
}

/** What the page says, without indexes, counters or budgets. */
class Naive {
  rows: NaiveRow[] = []

  deposit(nowS: number, row: { id: string; cap: number; size: number; ttlS: number }): string {
    const mark = this.rows.find(({ id }) => id === row.id)
    if (mark !== undefined) return mark.held ? 'dup held' : 'dup acked'
    if (row.ttlS === 0) return 'expired'
    const held = this.rows.filter((each) => each.held)
    const own = held.filter(({ cap }) => cap === row.cap)
    const sum = (of: readonly NaiveRow[]): number => of.reduce((n, { size }) => n + size, 0)
    const [limit] = LIMITS.lanes
    const laneFits = held.length + 1 <= limit.rows && sum(held) + row.size <= limit.bytes
    const shareFits =
      own.length === held.length ||
      (own.length + 1 <= limit.rows / 2 && sum(own) + row.size <= limit.bytes / 2)
    const reserved =
      own.length < LIMITS.reservedRows &&
      held.length + 1 <= limit.rows + LIMITS.overflow.rows &&
      sum(held) + row.size <= limit.bytes + LIMITS.overflow.bytes
    if (!(laneFits && shareFits) && !reserved) return laneFits ? 'quota capability' : 'quota lane'
    this.rows.push({ ...row, expiresS: nowS + row.ttlS, held: true })
    return 'stored'
  }

  ack(ids: readonly string[]): number {
    const hit = this.rows.filter((row) => row.held && ids.includes(row.id))
    for (const row of hit) row.held = false
    return hit.length
  }

  expire(nowS: number): void {
    this.rows = this.rows.filter((row) => row.expiresS > nowS)
  }
}

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('deposit' as const),
      cap: fc.nat(3),
      name: fc.nat(30),
      size: fc.integer({ min: 1, max: 12 }),
      hours: fc.nat(5),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('ack' as const),
      names: fc.array(fc.nat(30), { minLength: 1, maxLength: 8 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      hours: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
)

describe('a device mailbox', () => {
  it('answers like a plain list of rows, whatever is asked in whatever order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
        const box = new Box()
        const naive = new Naive()
        await box.open()
        for (const each of steps) {
          if (each.kind === 'deposit') {
            const { cap, name, size, hours } = each
            // A quarter before an hour: the sweep of an hour that ended takes it, and no other does.
            const ttlS = Math.max(0, hours * 3600 - 900)
            const outcome = await box.deposit(cap, name, size, ttlS)
            const id = toHex(bytesOf(`id ${name}`))
            const expected = naive.deposit(box.nowS, { id, cap, size, ttlS })
            expect(describeOutcome(outcome)).toBe(expected)
          } else if (each.kind === 'ack') {
            const ids = each.names.map((name) => bytesOf(`id ${name}`))
            const acked = await box.run((turn) => acknowledge(turn, mailboxId, ids))
            expect(acked).toMatchObject({ count: naive.ack(ids.map(toHex)) })
          } else if (each.kind === 'wait') {
            box.nowS += each.hours * 3600
            await box.expire()
            naive.expire(box.nowS)
          } else box.forget()
          expect(await box.ids()).toEqual(naive.rows.filter((r) => r.held).map((r) => r.id))
        }
      }),
      { numRuns: 60 },
    )
  })

  it('never gives a sequence number twice, restarts or not', async () => {
    const box = new Box()
    await box.open()
    let last = 0
    for (let i = 0; i < 12; i++) {
      const outcome = (await box.deposit(0, i, 1, 9)) as { readonly seq: number }
      expect(outcome.seq).toBeGreaterThan(last)
      last = outcome.seq
      if (i % 3 === 0) box.forget()
    }
  })

  it('answers a known deposit before it looks at ttl, rate, disk or quota', async () => {
    const box = new Box()
    await box.open()
    await box.deposit(0, 1, 5, 9)
    box.diskUsed = 1
    expect(describeOutcome(await box.deposit(0, 1, 5, 0))).toBe('dup held')
    expect(await box.deposit(0, 2, 5, 9)).toMatchObject({ status: 'full' })
    expect(await box.deposit(0, 2, 5, 0)).toMatchObject({ status: 'expired' })
  })

  it('forgets the oldest acknowledged marks of a capability that has too many', async () => {
    const box = new Box()
    await box.open()
    const ids = Array.from({ length: 8 }, (_, i) => bytesOf(`id ${i}`))
    let crowded: readonly { readonly share: Uint8Array | undefined }[] = []
    for (const [i, id] of ids.entries()) {
      await box.deposit(0, i, 1, 99)
      const acked = await box.run((turn) => acknowledge(turn, mailboxId, [id]))
      if ('crowded' in acked && acked.crowded.length > 0) crowded = acked.crowded
    }
    expect(crowded).toHaveLength(1)
    expect(await box.run((turn) => trimMarks(turn, mailboxId, crowded[0]!))).toBe(3)
    expect(describeOutcome(await box.deposit(0, 2, 1, 99))).toBe('stored')
    expect(describeOutcome(await box.deposit(0, 3, 1, 99))).toBe('dup acked')
  })

  it('names a capability with too many marks again where nothing was forgotten meanwhile', async () => {
    const box = new Box()
    await box.open()
    let named = 0
    for (let i = 0; i < 10; i++) {
      await box.deposit(0, i, 1, 99)
      const acked = await box.run((turn) => acknowledge(turn, mailboxId, [bytesOf(`id ${i}`)]))
      if ('crowded' in acked) named += acked.crowded.length
    }
    expect(named).toBe(4)
  })

  it('replaces an own earlier row where it is asked to, and remembers it as acknowledged', async () => {
    const box = new Box()
    await box.open()
    const key = bytesOf('key', 16)
    const send = (cap: number, name: number, more = {}): Promise<unknown> =>
      box.deposit(cap, name, 5, 99, { flags: 4, coalesce: key, ...more })
    await send(0, 1)
    await send(1, 2)
    expect(await send(0, 3)).toMatchObject({ kind: 'stored', replaced: true })
    const left = (...names: readonly number[]): string[] =>
      names.map((name) => toHex(bytesOf(`id ${name}`)))
    expect(await box.ids()).toEqual(left(2, 3))
    expect(describeOutcome(await send(0, 1))).toBe('dup acked')
    // Acknowledged, it is not there to be replaced, and its key is free.
    await box.run((turn) => acknowledge(turn, mailboxId, [bytesOf('id 3')]))
    expect(await send(0, 4)).toMatchObject({ kind: 'stored', replaced: false })
    expect(await box.ids()).toEqual(left(2, 4))
    expect(await send(0, 5, { coalesce: undefined })).toMatchObject({ status: 'malformed' })
    // What is replaced does not count: a full lane takes it.
    for (let name = 10; name < 24; name++) await box.deposit(name % 2, name, 1, 99)
    expect(await box.deposit(0, 40, 5, 99)).toMatchObject({ status: 'quota' })
    expect(await send(0, 41)).toMatchObject({ kind: 'stored', replaced: true })
  })

  it('gives ephemeral deposits one answer and keeps nothing of them', async () => {
    const box = new Box()
    await box.open()
    const right = { lane: 0, expiresS: START_S * 2, capId: bytesOf('capability 0', 8) }
    const request = {
      mailboxId,
      envId: bytesOf('typing'),
      lane: 0,
      flags: 1,
      ttlS: 0,
      coalesce: undefined,
      env: bytesOf('env', 5),
    }
    const capKey = deriveCapKey(noble, serviceKey, secret, right)
    const mac = depositMac(noble, { capKey, serviceKey }, request)
    const send = (change: object): Promise<unknown> =>
      box.run((turn) =>
        takeDeposit(turn, { ...request, auth: { kind: 'capability', ...right, mac }, ...change }),
      )
    expect(await send({})).toEqual({ kind: 'accepted', push: true })
    expect(await send({ mailboxId: bytesOf('nobody', 16) })).toEqual({
      kind: 'accepted',
      push: false,
    })
    expect(await send({ env: bytesOf('x', 5) })).toEqual({ kind: 'accepted', push: false })
    expect(await box.ids()).toEqual([])
  })

  it('pages through items, and never sticks at one that is larger than asked for', async () => {
    const box = new Box()
    await box.open()
    for (let i = 0; i < 5; i++) await box.deposit(0, i, 10, 99)
    const request = {
      mailboxId,
      limit: 2,
      maxBytes: 1,
      idsOnly: false,
      envIds: [],
    }
    const seqs: number[] = []
    let after: { incarnation: Uint8Array; seq: number; chain: undefined } | undefined
    for (let i = 0; i < 9; i++) {
      const cursor = after
      const reply = await box.run((turn) => fetchItems(turn, { ...request, after: cursor }, 9_999))
      if ('kind' in reply) throw new Error(reply.status)
      seqs.push(...reply.items.map(({ seq }) => seq))
      if (!reply.more) break
      after = { incarnation: reply.incarnation, seq: seqs.at(-1) ?? 0, chain: undefined }
    }
    expect(seqs).toEqual([1, 2, 3, 4, 5])
    const none = await box.run((turn) => fetchItems(turn, { ...request, after: undefined }, 5))
    expect(none).toMatchObject({ status: 'busy', retryAfterMs: 0 })
  })
})

function describeOutcome(outcome: unknown): string {
  const { kind, held, status, scope } = outcome as {
    readonly kind: string
    readonly held?: boolean
    readonly status?: string
    readonly scope?: string
  }
  if (kind === 'dup') return held === true ? 'dup held' : 'dup acked'
  if (kind !== 'failed') return kind
  return status === 'quota' ? `quota ${scope}` : `${status}`
}
