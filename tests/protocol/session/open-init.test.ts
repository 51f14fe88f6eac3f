import { describe, expect, it } from 'vitest'
import {
  signDeviceCert,
  signDeviceList,
  concat,
  initiateHandshake,
  noble,
  openDeviceList,
  ratchetEncrypt,
  toHex,
  u16,
} from '../../../crypto/index.ts'
import {
  adoptDeviceList,
  deviceLists,
  endSessions,
  sessionIndex,
  sessions,
  skippedSeeds,
} from '../../../protocol/index.ts'
import { replayMap, replayPrekeys } from '../../../protocol/session/replay-map.ts'
import { SessionPeer, TestAccount, textFrame, textOf } from '../../support/session-peers.ts'
import { seededRandom } from '../../support/seeded-random.ts'

function strangers(seed: string): readonly [SessionPeer, SessionPeer] {
  return [new SessionPeer(`alice ${seed}`), new SessionPeer(`bob ${seed}`)]
}

/** Nothing that a handshake would leave is there. */
function expectNothingKept(peer: SessionPeer): void {
  expect(peer.driver.rows(sessions)).toEqual([])
  expect(peer.driver.rows(sessionIndex)).toEqual([])
  expect(peer.driver.rows(replayMap)).toEqual([])
  expect(peer.driver.rows(skippedSeeds)).toEqual([])
  expect(peer.driver.rows(deviceLists)).toHaveLength(1)
}

describe('first message of a session', () => {
  it('opens with the transcript of the initiator, and adopts its list', () => {
    const [alice, bob] = strangers('first')
    const started = alice.start(bob.bundle())
    const message = alice.encrypt(bob, 'hello')
    if (message.kind !== 'encrypted' || started.kind !== 'started') throw new Error('no session')
    expect(started.initLength).toBe(1_448)
    expect(message.unconfirmed).toBe(true)
    expect(message.inner.length).toBe(1_982)
    const opened = bob.open(message)
    expect(opened).toMatchObject({ kind: 'opened', first: true, init: true, resetEpoch: 0 })
    if (opened.kind !== 'opened') return
    expect(toHex(opened.transcript)).toBe(toHex(started.transcript))
    expect(toHex(opened.sid)).toBe(toHex(started.sid))
    expect(toHex(opened.account)).toBe(toHex(alice.self.account))
    expect(bob.driver.rows(deviceLists)).toHaveLength(2)
  })

  it('every message of an unconfirmed session repeats the init and opens once', () => {
    const [alice, bob] = strangers('repeat')
    const messages = ['1', '2', '3'].map((text) => alice.send(bob, text))
    expect(messages.map((message) => bob.read(message))).toEqual(['1', '2', '3'])
    expect(messages.map((message) => bob.read(message))).toEqual(Array(3).fill('duplicate'))
    expect(bob.driver.rows(sessions)).toHaveLength(1)
    expect(bob.driver.rows(replayMap)).toHaveLength(1)
  })

  it('any message of an unconfirmed session can be the first to arrive', () => {
    const [alice, bob] = strangers('order')
    const messages = ['1', '2', '3'].map((text) => alice.send(bob, text))
    const order = [2, 0, 1].map((i) => messages[i]!)
    expect(order.map((message) => bob.read(message))).toEqual(['3', '1', '2'])
    expect(bob.driver.rows(skippedSeeds)).toEqual([])
  })

  it('the sid beside an init is a hint only: the handshake key decides', () => {
    const [alice, bob] = strangers('hint')
    const sid = new Uint8Array(16)
    const [one, two] = [alice.send(bob, '1'), alice.send(bob, '2')]
    expect(bob.read({ ...one, sid })).toBe('1')
    expect(bob.read({ ...two, sid })).toBe('2')
  })

  it('deletes the one-time secrets with the batch that keeps the session, not before', () => {
    const [alice, bob] = strangers('consume')
    const bundle = bob.bundle()
    alice.start(bundle)
    const message = alice.encrypt(bob, 'hello')
    if (message.kind !== 'encrypted') throw new Error('no session')
    expect(textOf(bob.openAndCrash(message))).toBe('hello')
    expectNothingKept(bob)
    expect(bob.read(message)).toBe('hello')
    const carol = new SessionPeer('carol consume')
    carol.start(bundle)
    const second = carol.encrypt(bob, 'same keys')
    if (second.kind !== 'encrypted') throw new Error('no session')
    expect(bob.open(second)).toEqual({ kind: 'unreadable', reason: 'prekey-consumed' })
  })

  it('works from a bundle without one-time keys', () => {
    const [alice, bob] = strangers('degraded')
    alice.start(bob.bundle({}))
    const message = alice.send(bob, 'degraded')
    expect(bob.read(message)).toBe('degraded')
    expect(bob.read(message)).toBe('duplicate')
  })
})

describe('a handshake that does not come through', () => {
  it('one OPK handed to two initiators: the second is unreadable, and its identity known', () => {
    const [alice, bob] = strangers('double issue')
    const carol = new SessionPeer('carol double issue')
    const bundle = bob.bundle({ opk: true })
    alice.start(bundle)
    carol.start(bundle)
    expect(bob.read(alice.send(bob, 'first'))).toBe('first')
    const { account, device } = carol.self
    expect(bob.open(carol.send(bob, 'second'))).toEqual({
      kind: 'unreadable',
      reason: 'opk-consumed',
      remote: { account, device },
    })
  })

  it('a prekey id that was never issued is told from one that was used', () => {
    const [alice, bob] = strangers('never issued')
    const bundle = bob.bundle({ opk: true })
    const { opk } = bundle
    if (!opk) throw new Error('no opk')
    alice.start({ ...bundle, opk: { ...opk, id: 99 } })
    expect(bob.open(alice.send(bob, 'x'))).toMatchObject({ reason: 'opk-unknown' })
    alice.start({ ...bundle, kem: { ...bundle.kem, id: 99 } })
    expect(bob.open(alice.send(bob, 'x'))).toEqual({ kind: 'unreadable', reason: 'prekey-unknown' })
    alice.start({ ...bundle, spk: { ...bundle.spk, id: 99 } })
    expect(bob.open(alice.send(bob, 'x'))).toEqual({ kind: 'unreadable', reason: 'prekey-unknown' })
    expectNothingKept(bob)
    const once = bob.bundle({ okem: true })
    const carol = new SessionPeer('carol never issued')
    carol.start(once)
    expect(bob.read(carol.send(bob, 'first'))).toBe('first')
    alice.start(once)
    expect(bob.open(alice.send(bob, 'x'))).toEqual({
      kind: 'unreadable',
      reason: 'prekey-consumed',
    })
  })

  it('a ratchet part that was tampered with consumes nothing', () => {
    const [alice, bob] = strangers('tampered')
    const message = alice.send(bob, 'hello')
    for (const at of [100, 1_200, 1_450, 1_600, message.inner.length - 1]) {
      const inner = Uint8Array.from(message.inner)
      inner[at]! ^= 1
      expect(bob.open({ ...message, inner }).kind, `byte ${at}`).toBe('unreadable')
    }
    expectNothingKept(bob)
    expect(bob.read(message)).toBe('hello')
  })

  it('nothing is written when the judge says no, and the same message opens when it says yes', () => {
    const [alice, bob] = strangers('judge')
    const message = alice.send(bob, 'let me in')
    const seen: string[] = []
    bob.accepts = function* (candidate) {
      seen.push(toHex(candidate.account))
      return false
    }
    expect(bob.open(message).kind).toBe('refused')
    expect(seen).toEqual([toHex(alice.self.account)])
    expectNothingKept(bob)
    bob.accepts = function* () {
      return true
    }
    expect(bob.read(message)).toBe('let me in')
  })

  it('an init that comes back after its session was evicted is dropped, without a second session', () => {
    const [alice, bob] = strangers('evicted')
    const message = alice.send(bob, 'once')
    bob.read(message)
    bob.driver.run((turn) => endSessions(turn, alice.self.device))
    expect(bob.open(message)).toEqual({ kind: 'duplicate', evicted: true })
  })

  it('an init without one-time keys cannot be replayed as long as its prekey lives, nor after', () => {
    const [alice, bob] = strangers('replay')
    const bundle = bob.bundle({})
    alice.start(bundle)
    const message = alice.send(bob, 'pay 10')
    bob.read(message)
    expect(bob.read(message)).toBe('duplicate')
    expect(bob.sweepReplays()).toBe(false)
    expect(bob.driver.rows(replayMap)).toHaveLength(1)
    bob.forgetSpk(bundle.spk.id)
    expect(bob.sweepReplays()).toBe(false)
    expect(bob.driver.rows(replayMap)).toEqual([])
    expect(bob.driver.rows(replayPrekeys)).toEqual([])
    expect(bob.open(message)).toEqual({ kind: 'unreadable', reason: 'prekey-unknown' })
  })

  it('a device that claims to be this device is refused', () => {
    const [, bob] = strangers('reflection')
    expect(bob.start(bob.bundle())).toEqual({ kind: 'refused', reason: 'bundle' })
    // Nor is it heard where a copy of its keys began a session with it.
    const { random, nowMs } = bob.driver
    const list = bob.account.list()
    const bundle = { ...bob.bundle(), listVersion: bob.account.version }
    const handshake = { list, resetEpoch: 0, random, nowMs }
    const { state, init } = initiateHandshake(noble, bob.self, bundle, handshake)
    const lists = new Uint8Array(48)
    const options = { lists, frames: textFrame('x'), initLength: init.length, random, nowMs }
    const { message } = ratchetEncrypt(noble, state, options)
    expect(bob.open({ sid: state.sid, inner: concat(init, message) })).toEqual({
      kind: 'forbidden',
    })
  })

  it('an unknown suite or first byte is unsupported, a size off the ladder malformed', () => {
    const [alice, bob] = strangers('unknown')
    const message = alice.send(bob, 'x')
    const suite = Uint8Array.from(message.inner)
    suite.set(u16(7), 1)
    expect(bob.open({ ...message, inner: suite }).kind).toBe('unsupported')
    const type = Uint8Array.from(message.inner)
    type[0] = 0x2f
    expect(bob.open({ ...message, inner: type }).kind).toBe('unsupported')
    for (const inner of [
      message.inner.subarray(1),
      concat(message.inner, type),
      new Uint8Array(0),
    ]) {
      expect(bob.open({ ...message, inner }).kind).toBe('malformed')
    }
    expect(bob.open({ ...message, inner: new Uint8Array(446).fill(0x11) })).toMatchObject({
      kind: 'unknownSession',
    })
    expect(bob.open({ ...message, inner: new Uint8Array(446).fill(0x10) }).kind).not.toBe('opened')
  })
})

describe('device lists in a handshake', () => {
  it('a device that a higher known list no longer has is forbidden', () => {
    const account = new TestAccount(seededRandom('removed'))
    const old = new SessionPeer('old removed', account)
    const current = new SessionPeer('current removed', account)
    old.adopt(account.list({ version: account.version + 1 }))
    const bob = new SessionPeer('bob removed')
    const message = old.send(bob, 'I was removed')
    const revoked = account.list({ version: account.version + 2, revoked: [old.self.device] })
    bob.adopt(revoked)
    expect(bob.open(message)).toEqual({ kind: 'forbidden' })
    const later = current.driver.run((turn) =>
      adoptDeviceList(turn, openDeviceList(noble, revoked)),
    )
    expect(later).toBe('adopted')
    expect(bob.read(current.send(bob, 'I was not'))).toBe('I was not')
  })

  it('a device removed while its session lives is forbidden from then on, both ways', () => {
    const account = new TestAccount(seededRandom('removed later'))
    const old = new SessionPeer('old later', account)
    const other = new SessionPeer('other later', account)
    old.adopt(account.list({ version: account.version + 1 }))
    const bob = new SessionPeer('bob later')
    expect(bob.read(old.send(bob, 'hello'))).toBe('hello')
    const late = old.send(bob, 'late')
    bob.adopt(account.list({ version: account.version + 2, revoked: [old.self.device] }))
    expect(bob.open(late)).toEqual({ kind: 'forbidden' })
    expect(bob.encrypt(old, 'x')).toEqual({ kind: 'limit', reason: 'unlisted' })
    expect(other.self.account).toEqual(old.self.account)
  })

  it('an older list from a device that is still listed is fine', () => {
    const [alice, bob] = strangers('older')
    const message = alice.send(bob, 'from an old list')
    bob.adopt(alice.account.list({ version: alice.account.version + 9 }))
    expect(bob.read(message)).toBe('from an old list')
    const known = bob.driver.rows(deviceLists).map((record) => record.version)
    expect(known).toContain(alice.account.version + 9)
  })

  it('any higher version is adopted, gaps and all', () => {
    const [alice, bob] = strangers('higher')
    bob.read(alice.send(bob, 'x'))
    expect(bob.adopt(alice.account.list({ version: alice.account.version + 1_000 }))).toBe(
      'adopted',
    )
    expect(bob.adopt(alice.account.list({ version: alice.account.version + 1 }))).toBe('older')
    expect(bob.adopt(alice.account.list({ version: alice.account.version + 1_000 }))).toBe('same')
  })

  it('two lists of one version are an alarm: held, both kept, nothing sent, until a higher comes', () => {
    const [alice, bob] = strangers('conflict')
    bob.read(alice.send(bob, 'x'))
    const twin = signDeviceList(noble, alice.account.seed, {
      version: alice.account.version,
      devices: alice.account.certs,
      revoked: [noble.ed25519PublicKey(new Uint8Array(32).fill(1))],
    })
    const evil = new SessionPeer('alice conflict')
    evil.driver.run(function* (turn) {
      const own = openDeviceList(noble, twin)
      const { version, hash, bytes, devices } = own
      turn.put(deviceLists, own.account, { version, hash, bytes, devices })
      yield* []
    })
    expect(bob.open(evil.send(bob, 'x'))).toMatchObject({ kind: 'held', reason: 'listConflict' })
    expect(bob.driver.changes.map((change) => change.kind)).toContain('warning')
    expect(bob.encrypt(alice, 'x')).toEqual({ kind: 'limit', reason: 'listConflict' })
    expect(bob.start(alice.bundle())).toEqual({ kind: 'refused', reason: 'listConflict' })
    expect(bob.adopt(alice.account.list({ version: alice.account.version + 1 }))).toBe('adopted')
    expect(bob.encrypt(alice, 'x').kind).toBe('encrypted')
  })

  it('a bundle whose list is of another account, or lacks the device, is refused', () => {
    const [alice, bob] = strangers('bundle')
    const mallory = new SessionPeer('mallory bundle')
    const bundle = bob.bundle()
    for (const bad of [
      { ...bundle, list: mallory.account.list() },
      { ...bundle, device: mallory.self.device },
      { ...bundle, dh: mallory.self.dh },
      { ...bundle, account: mallory.self.account },
      { ...bundle, list: bundle.list.subarray(1) },
      { ...bundle, spk: { id: 1, key: new Uint8Array(32) } },
    ]) {
      expect(alice.start(bad)).toEqual({ kind: 'refused', reason: 'bundle' })
    }
    expect(alice.driver.rows(sessions)).toEqual([])
  })

  it('a bundle of a device that a higher known list removed is refused', () => {
    const account = new TestAccount(seededRandom('stale bundle'))
    const old = new SessionPeer('old stale', account)
    const bundle = old.bundle()
    const kept = new SessionPeer('kept stale', account)
    const alice = new SessionPeer('alice stale')
    alice.adopt(account.list({ version: account.version + 1, revoked: [old.self.device] }))
    expect(alice.start(bundle)).toEqual({ kind: 'refused', reason: 'unlisted' })
    expect(kept.self.device).not.toEqual(old.self.device)
  })

  it('a device DH key of small order in a genuine certificate is refused, not a crash', () => {
    const [mallory, bob] = strangers('small order list')
    const { account, self } = mallory
    account.certs = [signDeviceCert(noble, account.key, self.deviceSeed, new Uint8Array(32))]
    mallory.adopt(account.list({ version: account.version + 1 }))
    expect(['malformed', 'forbidden']).toContain(bob.open(mallory.send(bob, 'x')).kind)
    expectNothingKept(bob)
  })

  it('a handshake key of small order is malformed, not a crash', () => {
    const [alice, bob] = strangers('small order')
    const message = alice.send(bob, 'x')
    const inner = Uint8Array.from(message.inner)
    inner.fill(0, 7, 39)
    expect(bob.open({ ...message, inner }).kind).toBe('malformed')
  })
})
