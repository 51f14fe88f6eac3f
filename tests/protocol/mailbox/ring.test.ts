// A group's mailbox against a naive reference, and the rules that keep one member from taking from
// the others (SPEC.md §14.8).
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { noble, toHex } from '../../../crypto/index.ts'
import {
  type DepositOutcome,
  type GroupCursor,
  type MailboxLimits,
  beginReading,
  chainMark,
  checkHead,
  extendChain,
  issueTickets,
  mailboxes,
  passItem,
  startChain,
  wireCursor,
} from '../../../protocol/index.ts'
import { GroupBox, START_S, idOf } from '../../support/group-box.ts'
import { bytesOf } from '../../support/relay-world.ts'

const HOUR = 3_600
const ROW = 128
const LIMITS = {
  groupTtlS: 8 * HOUR,
  groupHoldS: 3 * HOUR,
  ringBytes: 8 * (ROW + 32),
  ringShare: 1 / 2,
} satisfies Partial<MailboxLimits>

async function opened(limits: Partial<MailboxLimits> = LIMITS): Promise<GroupBox> {
  const box = new GroupBox(limits)
  expect(await box.open()).not.toHaveProperty('kind')
  return box
}

function describeOutcome(outcome: DepositOutcome): string {
  if (outcome.kind === 'failed') return `${outcome.status} ${outcome.scope}`
  if (outcome.kind === 'dup') return outcome.held ? 'dup held' : 'dup gone'
  return outcome.kind
}

interface NaiveRow {
  readonly seq: number
  readonly name: number
  readonly writer: number
  readonly coalesce: number | undefined
  readonly holdS: number
  readonly endS: number
  size: number
  stub: boolean
}

/** What the page says, without indexes, counters, budgets or a store. */
class NaiveRing {
  rows: NaiveRow[] = []
  headSeq = 0
  trimmed = 0
  readonly due = new Set<number>()

  deposit(
    nowS: number,
    what: { name: number; writer: number; sizeBytes: number; coalesce: number | undefined },
  ): string {
    const known = this.rows.find(({ name }) => name === what.name)
    if (known !== undefined) return known.stub ? 'dup gone' : 'dup held'
    const earlier = this.rows.find(
      (row) =>
        !row.stub &&
        what.coalesce !== undefined &&
        row.coalesce === what.coalesce &&
        row.writer === what.writer,
    )
    const sizes = (rows: readonly NaiveRow[]): number =>
      rows.reduce((sum, row) => sum + ROW + (row === earlier ? 0 : row.size), 0)
    const size = ROW + what.sizeBytes
    const counted = (row: NaiveRow): boolean => Math.ceil(row.holdS / HOUR) * HOUR > nowS
    const own = this.rows.filter((row) => row.writer === what.writer && counted(row))
    if (sizes(own) + size > LIMITS.ringBytes * LIMITS.ringShare) return 'quota capability'
    let gone = 0
    while (sizes(this.rows.slice(gone)) + size > LIMITS.ringBytes) {
      const first = this.rows[gone]
      if (first === undefined || first.holdS > nowS) return 'quota lane'
      gone += 1
    }
    if (earlier !== undefined) {
      earlier.stub = true
      earlier.size = 0
    }
    this.drop(gone)
    this.headSeq += 1
    this.due.add(Math.floor((nowS + LIMITS.groupTtlS) / HOUR))
    const endS = nowS + LIMITS.groupTtlS
    const { name, writer, sizeBytes, coalesce } = what
    const row = { seq: this.headSeq, name, writer, coalesce, size: sizeBytes, stub: false }
    this.rows.push({ ...row, endS, holdS: nowS + LIMITS.groupHoldS })
    return 'stored'
  }

  drop(count: number): void {
    this.trimmed = this.rows[count - 1]?.seq ?? this.trimmed
    this.rows = this.rows.slice(count)
  }

  expire(nowS: number): void {
    // A sweep comes after each hour in which something was to end, and takes all that ended by then.
    const over = [...this.due].filter((hour) => hour < Math.floor(nowS / HOUR))
    for (const hour of over) this.due.delete(hour)
    if (over.length > 0) this.drop(this.rows.filter(({ endS }) => endS <= nowS).length)
  }
}

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('deposit' as const),
      writer: fc.nat(2),
      name: fc.nat(40),
      sizeBytes: fc.integer({ min: 1, max: 64 }),
      coalesce: fc.option(fc.nat(1), { nil: undefined }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      minutes: fc.integer({ min: 1, max: 150 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('read' as const), limit: fc.nat(4) }) },
)

/** A reader with a durable cursor: reads a page, checks all that can be checked. */
class Reader {
  cursor: GroupCursor | undefined
  readonly seen = new Set<number>()
  readonly missing = new Set<number>()

  async read(box: GroupBox, limit: number): Promise<void> {
    const reply = await box.fetch(wireCursor(this.cursor), limit + 1)
    if ('kind' in reply) throw new Error(reply.status)
    const begun = beginReading(this.cursor, reply)
    if (begun.kind === 'lie') throw new Error(begun.reason)
    const { from, to } = begun.missing ?? { from: 1, to: 0 }
    for (let seq = from; seq <= to; seq++) this.missing.add(seq)
    let { cursor } = begun
    for (const item of reply.items) {
      const next = passItem(noble, cursor, item)
      if ('kind' in next) throw new Error(next.kind)
      cursor = next
      this.seen.add(item.seq)
    }
    if (!reply.more) expect(checkHead(cursor, reply)).toEqual({ kind: 'same' })
    this.cursor = cursor
  }
}

describe('a group mailbox', () => {
  it('answers like a plain list, whatever comes in whatever order; no cursor skips unsaid', async () => {
    const outcomes = new Map<string, number>()
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 90 }), async (steps) => {
        const box = await opened()
        const naive = new NaiveRing()
        const reader = new Reader()
        for (const each of steps) {
          if (each.kind === 'deposit') {
            const { coalesce, ...what } = each
            const outcome = await box.deposit(coalesce === undefined ? what : { ...what, coalesce })
            const told = describeOutcome(outcome)
            expect(told).toBe(naive.deposit(box.nowS, each))
            outcomes.set(told, (outcomes.get(told) ?? 0) + 1)
            if (outcome.kind === 'stored') expect(outcome.seq).toBe(naive.headSeq)
          } else if (each.kind === 'wait') {
            box.nowS += each.minutes * 60
            await box.expire()
            naive.expire(box.nowS)
          } else if (each.kind === 'read') await reader.read(box, each.limit)
          else box.forget()
          const reply = await box.fetch()
          if ('kind' in reply) throw new Error(reply.status)
          const { items, headSeq, trimmedUpTo } = reply
          expect([headSeq, trimmedUpTo]).toEqual([naive.headSeq, naive.trimmed])
          expect(items.map(({ seq, envId, env }) => [seq, toHex(envId), env.length === 0])).toEqual(
            naive.rows.map(({ seq, name, stub }) => [seq, toHex(idOf(name)), stub]),
          )
        }
        for (let i = 0; i < 50; i++) await reader.read(box, 3)
        // D14: whatever was ever stored was seen, or is named as gone.
        for (let seq = 1; seq <= naive.headSeq; seq++) {
          expect(reader.seen.has(seq) || reader.missing.has(seq)).toBe(true)
        }
      }),
      { numRuns: 60 },
    )
    for (const told of ['stored', 'dup held', 'dup gone', 'quota lane', 'quota capability']) {
      expect(outcomes.get(told) ?? 0, told).toBeGreaterThan(0)
    }
  }, 60_000)

  it('has seq and chain in commit order, one row for each id', async () => {
    const box = await opened()
    const open = await box.open()
    if ('kind' in open) throw new Error(open.status)
    let chain = startChain(noble, box.keys.mailboxId, open.incarnation)
    for (let name = 0; name < 6; name++) {
      if (name % 2 === 0) box.forget()
      const writer = name % 3
      chain = extendChain(noble, chain, idOf(name))
      const stored = await box.deposit({ writer, name, sizeBytes: 9 })
      expect(stored).toMatchObject({ kind: 'stored', seq: name + 1, chain: chainMark(chain) })
      const again = await box.deposit({ writer, name, sizeBytes: 9 })
      expect(again).toMatchObject({ kind: 'dup', seq: name + 1, chain: chainMark(chain) })
    }
    expect(await box.fetch()).toMatchObject({ headSeq: 6, chain: chainMark(chain) })
  })

  it('keeps for the whole hold what it signed for, however full, and drops nothing for a refusal', async () => {
    const box = await opened()
    const hold = START_S + LIMITS.groupHoldS
    for (let name = 0; name < 8; name++) {
      const stored = await box.deposit({ writer: name % 2, name, sizeBytes: 32 })
      expect(stored).toMatchObject({ kind: 'stored', holdUntilS: hold })
    }
    const next = { writer: 2, name: 8, sizeBytes: 32 }
    expect(await box.deposit(next)).toMatchObject({
      status: 'quota',
      scope: 'lane',
      retryAfterMs: 15 * 60_000,
    })
    box.nowS = hold - 1
    expect(await box.deposit(next)).toMatchObject({ status: 'quota', retryAfterMs: 1_000 })
    expect(await box.fetch()).toMatchObject({ trimmedUpTo: 0 })
    box.nowS = hold
    expect(await box.deposit(next)).toMatchObject({ kind: 'stored', seq: 9, dropped: 1 })
    expect(await box.fetch()).toMatchObject({ trimmedUpTo: 1, headSeq: 9 })
  })

  it('ends the hold with the row where its life is the shorter', async () => {
    const box = await opened({ ...LIMITS, groupTtlS: HOUR })
    const stored = await box.deposit({ writer: 0, name: 1, sizeBytes: 1, ttlS: 5 })
    expect(stored).toMatchObject({ holdUntilS: START_S + HOUR })
  })

  it('lets no writer have more than its share under hold', async () => {
    const box = await opened()
    for (let name = 0; name < 4; name++) await box.deposit({ writer: 0, name, sizeBytes: 32 })
    const refused = await box.deposit({ writer: 0, name: 4, sizeBytes: 32 })
    expect(refused).toMatchObject({ status: 'quota', scope: 'capability' })
    expect(await box.deposit({ writer: 1, name: 5, sizeBytes: 32 })).toMatchObject({ seq: 5 })
    box.nowS += LIMITS.groupHoldS + HOUR
    expect(await box.deposit({ writer: 0, name: 4, sizeBytes: 32 })).toMatchObject({ seq: 6 })
  })

  it('replaces for its own writer alone, and leaves a stub in the chain', async () => {
    const box = await opened()
    await box.deposit({ writer: 0, name: 1, sizeBytes: 9, coalesce: 1 })
    await box.deposit({ writer: 1, name: 2, sizeBytes: 9, coalesce: 1 })
    await box.deposit({ writer: 0, name: 3, sizeBytes: 9, coalesce: 1 })
    const reply = await box.fetch()
    if ('kind' in reply) throw new Error(reply.status)
    expect(reply.items.map(({ seq, env }) => [seq, env.length])).toEqual([
      [1, 0],
      [2, 9],
      [3, 9],
    ])
    const again = await box.deposit({ writer: 0, name: 1, sizeBytes: 9, coalesce: 1 })
    expect(again).toMatchObject({ kind: 'dup', held: false, seq: 1 })
  })

  it('lets nobody make stubs without end: each takes room as long as its hold', async () => {
    const box = await opened()
    const told: string[] = []
    for (let name = 0; name < 6; name++) {
      const outcome = await box.deposit({ writer: 0, name, sizeBytes: 32, coalesce: 1 })
      told.push(describeOutcome(outcome))
    }
    expect(told).toEqual([...Array(4).fill('stored'), ...Array(2).fill('quota capability')])
  })

  it('drops nothing while its clock is not believed', async () => {
    const box = await opened()
    for (let name = 0; name < 8; name++)
      await box.deposit({ writer: name % 2, name, sizeBytes: 32 })
    box.nowS += LIMITS.groupHoldS + HOUR
    box.mayDelete = false
    const next = { writer: 2, name: 8, sizeBytes: 32 }
    expect(await box.deposit(next)).toMatchObject({ status: 'quota', scope: 'lane' })
    box.mayDelete = true
    expect(await box.deposit(next)).toMatchObject({ kind: 'stored' })
  })

  it('gives up what it does not hold any more where the disk fills, and refuses where it is full', async () => {
    const box = await opened()
    for (let name = 0; name < 4; name++) await box.deposit({ writer: name % 2, name, sizeBytes: 9 })
    box.diskUsed = 0.9
    expect(await box.deposit({ writer: 2, name: 4, sizeBytes: 9 })).toMatchObject({ dropped: 0 })
    box.nowS += LIMITS.groupHoldS
    expect(await box.deposit({ writer: 2, name: 5, sizeBytes: 9 })).toMatchObject({ dropped: 5 })
    box.diskUsed = 0.98
    expect(await box.deposit({ writer: 2, name: 6, sizeBytes: 9 })).toMatchObject({
      status: 'full',
    })
  })

  it('ends rows in the order of seq, in steps, and every mark with them', async () => {
    const box = await opened()
    for (let name = 0; name < 5; name++) await box.deposit({ writer: name % 2, name, sizeBytes: 9 })
    box.nowS += 2 * HOUR
    await box.deposit({ writer: 0, name: 5, sizeBytes: 9 })
    box.nowS += 7 * HOUR
    await box.expire()
    expect(await box.fetch()).toMatchObject({ trimmedUpTo: 5, headSeq: 6 })
    box.nowS += 3 * HOUR
    await box.expire()
    const reply = await box.fetch()
    expect(reply).toMatchObject({ items: [], trimmedUpTo: 6, headSeq: 6 })
    const rows = await box.store.range({
      from: Uint8Array.of(2),
      to: Uint8Array.of(4),
      limit: 99,
    })
    expect(rows).toEqual([])
  })
})

describe('a cursor', () => {
  async function read(box: GroupBox): Promise<GroupCursor> {
    const reader = new Reader()
    await reader.read(box, 99)
    if (reader.cursor === undefined) throw new Error('nothing read')
    return reader.cursor
  }

  it('is good at every place that is still there, the head and the trimmed one too', async () => {
    const box = await opened()
    const cursors: GroupCursor[] = [await read(box)]
    for (let name = 0; name < 4; name++) {
      await box.deposit({ writer: name % 2, name, sizeBytes: 32 })
      cursors.push(await read(box))
    }
    for (const [at, cursor] of cursors.entries()) {
      const reply = await box.fetch(wireCursor(cursor))
      expect(reply).toMatchObject({ items: { length: 4 - at } })
    }
  })

  it('of another incarnation, from behind the head, or of another queue is told so', async () => {
    const box = await opened()
    for (let name = 0; name < 4; name++) await box.deposit({ writer: name % 2, name, sizeBytes: 9 })
    const cursor = await read(box)
    const refused = { kind: 'failed', status: 'incarnation', detail: cursor.incarnation }
    const wire = { ...cursor, chain: chainMark(cursor.chain) }
    expect(await box.fetch({ ...wire, seq: 5 })).toMatchObject(refused)
    expect(await box.fetch({ ...wire, seq: 2 })).toMatchObject(refused)
    expect(await box.fetch({ ...wire, seq: 0 })).toMatchObject(refused)
    expect(await box.fetch({ ...wire, chain: undefined })).toMatchObject(refused)
    box.epoch = 'restored'
    expect(await box.fetch(wire)).toMatchObject({ status: 'incarnation' })
    expect(await box.fetch()).toMatchObject({ items: { length: 4 } })
  })

  it('of what was dropped goes on behind it, and the part between is named', async () => {
    const box = await opened()
    await box.deposit({ writer: 0, name: 0, sizeBytes: 32 })
    const reader = new Reader()
    await reader.read(box, 9)
    for (let name = 1; name < 8; name++)
      await box.deposit({ writer: name % 2, name, sizeBytes: 32 })
    box.nowS += LIMITS.groupHoldS + HOUR
    for (let name = 8; name < 12; name++) await box.deposit({ writer: 2, name, sizeBytes: 32 })
    await reader.read(box, 99)
    expect([...reader.missing]).toEqual([2, 3, 4])
    expect([...reader.seen]).toEqual([1, 5, 6, 7, 8, 9, 10, 11, 12])
  })
})

describe('opening', () => {
  it('prolongs and never shortens: neither life nor lease is one member’s to cut', async () => {
    const box = await opened()
    const first = await box.open({ awayDays: 180 })
    const again = await box.open({ ttlS: 1, awayDays: 1 })
    expect(again).toEqual(first)
    const DAY = 24 * HOUR
    expect(again).toMatchObject({ ttlS: LIMITS.groupTtlS, leaseUntilS: START_S + 180 * DAY })
    // Nor by what it says for the next time, nor where the relay's clock was set back.
    box.nowS += 2 * DAY
    const leaseUntilS = START_S + 182 * DAY
    expect(await box.open({ awayDays: 1 })).toMatchObject({ leaseUntilS })
    box.nowS -= 2 * DAY
    expect(await box.open({ awayDays: 1 })).toMatchObject({ leaseUntilS })
    expect(await box.deposit({ writer: 0, name: 1, sizeBytes: 1 })).toMatchObject({
      holdUntilS: START_S + LIMITS.groupHoldS,
    })
  })

  it('under another secret is another mailbox: the signature does not fit', async () => {
    const box = await opened()
    const other = await box.open({ secret: idOf(99) })
    expect(other).toMatchObject({ status: 'auth' })
  })

  it('lasts at least as long as what was signed for', async () => {
    const box = await opened({ ...LIMITS, groupHoldS: 48 * HOUR, groupTtlS: 49 * HOUR })
    box.nowS += 90 * 86_400 - HOUR
    await box.deposit({ writer: 0, name: 1, sizeBytes: 1 })
    // Leases are looked at by the day: a day and more past the end of this one.
    box.nowS += 30 * HOUR
    await box.lapse()
    expect(await box.fetch()).toMatchObject({ items: { length: 1 } })
    box.nowS += 2 * 86_400
    await box.lapse()
    expect(await box.fetch()).toMatchObject({ status: 'unknown' })
    const left = await box.store.range({
      from: Uint8Array.of(1),
      to: Uint8Array.of(4),
      limit: 9,
    })
    expect(left).toEqual([])
  })

  it('by ticket charges its payer until the mailbox is over', async () => {
    const box = new GroupBox({ ...LIMITS, groupsPerAccount: 1 })
    box.openBits = 30
    const account = bytesOf('account', 16)
    await box.run(function* (turn) {
      turn.put(mailboxes, account, {
        type: 1,
        ownerKey: bytesOf('owner'),
        secret: bytesOf('secret'),
        gen: 0,
        ttlS: HOUR,
        leaseUntilS: START_S * 2,
        awayDays: 0,
        incarnation: bytesOf('incarnation', 8),
        seqHigh: 0,
        revoked: new Uint8Array(0),
        closing: false,
      })
    })
    const request = { mailboxId: account, count: 1 }
    const issued = await box.run((turn) => issueTickets(turn, request))
    if ('kind' in issued) throw new Error(issued.status)
    const [ticket] = issued.tickets
    expect(await box.open()).toMatchObject({ status: 'pow', detail: 30 })
    expect(await box.open({ grant: { kind: 'ticket', ticket: ticket! } })).toMatchObject({
      mailboxId: box.keys.mailboxId,
    })
    const more = (): Promise<unknown> => box.run((turn) => issueTickets(turn, request))
    expect(await more()).toMatchObject({ status: 'quota' })
    box.nowS += 92 * 86_400
    await box.lapse()
    expect(await box.fetch()).toMatchObject({ status: 'unknown' })
    expect(await more()).toMatchObject({ tickets: { length: 1 } })
  })
})
