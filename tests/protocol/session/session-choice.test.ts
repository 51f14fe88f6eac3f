import { describe, expect, it } from 'vitest'
import { toHex } from '../../../crypto/index.ts'
import {
  chooseSession,
  nextResetEpoch,
  type SessionRef,
} from '../../../protocol/session/session-index.ts'
import {
  endSessions,
  retireSessions,
  sessionInfo,
  sessions,
  skippedSeeds,
} from '../../../protocol/index.ts'
import { SessionPeer, talkingPeers } from '../../support/session-peers.ts'

function ref(resetEpoch: number, confirmed: boolean, h: number): SessionRef {
  const sid = Uint8Array.from({ length: 16 }, () => h)
  return { sid, resetEpoch, confirmed, handshakeId: new Uint8Array(32).fill(h) }
}

function sidOf(peer: SessionPeer, other: SessionPeer): string {
  const info = peer.driver.run((turn) => sessionInfo(turn, other.self.device))
  return info ? toHex(info.sid) : 'none'
}

describe('session choice', () => {
  it('highest resetEpoch, then received on, then the smaller h', () => {
    const refs = [ref(1, false, 9), ref(0, true, 1), ref(1, true, 5), ref(1, true, 4)]
    expect(chooseSession(refs)).toBe(refs[3])
    expect(chooseSession(refs.slice(0, 3))).toBe(refs[2])
    expect(chooseSession(refs.slice(0, 2))).toBe(refs[0])
    expect(chooseSession([])).toBeUndefined()
  })

  it('the first handshake has resetEpoch 0, every later one the highest known + 1, saturating', () => {
    expect(nextResetEpoch(undefined)).toBe(0)
    const index = { sessions: [], highestResetEpoch: 4, answered: false }
    expect(nextResetEpoch(index)).toBe(5)
    expect(nextResetEpoch({ ...index, highestResetEpoch: 0xffffffff })).toBe(0xffffffff)
  })

  it('a session that never reached the peer does not keep us talking into a void', () => {
    // Alice's handshake is lost whatever its h; Bob's arrives: she answers on his.
    for (const seed of ['void 1', 'void 2', 'void 3']) {
      const [alice, bob] = [new SessionPeer(`a ${seed}`), new SessionPeer(`b ${seed}`)]
      alice.send(bob, 'lost')
      expect(alice.read(bob.send(alice, 'hello'))).toBe('hello')
      expect(sidOf(alice, bob)).toBe(sidOf(bob, alice))
      expect(bob.read(alice.send(bob, 'heard you'))).toBe('heard you')
    }
  })

  it('crossing initiations converge on one session, whichever message comes first', () => {
    for (const seed of ['cross 1', 'cross 2', 'cross 3', 'cross 4']) {
      const [alice, bob] = [new SessionPeer(`a ${seed}`), new SessionPeer(`b ${seed}`)]
      const fromAlice = alice.send(bob, 'a')
      const fromBob = bob.send(alice, 'b')
      expect(alice.read(fromBob)).toBe('b')
      expect(bob.read(fromAlice)).toBe('a')
      // Each has one session of its own and one it received on; then both see both.
      for (let turn = 0; turn < 3; turn++) {
        expect(bob.read(alice.send(bob, `a${turn}`))).toBe(`a${turn}`)
        expect(alice.read(bob.send(alice, `b${turn}`))).toBe(`b${turn}`)
      }
      expect(sidOf(alice, bob)).toBe(sidOf(bob, alice))
      const chosen = sidOf(alice, bob)
      bob.read(alice.send(bob, 'stays'))
      expect([sidOf(alice, bob), sidOf(bob, alice)]).toEqual([chosen, chosen])
    }
  })

  it('a peer that lost its state wins with a higher resetEpoch, and the old session still receives', () => {
    const [alice, bob] = talkingPeers('reset')
    const late = alice.send(bob, 'late')
    const started = bob.start(alice.bundle())
    expect(started).toMatchObject({ kind: 'started', resetEpoch: 1 })
    expect(alice.open(bob.send(alice, 'new'))).toMatchObject({ resetEpoch: 1, first: true })
    expect(bob.read(alice.send(bob, 'on the new'))).toBe('on the new')
    expect(sidOf(alice, bob)).toBe(sidOf(bob, alice))
    expect(bob.read(late)).toBe('late')
  })

  it('a restored profile that knows a lower epoch is heard once it names the sessions it lost', () => {
    const [alice, bob] = talkingPeers('restored')
    const before = bob.driver.snapshot()
    for (let i = 0; i < 3; i++) {
      bob.start(alice.bundle())
      alice.read(bob.send(alice, `reset ${i}`))
      bob.read(alice.send(bob, 'ok'))
    }
    bob.driver.restore(before)
    // What Alice sends now is of a session Bob does not know; her epoch is 3, his next is 1.
    const unknown = bob.open(alice.send(bob, 'who are you'))
    if (unknown.kind !== 'unknownSession') throw new Error(unknown.kind)
    expect(bob.start(alice.bundle())).toMatchObject({ resetEpoch: 1 })
    expect(alice.read(bob.send(alice, 'I lost it'))).toBe('I lost it')
    // The reset names what he lost; without it she would go on talking into a void.
    const lost = [unknown.sid]
    alice.driver.run((turn) => retireSessions(turn, bob.self.device, lost))
    for (let i = 0; i < 3; i++) {
      const next = bob.open(alice.send(bob, 'and this?'))
      if (next.kind === 'opened') break
      if (next.kind !== 'unknownSession') throw new Error(next.kind)
      alice.driver.run((turn) => retireSessions(turn, bob.self.device, [next.sid]))
    }
    expect(bob.read(alice.send(bob, 'again'))).toBe('again')
    expect(sidOf(alice, bob)).toBe(sidOf(bob, alice))
    // Her next handshake is above every epoch there ever was.
    expect(alice.start(bob.bundle())).toMatchObject({ resetEpoch: 4 })
  })
})

describe('a profile that was set back', () => {
  it('never reuses a key; its message is a duplicate at the peer, and comes through after a reset', () => {
    const [alice, bob] = talkingPeers('set back')
    bob.read(alice.send(bob, 'the chain begins'))
    const before = alice.driver.snapshot()
    const first = alice.send(bob, 'before the copy')
    expect(bob.read(first)).toBe('before the copy')
    alice.driver.restore(before)
    const second = alice.send(bob, 'after the copy')
    expect(toHex(second.inner.subarray(1, 13))).not.toBe(toHex(first.inner.subarray(1, 13)))
    // The counter was used: the peer cannot read it, and says nothing that would count as delivery.
    expect(bob.read(second)).toBe('duplicate')
    alice.start(bob.bundle())
    expect(bob.read(alice.send(bob, 'after the copy'))).toBe('after the copy')
  })

  it('set back to before a DH step, its message does not open, and changes nothing', () => {
    const [alice, bob] = talkingPeers('set back further')
    const before = alice.driver.snapshot()
    expect(bob.read(alice.send(bob, 'a new chain'))).toBe('a new chain')
    alice.driver.restore(before)
    expect(bob.open(alice.send(bob, 'another new chain'))).toMatchObject({
      kind: 'unreadable',
      reason: 'unauthentic',
      remote: { device: alice.self.device },
    })
  })

  it('stored bytes of a session the peer lost stay unreadable; the same frames go on a new one', () => {
    const [alice, bob] = talkingPeers('lost session')
    const stored = alice.send(bob, 'the entry')
    bob.driver.run((turn) => endSessions(turn, alice.self.device))
    expect(bob.open(stored)).toEqual({ kind: 'unknownSession', sid: stored.sid })
    alice.driver.run((turn) => retireSessions(turn, bob.self.device, [stored.sid]))
    expect(alice.encrypt(bob, 'the entry')).toEqual({ kind: 'needBundle', resetEpoch: 1 })
    expect(bob.read(alice.send(bob, 'the entry'))).toBe('the entry')
    expect(alice.read(bob.send(alice, 'got it'))).toBe('got it')
  })
})

describe('eviction', () => {
  it('keeps one session to send on and five beside it; the least recently used goes', () => {
    const [alice, bob] = talkingPeers('evict')
    const oldest = alice.send(bob, 'oldest')
    alice.send(bob, 'skips one')
    for (let i = 0; i < 5; i++) {
      alice.driver.advance(1_000)
      bob.driver.advance(1_000)
      alice.start(bob.bundle())
      expect(bob.read(alice.send(bob, `${i}`))).toBe(`${i}`)
      expect(alice.read(bob.send(alice, `${i}`))).toBe(`${i}`)
    }
    expect(bob.driver.rows(sessions)).toHaveLength(6)
    // The first session is used again, so the second one is the oldest now.
    bob.driver.advance(1_000)
    expect(bob.read(oldest)).toBe('oldest')
    alice.start(bob.bundle())
    expect(bob.read(alice.send(bob, 'seventh'))).toBe('seventh')
    expect(bob.driver.rows(sessions)).toHaveLength(6)
    expect(bob.read(oldest)).toBe('duplicate')
  })

  it('a session that goes takes its skipped seeds with it', () => {
    const [alice, bob] = talkingPeers('evict seeds')
    alice.send(bob, 'lost')
    bob.read(alice.send(bob, 'skips one'))
    expect(bob.driver.rows(skippedSeeds)).toHaveLength(1)
    for (let i = 0; i < 6; i++) {
      alice.driver.advance(1_000)
      bob.driver.advance(1_000)
      alice.start(bob.bundle())
      bob.read(alice.send(bob, `${i}`))
      alice.read(bob.send(alice, `${i}`))
    }
    expect(bob.driver.rows(skippedSeeds)).toEqual([])
  })

  it('never evicts the session that is sent on', () => {
    const [alice, bob] = talkingPeers('evict sending')
    bob.start(alice.bundle())
    alice.read(bob.send(alice, 'epoch 1'))
    bob.read(alice.send(bob, 'epoch 1'))
    const sending = sidOf(alice, bob)
    // A peer that keeps beginning sessions of an old epoch fills the places beside it only.
    for (let i = 0; i < 8; i++) {
      alice.driver.advance(1_000)
      const bundle = alice.bundle()
      const twin = new SessionPeer('bob evict sending')
      twin.start(bundle)
      alice.read(twin.send(alice, 'epoch 0'))
    }
    expect(sidOf(alice, bob)).toBe(sending)
    expect(alice.driver.rows(sessions)).toHaveLength(6)
  })
})
