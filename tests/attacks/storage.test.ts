// What somebody who reads or writes the disk, a program in the same process, or the log may learn or
// change; and many things at once on one session.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import {
  CryptoError,
  FieldReader,
  decodeCbor,
  encodeCbor,
  encodeText,
  openStateValue,
  openValue,
  openVaultHeader,
  parseVaultHeader,
  sealStateValue,
  sealValue,
  sealVaultHeader,
  toHex,
} from '../../crypto/index.ts'
import { nativeCrypto } from '../../node/native-crypto.ts'
import { openLevelStore } from '../../node/store/level-store.ts'
import { type Table, get } from '../../protocol/index.ts'
import { durableIdentity } from '../sim/node-machine.ts'
import { World } from '../sim/world.ts'
import { LedgerWorld, numbers } from '../support/ledger-world.ts'
import { bytesOf } from '../support/relay-world.ts'
import { seededRandom } from '../support/seeded-random.ts'

const random = seededRandom('storage')
const sealer = { provider: nativeCrypto, random }

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    return error instanceof CryptoError ? error.code : String(error)
  }
  return 'nothing thrown'
}

describe('somebody who can write to the disk', () => {
  const place = { store: 'sessions', key: encodeText('key') }

  it('can put back an older value of the same key: the stated limit (SPEC.md §11.3)', () => {
    const key = bytesOf('store key')
    const older = sealValue(sealer, key, place, encodeText('older'))
    const newer = sealValue(sealer, key, place, encodeText('newer'))
    expect(openValue(nativeCrypto, key, place, newer)).toEqual(encodeText('newer'))
    expect(openValue(nativeCrypto, key, place, older)).toEqual(encodeText('older'))
  })

  it('cannot do so with a session once the state key was rotated', () => {
    const [before, after] = [
      { generation: 1, subkey: bytesOf('state 1') },
      { generation: 2, subkey: bytesOf('state 2') },
    ]
    const older = sealStateValue(sealer, before, place, encodeText('older'))
    expect(openStateValue(nativeCrypto, before, place, older)).toEqual(encodeText('older'))
    expect(codeOf(() => openStateValue(nativeCrypto, after, place, older))).not.toBe(
      'nothing thrown',
    )
  })

  it('cannot move a value to another key or another store', () => {
    const key = bytesOf('store key')
    const sealed = sealValue(sealer, key, place, encodeText('x'))
    for (const other of [
      { ...place, store: 'session' },
      { ...place, key: encodeText('keyz') },
      { store: 'sessionsk', key: encodeText('ey') },
    ]) {
      expect(codeOf(() => openValue(nativeCrypto, key, other, sealed))).toBe(
        'ERR_CRYPTO_UNAUTHENTIC',
      )
    }
  })

  it('cannot make a passphrase cheaper to guess, nor have scrypt eat all memory', () => {
    const header = sealVaultHeader(
      nativeCrypto,
      random,
      {
        kdf: { kind: 'scrypt', log2N: 14, r: 8, p: 1 },
        salt: bytesOf('salt'),
        storeId: bytesOf('id', 16),
      },
      { kek: bytesOf('kek'), dataKey: bytesOf('data') },
    )
    expect(parseVaultHeader(header).kdf).toMatchObject({ kind: 'scrypt', log2N: 14 })
    // Weaker work, or as if there were no passphrase: the header is associated data of its key.
    for (const [at, value] of [
      [10, 0],
      [11, 15],
      [15, 2],
    ] as const) {
      const altered = Uint8Array.from(header)
      altered[at] = value
      const open = () => openVaultHeader(nativeCrypto, parseVaultHeader(altered), bytesOf('kek'))
      expect(['ERR_CRYPTO_UNAUTHENTIC', 'ERR_WIRE_MALFORMED'], `${at}`).toContain(codeOf(open))
    }
    // Beyond the bounds it is refused when parsed: no key is derived for it.
    for (const log2N of [0, 13, 21, 63]) {
      const altered = Uint8Array.from(header)
      altered[11] = log2N
      expect(codeOf(() => parseVaultHeader(altered))).toBe('ERR_WIRE_MALFORMED')
    }
  })
})

describe('memory', () => {
  it('of stored values is not that of the buffers they came in, nor of Node’s pool', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'sotto-alias-'))
    const store = await openLevelStore(dir, { createIfMissing: true })
    try {
      // Small Buffers are views of one pool of 8 KiB.
      const key = Buffer.from('a key in the pool')
      const value = Buffer.from('a value in the pool')
      expect(key.buffer).toBe(value.buffer)
      await store.write([{ key, value }])
      const wanted = Uint8Array.from(value)
      const again = Uint8Array.from(key)
      value.fill(0)
      key.fill(0)
      const [one] = await store.get([again])
      const [two] = await store.get([again])
      expect(one).toEqual(wanted)
      one?.fill(7)
      expect(two).toEqual(wanted)
      expect(one?.slice().buffer).not.toBe(one?.buffer)
    } finally {
      await store.close()
      await rm(dir, { recursive: true, force: true })
    }
  })

  it('of a record on the disk is not that of its caller', async () => {
    const world = new LedgerWorld()
    const ledger = await world.open()
    const bytes = Uint8Array.of(1, 2, 3)
    const table: Table<number, Uint8Array> = {
      ...numbers,
      name: 'bytes',
      // As every table does: through the codec, which copies.
      encode: (value: Uint8Array) => encodeCbor([value]),
      decode: (stored: Uint8Array) => new FieldReader(decodeCbor(stored, 64), 'row').bytes('b', 3),
    }
    await ledger.run(function* (turn) {
      turn.put(table, 1, bytes)
      bytes.fill(9)
      yield* []
    })
    // The bytes were made when the row was put: what is written is what was meant.
    const again = await new LedgerWorld(world.map).open()
    const found = await again.run(function* () {
      return yield* get(table, 1)
    })
    expect(found).toEqual(Uint8Array.of(1, 2, 3))
  })

  it('has no objects that bytes from outside name fields of: maps are not decoded', () => {
    const maps = [
      // {"__proto__": {"polluted": 1}}, {1: 2}, and a map in an array.
      'a1695f5f70726f746f5f5fa168706f6c6c7574656401',
      'a10102',
      '81a10102',
      'bf0102ff',
    ]
    for (const hex of maps) {
      const bytes = Uint8Array.from(Buffer.from(hex, 'hex'))
      expect(
        codeOf(() => decodeCbor(bytes, 1_024)),
        hex,
      ).toBe('ERR_WIRE_MALFORMED')
    }
    expect(Object.keys(Object.prototype)).toEqual([])
    expect('polluted' in {}).toBe(false)
  })
})

describe('many things at once', () => {
  it(
    'through one Ledger: no key and nonce are used for two messages',
    { timeout: 60_000 },
    async () => {
      const world = new World('at once')
      await world.relay()
      const alice = await world.person('alice', { direct: true })
      const bob = await world.person('bob', { direct: true })
      await world.introduce(alice, bob)
      const both = await Promise.all([
        world.sendMany(alice, bob, 30),
        world.sendMany(bob, alice, 30),
        world.sendMany(alice, bob, 30),
      ])
      expect(new Set(both.flat()).size).toBe(90)
      alice.machine.crash({ keepsAll: true })
      await world.start(alice)
      await world.sendMany(alice, bob, 20)
      expect(await world.settled()).toEqual([])
      expect(world.oracle.watch.count).toBeGreaterThan(110)
      expect(world.oracle.watch.reused).toEqual([])
    },
  )
})

describe('what is logged', () => {
  it(
    'holds no text, secret, key or address, whatever goes wrong',
    { timeout: 60_000 },
    async () => {
      const world = new World('logs', { keepTrace: true })
      const relay = await world.relay()
      const alice = await world.person('alice', { direct: true })
      const bob = await world.person('bob', { direct: true })
      await world.introduce(alice, bob)
      const text = 'the heron leaves at dawn'
      const errors: unknown[] = []
      const note = (work: Promise<unknown>) => work.catch((error: unknown) => errors.push(error))
      await world.send(alice, bob, text)
      world.simulation.reset('alice', 'bob')
      relay.machine.crash()
      await world.send(bob, alice, `${text}, from bob`)
      await world.simulation.run(60_000)
      const { node } = alice.machine.program
      const refused = [
        node.contacts.add('sotto:abc'),
        node.contacts.get('nobody'),
        node.chats.send(bob.address, ''),
        node.chats.send(bob.address, `${text} `.repeat(3_000)),
        node.chats.why('00'.repeat(32)),
      ]
      await world.simulation.settle(Promise.all(refused.map(note)))
      await world.stop(bob)
      await world.simulation.run(600_000)
      await world.simulation.settle(relay.machine.start())
      await world.start(bob)
      expect(await world.settled()).toEqual([])
      expect(errors.length).toBe(5)
      const needles = new Map([['the text', text]])
      for (const person of [alice, bob]) {
        const { self, homeSeed } = await durableIdentity(world.simulation, person.machine)
        needles.set(`${person.name}: address`, person.address)
        for (const [what, key] of Object.entries({ ...self, homeSeed })) {
          needles.set(`${person.name}: ${what}`, toHex(key))
          needles.set(`${person.name}: ${what} in base64`, Buffer.from(key).toString('base64url'))
        }
      }
      const said = [
        ...world.simulation.lines.filter((line) => / log /.test(line)),
        ...errors.map((error) => inspect(error, { depth: 5 })),
      ]
      expect(said.length).toBeGreaterThan(10)
      const found = [...needles].flatMap(([what, needle]) =>
        said.filter((line) => line.includes(needle)).map((line) => `${what}: ${line}`),
      )
      expect(found).toEqual([])
    },
  )
})
