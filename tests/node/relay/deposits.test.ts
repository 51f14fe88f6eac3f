import { describe, expect, it } from 'vitest'
import { noble, toHex } from '../../../crypto/index.ts'
import type { RelayConnection } from '../../../node/relay-client/relay-connection.ts'
import type { Deposit, DepositResult } from '../../../node/relay-client/relay-types.ts'
import { deriveCapKey } from '../../../protocol/relay/capability.ts'
import {
  FaultyStore,
  type Owner,
  RelayWorld,
  bytesOf,
  depositTo,
  items,
  prepared,
} from '../../support/relay-world.ts'

describe('depositing', () => {
  it('ends in evidence under the service key, and the owner reads the same bytes', async () => {
    const { world, bob, alice } = await prepared()
    const auth = world.capability(bob, 'alice')
    const deposit = depositTo(bob, auth, 'one')
    const result = await world.settle(alice.deposit(deposit))
    expect(result).toMatchObject({ kind: 'stored', incarnation: bob.incarnation })
    if (result.kind !== 'stored') return
    expect(result.evidence).toMatchObject({ result: 0, seq: 1, mailboxId: bob.mailboxId })
    const [item] = await items(world, bob)
    expect(item).toMatchObject({ seq: 1, envId: deposit.envId, capId: auth.capId, lane: 0 })
    expect(item?.env).toEqual(deposit.env)
  })

  it('answers a repeated deposit with a fresh receipt and the original end', async () => {
    const { world, bob, alice } = await prepared()
    const deposit = depositTo(bob, world.capability(bob, 'alice'), 'one')
    const first = await world.settle(alice.deposit(deposit))
    await world.advance(5_000)
    const again = await world.settle(alice.deposit({ ...deposit, ttlS: 77 }))
    expect(again.kind).toBe('dup')
    if (first.kind !== 'stored' || again.kind !== 'dup') return
    expect(again.holdUntilS).toBe(first.holdUntilS)
    expect(again.evidence.flushedAtMs).toBeGreaterThan(first.evidence.flushedAtMs)
    expect(again.evidence.result).toBe(1)
    await world.settle(bob.connection.ack(bob.mailboxId, [deposit.envId]))
    const acked = await world.settle(alice.deposit(deposit))
    expect(acked).toMatchObject({ kind: 'dup', evidence: { result: 2 } })
    expect(await items(world, bob)).toEqual([])
  })

  it('gives a receipt on retry when the relay died between commit and reply', async () => {
    const { world, bob, alice } = await prepared()
    const deposit = depositTo(bob, world.capability(bob, 'alice'), 'one')
    // The power goes right after the batch is on the disk.
    world.store.onWritten = () => void world.host?.stop()
    await expect(world.settle(alice.deposit(deposit))).rejects.toMatchObject({
      code: 'RELAY_UNREACHABLE',
    })
    await world.quiet()
    await world.start()
    const again = await world.connect()
    expect(await world.settle(again.deposit(deposit))).toMatchObject({ kind: 'dup' })
  })

  it('never answers from a batch that failed, and finds out after reopening', async () => {
    const world = new RelayWorld()
    await world.start({ reopen: () => Promise.resolve(new FaultyStore(world.map)) })
    const bob = await world.owner('bob')
    const alice = await world.connect()
    const deposit = depositTo(bob, world.capability(bob, 'alice'), 'one')
    world.store.fault = 'after'
    expect(await world.settle(alice.deposit(deposit))).toMatchObject({ status: 'busy' })
    expect(world.service?.ready).toBe(false)
    await world.advance(2_000)
    expect(world.service?.ready).toBe(true)
    expect(await world.settle(alice.deposit(deposit))).toMatchObject({ kind: 'dup' })
    const next = depositTo(bob, deposit.auth, 'two')
    expect(await world.settle(alice.deposit(next))).toMatchObject({ kind: 'stored' })
  })

  it('shares one flush and one signature among what queued together', async () => {
    const { world, bob, alice } = await prepared()
    const auth = world.capability(bob, 'alice')
    const before = world.store.writes
    const many = Array.from({ length: 150 }, (_, i) => alice.deposit(depositTo(bob, auth, `${i}`)))
    const results = await world.settle(Promise.all(many))
    expect(results.every(({ kind }) => kind === 'stored')).toBe(true)
    expect(world.store.writes - before).toBeLessThanOrEqual(4)
    const seqs = results.map((r) => (r.kind === 'stored' ? r.evidence.seq : 0))
    expect(seqs).toEqual(Array.from({ length: 150 }, (_, i) => i + 1))
  })

  it('gives one answer for an unknown mailbox, a bad MAC, an expired and a revoked right', async () => {
    const { world, bob, alice } = await prepared()
    const good = world.capability(bob, 'alice')
    const revoked = world.capability(bob, 'mallory')
    const { serviceKey } = bob.connection
    const ended = { lane: 0, expiresS: 5, capId: good.capId }
    const expired = {
      ...good,
      ...ended,
      capKey: deriveCapKey(noble, serviceKey, bob.secret, ended),
    }
    const invite = {
      kind: 'invite',
      capId: bytesOf('invite', 8),
      capKey: bytesOf('invite key'),
      claim: bytesOf('claim', 16),
    } as const
    const nobody = { mailboxId: bytesOf('nobody', 16) }
    await world.settle(bob.connection.revoke(bob.mailboxId, [revoked.capId]))
    const rights: readonly Deposit[] = [
      depositTo(bob, good, '1', nobody),
      depositTo(bob, { ...good, capKey: bytesOf('wrong') }, '2'),
      depositTo(bob, expired, '3'),
      depositTo(bob, revoked, '4'),
      depositTo(bob, good, '5', { lane: 2 }),
      depositTo(bob, invite, '6'),
      depositTo(bob, invite, '7', nobody),
      depositTo(bob, { kind: 'work' }, '8', nobody),
    ]
    for (const deposit of rights) {
      expect(await world.settle(alice.deposit(deposit))).toEqual({
        kind: 'failed',
        status: 'auth',
        retryAfterMs: 0,
        scope: 'capability',
      })
    }
    expect(await items(world, bob)).toEqual([])
  })

  it('writes and signs for a refused deposit as for a stored one', async () => {
    const { world, bob, alice } = await prepared()
    const before = world.store.writes
    const wrong = { ...world.capability(bob, 'alice'), capKey: bytesOf('wrong') }
    await world.settle(alice.deposit(depositTo(bob, wrong, '1')))
    expect(world.store.writes).toBe(before + 1)
  })

  it('takes strangers for their work, in a lane of their own', async () => {
    const { world, bob, alice } = await prepared()
    const results: DepositResult[] = []
    for (let i = 0; i < 51; i++) {
      results.push(await world.settle(alice.deposit(depositTo(bob, { kind: 'work' }, `${i}`))))
    }
    expect(results.slice(0, 50).every(({ kind }) => kind === 'stored')).toBe(true)
    expect(results[50]).toMatchObject({ status: 'quota', scope: 'lane' })
    const contact = depositTo(bob, world.capability(bob, 'alice'), 'contact')
    expect(await world.settle(alice.deposit(contact))).toMatchObject({ kind: 'stored' })
  })
})

describe('fair shares', () => {
  const lanes = [
    { rows: 100, bytes: 1 << 20 },
    { rows: 5, bytes: 1 << 20 },
    { rows: 5, bytes: 1 << 20 },
  ] as const

  async function filled(): Promise<{ world: RelayWorld; bob: Owner; alice: RelayConnection }> {
    const world = new RelayWorld()
    await world.start({
      limits: { lanes, reservedRows: 4, overflow: { rows: 16, bytes: 1 << 20 } },
    })
    const bob = await world.owner('bob')
    const alice = await world.connect()
    const hog = world.capability(bob, 'hog')
    const all = Array.from({ length: 110 }, (_, i) => alice.deposit(depositTo(bob, hog, `h${i}`)))
    const results = await world.settle(Promise.all(all))
    // Alone in the lane one capability may fill it, and no more.
    expect(results.filter(({ kind }) => kind === 'stored')).toHaveLength(100)
    expect(results[109]).toMatchObject({ status: 'quota', retryAfterMs: 60_000 })
    return { world, bob, alice }
  }

  it('keep rows for everybody, however full one contact made the lane', async () => {
    const { world, bob, alice } = await filled()
    const quiet = world.capability(bob, 'quiet')
    for (let i = 0; i < 5; i++) {
      const result = await world.settle(alice.deposit(depositTo(bob, quiet, `q${i}`)))
      expect(result).toMatchObject(i < 4 ? { kind: 'stored' } : { status: 'quota' })
    }
  })

  it.each([
    ['in rows', { rows: 10, bytes: 1 << 20 }],
    ['in bytes', { rows: 100, bytes: 10 * 512 }],
  ])('are half of the lane while another has something in it, %s', async (_, lane) => {
    const world = new RelayWorld()
    await world.start({ limits: { lanes: [lane, lanes[1], lanes[2]], reservedRows: 0 } })
    const bob = await world.owner('bob')
    const alice = await world.connect()
    const send = (capability: string, name: string): Promise<DepositResult> =>
      world.settle(alice.deposit(depositTo(bob, world.capability(bob, capability), name)))
    await send('quiet', 'first')
    for (let i = 0; i < 5; i++) expect(await send('hog', `h${i}`)).toMatchObject({ kind: 'stored' })
    expect(await send('hog', 'h5')).toMatchObject({ status: 'quota', scope: 'capability' })
    expect(await send('quiet', 'second')).toMatchObject({ kind: 'stored' })
  })

  it('are told with ROOM when the owner made some', async () => {
    const { world, bob, alice } = await filled()
    const rooms: string[] = []
    alice.setEvents({ onRoom: (mailboxId) => rooms.push(toHex(mailboxId)) })
    const ids = (await items(world, bob)).map(({ envId }) => envId)
    await world.settle(bob.connection.ack(bob.mailboxId, ids.slice(0, 5)))
    await world.quiet()
    expect(rooms).toEqual([])
    await world.settle(bob.connection.ack(bob.mailboxId, ids.slice(5, 20)))
    await world.quiet()
    expect(rooms).toEqual([toHex(bob.mailboxId)])
  })
})

describe('invites', () => {
  it('burn a use with the first stored deposit; that claim goes on, another is told so', async () => {
    const { world, bob, alice } = await prepared()
    const invite = { capId: bytesOf('invite', 8), capKey: bytesOf('invite key') }
    const expiresS = Math.floor(world.clock.nowMs() / 1000) + 3_600
    const put = { ...invite, expiresS, uses: 1 }
    expect(await world.settle(bob.connection.putInvite(bob.mailboxId, put))).toBe(1)
    const first = { kind: 'invite', ...invite, claim: bytesOf('first', 16) } as const
    const second = { kind: 'invite', ...invite, claim: bytesOf('second', 16) } as const
    const take = { mailboxId: bob.mailboxId, lane: 0, classes: 7 }
    // A TAKE takes no use.
    expect(await world.settle(alice.take({ ...take, auth: second }))).toMatchObject({
      card: undefined,
    })
    const deposit = (auth: Deposit['auth'], name: string): Promise<DepositResult> =>
      world.settle(alice.deposit(depositTo(bob, auth, name)))
    expect(await deposit(first, '1')).toMatchObject({ kind: 'stored' })
    expect(await deposit(first, '2')).toMatchObject({ kind: 'stored' })
    expect(await deposit(second, '3')).toMatchObject({ status: 'used' })
    expect(await world.settle(alice.take({ ...take, auth: second }))).toMatchObject({
      status: 'used',
    })
    expect(await world.settle(bob.connection.putInvite(bob.mailboxId, { ...put, uses: 3 }))).toBe(2)
    expect(await deposit(second, '3')).toMatchObject({ kind: 'stored' })
    await world.settle(bob.connection.deleteInvite(bob.mailboxId, invite.capId))
    expect(await deposit(first, '4')).toMatchObject({ status: 'auth' })
  })
})

describe('cards and prekeys', () => {
  it('are published, popped oldest first, and the last kept from strangers', async () => {
    const { world, bob, alice } = await prepared()
    const { connection, mailboxId } = bob
    const card = bytesOf('card', 2_048)
    expect(await world.settle(connection.putCard(mailboxId, 5, card))).toBe(5)
    expect(await world.settle(connection.putCard(mailboxId, 5, card))).toBe(5)
    expect(await world.settle(connection.putCard(mailboxId, 4, card))).toBeUndefined()
    const opk = (i: number): { class: 1; item: Uint8Array } => ({
      class: 1,
      item: bytesOf(`opk ${i}`),
    })
    const all = Array.from({ length: 21 }, (_, i) => opk(i))
    expect(await world.settle(connection.putPrekeys(mailboxId, true, all))).toEqual({
      opk: 21,
      okem: 0,
    })
    const take = { mailboxId, classes: 3 }
    const stranger = await world.settle(alice.take({ ...take, lane: 1, auth: { kind: 'work' } }))
    expect(stranger).toMatchObject({ card, opk: opk(0).item })
    const another = await world.settle(alice.take({ ...take, lane: 1, auth: { kind: 'work' } }))
    expect(another).toMatchObject({ card, opk: undefined })
    const auth = world.capability(bob, 'alice')
    for (let i = 1; i <= 8; i++) {
      const taken = await world.settle(alice.take({ ...take, lane: 0, auth }))
      // Six in ten minutes, then the card only.
      expect(taken).toMatchObject({ card, opk: i <= 6 ? opk(i).item : undefined })
    }
    expect(await world.settle(connection.prekeyCount(mailboxId))).toEqual({ opk: 14, okem: 0 })
    expect(await world.settle(alice.cardGet(mailboxId))).toEqual({ version: 5, item: card })
    expect(await world.settle(alice.cardGet(bytesOf('nobody', 16)))).toMatchObject({
      status: 'auth',
    })
  })
})

describe('a disk that fails', () => {
  it('is told as `busy`, and as not ready, until it works again', async () => {
    const disk = { broken: false }
    const world = new RelayWorld()
    await world.start({
      reopen: () =>
        disk.broken
          ? Promise.reject(new Error('still full'))
          : Promise.resolve(new FaultyStore(world.map)),
    })
    const bob = await world.owner('bob')
    const alice = await world.connect()
    const auth = world.capability(bob, 'alice')
    disk.broken = true
    world.store.fault = 'before'
    expect(await world.settle(alice.deposit(depositTo(bob, auth, '1')))).toMatchObject({
      status: 'busy',
    })
    await world.advance(10_000)
    expect(world.service?.ready).toBe(false)
    expect(await world.settle(alice.deposit(depositTo(bob, auth, '1')))).toMatchObject({
      status: 'busy',
      scope: 'service',
    })
    disk.broken = false
    await world.advance(61_000)
    expect(world.service?.ready).toBe(true)
    expect(await world.settle(alice.deposit(depositTo(bob, auth, '1')))).toMatchObject({
      kind: 'stored',
    })
    expect(await items(world, bob)).toHaveLength(1)
  })

  it('refuses strangers first, then mailboxes, then all, as it fills', async () => {
    const disk = { used: 0.8 }
    const world = new RelayWorld()
    await world.start({ diskUsed: () => disk.used })
    const bob = await world.owner('bob')
    const alice = await world.connect()
    const auth = world.capability(bob, 'alice')
    const full = { status: 'full', scope: 'service' }
    const send = (right: Deposit['auth'], name: string): Promise<DepositResult> =>
      world.settle(alice.deposit(depositTo(bob, right, name)))
    expect(await send({ kind: 'work' }, '1')).toMatchObject({ kind: 'stored' })
    disk.used = 0.86
    expect(await send({ kind: 'work' }, '2')).toMatchObject(full)
    expect(await send(auth, '3')).toMatchObject({ kind: 'stored' })
    await world.owner('carol')
    disk.used = 0.91
    await expect(world.owner('dave')).rejects.toThrow('OPEN: full')
    await world.owner('bob')
    expect(await send(auth, '4')).toMatchObject({ kind: 'stored' })
    disk.used = 0.98
    expect(await send(auth, '5')).toMatchObject(full)
    expect(await send(auth, '4')).toMatchObject({ kind: 'dup' })
  })
})
