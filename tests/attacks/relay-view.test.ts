// Everything that a relay sees of two people who both use it, and what it must not find there.
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { decodeBase32, encodeText, parseAddress, toHex } from '../../crypto/index.ts'
import { createNode, initProfile } from '../../node/index.ts'
import { nativeCrypto } from '../../node/native-crypto.ts'
import { openProfile } from '../../node/profile/open-profile.ts'
import { durableIdentity } from '../sim/node-machine.ts'
import { type RelayMachine, relayMachine } from '../sim/relay-machine.ts'
import { type Person, World } from '../sim/world.ts'
import { type RecordedStream, Recorder } from '../support/recording-host.ts'
import {
  exchanges,
  forms,
  isOwners,
  leaksOf,
  ofService,
  ofStream,
  shared,
} from '../support/relay-view.ts'

const TEXTS = ['the heron leaves at dawn', 'so does the kingfisher', 'bring the blue umbrella']

let world: World
let relay: RelayMachine
let alice: Person
let bob: Person
const recorder = new Recorder()
/** What names people or says what they wrote, by what it is. */
const needles = new Map<string, readonly string[]>()

function streamsOf(person: Person): readonly RecordedStream[] {
  const ip = world.simulation.network.ipAddressOf(person.machine.name)
  return recorder.streams.filter(({ remoteAddress }) => remoteAddress === ip)
}

beforeAll(async () => {
  world = new World('relay view')
  relay = relayMachine(world.simulation, 'relay', { ip: '10.1.0.1', host: recorder.host })
  await world.simulation.settle(relay.machine.start())
  const relays = [relay.address]
  alice = await world.person('alice-heron', { relays })
  bob = await world.person('bob-kingfisher', { relays })
  await world.introduce(bob, alice)
  for (const text of TEXTS) {
    await world.send(alice, bob, `${text}, says alice`)
    await world.send(bob, alice, `${text}, says bob`)
  }
  expect(await world.settled()).toEqual([])
  // New couriers and new proofs: what would be told twice is told twice.
  for (const person of [alice, bob]) {
    await world.stop(person)
    await world.start(person)
  }
  await world.send(alice, bob, `${TEXTS[0]}, again`)
  await world.send(bob, alice, `${TEXTS[1]}, again`)
  expect(await world.settled()).toEqual([])
  for (const person of [alice, bob]) {
    const { self } = await durableIdentity(world.simulation, person.machine)
    const { account, device, dh } = self
    for (const [what, key] of Object.entries({ account, device, dh })) {
      needles.set(`${person.name}: ${what} key`, forms(key))
    }
    expect(toHex(parseAddress(nativeCrypto, person.address))).toBe(toHex(account))
    needles.set(`${person.name}: address`, [
      toHex(encodeText(person.address)),
      toHex(decodeBase32(person.address)),
    ])
    needles.set(`${person.name}: name`, [toHex(encodeText(person.name))])
  }
  for (const text of TEXTS) needles.set(text, [toHex(encodeText(text))])
}, 120_000)

describe('a relay that two people share', () => {
  test('the record has frames of owners and couriers of both, and every frame decodes', () => {
    for (const person of [alice, bob]) {
      const streams = streamsOf(person)
      const owners = streams.filter(isOwners)
      const couriers = streams.filter((stream) => !isOwners(stream))
      expect(owners.length).toBeGreaterThan(1)
      expect(couriers.length).toBeGreaterThan(1)
      const kinds = (of: readonly RecordedStream[]) =>
        new Set(of.flatMap(exchanges).map(({ op }) => op.kind))
      expect([...kinds(owners)]).toEqual(
        expect.arrayContaining(['open', 'cardPut', 'prekeyPut', 'sub', 'ack']),
      )
      expect([...kinds(couriers)]).toContain('deposit')
      // An owner deposits nothing, a courier proves nothing.
      expect([...kinds(owners)]).not.toContain('deposit')
      expect([...kinds(owners)]).not.toContain('prekeyTake')
      for (const kind of [
        'open',
        'auth',
        'sub',
        'fetch',
        'ack',
        'cardPut',
        'prekeyPut',
        'invitePut',
      ]) {
        expect([...kinds(couriers)]).not.toContain(kind)
      }
    }
  })

  test('no text, name, account key, device key or address is in any frame', () => {
    const frames = recorder.streams.flatMap(({ frames }) => frames.map(({ bytes }) => bytes))
    expect(frames.length).toBeGreaterThan(50)
    expect(leaksOf(frames, needles)).toEqual([])
  })

  test('nor anywhere in its store', () => {
    const rows = relay.machine.disk().rows.flat()
    expect(rows.length).toBeGreaterThan(50)
    expect(leaksOf(rows, needles)).toEqual([])
  })

  test('a needle that is there is found', () => {
    const planted = encodeText(`... ${TEXTS[0]} ...`)
    expect(leaksOf([planted], needles)).toEqual([TEXTS[0]])
    expect(shared([planted], [planted.slice(4)], [])).not.toEqual([])
  })

  // What may stand on both: values of the service itself, which it shows to everybody in HELLO and
  // DESC (its keys, its certificate and its signed description, and the address in it). Nothing of
  // the other person's is excepted: the mailbox id that a courier deposits at is never named on the
  // depositor's own mailbox connection, and sequence numbers, times and incarnations that the relay
  // makes are per mailbox or shorter than 8 bytes.
  test.each([['alice-heron'], ['bob-kingfisher']])(
    'nothing that %s says or gets as owner of a mailbox occurs on its courier connections',
    (name) => {
      const person = name === alice.name ? alice : bob
      const streams = streamsOf(person)
      const service = streams.flatMap(ofService)
      expect(service.length).toBeGreaterThan(0)
      const owners = streams.filter(isOwners)
      const couriers = streams.filter((stream) => !isOwners(stream))
      const [asOwner, asCourier] = [owners.flatMap(ofStream), couriers.flatMap(ofStream)]
      expect(shared(asOwner, asCourier, service)).toEqual([])
      // The measure sees both sides: the service's own values do stand on both.
      expect(shared(asOwner, asCourier, [])).not.toEqual([])
      const keys = (of: readonly RecordedStream[]) => new Set(of.map((one) => toHex(one.remoteKey)))
      for (const key of keys(couriers)) expect(keys(owners)).not.toContain(key)
    },
  )

  test('a courier is another one after each start', () => {
    const couriers = streamsOf(alice).filter((stream) => !isOwners(stream))
    expect(new Set(couriers.map(({ remoteKey }) => toHex(remoteKey))).size).toBeGreaterThan(1)
  })
})

describe('what lies on disk', () => {
  test('the records of both profiles name nobody and hold no text, in keys or in values', () => {
    for (const person of [alice, bob]) {
      const rows = person.machine.disk().rows.flat()
      expect(rows.length).toBeGreaterThan(50)
      expect(leaksOf(rows, needles)).toEqual([])
    }
  })

  test('a search through both profile folders finds no text, name or key', async () => {
    const root = await mkdtemp(join(tmpdir(), 'sotto-view-'))
    try {
      const wanted = new Map<string, readonly string[]>()
      const nodes = []
      for (const name of ['anna-heron', 'boris-kingfisher']) {
        const dir = join(root, name)
        await initProfile({ dir, name })
        const node = await createNode({ dir, listen: ['/ip4/127.0.0.1/tcp/0'] })
        wanted.set(`${name}: account`, forms(parseAddress(nativeCrypto, node.address)))
        wanted.set(`${name}: name`, [toHex(encodeText(name))])
        wanted.set(`${name}: address`, [toHex(encodeText(node.address))])
        nodes.push(node)
      }
      const [anna, boris] = nodes
      if (anna === undefined || boris === undefined) throw new Error('nobody')
      const { link } = await anna.invites.create()
      const { address } = await boris.contacts.add(link)
      const text = 'the heron leaves at dawn'
      wanted.set('text', [toHex(encodeText(text))])
      const { id } = await boris.chats.send(address, text)
      await boris.chats.waitFor(id, 'delivered', { timeoutMs: 20_000 })
      for (const node of nodes) {
        await node.close()
        const opened = await openProfile({
          dir: join(root, node.name),
          passphrase: undefined,
          provider: nativeCrypto,
          random: (length) => new Uint8Array(randomBytes(length)),
        })
        for (const [what, key] of Object.entries(opened.identity.self)) {
          wanted.set(`${node.name}: ${what}`, forms(key))
        }
        await opened.records.close()
      }
      const files = (await readdir(root, { recursive: true, withFileTypes: true })).filter((one) =>
        one.isFile(),
      )
      expect(files.length).toBeGreaterThan(8)
      for (const { parentPath, name } of files) {
        const bytes = await readFile(join(parentPath, name))
        expect(leaksOf([bytes], wanted), name).toEqual([])
      }
    } finally {
      await rm(root, { recursive: true, force: true })
    }
  })
})
