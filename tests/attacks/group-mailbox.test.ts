// What a member, one who was removed, and the relay can do at a group's mailbox, and what not.
import { beforeAll, describe, expect, it } from 'vitest'
import { type CborValue, EMPTY, decodeCbor, encodeText, noble, toHex } from '../../crypto/index.ts'
import type { RelayConnection } from '../../node/relay-client/relay-connection.ts'
import { startRelayService } from '../../node/relay/relay-service.ts'
import type { GroupDepositOutcome, GroupRelay } from '../../node/relays/group-mailbox-types.ts'
import { GroupMailbox } from '../../node/relays/group-mailbox.ts'
import { Courier } from '../../node/relays/courier.ts'
import { MemoryStore } from '../../node/store/memory-store.ts'
import { SortedMap } from '../../node/store/sorted-map.ts'
import { joinPeerAddress } from '../../node/net/peer-id.ts'
import {
  type RelayFailure,
  RELAY_FRAME_MAX_BYTES,
  type RelayOp,
  decodeRequest,
  deriveCapKey,
  groupCapability,
  groupMailboxKeys,
  mailboxIdOf,
} from '../../protocol/index.ts'
import { LINEAGE, Member } from '../support/group-member.ts'
import { RelayWorld, bytesOf } from '../support/relay-world.ts'
import { Recorder } from '../support/recording-host.ts'

const SERVICE = noble.ed25519PublicKey(bytesOf('service'))
const HOUR_MS = 3_600_000

function memberOf(world: RelayWorld, name: string, lineageSecret = LINEAGE): Member {
  const { network, clock, random } = world
  const relay = { serviceKey: SERVICE, addresses: [world.address] }
  const member = new Member({ network, clock, random, relay, name, lineageSecret })
  member.mailbox.start()
  return member
}

async function readerOf(world: RelayWorld, name: string, lineage = LINEAGE): Promise<Member> {
  const member = memberOf(world, name, lineage)
  await world.settle(member.until(() => member.drained > 0))
  return member
}

/** The status that a call of the client was refused with; 'ok' where it was not. */
async function refusalOf(
  world: RelayWorld,
  call: Promise<unknown>,
): Promise<RelayFailure['status'] | 'ok'> {
  try {
    const reply = await world.settle(call)
    const isRefused = typeof reply === 'object' && reply !== null && 'status' in reply
    return isRefused ? (reply as RelayFailure).status : 'ok'
  } catch (error) {
    const { cause } = error as { readonly cause?: RelayFailure }
    if (cause === undefined) throw error
    return cause.status
  }
}

describe('a removed member, who keeps the keys of its lineage', () => {
  let world: RelayWorld
  let alice: Member
  let mallory: RelayConnection
  const keys = groupMailboxKeys(noble, SERVICE, LINEAGE)

  beforeAll(async () => {
    world = new RelayWorld()
    await world.start({ lagProbeMs: 0 })
    alice = await readerOf(world, 'alice')
    for (const name of ['one', 'two', 'three']) {
      expect(await world.settle(alice.deposit(name))).toMatchObject({ kind: 'held' })
    }
    mallory = await world.connect()
    const { ownerSeed, bind } = keys
    const proven = await world.settle(mallory.proveMailbox(ownerSeed, { type: 2, bind }))
    expect(proven).toMatchObject({ mailboxId: keys.mailboxId })
  })

  it('can take nothing from the mailbox: each operation that could is refused', async () => {
    const { mailboxId, secret } = keys
    const right = groupCapability(noble, SERVICE, secret, bytesOf('anybody', 8))
    const auth = { kind: 'capability', ...right } as const
    const all = alice.items.map(({ envId }) => envId)
    const capId = bytesOf('cap', 8)
    const invite = { capId, capKey: bytesOf('key'), expiresS: 4_000_000_000, uses: 1 }
    const attempts: Readonly<Record<string, () => Promise<unknown>>> = {
      ack: () => mallory.ack(mailboxId, all),
      close: () => mallory.closeMailbox(mailboxId),
      revoke: () => mallory.revoke(mailboxId, [alice.capId]),
      card: () => mallory.putCard(mailboxId, 1, bytesOf('card')),
      prekeys: () => mallory.putPrekeys(mailboxId, true, [{ class: 1, item: bytesOf('key') }]),
      count: () => mallory.prekeyCount(mailboxId),
      take: () => mallory.take({ mailboxId, lane: 3, auth, classes: 7 }),
      invite: () => mallory.putInvite(mailboxId, invite),
      uninvite: () => mallory.deleteInvite(mailboxId, capId),
      tickets: () => mallory.tickets(mailboxId, 1),
    }
    for (const [what, attempt] of Object.entries(attempts)) {
      expect(await refusalOf(world, attempt()), what).toBe('refused')
    }
    // Nor by lanes that are a device's, nor by asking for what was never put there.
    const rightIn = (lane: number) => {
      const { capId: id, expiresS } = right
      const capKey = deriveCapKey(noble, SERVICE, secret, { lane, expiresS, capId: id })
      return { kind: 'capability', capId: id, expiresS, capKey } as const
    }
    for (const lane of [0, 1, 2]) {
      const env = bytesOf('env', 512)
      // Whoever has the secret has a right for each of them that would hold.
      const deposit = { mailboxId, envId: bytesOf('id'), lane, ttlS: 60, auth: rightIn(lane), env }
      expect(await refusalOf(world, mallory.deposit(deposit)), `lane ${lane}`).toBe('auth')
    }
    const taken = mallory.take({ mailboxId, lane: 0, auth: rightIn(0), classes: 7 })
    expect(await refusalOf(world, taken)).toBe('auth')
    expect(await refusalOf(world, mallory.cardGet(mailboxId))).toBe('auth')
    const bob = await readerOf(world, 'bob')
    expect(bob.names).toEqual(['one', 'two', 'three'])
  })

  it('cannot open it under another secret, which would end everybody’s right to write', async () => {
    const { ownerSeed, ownerKey, secret } = keys
    const other = bytesOf('a secret of its own')
    const mailbox = { type: 2, secret: other, gen: 0, awayDays: 0 } as const
    const opened = await world.settle(mallory.openMailbox(ownerSeed, mailbox))
    // What it gets is a mailbox of its own, where nobody looks.
    const elsewhere = mailboxIdOf(noble, 2, ownerKey, noble.sha256(other))
    expect(opened).toMatchObject({ mailboxId: elsewhere })
    expect(toHex(elsewhere)).not.toBe(toHex(keys.mailboxId))
    const raised = mallory.openMailbox(ownerSeed, { ...mailbox, secret, gen: 1 })
    expect(await refusalOf(world, raised)).toBe('refused')
    const asDevice = mallory.openMailbox(ownerSeed, { ...mailbox, type: 1 })
    expect(await world.settle(asDevice)).not.toMatchObject({ mailboxId: keys.mailboxId })
    expect(await world.settle(alice.deposit('after'))).toMatchObject({ kind: 'held' })
  })

  it('cannot shorten what it keeps', async () => {
    const { ownerSeed, secret } = keys
    const mailbox = { type: 2, secret, gen: 0, awayDays: 0, ttlS: 1 } as const
    await world.settle(mallory.openMailbox(ownerSeed, mailbox))
    const held = await world.settle(alice.deposit('for days'))
    if (held.kind !== 'held') throw new Error(held.reason)
    expect(held.holdUntilS * 1_000 - world.clock.nowMs()).toBeGreaterThan(71 * HOUR_MS)
  })

  it('reads what its lineage still carries, as ciphertext, and nothing of the next one', async () => {
    const carried = await readerOf(world, 'mallory')
    expect(carried.names.slice(0, 3)).toEqual(['one', 'two', 'three'])
    const next = bytesOf('lineage after the removal')
    const moved = await readerOf(world, 'alice', next)
    expect(await world.settle(moved.deposit('without mallory'))).toMatchObject({ kind: 'held' })
    await world.settle(moved.until(() => moved.items.length === 1))
    // It may even learn the id, from the relay: it proves nothing there, and writes nothing.
    const { mailboxId, ownerKey, bind } = groupMailboxKeys(noble, SERVICE, next)
    const forged = mallory.proveMailbox(keys.ownerSeed, { type: 2, bind })
    expect(await refusalOf(world, forged)).toBe('unknown')
    expect(toHex(mailboxIdOf(noble, 2, ownerKey, bind))).toBe(toHex(mailboxId))
    const request = { mailboxId, after: undefined, limit: 9, maxBytes: 9_999, envIds: [] }
    const read = mallory.fetch({ ...request, idsOnly: false })
    expect(await refusalOf(world, read)).toBe('unauthenticated')
    const right = groupCapability(noble, SERVICE, keys.secret, bytesOf('pseudonym mallory', 8))
    const auth = { kind: 'capability', ...right } as const
    const deposit = {
      mailboxId,
      envId: bytesOf('id'),
      lane: 3,
      ttlS: 60,
      auth,
      env: bytesOf('env'),
    }
    expect(await refusalOf(world, mallory.deposit(deposit))).toBe('auth')
    expect(moved.names).toEqual(['without mallory'])
  })
})

describe('a removed member, who goes on writing', () => {
  it('fills its share of a queue that nobody writes to any more, and touches nothing else', async () => {
    const world = new RelayWorld()
    await world.start({ lagProbeMs: 0, limits: { ringBytes: 32 * 640 } })
    const alice = await readerOf(world, 'alice')
    expect(await world.settle(alice.deposit('before'))).toMatchObject({ kind: 'held' })
    const moved = await readerOf(world, 'alice', bytesOf('lineage after the removal'))
    const mallory = memberOf(world, 'mallory')
    const outcomes: string[] = []
    for (let i = 0; i < 4; i++) {
      const one = await world.settle(mallory.deposit(`after ${i}`))
      outcomes.push(one.kind === 'held' ? 'held' : one.reason)
    }
    // Nobody could take that right away and not the others': all have the same keys.
    expect(outcomes).toEqual(['held', 'held', 'quota', 'quota'])
    // Who did not know of the removal yet is heard there, and the group itself is elsewhere.
    expect(await world.settle(alice.deposit('late'))).toMatchObject({ kind: 'held' })
    expect(await world.settle(moved.deposit('one'))).toMatchObject({ kind: 'held' })
    expect(await world.settle(moved.deposit('two'))).toMatchObject({ kind: 'held' })
    await world.settle(moved.until(() => moved.items.length === 2))
    expect(moved.names).toEqual(['one', 'two'])
  })
})

describe('a member who fills the mailbox', () => {
  it('takes its share and no more under one name; under many it stops the others, and drops nothing', async () => {
    const world = new RelayWorld()
    await world.start({ lagProbeMs: 0, limits: { ringBytes: 32 * 640 } })
    const second = await world.network.createHost({
      seed: bytesOf('second relay'),
      listen: ['/ip4/10.0.0.2/tcp/4001'],
      role: 'relay',
    })
    await world.settle(
      startRelayService({
        host: second,
        store: new MemoryStore(new SortedMap()),
        clock: world.clock,
        random: world.random,
        provider: noble,
        seeds: { service: bytesOf('second'), process: bytesOf('second process') },
        openBits: 0,
        lagProbeMs: 0,
      }),
    )
    const alice = await readerOf(world, 'alice')
    expect(await world.settle(alice.deposit('kept'))).toMatchObject({ kind: 'held' })
    const mallory = memberOf(world, 'mallory')
    const flood = async (name: string): Promise<readonly string[]> => {
      const capId = bytesOf(name, 8)
      const all = Array.from({ length: 4 }, (_, i) =>
        mallory.mailbox.deposit({
          envId: bytesOf(`${name} ${i}`),
          env: bytesOf('flood', 512),
          capId,
        }),
      )
      const outcomes = await world.settle(Promise.all(all))
      return outcomes.map((one) => (one.kind === 'held' ? 'held' : one.reason))
    }
    expect(await flood('mallory')).toEqual(['held', 'held', 'quota', 'quota'])
    // Every member can derive every capability of its lineage.
    for (let i = 0; i < 20; i++) await flood(`mallory as ${i}`)
    const { network, clock, random } = world
    const host = network.createHost({ seed: random(32), listen: [], role: 'courier' })
    const stopping = new AbortController().signal
    const core = { clock, random, provider: noble, stopping, log: () => undefined }
    const handlers = { onItems: () => Promise.resolve() }
    const addresses = [joinPeerAddress('/ip4/10.0.0.2/tcp/4001', second.transportKey)]
    const courier = new Courier(core, () => host)
    const relays: readonly GroupRelay[] = [
      { serviceKey: SERVICE, addresses: [world.address] },
      { serviceKey: noble.ed25519PublicKey(bytesOf('second')), addresses },
    ]
    const mailboxes = relays.map(
      (relay) =>
        new GroupMailbox({
          core,
          courier,
          lineageSecret: LINEAGE,
          mode: 'open',
          relay,
          cursor: undefined,
          handlers,
        }),
    )
    const message = { envId: bytesOf('hers'), env: bytesOf('hers', 512), capId: alice.capId }
    const outcomes: GroupDepositOutcome[] = []
    for (const mailbox of mailboxes) {
      mailbox.start()
      await world.settle(mailbox.opened(clock.timeout(10_000)))
      expect(mailbox.open).toBe(true)
      outcomes.push(await world.settle(mailbox.deposit(message)))
    }
    // The full one says when to come again; the other holds it.
    expect(outcomes).toMatchObject([
      { kind: 'failed', reason: 'quota' },
      { kind: 'held', seq: 1 },
    ])
    const [refused] = outcomes
    expect(refused?.kind === 'failed' && refused.retryAfterMs > 0).toBe(true)
    const bob = await readerOf(world, 'bob')
    expect(bob.names[0]).toBe('kept')
    for (const mailbox of mailboxes) await world.settle(mailbox.stop())
  })
})

// --- What the relay sees ---

/** Byte strings of a structure, wherever they stand. */
function byteStrings(value: CborValue): readonly Uint8Array[] {
  if (value instanceof Uint8Array) return [value]
  return typeof value === 'number' ? [] : value.flatMap(byteStrings)
}

interface Seen {
  readonly ops: readonly RelayOp[]
  /** Byte strings of the client's frames, as hex. */
  readonly said: ReadonlySet<string>
  readonly stored: readonly string[]
  readonly members: readonly Member[]
  readonly serviceKey: Uint8Array
}

/** Two members write and read at a relay; all that it sees of it. */
async function watched(service: string): Promise<Seen> {
  const world = new RelayWorld()
  const recorder = new Recorder()
  const map = new SortedMap()
  let randoms = 0
  const bare = await world.network.createHost({
    seed: bytesOf('relay transport'),
    listen: ['/ip4/10.0.0.1/tcp/4001'],
    role: 'relay',
  })
  world.host = bare
  await world.settle(
    startRelayService({
      host: recorder.host(bare),
      store: new MemoryStore(map),
      clock: world.clock,
      random: (length) => bytesOf(`${service} ${randoms++}`, length),
      provider: noble,
      seeds: { service: bytesOf(service), process: bytesOf('process') },
      openBits: 0,
      lagProbeMs: 0,
    }),
  )
  const serviceKey = noble.ed25519PublicKey(bytesOf(service))
  const { network, clock, random } = world
  const relay = { serviceKey, addresses: [world.address] }
  const members: Member[] = []
  for (const name of ['alice-heron', 'bob-kingfisher']) {
    const member = new Member({ network, clock, random, relay, name })
    member.mailbox.start()
    await world.settle(member.until(() => member.drained > 0))
    members.push(member)
  }
  const [alice, bob] = members
  for (const [member, name] of [
    [alice!, '1'],
    [bob!, '2'],
  ] as const) {
    expect(await world.settle(member.deposit(name, 'frontier'))).toMatchObject({ kind: 'held' })
  }
  for (const member of members) await world.settle(member.until(() => member.items.length === 2))
  // Another start of the same member: it comes as somebody else, with its cursor.
  await world.settle(bob!.stop())
  const again = new Member({ network, clock, random, relay, name: 'bob', cursor: bob!.cursor })
  again.mailbox.start()
  await world.settle(again.until(() => again.drained > 0))
  const frames = recorder.streams.flatMap(({ frames: all }) =>
    all.filter(({ from }) => from === 'client').map(({ bytes }) => bytes),
  )
  const ops = frames.flatMap((bytes) =>
    decodeRequest(bytes).ops.map((op) => {
      if (op.kind === 'unknown') throw new Error(`operation ${op.code} is not of this version`)
      return op
    }),
  )
  const said = new Set(
    frames.flatMap((bytes) => byteStrings(decodeCbor(bytes, RELAY_FRAME_MAX_BYTES)).map(toHex)),
  )
  const rows = await new MemoryStore(map).range({
    from: Uint8Array.of(0),
    to: Uint8Array.of(0xff),
    limit: 999,
  })
  const stored = rows.flatMap(([key, value]) => [toHex(key), toHex(value)])
  expect(new Set(recorder.streams.map(({ remoteKey }) => toHex(remoteKey))).size).toBe(3)
  return { ops, said, stored, members, serviceKey }
}

describe('a relay that carries a group', () => {
  let seen: Seen

  beforeAll(async () => {
    seen = await watched('service')
  })

  it('is asked for nothing else than to prove, open, keep and hand out', () => {
    const kinds = new Set(seen.ops.map(({ kind }) => kind))
    // Credit is told once half of it is used: not by so little.
    expect([...kinds].sort()).toEqual(['auth', 'deposit', 'desc', 'hello', 'open', 'sub', 'unsub'])
  })

  it('is told keys of the mailbox, pseudonyms, ids, places and ciphertext, and not one byte beside', () => {
    const keys = groupMailboxKeys(noble, seen.serviceKey, LINEAGE)
    const known = new Map<string, string>([
      [toHex(keys.ownerKey), 'read key'],
      [toHex(keys.secret), 'write secret'],
      [toHex(keys.bind), 'bind'],
      [toHex(keys.mailboxId), 'mailbox'],
      [toHex(bytesOf('frontier', 16)), 'key of replacement'],
      [toHex(EMPTY), 'absent'],
    ])
    for (const { capId, items, cursor } of seen.members) {
      known.set(toHex(capId), 'pseudonym')
      known.set(toHex(cursor!.incarnation), 'incarnation')
      known.set(toHex(cursor!.chain.subarray(0, 8)), 'chain')
      for (const { envId, env } of items) {
        known.set(toHex(envId), 'id')
        known.set(toHex(env), 'ciphertext')
      }
    }
    for (const op of seen.ops) {
      if (op.kind === 'deposit' && op.request.auth.kind === 'capability') {
        known.set(toHex(op.request.auth.mac), 'mac')
      }
      if (op.kind === 'open') known.set(toHex(op.request.signature), 'signature')
      if (op.kind === 'auth') known.set(toHex(op.request.proofs[0]!.signature), 'signature')
    }
    expect([...seen.said].filter((hex) => !known.has(hex))).toEqual([])
    for (const what of ['pseudonym', 'ciphertext', 'chain', 'write secret']) {
      const said = [...known].filter(([hex, is]) => is === what && seen.said.has(hex))
      expect(said.length, what).toBeGreaterThan(0)
    }
  })

  it('has neither the secret of the lineage nor a name in anything it was told or keeps', () => {
    const { ownerSeed } = groupMailboxKeys(noble, seen.serviceKey, LINEAGE)
    const needles = [LINEAGE, ownerSeed, encodeText('alice-heron'), encodeText('bob-kingfisher')]
    for (const needle of needles) {
      const hex = toHex(needle)
      expect([...seen.said, ...seen.stored].filter((bytes) => bytes.includes(hex))).toEqual([])
    }
    // A needle that is there is found.
    const { capId } = seen.members[0]!
    expect(seen.stored.some((bytes) => bytes.includes(toHex(capId)))).toBe(true)
  })

  it('shares with another one what it carries and under which pseudonym, and no key or id of the mailbox', async () => {
    const other = await watched('another service')
    const carried = new Set<string>([toHex(EMPTY), toHex(bytesOf('frontier', 16))])
    for (const { capId, items } of seen.members) {
      carried.add(toHex(capId))
      for (const { envId, env } of items) {
        carried.add(toHex(envId))
        carried.add(toHex(env))
      }
    }
    const both = [...seen.said].filter((hex) => other.said.has(hex) && !carried.has(hex))
    expect(both).toEqual([])
  })
})
