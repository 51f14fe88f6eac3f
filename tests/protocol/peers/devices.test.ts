import { describe, expect, test } from 'vitest'
import { encodeCbor, toHex } from '../../../crypto/index.ts'
import {
  encodeFrames,
  frameOf,
  get,
  knownDevices,
  listFrame,
  listRequestFrame,
  peers,
  receiptFrame,
} from '../../../protocol/index.ts'
import { forge } from '../../support/forge.ts'
import { Person, acquainted, needsBundle, restored, settle } from '../../support/person.ts'

describe('a restored account', () => {
  test('that writes before its base came lands above what was said, and is marked late', () => {
    const [alice, bob] = acquainted('early word')
    for (const text of ['one', 'two']) alice.send(bob, text)
    settle([alice, bob])
    const again = restored(bob, 'early word')
    again.add(alice.invite())
    again.take(alice)
    // Nothing of Alice's came yet: it knows neither her entries nor their timestamps.
    const early = again.send(alice, 'early')
    expect(early.lamport).toBe(1)
    settle([alice, again])
    const isLate = (text: string): readonly unknown[] =>
      alice.driver.changes.flatMap((change) =>
        change.kind === 'message' && toHex(change.entry) === text ? [change.late] : [],
      )
    expect(isLate(toHex(early.entry))).toEqual([true])
    const after = again.send(alice, 'after')
    settle([alice, again])
    expect(isLate(toHex(after.entry))).toEqual([false])
    expect(alice.texts(again).at(-1)).toBe('after')
    expect(alice.texts(again).at(-2)).toBe('two')
  })

  test('gets what no device of it had, behind a base, without false gaps', () => {
    const [alice, bob] = acquainted('restored')
    for (const text of ['one', 'two']) alice.send(bob, text)
    settle([alice, bob])
    bob.send(alice, 'a reply')
    settle([alice, bob])
    const waiting = ['three', 'four'].map((text) => alice.send(bob, text))
    const again = restored(bob, 'restored')
    again.add(alice.invite())
    again.take(alice)
    settle([alice, again])
    expect(alice.contact(again)).toMatchObject({ state: 'ready', name: 'bob' })
    expect(waiting.map((sent) => alice.state(sent))).toEqual(['delivered', 'delivered'])
    expect(again.texts(alice)).toEqual(['three', 'four'])
    const gaps = again.driver.changes.filter((change) => change.kind === 'gap')
    expect(gaps).toEqual([])
    const open = again.driver.changes.filter((change) => change.kind === 'message' && change.open)
    expect(open).toEqual([])
    // Nothing is owed to the lost device any more.
    expect(alice.outbox(bob)).toEqual([])
    expect(alice.warnings()).toContain('DEVICES_CHANGED')
    // And the conversation goes on.
    again.send(alice, 'on my new device')
    settle([alice, again])
    alice.send(again, 'welcome back')
    settle([alice, again])
    expect(again.texts(alice)).toEqual(['three', 'four', 'on my new device', 'welcome back'])
  })

  test('shows an entry that only the lost device was owed as delivered to the new one', () => {
    const [alice, bob] = acquainted('evidence')
    const sent = alice.send(bob, 'waits')
    const again = restored(bob, 'evidence')
    again.add(alice.invite())
    again.take(alice)
    settle([alice, again])
    const rows = alice.evidence(sent).devices
    expect(rows.find(({ device }) => device.join() === bob.device.join())?.closed).toBe('removed')
    expect(rows.find(({ device }) => device.join() === again.device.join())).toMatchObject({
      closed: '',
    })
    expect(alice.state(sent)).toBe('delivered')
  })

  test('has its lost device met with silence', () => {
    const [alice, bob] = acquainted('lost device')
    const again = restored(bob, 'lost device')
    again.add(alice.invite())
    again.take(alice)
    settle([alice, again])
    bob.send(alice, 'from the thief')
    for (const { arrival } of bob.direct(alice))
      expect(alice.receive(arrival).code).not.toBe('committed')
    expect(alice.texts(again)).toEqual([])
  })
})

describe('device lists', () => {
  test('a message by a newer list brings the question, and the answer is adopted', () => {
    const [alice, bob] = acquainted('newer')
    bob.account.version += 5
    bob.adopt(bob.account.list([bob.self]))
    bob.send(alice, 'hello')
    settle([alice, bob])
    const { version } = bob.account
    forge(alice, bob, frameOf(listRequestFrame, { account: undefined, version }))
    expect(bob.outbox(alice)).toEqual([])
    expect(alice.driver.run(() => knownDevices(bob.self.account))).toHaveLength(1)
  })

  test('the same list is sent to a device once an hour, however often it asks', () => {
    const [alice, bob] = acquainted('flood')
    const ask = frameOf(listRequestFrame, { account: undefined, version: 0 })
    const before = alice.outbox(bob).length
    for (let i = 0; i < 20; i++) forge(bob, alice, ask)
    expect(alice.outbox(bob).length - before).toBe(1)
    alice.driver.advance(3_600_000)
    forge(bob, alice, ask)
    expect(alice.outbox(bob).length - before).toBe(2)
  })

  test('one that does not verify is nothing, and the message is not lost for it', () => {
    const [alice, bob] = acquainted('bad list')
    const answer = forge(bob, alice, frameOf(listFrame, { c: 900, list: Uint8Array.of(1, 2, 3) }))
    expect(answer.code).toBe('committed')
    const carol = new Person({ name: 'carol', seed: 'bad list' })
    const foreign = carol.account.list([carol.self])
    expect(forge(bob, alice, frameOf(listFrame, { c: 901, list: foreign })).code).toBe('committed')
    expect(alice.driver.run(() => knownDevices(carol.self.account))).toEqual([])
  })
})

describe('hostile frames', () => {
  test('a malformed one costs its message and nothing else', () => {
    const [alice, bob] = acquainted('malformed')
    const answer = forge(bob, alice, { kind: receiptFrame.kind, body: Uint8Array.of(0xff) })
    expect(answer).toMatchObject({ code: 'refused', malformed: true })
    const sent = bob.send(alice, 'after it')
    settle([alice, bob])
    expect(bob.state(sent)).toBe('delivered')
  })

  test('a malformed one in a first message is refused and keeps nothing', () => {
    const alice = new Person({ name: 'alice', seed: 'malformed first' })
    const mallory = new Person({ name: 'mallory', seed: 'malformed first' })
    mallory.add(alice.invite())
    mallory.take(alice)
    const answer = forge(mallory, alice, { kind: receiptFrame.kind, body: Uint8Array.of(0xff) })
    expect(answer).toMatchObject({ code: 'refused', malformed: true })
    expect(alice.contacts()).toEqual([])
  })

  test('numbers with ever more holes fill a stated room, and the record stays readable', () => {
    const [alice, bob] = acquainted('holes')
    const frames = Array.from({ length: 300 }, (_, i) => ({
      kind: 0x11f0,
      body: encodeCbor([1_000 + 2 * i]),
    }))
    expect(forge(bob, alice, ...frames).code).toBe('committed')
    const peer = alice.driver.run(() => get(peers, bob.device))
    expect(peer?.numberedAbove.length).toBe(256)
    bob.driver.advance(60_000)
    const sent = bob.send(alice, 'still talking')
    for (const { item, arrival } of bob.direct(alice))
      bob.answered(alice, item, alice.receive(arrival))
    expect(bob.state(sent)).toBe('delivered')
    // The receipt fits all the same.
    alice.receipts()
    alice.prepare(bob)
    expect(alice.outbox(bob).every(({ message }) => message !== undefined)).toBe(true)
    expect(needsBundle(alice, bob)).toBe(false)
  })

  test('unknown numbered kinds are kept and acknowledged', () => {
    const [alice, bob] = acquainted('unknown')
    const before = alice.driver.run(() => get(peers, bob.device))?.numberedEnd ?? 0
    const body = Uint8Array.of(0x82, before + 1, 0x00)
    expect(encodeFrames([{ kind: 0x11f0, body }]).length).toBe(7)
    expect(forge(bob, alice, { kind: 0x11f0, body }).code).toBe('committed')
    expect(alice.driver.run(() => get(peers, bob.device))?.numberedEnd).toBe(before + 1)
  })
})
