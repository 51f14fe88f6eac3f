import { describe, expect, it } from 'vitest'
import { ratchetEncrypt, toHex, u32 } from '../../../crypto/index.ts'
import { CHAIN_MAX_SKIP } from '../../../crypto/limits.ts'
import {
  type SessionRecord,
  encryptTo,
  expireSkipped,
  sessionInfo,
  sessions,
  skippedSeeds,
} from '../../../protocol/index.ts'
import {
  DAY_MS,
  SessionPeer,
  START_MS,
  talkingPeers,
  textFrame,
} from '../../support/session-peers.ts'

function sessionOf(peer: SessionPeer): SessionRecord {
  const [record] = peer.driver.rows(sessions)
  if (!record) throw new Error('no session')
  return record
}

describe('unconfirmed sessions', () => {
  it('carry at most 8 entries to a device that never answered, and frames without entries go on', () => {
    const [alice, bob] = [new SessionPeer('alice 8'), new SessionPeer('bob 8')]
    alice.start(bob.bundle())
    for (let i = 0; i < 8; i++) expect(alice.encrypt(bob, `${i}`, 1).kind).toBe('encrypted')
    expect(alice.encrypt(bob, '9th', 1)).toEqual({ kind: 'limit', reason: 'unanswered' })
    expect(alice.encrypt(bob, 'no entry', 0).kind).toBe('encrypted')
  })

  it('carry more to a device that answered before', () => {
    const [alice, bob] = talkingPeers('answered')
    alice.start(bob.bundle())
    for (let i = 0; i < 20; i++) {
      expect(alice.encrypt(bob, `${i}`, 1)).toMatchObject({ kind: 'encrypted', unconfirmed: true })
    }
  })

  it('are over for the 8 entries as soon as something was received', () => {
    const [alice, bob] = [new SessionPeer('alice over'), new SessionPeer('bob over')]
    alice.start(bob.bundle())
    let last = alice.encrypt(bob, '0', 1)
    for (let i = 1; i < 8; i++) last = alice.encrypt(bob, `${i}`, 1)
    if (last.kind !== 'encrypted') throw new Error(last.kind)
    bob.read(last)
    expect(alice.open(bob.send(alice, 'accepted'))).toMatchObject({ kind: 'opened', first: true })
    const next = alice.encrypt(bob, '9th', 1)
    expect(next).toMatchObject({ kind: 'encrypted', unconfirmed: false })
    expect(next.kind === 'encrypted' && next.inner.length).toBe(446)
    expect(sessionOf(alice).init).toHaveLength(0)
  })

  it('die after 30 days of silence: a new handshake is needed, of a higher epoch', () => {
    const [alice, bob] = [new SessionPeer('alice 30 d'), new SessionPeer('bob 30 d')]
    alice.send(bob, 'x')
    alice.driver.advance(30 * DAY_MS - 1)
    expect(alice.encrypt(bob, 'x').kind).toBe('encrypted')
    alice.driver.advance(1)
    expect(alice.encrypt(bob, 'x')).toEqual({ kind: 'needBundle', resetEpoch: 1 })
  })

  it('do not die of a wall clock that jumps', () => {
    const [alice, bob] = [new SessionPeer('alice jump'), new SessionPeer('bob jump')]
    alice.send(bob, 'x')
    alice.driver.nowMs += 3_650 * DAY_MS
    expect(alice.encrypt(bob, 'x').kind).toBe('encrypted')
  })

  it('the copy of the signed prekey is gone from the session once something was received', () => {
    const [alice, bob] = [new SessionPeer('alice spk'), new SessionPeer('bob spk')]
    bob.read(alice.send(bob, 'x'))
    expect(sessionOf(bob).ratchet.own).toBeUndefined()
  })
})

describe('a long absence', () => {
  it('900 messages without an answer end the session: a new one, and nothing is out of reach', () => {
    const [alice, bob] = talkingPeers('900')
    let last: { readonly sid: Uint8Array; readonly inner: Uint8Array } | undefined
    for (let i = 0; i < 900; i++) last = alice.send(bob, `${i}`)
    expect(alice.encrypt(bob, '901st')).toEqual({ kind: 'needBundle', resetEpoch: 1 })
    // The oldest 899 expired at the relay: the jump is honest and opens.
    expect(last && bob.read(last)).toBe('899')
    expect(bob.read(alice.send(bob, '901st'))).toBe('901st')
    expect(alice.read(bob.send(alice, 'back'))).toBe('back')
  })

  it('a jump beyond the bound is held and writes nothing', () => {
    const [alice, bob] = talkingPeers('held')
    const { ratchet } = sessionOf(alice)
    const lists = new Uint8Array(48)
    const liar = {
      ...alice.driver.crypto,
      aeadSeal: (...[key, nonce, aad, text]: Parameters<typeof alice.driver.crypto.aeadSeal>) => {
        if (text.length === 44) text.set(u32(CHAIN_MAX_SKIP + 2), 36)
        return alice.driver.crypto.aeadSeal(key, nonce, aad, text)
      },
    }
    const { message } = ratchetEncrypt(liar, ratchet, {
      lists,
      frames: textFrame('x'),
      initLength: 0,
      random: alice.driver.random,
      nowMs: START_MS,
    })
    const before = bob.driver.storedBytes(sessions).map(toHex)
    expect(bob.open({ sid: ratchet.sid, inner: message })).toMatchObject({
      kind: 'held',
      reason: 'limit',
    })
    expect(bob.driver.storedBytes(sessions).map(toHex)).toEqual(before)
    expect(bob.driver.rows(skippedSeeds)).toEqual([])
  })
})

describe('keys of messages', () => {
  it('a seed is stored when its message is skipped and deleted with the batch that uses it', () => {
    const [alice, bob] = talkingPeers('used')
    const late = alice.send(bob, 'late')
    bob.read(alice.send(bob, 'now'))
    const [seed] = bob.driver.rows(skippedSeeds)
    expect(bob.openAndCrash(late).kind).toBe('opened')
    expect(bob.driver.rows(skippedSeeds)).toEqual([seed])
    expect(bob.read(late)).toBe('late')
    expect(bob.driver.rows(skippedSeeds)).toEqual([])
    const left = bob.driver.storedBytes(sessions).map(toHex).join()
    expect(seed && left.includes(toHex(seed.seed))).toBe(false)
    expect(bob.read(late)).toBe('duplicate')
  })

  it('skipped seeds wait for the mailboxes to be drained, and go after 45 days; after 90 anyway', () => {
    const [alice, bob] = talkingPeers('drain')
    const late = alice.send(bob, 'late')
    bob.read(alice.send(bob, 'now'))
    const { sid } = sessionOf(bob).ratchet
    const expire = (drained: boolean): number =>
      bob.driver.run((turn) => expireSkipped(turn, sid, () => drained))
    bob.driver.advance(45 * DAY_MS - 1)
    expect(expire(true)).toBe(0)
    bob.driver.advance(1)
    expect(expire(false)).toBe(0)
    // A device that was off for seven weeks still reads what waited for it.
    const snapshot = bob.driver.snapshot()
    expect(bob.read(late)).toBe('late')
    bob.driver.restore(snapshot)
    expect(expire(true)).toBe(1)
    expect(sessionOf(bob).ratchet.receiving?.outstanding).toBe(0)
    expect(bob.read(late)).toBe('duplicate')
    bob.driver.restore(snapshot)
    bob.driver.advance(45 * DAY_MS)
    expect(expire(false)).toBe(1)
    expect(expire(false)).toBe(0)
  })

  it('a clock that jumps ten years deletes nothing', () => {
    const [alice, bob] = talkingPeers('clock')
    alice.send(bob, 'late')
    bob.read(alice.send(bob, 'now'))
    bob.driver.nowMs += 3_650 * DAY_MS
    const { sid } = sessionOf(bob).ratchet
    expect(bob.driver.run((turn) => expireSkipped(turn, sid, () => true))).toBe(0)
  })

  it('an old header key goes with the last seed of its chain when that expires', () => {
    const [alice, bob] = talkingPeers('old chain expiry')
    alice.send(bob, 'late')
    bob.read(alice.send(bob, 'now'))
    alice.read(bob.send(alice, 'turn'))
    bob.read(alice.send(bob, 'next chain'))
    expect(sessionOf(bob).ratchet.oldChains).toHaveLength(1)
    bob.driver.advance(90 * DAY_MS)
    const { sid } = sessionOf(bob).ratchet
    bob.driver.run((turn) => expireSkipped(turn, sid, () => false))
    expect(sessionOf(bob).ratchet.oldChains).toEqual([])
  })
})

describe('encryption', () => {
  it('asks for a bundle where there is no session', () => {
    const [alice, bob] = [new SessionPeer('alice none'), new SessionPeer('bob none')]
    expect(alice.encrypt(bob, 'x')).toEqual({ kind: 'needBundle', resetEpoch: 0 })
  })

  it('takes 65 332 bytes of frames, and says clearly that one more is too large', () => {
    const [alice, bob] = talkingPeers('large')
    const encrypt = (length: number) =>
      alice.driver.run((turn) =>
        encryptTo(turn, bob.self.device, new Uint8Array(length), { offerPq: false }),
      )
    const largest = encrypt(65_332)
    expect(largest.kind === 'encrypted' && largest.inner.length).toBe(65_470)
    expect(encrypt(65_333)).toEqual({ kind: 'limit', reason: 'tooLarge' })
  })

  it('a crash before the commit leaves no trace, and the same text then makes the same message', () => {
    const [alice, bob] = talkingPeers('crash')
    const frames = textFrame('x')
    const lost = alice.driver.crash((turn) => encryptTo(turn, bob.self.device, frames))
    const kept = alice.driver.run((turn) => encryptTo(turn, bob.self.device, frames))
    if (lost.kind !== 'encrypted' || kept.kind !== 'encrypted') throw new Error('not encrypted')
    // Random bytes went on, so even a message that did leave would not share its key.
    expect(toHex(lost.inner)).not.toBe(toHex(kept.inner))
    expect(bob.read(kept)).toBe('x')
  })

  it('a malformed content keeps the ratchet step, so that it is not tried for ever', () => {
    const [alice, bob] = talkingPeers('malformed')
    const outcome = alice.driver.run((turn) =>
      encryptTo(turn, bob.self.device, Uint8Array.of(0x10, 0, 0, 9, 1)),
    )
    if (outcome.kind !== 'encrypted') throw new Error(outcome.kind)
    expect(bob.open(outcome)).toMatchObject({ kind: 'malformed', remote: {} })
    expect(bob.open(outcome)).toMatchObject({ kind: 'duplicate', evicted: false })
    expect(bob.read(alice.send(bob, 'goes on'))).toBe('goes on')
  })
})

describe('session info', () => {
  it('says epoch, counts, age of the post-quantum refresh and what is missing', () => {
    const [alice, bob] = talkingPeers('info')
    alice.send(bob, 'lost')
    bob.read(alice.send(bob, 'now'))
    const info = bob.driver.run((turn) => sessionInfo(turn, alice.self.device))
    expect(info).toMatchObject({
      sessions: 1,
      confirmed: true,
      resetEpoch: 0,
      pqEpoch: 0,
      pqRefreshAtMs: START_MS,
      pqOverdue: false,
      sent: 1,
      received: 2,
      skipped: 1,
    })
    bob.driver.advance(14 * DAY_MS + 1)
    const later = bob.driver.run((turn) => sessionInfo(turn, alice.self.device))
    expect(later?.pqOverdue).toBe(true)
    const none = bob.driver.run((turn) => sessionInfo(turn, bob.self.device))
    expect(none).toBeUndefined()
  })

  it('a conversation refreshes its post-quantum keys by itself', () => {
    const [alice, bob] = talkingPeers('pq')
    for (let turn = 0; turn < 40; turn++) {
      bob.read(alice.send(bob, 'a'))
      alice.read(bob.send(alice, 'b'))
    }
    const info = alice.driver.run((turn) => sessionInfo(turn, bob.self.device))
    expect(info?.pqEpoch).toBeGreaterThan(0)
  })
})

describe('device-list versions in messages', () => {
  it('lists that differ never make a message unreadable; they say who lacks what', () => {
    const [alice, bob] = talkingPeers('lists')
    expect(bob.open(alice.send(bob, 'same'))).toMatchObject({
      lists: { needTheirs: false, owesOurs: false },
    })
    alice.adopt(alice.account.list({ version: alice.account.version + 5 }))
    expect(bob.open(alice.send(bob, 'newer'))).toMatchObject({
      kind: 'opened',
      lists: { needTheirs: true, owesOurs: false },
    })
    bob.adopt(bob.account.list({ version: bob.account.version + 5 }))
    expect(bob.open(alice.send(bob, 'both'))).toMatchObject({
      lists: { needTheirs: true, owesOurs: true, theirs: { version: START_MS / 1_000 + 5 } },
    })
    bob.adopt(alice.account.list({ version: alice.account.version + 9 }))
    expect(bob.open(alice.send(bob, 'theirs is older'))).toMatchObject({
      lists: { needTheirs: false, owesOurs: true },
    })
  })
})
