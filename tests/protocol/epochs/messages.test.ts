// Messages of a group through the machines (SPEC.md §20.4): what moves a chain, and what does not.
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Bytes32,
  EMPTY,
  concat,
  encodeCbor,
  encryptGroupMessage,
  epochChainKey,
  deriveLineage,
  epochTag,
  innerId,
  sign,
  startChain,
  toHex,
} from '../../../crypto/index.ts'
import {
  chains,
  controlWindows,
  encodeEntry,
  encodeFrames,
  elideEntry,
  groupFrontierFrame,
  groupSkipped,
  causalEpochs,
  frontierRequestFrame,
  signControlFrame,
} from '../../../protocol/index.ts'
import { entryOf } from '../../support/entries.ts'
import { GroupWorld, type TestEpoch, framesOf } from '../../support/epoch-world.ts'

/** What any member can do: a valid ciphertext at any counter of any other member. */
function wrapAs(
  world: GroupWorld,
  epoch: TestEpoch,
  victim: number,
  ctr: number,
  frames: Uint8Array,
): Uint8Array {
  const { crypto } = world
  const keys = deriveLineage(crypto, epoch.lineage)
  let chainKey: Bytes32 = epochChainKey(crypto, epoch.secret, world.device(victim).self.device)
  for (let i = 0; i < ctr; i++) chainKey = crypto.hmac(chainKey, Uint8Array.of(2))
  return encryptGroupMessage(
    crypto,
    {
      headerKey: keys.headerKey,
      epochTag: epochTag(crypto, keys.tagKey, epoch.operation.opId),
      devIdx: epoch.recipients.findIndex(
        (key) => toHex(key) === toHex(world.device(victim).self.device),
      ),
      chain: { ...startChain(chainKey), count: ctr },
    },
    frames,
    world.random,
  ).message
}

/** Everything a device has stored of chains, to see that nothing moved. */
function chainsOf(world: GroupWorld, i: number): string {
  const { driver } = world.device(i)
  return toHex(concat(...driver.storedBytes(chains), ...driver.storedBytes(groupSkipped)))
}

describe('a message', () => {
  it('with 300 bytes of entry beside its signature is 432, and 512 on the wire: 131 beyond', () => {
    const world = new GroupWorld('example', 2)
    const epoch = world.started([0, 1])
    const [alice] = world.devices
    if (alice === undefined) throw new Error('no device')
    const op = epoch.operation.opId
    const frameWith = (length: number): Uint8Array =>
      framesOf(
        entryOf({
          conversation: world.group,
          op,
          author: alice.self.device,
          seed: alice.self.deviceSeed,
          n: 300,
          prev: { id: world.group, lamport: 600 },
          text: 'x'.repeat(length),
        }),
      )
    const textLength = Array.from({ length: 300 }, (_, i) => i + 1).find(
      (length) => frameWith(length).length === 4 + 300 + 66,
    )
    const frame = frameWith(textLength ?? 0)
    expect(frame.length + 61 + 1).toBe(432)
    const message = alice.encrypt(world.group, op, frame)
    expect(message.length).toBe(512)
    expect(world.device(1).receive(message)).toBe('genuine')
    // What is not entry and not padding.
    expect(61 + frame.length - 300).toBe(131)
  })

  it('opens at each member in any order, once, with any lost and repeated', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(2), { minLength: 1, maxLength: 25 }),
        fc.array(fc.nat(24), { maxLength: 60 }),
        (authors, arrivals) => {
          const world = new GroupWorld('property', 3)
          const epoch = world.started([0, 1, 2])
          const sent = authors.map((author, i) => ({
            author,
            message: world.device(author).say(epoch, world.group, `${i}`),
          }))
          for (const to of [0, 1, 2]) {
            const seen = new Set<number>()
            for (const at of arrivals.filter((i) => i < sent.length)) {
              const { author, message = EMPTY } = sent[at] ?? {}
              const wanted = author === to || seen.has(at) ? 'stale' : 'genuine'
              expect(world.device(to).receive(message)).toBe(wanted)
              if (author !== to) seen.add(at)
            }
            expect(world.device(to).entries.size).toBe(seen.size)
          }
        },
      ),
      { numRuns: 25 },
    )
  })

  it('loses nothing to a crash before its batch: it opens again', () => {
    const world = new GroupWorld('crash', 2)
    const epoch = world.started([0, 1])
    const message = world.device(0).say(epoch, world.group, 'durable')
    const before = chainsOf(world, 1)
    const opened = world.device(1).driver.crash((turn) => causalEpochs.open(turn, message))
    expect(opened.kind).toBe('candidate')
    expect(chainsOf(world, 1)).toBe(before)
    expect(world.device(1).receive(message)).toBe('genuine')
  })

  it('repeats no key and nonce over a rolled-back sender, and the receiver notices the repeat', () => {
    const world = new GroupWorld('rollback', 2)
    const epoch = world.started([0, 1])
    const [alice, bob] = [world.device(0), world.device(1)]
    const saved = alice.driver.snapshot()
    const one = alice.say(epoch, world.group, 'one')
    alice.driver.restore(saved)
    const two = alice.say(epoch, world.group, 'two')
    expect(toHex(one.subarray(9, 21))).not.toBe(toHex(two.subarray(9, 21)))
    expect([bob.receive(one), bob.receive(two)]).toEqual(['genuine', 'stale'])
  })

  it('of this device, come back after a rollback, moves its own chain past what it had sent', () => {
    const world = new GroupWorld('own echo', 2)
    const epoch = world.started([0, 1])
    const [alice, bob] = [world.device(0), world.device(1)]
    const saved = alice.driver.snapshot()
    const one = alice.say(epoch, world.group, 'one')
    bob.receive(one)
    alice.driver.restore(saved)
    expect(alice.receive(one)).toBe('genuine')
    const two = alice.say(epoch, world.group, 'two')
    expect(bob.receive(two)).toBe('genuine')
  })
})

describe('nothing moves a chain but a genuine, new message of its device', () => {
  function setUp(seed: string) {
    const world = new GroupWorld(seed, 3)
    const epoch = world.started([0, 1, 2])
    return { world, epoch, opId: epoch.operation.opId }
  }

  it('not garbage that a member encrypted under the chain of another', () => {
    const { world, epoch } = setUp('garbage')
    const before = chainsOf(world, 1)
    const frames = [EMPTY, Uint8Array.of(1), encodeFrames([{ kind: 0x1000, body: EMPTY }])]
    for (const ctr of [0, 1, 500, 999]) {
      for (const content of frames) {
        const message = wrapAs(world, epoch, 0, ctr, content)
        expect(['malformed', 'duplicate']).toContain(world.device(1).receive(message))
      }
    }
    expect(chainsOf(world, 1)).toBe(before)
    expect(world.device(1).receive(world.device(0).say(epoch, world.group, 'true'))).toBe('genuine')
  })

  it('not an entry that another device signed', () => {
    const { world, epoch, opId } = setUp('other signer')
    const before = chainsOf(world, 1)
    const { entry } = world.device(2).write(world.group, opId, 'I am device 0')
    expect(world.device(1).receive(wrapAs(world, epoch, 0, 7, framesOf(entry)))).toBe('forged')
    const claimed = { ...entry, header: { ...entry.header, author: world.device(0).self.device } }
    expect(world.device(1).receive(wrapAs(world, epoch, 0, 7, framesOf(claimed)))).toBe('forged')
    expect(chainsOf(world, 1)).toBe(before)
  })

  it('not an old genuine entry, wrapped again at a counter to come', () => {
    const { world, epoch } = setUp('replay ahead')
    const [alice, bob] = [world.device(0), world.device(1)]
    const { frames } = alice.write(world.group, epoch.operation.opId, 'old')
    expect(bob.receive(alice.encrypt(world.group, epoch.operation.opId, frames))).toBe('genuine')
    const before = chainsOf(world, 1)
    for (const ctr of [1, 2, 900]) {
      expect(bob.receive(wrapAs(world, epoch, 0, ctr, frames))).toBe('duplicate')
    }
    expect(chainsOf(world, 1)).toBe(before)
    expect(bob.receive(alice.say(epoch, world.group, 'next'))).toBe('genuine')
  })

  it('not an old control object, wrapped again at a counter to come', () => {
    const { world, epoch, opId } = setUp('control replay')
    const [alice, bob] = [world.device(0), world.device(1)]
    const value = { author: alice.self.device, n: 3 }
    const signed = (r: number): Uint8Array => {
      const signer = { group: world.group, deviceSeed: alice.self.deviceSeed, r }
      const body = signControlFrame(world.crypto, frontierRequestFrame, signer, value)
      return encodeFrames([{ kind: frontierRequestFrame.kind, body }])
    }
    for (const r of [1, 3]) {
      expect(bob.receive(alice.encrypt(world.group, opId, signed(r)))).toBe('genuine')
    }
    const before = chainsOf(world, 1)
    expect(bob.receive(wrapAs(world, epoch, 0, 2, signed(1)))).toBe('duplicate')
    expect(bob.receive(wrapAs(world, epoch, 0, 2, signed(3)))).toBe('duplicate')
    expect(chainsOf(world, 1)).toBe(before)
    expect(bob.receive(alice.encrypt(world.group, opId, signed(2)))).toBe('genuine')
    expect(bob.driver.rows(controlWindows)).toEqual([{ highest: 3, seen: [7, 0] }])
  })

  it('not a control object of another kind, group or device', () => {
    const { world, epoch } = setUp('control context')
    const [alice] = world.devices
    if (alice === undefined) throw new Error('no device')
    const before = chainsOf(world, 1)
    const signer = { group: world.group, deviceSeed: alice.self.deviceSeed, r: 1 }
    const value = { author: alice.self.device, n: 3 }
    const body = (over: Partial<typeof signer>): Uint8Array =>
      signControlFrame(world.crypto, frontierRequestFrame, { ...signer, ...over }, value)
    const kind = frontierRequestFrame.kind
    const outcomes = [
      encodeFrames([{ kind, body: body({ group: world.random(32) }) }]),
      encodeFrames([{ kind, body: body({ deviceSeed: world.random(32) }) }]),
      encodeFrames([{ kind: groupFrontierFrame.kind, body: body({}) }]),
    ].map((frames) => world.device(1).receive(wrapAs(world, epoch, 0, 3, frames)))
    expect(outcomes).toEqual(['forged', 'forged', 'malformed'])
    expect(chainsOf(world, 1)).toBe(before)
  })

  it('not a mixture of a true entry and one that is not its sender’s', () => {
    const { world, epoch, opId } = setUp('mixture')
    const mine = world.device(0).write(world.group, opId, 'true').frames
    const theirs = world.device(2).write(world.group, opId, 'smuggled').frames
    const before = chainsOf(world, 1)
    expect(world.device(1).receive(wrapAs(world, epoch, 0, 0, concat(mine, theirs)))).toBe('forged')
    expect(chainsOf(world, 1)).toBe(before)
    expect(world.device(1).entries.size).toBe(0)
  })

  it('not a touched header, tag, or body; nor a device index that is none', () => {
    const { world, epoch } = setUp('touched')
    const message = world.device(0).say(epoch, world.group, 'whole')
    const before = chainsOf(world, 1)
    for (const at of [1, 9, 20, 21, 44, 45, 100, message.length - 1]) {
      const bent = message.slice()
      bent[at] = (bent[at] ?? 0) ^ 1
      expect(['unauthentic', 'unknownEpoch']).toContain(world.device(1).receive(bent))
    }
    const keys = deriveLineage(world.crypto, epoch.lineage)
    const sender = {
      headerKey: keys.headerKey,
      epochTag: epochTag(world.crypto, keys.tagKey, epoch.operation.opId),
      chain: startChain(world.random(32)),
    }
    for (const devIdx of [3, 65_535]) {
      const { message: none } = encryptGroupMessage(
        world.crypto,
        { ...sender, devIdx },
        EMPTY,
        world.random,
      )
      expect(world.device(1).receive(none)).toBe('unauthentic')
    }
    expect(chainsOf(world, 1)).toBe(before)
    expect(world.device(1).receive(message)).toBe('genuine')
  })

  it('and a header that only the key of a lineage can read names a counter no chain reaches', () => {
    const { world, epoch } = setUp('counter')
    const keys = deriveLineage(world.crypto, epoch.lineage)
    const nonce = world.random(12)
    const head = concat(
      Uint8Array.of(0x21),
      epochTag(world.crypto, keys.tagKey, epoch.operation.opId),
    )
    const header = concat(Uint8Array.of(0, 0, 0, 0, 0x03, 0xe8, 0, 0))
    const sealed = world.crypto.aeadSeal(keys.headerKey, nonce, head, header)
    const message = concat(head, nonce, sealed, world.random(512 - 45))
    expect(world.device(1).receive(message)).toBe('malformed')
  })
})

describe('a genuine message taken elsewhere', () => {
  it('does not open in another epoch of the group', () => {
    const world = new GroupWorld('other epoch', 2)
    const [one, two] = [world.started([0, 1]), world.started([0, 1])]
    const message = world.device(0).say(one, world.group, 'here')
    const keys = deriveLineage(world.crypto, two.lineage)
    const moved = message.slice()
    moved.set(epochTag(world.crypto, keys.tagKey, two.operation.opId), 1)
    expect(world.device(1).receive(moved)).toBe('unauthentic')
  })

  it('wrapped again in another epoch by a member is the same entry: known, and moves nothing', () => {
    const world = new GroupWorld('cross epoch', 3)
    const [one, two] = [world.started([0, 1, 2]), world.started([0, 1, 2])]
    const { entry, frames } = world.device(0).write(world.group, one.operation.opId, 'once')
    const message = world.device(0).encrypt(world.group, one.operation.opId, frames)
    expect(world.device(1).receive(message)).toBe('genuine')
    const before = chainsOf(world, 1)
    const elided = elideEntry(entry, 'session')
    const again = encodeFrames([{ kind: 0x1000, body: encodeEntry(elided) }])
    expect(world.device(1).receive(wrapAs(world, two, 0, 0, again))).toBe('duplicate')
    expect(world.device(1).receive(wrapAs(world, two, 0, 0, frames))).toBe('forged')
    expect(chainsOf(world, 1)).toBe(before)
  })

  it('re-sent by its author in a later epoch keeps its id and its signature', () => {
    const world = new GroupWorld('re-sent', 2)
    const [one, two] = [world.started([0, 1]), world.started([0, 1])]
    const { entry } = world.device(0).write(world.group, one.operation.opId, 'queued in the old')
    const body = encodeEntry(elideEntry(entry, 'session'))
    const frames = encodeFrames([{ kind: 0x1000, body }])
    const message = world.device(0).encrypt(world.group, two.operation.opId, frames)
    expect(world.device(1).receive(message)).toBe('genuine')
    expect([...world.device(1).entries.keys()]).toEqual([entry.id.join()])
  })

  it('is no entry of another group: its id covers the group', () => {
    const world = new GroupWorld('other group', 2)
    const epoch = world.started([0, 1])
    const elsewhere = world.random(32)
    const { frames } = world.device(0).write(elsewhere, epoch.operation.opId, 'said elsewhere')
    expect(world.device(1).receive(wrapAs(world, epoch, 0, 0, frames))).toBe('forged')
  })

  it('with what the carrier says already is malformed: one entry has one form', () => {
    const world = new GroupWorld('forms', 2)
    const epoch = world.started([0, 1])
    const { entry } = world.device(0).write(world.group, epoch.operation.opId, 'twice said')
    for (const elision of ['none', 'session'] as const) {
      const body = encodeEntry(elideEntry(entry, elision))
      const frames = encodeFrames([{ kind: 0x1000, body }])
      expect(world.device(1).receive(wrapAs(world, epoch, 0, 0, frames))).toBe('malformed')
    }
  })

  it('with a frame that belongs elsewhere is malformed', () => {
    const world = new GroupWorld('carrier', 2)
    const epoch = world.started([0, 1])
    for (const kind of [0x1001, 0x1080, 0x1087, 0x1100, 0x1180, 0x2000, 0x3000, 0xf000]) {
      const frames = encodeFrames([{ kind, body: encodeCbor([1]) }])
      expect(world.device(1).receive(wrapAs(world, epoch, 0, 0, frames))).toBe('malformed')
    }
  })
})

describe('limits', () => {
  it('900 messages ask for a rotation, 1 000 are the end', () => {
    const world = new GroupWorld('limits', 2)
    const epoch = world.started([0, 1])
    const key = { group: world.group, opId: epoch.operation.opId }
    const send = () => world.device(0).driver.run((turn) => causalEpochs.encrypt(turn, key, EMPTY))
    const rotate: number[] = []
    for (let i = 1; i <= 1_000; i++) {
      const outcome = send()
      if (outcome.kind !== 'encrypted') throw new Error(`message ${i}: ${outcome.kind}`)
      expect(outcome.ctr).toBe(i - 1)
      if (outcome.rotate) rotate.push(i)
    }
    expect(rotate[0]).toBe(900)
    expect(send()).toEqual({ kind: 'limit', reason: 'exhausted' })
    const large = world
      .device(1)
      .driver.run((turn) => causalEpochs.encrypt(turn, key, new Uint8Array(65_475)))
    expect(large).toEqual({ kind: 'limit', reason: 'tooLarge' })
    const none = { group: world.group, opId: world.random(32) }
    const unknown = world.device(0).driver.run((turn) => causalEpochs.encrypt(turn, none, EMPTY))
    expect(unknown.kind).toBe('unknownEpoch')
  })

  it('a group with 20 000 skipped seeds holds what would skip more, and opens it when there is room', () => {
    const world = new GroupWorld('skips', 22)
    const members = Array.from({ length: 22 }, (_, i) => i)
    const epoch = world.started(members)
    const reader = world.device(0)
    // Twenty devices whose last message alone arrives: 999 skipped seeds each.
    for (const i of members.slice(1, 21)) {
      const { frames } = world.device(i).write(world.group, epoch.operation.opId, 'last')
      expect(reader.receive(wrapAs(world, epoch, i, 999, frames))).toBe('genuine')
    }
    const { frames } = world.device(21).write(world.group, epoch.operation.opId, 'too far')
    const far = wrapAs(world, epoch, 21, 21, frames)
    const before = chainsOf(world, 0)
    expect(reader.receive(far)).toBe('held')
    expect(chainsOf(world, 0)).toBe(before)
    const other = world.device(1).write(world.group, epoch.operation.opId, 'a skipped one').frames
    expect(reader.receive(wrapAs(world, epoch, 1, 0, other))).toBe('genuine')
    expect(reader.receive(far)).toBe('genuine')
  })
})

describe('operations', () => {
  it('reach every member of the lineage and nobody else, by whoever has a parent’s keys', () => {
    const world = new GroupWorld('operations', 3)
    const base = world.started([0, 1])
    const added = world.extend(base, [2])
    world.device(2).keep(world.grant(added, world.handed(added)))
    const key = { group: world.group, opId: base.operation.opId }
    const operations = [world.random(318)]
    const message = world
      .device(0)
      .driver.run((turn) => causalEpochs.sealOperations(turn, key, operations))
    if (message === undefined) throw new Error('not sealed')
    for (const i of [1, 2]) {
      const opened = world
        .device(i)
        .driver.run((turn) => causalEpochs.openOperations(turn, message))
      expect(opened).toEqual({
        kind: 'opened',
        group: world.group,
        operations,
        innerId: innerId(world.crypto, message),
      })
    }
    const outsider = new GroupWorld('outsider', 1).device(0).driver
    expect(outsider.run((turn) => causalEpochs.openOperations(turn, message)).kind).toBe(
      'unknownLineage',
    )
    const bent = message.slice()
    bent[300] = (bent[300] ?? 0) ^ 1
    const touched = world.device(1).driver.run((turn) => causalEpochs.openOperations(turn, bent))
    expect(touched.kind).toBe('unauthentic')
    const short = message.slice(1)
    const cut = world.device(1).driver.run((turn) => causalEpochs.openOperations(turn, short))
    expect(cut.kind).toBe('malformed')
  })
})

describe('a signature of an entry', () => {
  it('covers its id and neither epoch nor counter, so that anybody may hand it on', () => {
    const world = new GroupWorld('handed on', 2)
    const epoch = world.started([0, 1])
    const { entry } = world.device(0).write(world.group, epoch.operation.opId, 'kept')
    const { deviceSeed } = world.device(0).self
    expect(toHex(sign(world.crypto, deviceSeed, 'group-entry', entry.id))).toBe(
      toHex(entry.signature ?? EMPTY),
    )
  })
})
