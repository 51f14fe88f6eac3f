import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  CryptoError,
  PQ_IDLE,
  type PqFrame,
  type PqState,
  compareBytes,
  decodePqFrame,
  decodeRatchetState,
  encodePqFrame,
  encodeRatchetState,
  noble,
  pqFrameToSend,
  pqOfferIsDue,
  receivePqFrame,
  toHex,
} from '../../crypto/index.ts'
import { type RatchetPeer, makeTalkingPair } from '../support/ratchet-peers.ts'
import { seededRandom } from '../support/seeded-random.ts'

const sid = new Uint8Array(16).fill(1)

function side(seed: string) {
  const random = seededRandom(seed)
  const context = { sid, pqEpoch: 4, random }
  return {
    offer: (): PqState => ({ kind: 'offering', seed: random(64) }),
    receive: (pq: PqState, frame: PqFrame | undefined): PqState =>
      frame === undefined ? pq : receivePqFrame(noble, pq, frame, context),
  }
}

function say(pq: PqState, n = 0): PqFrame | undefined {
  return pqFrameToSend(noble, pq, { pqEpoch: 4, n, fresh: false })
}

describe('post-quantum re-key, one transition at a time', () => {
  const a = side('a')
  const b = side('b')

  it('offer, answer, have: both sides come to the same secret', () => {
    const offering = a.offer()
    const answering = b.receive(PQ_IDLE, say(offering))
    const holding = a.receive(offering, say(answering))
    const armed = b.receive(answering, say(holding))
    expect([answering.kind, holding.kind, armed.kind]).toEqual(['answering', 'holding', 'armed'])
    expect(armed.kind === 'armed' && holding.kind === 'holding' && toHex(armed.mix)).toBe(
      holding.kind === 'holding' && toHex(holding.mix),
    )
  })

  it('repeats an offer in the first message of each chain and every 16th', () => {
    const offering = a.offer()
    const carried = Array.from({ length: 40 }, (_, n) => say(offering, n) !== undefined)
    expect(carried.flatMap((yes, n) => (yes ? [n] : []))).toEqual([0, 16, 32])
  })

  it('repeats the ciphertext and the acknowledgement in every message', () => {
    const answering = b.receive(PQ_IDLE, say(a.offer()))
    expect([1, 2, 3].map((n) => say(answering, n)?.kind)).toEqual(Array(3).fill('ciphertext'))
    const holding: PqState = { kind: 'holding', mix: new Uint8Array(32) }
    expect([1, 2, 3].map((n) => say(holding, n)?.kind)).toEqual(Array(3).fill('have'))
    expect(say({ kind: 'armed', mix: new Uint8Array(32) })).toBeUndefined()
  })

  it('crossing offers: the smaller key stands, its side ignores, the other answers', () => {
    const offers = [a.offer(), b.offer()].map((pq) => ({ pq, frame: say(pq) }))
    offers.sort((x, y) =>
      x.frame?.kind === 'key' && y.frame?.kind === 'key'
        ? compareBytes(x.frame.key, y.frame.key)
        : 0,
    )
    const [smaller, larger] = offers as [(typeof offers)[0], (typeof offers)[0]]
    expect(a.receive(smaller.pq, larger.frame)).toBe(smaller.pq)
    expect(b.receive(larger.pq, smaller.frame).kind).toBe('answering')
  })

  it('ignores everything the table does not name', () => {
    const offering = a.offer()
    const answering = b.receive(PQ_IDLE, say(offering))
    const holding = a.receive(offering, say(answering))
    const armed = b.receive(answering, say(holding))
    const ct = say(answering)
    const have = say(holding)
    const key = say(offering)
    const foreign = say(b.receive(PQ_IDLE, say(a.offer())))
    for (const [state, frame] of [
      [PQ_IDLE, ct],
      [PQ_IDLE, have],
      [offering, have],
      [offering, foreign],
      [answering, key],
      [answering, ct],
      [armed, key],
      [armed, ct],
      [armed, have],
      [holding, key],
      [holding, ct],
      [holding, have],
    ] as const) {
      expect(a.receive(state, frame)).toBe(state)
    }
  })

  it('ignores frames for another epoch', () => {
    const offering = a.offer()
    const key = say(offering)
    for (const target of [0, 4, 6, 65_535]) {
      expect(b.receive(PQ_IDLE, key && { ...key, target })).toBe(PQ_IDLE)
    }
  })

  it('refuses an offered key whose modulus check fails', () => {
    const key = new Uint8Array(1_184).fill(0xff)
    expect(() => b.receive(PQ_IDLE, { kind: 'key', target: 5, key })).toThrow(CryptoError)
  })

  it('is due when the session was confirmed and 50 messages or 24 hours passed', () => {
    const age = { confirmed: true, pqEpoch: 0, messages: 49, sinceMs: 0, nowMs: 86_399_999 }
    expect(pqOfferIsDue(PQ_IDLE, age)).toBe(false)
    expect(pqOfferIsDue(PQ_IDLE, { ...age, messages: 50 })).toBe(true)
    expect(pqOfferIsDue(PQ_IDLE, { ...age, nowMs: 86_400_000 })).toBe(true)
    expect(pqOfferIsDue(PQ_IDLE, { ...age, messages: 50, confirmed: false })).toBe(false)
    expect(pqOfferIsDue(PQ_IDLE, { ...age, messages: 50, pqEpoch: 65_535 })).toBe(false)
    expect(pqOfferIsDue(a.offer(), { ...age, messages: 50 })).toBe(false)
  })
})

describe('post-quantum frames', () => {
  it('are 1 190, 1 102 and 6 bytes, survive their bytes, and have exactly their length', () => {
    const key = new Uint8Array(1_184).fill(3)
    const ciphertext = new Uint8Array(1_088).fill(4)
    const frames: readonly PqFrame[] = [
      { kind: 'key', target: 7, key },
      { kind: 'ciphertext', target: 7, keyHash: new Uint8Array(8), ciphertext },
      { kind: 'have', target: 7 },
    ]
    const bytes = frames.map(encodePqFrame)
    expect(bytes.map((one) => one.length)).toEqual([1_190, 1_102, 6])
    for (const [index, one] of bytes.entries()) {
      const kind = 0x3000 + index
      const body = one.subarray(4)
      expect(decodePqFrame(kind, body)).toEqual(frames[index])
      for (let length = 0; length < body.length; length++) {
        expect(() => decodePqFrame(kind, body.subarray(0, length))).toThrow(CryptoError)
      }
      expect(() => decodePqFrame(kind, new Uint8Array([...body, 0]))).toThrow(CryptoError)
    }
  })

  it('of any bytes decode or are malformed', () => {
    fc.assert(
      fc.property(fc.nat({ max: 4 }), fc.uint8Array({ maxLength: 1_200 }), (kind, body) => {
        try {
          decodePqFrame(0x3000 + kind, body)
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_WIRE_MALFORMED' })
        }
      }),
    )
  })
})

function talk(from: RatchetPeer, to: RatchetPeer, times = 1): void {
  for (let i = 0; i < times; i++) expect(to.receive(from.send('talk'))).toBe('talk')
}

describe('post-quantum re-key inside the ratchet', () => {
  it('reaches epoch after epoch in a conversation, on both sides alike', () => {
    const { alice, bob } = makeTalkingPair('epochs')
    alice.offerPq = bob.offerPq = true
    for (let turn = 0; turn < 100; turn++) {
      talk(alice, bob)
      talk(bob, alice)
      expect(Math.abs(alice.state.pqEpoch - bob.state.pqEpoch)).toBeLessThanOrEqual(1)
    }
    expect(alice.state.pqEpoch).toBeGreaterThanOrEqual(3)
    expect(alice.state.pqMessages).toBeLessThan(60)
  })

  it('mixes the secret into one half step only', () => {
    const { alice, bob } = makeTalkingPair('half')
    const mix = new Uint8Array(32).fill(5)
    bob.receive(alice.send('x'))
    bob.state = { ...bob.state, pq: { kind: 'armed', mix } }
    alice.state = { ...alice.state, pq: { kind: 'holding', mix } }
    talk(bob, alice)
    expect([alice.state.pqEpoch, bob.state.pqEpoch]).toEqual([1, 1])
    expect([alice.state.pq.kind, bob.state.pq.kind]).toEqual(['idle', 'idle'])
    talk(alice, bob)
    talk(bob, alice)
    expect([alice.state.pqEpoch, bob.state.pqEpoch]).toEqual([1, 1])
  })

  it('does not open under another secret than the one agreed on', () => {
    const { alice, bob } = makeTalkingPair('wrong mix')
    bob.receive(alice.send('x'))
    bob.state = { ...bob.state, pq: { kind: 'armed', mix: new Uint8Array(32).fill(5) } }
    alice.state = { ...alice.state, pq: { kind: 'holding', mix: new Uint8Array(32).fill(6) } }
    expect(alice.receive(bob.send('x'))).toBe('unauthentic')
    expect(alice.state.pqEpoch).toBe(0)
  })

  it('late messages of chains before the epoch still open', () => {
    const { alice, bob } = makeTalkingPair('late epoch')
    const late = alice.send('late')
    alice.offerPq = bob.offerPq = true
    for (let turn = 0; turn < 40; turn++) {
      talk(alice, bob)
      talk(bob, alice)
    }
    expect(bob.state.pqEpoch).toBeGreaterThan(0)
    expect(bob.receive(late)).toBe('late')
  })

  it('an offer, an answer or an acknowledgement that is lost comes again', () => {
    const { alice, bob } = makeTalkingPair('lossy')
    alice.offerPq = true
    const random = seededRandom('losses')
    for (let turn = 0; turn < 150; turn++) {
      for (const [from, to] of [
        [alice, bob],
        [bob, alice],
      ] as const) {
        const message = from.send('maybe')
        if ((random(1)[0] ?? 0) > 100) to.receive(message)
      }
    }
    expect(alice.state.pqEpoch).toBeGreaterThan(0)
    const agreed = Math.abs(alice.state.pqEpoch - bob.state.pqEpoch)
    expect(agreed).toBeLessThanOrEqual(1)
  })

  it('offers after 24 hours, and not while nothing was received', () => {
    const { alice } = makeTalkingPair('daily')
    alice.offerPq = true
    alice.send('x')
    expect(alice.state.pq.kind).toBe('idle')
    alice.nowMs += 86_400_000
    expect(alice.send('x').length).toBe(1_893 + 89)
    expect(alice.state.pq.kind).toBe('offering')
    expect(decodeRatchetState(encodeRatchetState(alice.state))).toEqual(alice.state)
  })

  it('leaves an offer out of a message that has no room for it', () => {
    const { alice } = makeTalkingPair('no room')
    alice.offerPq = true
    alice.nowMs += 86_400_000
    expect(alice.send('x'.repeat(65_000)).length).toBe(65_381 + 89)
    expect(alice.state.pq.kind).toBe('idle')
  })

  it('answering and armed states survive their bytes', () => {
    const { alice, bob } = makeTalkingPair('codec')
    alice.offerPq = true
    alice.nowMs += 86_400_000
    bob.receive(alice.send('offer'))
    expect(bob.state.pq.kind).toBe('answering')
    expect(decodeRatchetState(encodeRatchetState(bob.state))).toEqual(bob.state)
    alice.receive(bob.send('answer'))
    expect(alice.state.pq.kind).toBe('holding')
    bob.receive(alice.send('have'))
    expect(bob.state.pq.kind).toBe('armed')
    expect(decodeRatchetState(encodeRatchetState(bob.state))).toEqual(bob.state)
  })
})
