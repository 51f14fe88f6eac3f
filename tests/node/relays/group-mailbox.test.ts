// Members at a group's mailbox: the real client and the real relay over a network in memory.
import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { EMPTY, noble, toHex } from '../../../crypto/index.ts'
import { joinPeerAddress } from '../../../node/net/peer-id.ts'
import { type RelayServiceOptions, startRelayService } from '../../../node/relay/relay-service.ts'
import { rowKey } from '../../../node/relay/row-keys.ts'
import { readHead, writeHead } from '../../../node/relay/store-head.ts'
import type { GroupRelay } from '../../../node/relays/group-mailbox-types.ts'
import { MemoryStore } from '../../../node/store/memory-store.ts'
import { SortedMap } from '../../../node/store/sorted-map.ts'
import { chainMark, mailboxes } from '../../../protocol/index.ts'
import { rows } from '../../../protocol/mailbox/tables.ts'
import { Member, type MemberOptions } from '../../support/group-member.ts'
import { RelayWorld, bytesOf } from '../../support/relay-world.ts'

const HOUR_MS = 3_600_000
const SERVICE = noble.ed25519PublicKey(bytesOf('service'))

class GroupWorld extends RelayWorld {
  get relay(): GroupRelay {
    return { serviceKey: SERVICE, addresses: [this.address] }
  }

  member(name: string, more: Partial<MemberOptions> = {}): Member {
    const { network, clock, relay, random } = this
    const member = new Member({ network, clock, relay, random, name, ...more })
    member.mailbox.start()
    return member
  }

  /** A member that has read all there is. */
  async reader(name: string, more: Partial<MemberOptions> = {}): Promise<Member> {
    const member = this.member(name, more)
    await this.settle(member.until(() => member.drained > 0))
    return member
  }

  async send(member: Member, ...names: readonly string[]): Promise<void> {
    for (const name of names) {
      expect(await this.settle(member.deposit(name))).toMatchObject({ kind: 'held' })
    }
  }
}

async function worldOf(
  options: Partial<RelayServiceOptions> = {},
  delayMs = 0,
): Promise<GroupWorld> {
  const world = new GroupWorld(delayMs)
  await world.start({ lagProbeMs: 0, ...options })
  return world
}

describe('a mailbox of a group', () => {
  it('hands every member everything, once and in order, on any number of streams', async () => {
    const world = await worldOf()
    const members = [
      await world.reader('alice'),
      await world.reader('bob'),
      await world.reader('carol'),
    ]
    const [alice, bob] = members
    await world.send(alice!, 'one', 'two')
    await world.send(bob!, 'three')
    for (const member of members) {
      await world.settle(member.until(() => member.items.length === 3))
      expect(member.names).toEqual(['one', 'two', 'three'])
      expect(member.items.map(({ seq }) => seq)).toEqual([1, 2, 3])
      expect(member.items[2]?.capId).toEqual(bob!.capId)
      expect(member.lies).toEqual([])
    }
    expect(world.service?.subscriptions).toBe(3)
    expect(world.service?.figures).toMatchObject({ stored: 3, groupStored: 3 })
    // None of them can take anything away: who comes later finds it all.
    const dave = await world.reader('dave')
    expect(dave.names).toEqual(['one', 'two', 'three'])
  })

  it('goes on from the cursor that its user kept, and from what was durable after a failure', async () => {
    const world = await worldOf()
    const alice = await world.reader('alice')
    await world.send(alice, 'one', 'two')
    const bob = await world.reader('bob')
    expect(bob.names).toEqual(['one', 'two'])
    await world.settle(bob.stop())
    await world.send(alice, 'three')
    const later = await world.reader('bob', { cursor: bob.cursor })
    expect(later.names).toEqual(['three'])
    later.failing = true
    await world.send(alice, 'four')
    await world.quiet()
    later.failing = false
    await world.settle(later.until(() => later.items.length === 2))
    expect(later.names).toEqual(['three', 'four'])
    expect(later.cursor?.chain).toEqual(alice.cursor?.chain)
  })

  it('leaves nothing on the signal of who waited for it: that may live much longer', async () => {
    const world = await worldOf()
    const { signal } = new AbortController()
    const alice = world.member('alice')
    const waits = alice.mailbox.opened(signal)
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    expect(await world.settle(waits)).toBe(true)
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })

  it('is read far beyond what one credit allows', async () => {
    const world = await worldOf()
    const alice = await world.reader('alice')
    const all = Array.from({ length: 300 }, (_, i) => alice.deposit(`${i}`))
    await world.settle(Promise.all(all))
    const bob = await world.reader('bob')
    expect(bob.names).toEqual(Array.from({ length: 300 }, (_, i) => `${i}`))
  })

  it('ends every deposit in one row and one place, also where the relay died before its reply', async () => {
    const world = await worldOf()
    const alice = await world.reader('alice')
    await world.send(alice, 'one')
    world.store.onWritten = () => void world.host?.stop()
    const lost = await world.settle(alice.deposit('two'))
    expect(lost).toMatchObject({ kind: 'failed' })
    await world.quiet()
    await world.start()
    await world.settle(alice.until(() => alice.items.length === 2))
    const again = await world.settle(alice.deposit('two'))
    expect(again).toMatchObject({ kind: 'held', found: 'there', seq: 2 })
    if (again.kind !== 'held') return
    expect(again.chain).toEqual(chainMark(alice.cursor!.chain))
    await world.send(alice, 'three')
    const bob = await world.reader('bob')
    expect(bob.items.map(({ seq }) => seq)).toEqual([1, 2, 3])
    expect([...alice.lies, ...bob.lies]).toEqual([])
  })

  it('shows a stub where a writer replaced its own, and the chain holds over it', async () => {
    const world = await worldOf()
    const alice = await world.reader('alice')
    await world.settle(alice.deposit('frontier 1', 'frontier'))
    await world.send(alice, 'text')
    await world.settle(alice.deposit('frontier 2', 'frontier'))
    expect(await world.settle(alice.deposit('frontier 1', 'frontier'))).toMatchObject({
      kind: 'held',
      found: 'taken',
    })
    const bob = await world.reader('bob')
    expect(bob.names).toEqual(['', 'text', 'frontier 2'])
    expect(bob.lies).toEqual([])
    expect(world.service?.figures.replaced).toBe(1)
  })

  it('names what it dropped before a member came, and keeps what it holds', async () => {
    const world = await worldOf({ limits: { ringBytes: 4 * 640, ringShare: 1 } })
    const alice = await world.reader('alice')
    await world.send(alice, '1')
    const bob = await world.reader('bob')
    await world.settle(bob.stop())
    await world.send(alice, '2', '3', '4')
    expect(await world.settle(alice.deposit('5'))).toMatchObject({
      kind: 'failed',
      reason: 'quota',
      retryAfterMs: 15 * 60_000,
    })
    await world.advance(73 * HOUR_MS)
    await world.send(alice, '5', '6', '7')
    const later = await world.reader('bob', { cursor: bob.cursor })
    expect(later.missing).toEqual([{ from: 2, to: 3 }])
    expect(later.names).toEqual(['4', '5', '6', '7'])
    expect(later.lies).toEqual([])
    expect(world.service?.figures.ringDropped).toBe(3)
  })

  it.each([
    ['at once', 0],
    ['20 ms later', 20],
  ])(
    'names also what is dropped under a member who follows it too slowly, where all comes %s',
    async (_, delayMs) => {
      const limits = { ringBytes: 70 * 640, ringShare: 1, groupHoldS: 10 }
      const world = await worldOf({ limits }, delayMs)
      const alice = await world.reader('alice')
      const bob = await world.reader('bob')
      let wake = (): void => undefined
      bob.disk = new Promise((resolve) => {
        wake = resolve
      })
      const sendMany = async (from: number): Promise<void> => {
        const all = Array.from({ length: 70 }, (__, i) => alice.deposit(`${from + i}`))
        const outcomes = await world.settle(Promise.all(all))
        expect(outcomes.every(({ kind }) => kind === 'held')).toBe(true)
      }
      // He has 64 of 70 on the way when all of them go: the hour of the writer's share is over too.
      await world.advance(HOUR_MS - (world.clock.nowMs() % HOUR_MS) - 20_000)
      await sendMany(1)
      await world.advance(25_000)
      await sendMany(71)
      wake()
      await world.settle(bob.until(() => bob.items.length === 134))
      expect(bob.missing).toEqual([{ from: 65, to: 70 }])
      expect(bob.names.slice(62, 66)).toEqual(['63', '64', '71', '72'])
      expect([...alice.lies, ...bob.lies]).toEqual([])
      // On the same stream: he was not thrown out, and asked again.
      expect(bob.log).toEqual([])
    },
  )

  it('says when there is room again', async () => {
    const world = await worldOf({ limits: { ringBytes: 2 * 640, ringShare: 1, groupTtlS: 7_200 } })
    const alice = await world.reader('alice')
    await world.send(alice, '1', '2')
    expect(await world.settle(alice.deposit('3'))).toMatchObject({ reason: 'quota' })
    await world.advance(4 * HOUR_MS)
    expect(alice.rooms).toBe(1)
    await world.send(alice, '3')
  })

  it('is renewed by who follows it: its lease never ends under them', async () => {
    const world = await worldOf()
    const alice = await world.reader('alice')
    const leaseS = async (): Promise<number> => {
      const [value] = await world.store.get([rowKey('mailbox', alice.mailbox.mailboxId, EMPTY)])
      return mailboxes.decode(value!).leaseUntilS
    }
    const before = await leaseS()
    await world.advance(8 * 24 * HOUR_MS)
    expect(await leaseS()).toBeGreaterThanOrEqual(before + 7 * 86_400)
    expect(alice.mailbox.open).toBe(true)
    expect(alice.lies).toEqual([])
  })

  it('of a lineage that is over is read, and not made again where it ended', async () => {
    const world = await worldOf()
    const none = world.member('alice', { mode: 'read' })
    await world.settle(none.until(() => none.gone === 1))
    const alice = await world.reader('alice')
    await world.send(alice, 'one')
    const old = await world.reader('alice', { mode: 'read' })
    expect(old.names).toEqual(['one'])
  })
})

describe('a relay that comes back', () => {
  it('restored, shows another incarnation: all is read again, and goes on', async () => {
    const world = await worldOf()
    const alice = await world.reader('alice')
    await world.send(alice, 'one', 'two')
    await world.settle(alice.until(() => alice.items.length === 2))
    await world.kill()
    const head = await readHead(world.store, world.random)
    await world.store.write([writeHead(world.random(8), head.safeNowMs ?? 0)])
    await world.start()
    await world.settle(alice.until(() => alice.restarts === 1 && alice.items.length === 4))
    expect(alice.names).toEqual(['one', 'two', 'one', 'two'])
    await world.send(alice, 'three')
    await world.settle(alice.until(() => alice.items.length === 5))
    expect(alice.lies).toEqual([])
    const bob = await world.reader('bob')
    expect(bob.names).toEqual(['one', 'two', 'three'])
  })

  it('from an older copy, unsaid, is told by the chain as soon as a cursor meets it', async () => {
    const world = await worldOf()
    const alice = await world.reader('alice')
    await world.send(alice, 'one')
    const older = await world.store.range({
      from: Uint8Array.of(0),
      to: Uint8Array.of(0xff),
      limit: 99,
    })
    await world.send(alice, 'two')
    await world.settle(alice.until(() => alice.items.length === 2))
    const bob = await world.reader('bob')
    await world.settle(bob.stop())
    await world.kill()
    const newer = await world.store.range({
      from: Uint8Array.of(0),
      to: Uint8Array.of(0xff),
      limit: 99,
    })
    await world.store.write(newer.map(([key]) => ({ key, value: undefined })))
    await world.store.write(older.map(([key, value]) => ({ key, value })))
    await world.start()
    await world.settle(alice.until(() => alice.restarts === 1))
    await world.send(alice, 'another two', 'three')
    const later = await world.reader('bob', { cursor: bob.cursor })
    expect(later.restarts).toBe(1)
    expect(later.names).toEqual(['one', 'another two', 'three'])
  })
})

describe('a relay that lies', () => {
  it('and hides a message is caught at the head', async () => {
    const map = new SortedMap()
    const store = new MemoryStore(map)
    const hidden = new Set<string>()
    const world = await worldOf({
      store: {
        get: (keys) => store.get(keys),
        range: async (query) =>
          (await store.range(query)).filter(([key]) => !hidden.has(toHex(key))),
        write: (batch) => store.write(batch),
        close: () => store.close(),
      },
    })
    const alice = await world.reader('alice')
    await world.send(alice, 'one', 'two', 'three')
    const [second] = (
      await store.range({ from: Uint8Array.of(2), to: Uint8Array.of(3), limit: 9 })
    ).slice(1)
    hidden.add(toHex(second![0]))
    const bob = world.member('bob')
    await world.settle(bob.until(() => bob.lies.length > 0))
    expect(bob.names).toEqual(['one'])
    expect(bob.lies).toEqual(['it keeps items to itself that it says it has'])
    expect(bob.mailbox.open).toBe(false)
    // Honest again, it is read on: nothing was skipped meanwhile.
    hidden.clear()
    await world.settle(bob.until(() => bob.items.length === 3))
    expect(bob.names).toEqual(['one', 'two', 'three'])
  })

  it('and puts another message in the place of one is caught by its own chain', async () => {
    const world = await worldOf()
    const alice = await world.reader('alice')
    await world.send(alice, 'one', 'two')
    const [first] = await world.store.range({
      from: Uint8Array.of(2),
      to: Uint8Array.of(3),
      limit: 1,
    })
    const [key, value] = first!
    const swapped = { ...rows.decode(value), envId: bytesOf('another') }
    await world.store.write([{ key, value: rows.encode(swapped) }])
    const bob = world.member('bob')
    await world.settle(bob.until(() => bob.lies.length > 0))
    expect(bob.lies).toEqual(['its chain is not the one of what it handed out'])
  })

  it('and keeps a queue for each of two members is caught when they compare', async () => {
    // One service, one key, two stores: what a relay would do to split a group.
    const world = await worldOf()
    const fork = await world.network.createHost({
      seed: bytesOf('relay transport'),
      listen: ['/ip4/10.0.0.2/tcp/4001'],
      role: 'relay',
    })
    const alice = await world.reader('alice')
    await world.send(alice, 'to all')
    const copy = new SortedMap()
    const all = await world.store.range({
      from: Uint8Array.of(0),
      to: Uint8Array.of(0xff),
      limit: 99,
    })
    await new MemoryStore(copy).write(all.map(([key, value]) => ({ key, value })))
    await world.settle(
      startRelayService({
        host: fork,
        store: new MemoryStore(copy),
        clock: world.clock,
        random: world.random,
        provider: noble,
        seeds: { service: bytesOf('service'), process: bytesOf('process') },
        openBits: 0,
      }),
    )
    const address = joinPeerAddress('/ip4/10.0.0.2/tcp/4001', fork.transportKey)
    const bob = await world.reader('bob', { relay: { serviceKey: SERVICE, addresses: [address] } })
    expect(bob.names).toEqual(['to all'])
    const claimOf = (member: Member): Parameters<Member['mailbox']['compare']>[0] => {
      const { incarnation, seq, chain } = member.cursor!
      return { incarnation, seq, chain: chainMark(chain) }
    }
    expect(bob.mailbox.compare(claimOf(alice))).toBe('same')
    await world.send(alice, 'for alice alone')
    await world.send(bob, 'for bob alone')
    await world.settle(alice.until(() => alice.items.length === 2))
    await world.settle(bob.until(() => bob.items.length === 2))
    expect(alice.lies).toEqual([])
    expect(alice.mailbox.compare(claimOf(bob))).toBe('different')
    expect(alice.lies).toEqual(['it shows members different queues'])
    // A claim about a place to come is kept until it is read.
    const carol = await world.reader('carol')
    const ahead = { ...claimOf(bob), seq: 3 }
    expect(carol.mailbox.compare(ahead)).toBe('later')
    await world.send(alice, 'third')
    await world.settle(carol.until(() => carol.lies.length > 0))
    expect(carol.lies).toEqual(['it told two chains for one place'])
  })
})
