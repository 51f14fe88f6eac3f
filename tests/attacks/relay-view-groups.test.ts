// Everything that relays see of a group of whole nodes in all of its life: it is made, joined by a
// link, talks, gives a role, removes one and takes it back, rotates, is renamed, and moves to another
// relay. What must not be found there, and what may tie one thing to another.
import { beforeAll, describe, expect, test } from 'vitest'
import { decodeBase32, encodeText, fromHex, parseAddress, toHex } from '../../crypto/index.ts'
import { nativeCrypto } from '../../node/native-crypto.ts'
import { decodeReply, isFailure } from '../../protocol/index.ts'
import { Team } from '../sim/group-team.ts'
import { durableIdentity, durableOperations } from '../sim/node-machine.ts'
import { type RelayMachine, relayMachine } from '../sim/relay-machine.ts'
import { type Person, World } from '../sim/world.ts'
import { type RecordedStream, Recorder } from '../support/recording-host.ts'
import {
  exchanges,
  forms,
  isOwners,
  leaksOf,
  ofGroupMailboxes,
  ofService,
  ofStream,
  shared,
} from '../support/relay-view.ts'

const NAME = 'waterbirds of the delta'
const RENAMED = 'waterbirds of the estuary'
const FRESH: readonly string[] = ['create', 'remove', 'rotate', 'merge']

let world: World
let people: readonly Person[]
let freshOperations = 0
/** Runs of 8 bytes that owners and couriers have in common, all of tickets. */
let shownTickets = 0
/** What names people or the group, or says what was written, by what it is. */
const needles = new Map<string, readonly string[]>()

interface Watched {
  readonly relay: RelayMachine
  readonly recorder: Recorder
}
const watched: Watched[] = []

async function watchedRelay(openBits: number): Promise<RelayMachine> {
  const number = watched.length + 1
  const recorder = new Recorder()
  const relay = relayMachine(world.simulation, `relay${number}`, {
    ip: `10.1.0.${number}`,
    host: recorder.host,
    openBits,
  })
  watched.push({ relay, recorder })
  await world.simulation.settle(relay.machine.start())
  return relay
}

function streamsOf({ recorder }: Watched, person: Person): readonly RecordedStream[] {
  const ip = world.simulation.network.ipAddressOf(person.machine.name)
  return recorder.streams.filter(({ remoteAddress }) => remoteAddress === ip)
}

async function notePeople(team: Team, gid: string): Promise<void> {
  for (const person of people) {
    const { self } = await durableIdentity(world.simulation, person.machine)
    const { account, device, dh } = self
    for (const [what, key] of Object.entries({ account, device, dh })) {
      needles.set(`${person.name}: ${what} key`, forms(key))
    }
    expect(toHex(parseAddress(nativeCrypto, person.address))).toBe(toHex(account))
    const { address, name } = person
    needles.set(`${name}: address`, [toHex(encodeText(address)), toHex(decodeBase32(address))])
    needles.set(`${name}: name`, [toHex(encodeText(name))])
  }
  for (const name of [NAME, RENAMED]) needles.set(name, [toHex(encodeText(name))])
  needles.set('id of the group', forms(fromHex(gid)))
  for (const { text } of team.said) needles.set(text, [toHex(encodeText(text))])
}

beforeAll(async () => {
  world = new World('relay view of a group')
  const first = await watchedRelay(0)
  // A new mailbox costs work here, or a ticket.
  const second = await watchedRelay(2)
  const both = [first.address, second.address]
  const alice = await world.person('alice-heron', { relays: [first.address] })
  const bob = await world.person('bob-kingfisher', { relays: [first.address] })
  const carol = await world.person('carol-avocet', { relays: both })
  const dave = await world.person('dave-spoonbill', { relays: [second.address] })
  people = [alice, bob, carol, dave]
  const { simulation } = world
  const team = new Team(world, NAME)
  const talk = async (of = people): Promise<void> => {
    for (const person of of) await team.say(person)
    expect(await team.settled(of)).toEqual([])
  }
  const { id } = await team.create(alice)
  team.name = id
  const link = await team.link(alice)
  for (const person of [bob, carol, dave]) await team.join(person, link)
  for (const person of people) await team.until(person, ({ members }) => members.length === 4)
  await talk()
  const { groups } = alice.machine.program.node
  await simulation.settle(groups.role(id, carol.address, 'admin'))
  await team.until(carol, ({ role }) => role === 'admin')
  await simulation.settle(groups.rotate(id))
  await talk()
  await simulation.settle(groups.remove(id, dave.address))
  await team.until(dave, ({ state }) => state === 'removed')
  await talk([alice, bob, carol])
  await simulation.settle(groups.rename(id, RENAMED))
  await team.join(dave, await team.link(alice))
  await talk()
  // Other couriers and other proofs: what would be told twice is told twice.
  for (const person of people) {
    await world.stop(person)
    await world.start(person)
  }
  await talk()
  // Its relay is gone: an admin takes it to another one, and there it goes on.
  const carriers = (await team.view(alice))?.relays ?? []
  expect(carriers).toEqual([toHex(first.machine.program.service.serviceKey).slice(0, 8)])
  await simulation.settle(first.machine.stop())
  await team.until(carol, ({ relays }) => relays[0] !== carriers[0], 3_600_000)
  await team.until(dave, ({ relays }) => relays[0] !== carriers[0], 3_600_000)
  await talk([carol, dave])
  await simulation.settle(first.machine.start())
  for (const person of [alice, bob]) {
    await team.until(person, ({ relays }) => relays[0] !== carriers[0], 3_600_000)
  }
  await talk()
  await simulation.settle(carol.machine.program.node.groups.rotate(id))
  await talk()
  const ops = await durableOperations(simulation, alice.machine, id)
  const kinds = ops.map(({ payload }) => payload.kind)
  expect(kinds).toEqual(expect.arrayContaining(['create', 'add', 'rotate', 'remove', 'carriage']))
  freshOperations = kinds.filter((kind) => FRESH.includes(kind)).length
  await notePeople(team, id)
  for (const op of ops) needles.set(`id of a ${op.payload.kind}`, forms(op.id))
}, 240_000)

describe('relays that carry a group', () => {
  test('saw a life of it: mailboxes of several lineages at both, opened, read and written', () => {
    const counts = watched.map(({ recorder }) => ofGroupMailboxes(recorder.streams).size)
    expect(counts[0]).toBeGreaterThanOrEqual(3)
    expect(counts[1]).toBeGreaterThanOrEqual(2)
    for (const count of counts) expect(count).toBeLessThanOrEqual(freshOperations)
    for (const { recorder } of watched) {
      const kinds = new Set(recorder.streams.flatMap(exchanges).map(({ op }) => op.kind))
      expect([...kinds]).toEqual(expect.arrayContaining(['open', 'auth', 'sub', 'deposit', 'ack']))
    }
  })

  test.each([[0], [1]])(
    'relay %i finds no name of group or people, no text, key, address, nor id of group or operation, in frames and store',
    (which) => {
      const { relay, recorder } = watched[which]!
      const frames = recorder.streams.flatMap((stream) => stream.frames.map(({ bytes }) => bytes))
      const peers = recorder.streams.map(({ remoteKey }) => remoteKey)
      const rows = relay.machine.disk().rows.flat()
      for (const all of [frames, rows]) expect(all.length).toBeGreaterThan(100)
      expect(needles.size).toBeGreaterThan(40)
      expect(leaksOf([...frames, ...rows, ...peers], needles)).toEqual([])
      // A needle that is there is found.
      const planted = encodeText(`... ${RENAMED} ...`)
      expect(leaksOf([...frames, planted], needles)).toEqual([RENAMED])
    },
  )

  // A relay with openBits 0 asks for no ticket, and is shown none. Where a new mailbox has its price,
  // whoever opens one pays with a ticket of the own mailbox, which ties the two (SPEC.md §14.9).
  test.each([0, 1].flatMap((which) => [0, 1, 2, 3].map((who) => [which, who] as const)))(
    'relay %i: nothing that owner %i says or gets is in what it says or gets of the group and of others, tickets excepted',
    (which, who) => {
      const streams = streamsOf(watched[which]!, people[who]!)
      const owners = streams.filter(isOwners)
      const others = streams.filter((stream) => !isOwners(stream))
      const service = streams.flatMap(ofService)
      const tickets = owners.flatMap(exchanges).flatMap(({ op, reply }) => {
        if (op.kind !== 'ticket' || reply === undefined) return []
        const given = decodeReply('ticket', reply)
        return isFailure(given) ? [] : given.tickets
      })
      if (which === 0) expect(tickets).toEqual([])
      // Nonces of proofs of work are small numbers that were tried from 0 on.
      const tried = streams.flatMap(exchanges).flatMap(({ op }) => {
        if (op.kind === 'open' && op.request.grant.kind === 'work') return [op.request.grant.nonce]
        const auth = op.kind === 'deposit' || op.kind === 'prekeyTake' ? op.request.auth : undefined
        return auth?.kind === 'work' ? [auth.nonce] : []
      })
      const known = [...service, ...tried]
      expect(ofGroupMailboxes(others).size).toBeGreaterThan(0)
      expect(ofGroupMailboxes(owners).size).toBe(0)
      const [asOwner, asMember] = [owners.flatMap(ofStream), others.flatMap(ofStream)]
      expect(shared(asOwner, asMember, [...known, ...tickets])).toEqual([])
      shownTickets += shared(asOwner, asMember, known).length
      const keys = (of: readonly RecordedStream[]) => new Set(of.map((one) => toHex(one.remoteKey)))
      for (const key of keys(others)) expect(keys(owners)).not.toContain(key)
    },
  )

  test('the measure sees a ticket that was shown', () => {
    expect(shownTickets).toBeGreaterThan(0)
  })

  test('no mailbox of one lineage shares 8 bytes with that of another at the same relay', () => {
    for (const { recorder } of watched) {
      const all = [...ofGroupMailboxes(recorder.streams).values()]
      for (const [i, one] of all.entries()) {
        for (const other of all.slice(i + 1)) expect(shared(one, other, [])).toEqual([])
      }
    }
  })

  test('two relays that compare find one lineage by its pseudonyms and ciphertexts alone', () => {
    const [first, second] = watched.map(({ recorder }) => ofGroupMailboxes(recorder.streams))
    let pairs = 0
    for (const one of first!.values()) {
      const alike = [...second!.values()].filter((other) => shared(one, other, []).length > 0)
      expect(alike.length).toBeLessThanOrEqual(1)
      pairs += alike.length
    }
    expect(pairs).toBeGreaterThan(0)
    const carried = watched.flatMap(({ recorder }) =>
      recorder.streams.flatMap(exchanges).flatMap(({ op }) => {
        if (op.kind !== 'deposit' || op.request.auth.kind !== 'capability') return []
        const { envId, env, coalesce, auth } = op.request
        return [envId, env, auth.capId, ...(coalesce === undefined ? [] : [coalesce])]
      }),
    )
    const sides = [first!, second!].map((all) => [...all.values()].flat())
    expect(shared(sides[0]!, sides[1]!, carried)).toEqual([])
  })

  test('a member comes as somebody else after each start, and never as who owns its mailbox', () => {
    for (const person of people.slice(0, 1)) {
      const streams = streamsOf(watched[0]!, person).filter((stream) => !isOwners(stream))
      const carrying = streams.filter((one) => ofGroupMailboxes([one]).size > 0)
      expect(new Set(carrying.map(({ remoteKey }) => toHex(remoteKey))).size).toBeGreaterThan(1)
    }
  })
})
