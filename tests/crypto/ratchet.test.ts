import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  CryptoError,
  concat,
  decodeRatchetHeader,
  decodeRatchetMessage,
  decodeRatchetState,
  encodeRatchetHeader,
  encodeRatchetState,
  hkdf,
  label,
  noble,
  openHeader,
  ratchetCanSend,
  ratchetEncrypt,
  ratchetIsExhausted,
  toHex,
  u16,
  u32,
} from '../../crypto/index.ts'
import {
  LISTS,
  RatchetPeer,
  START_MS,
  frame,
  makePair,
  makeTalkingPair,
} from '../support/ratchet-peers.ts'

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    return error instanceof CryptoError ? error.code : String(error)
  }
  return 'nothing thrown'
}

function flip(bytes: Uint8Array, at: number): Uint8Array {
  const out = Uint8Array.from(bytes)
  out[at]! ^= 1
  return out
}

/** What a peer that lies in its header would send; the sender's state does not move. */
function withHeader(peer: RatchetPeer, edit: (header: Uint8Array) => void): Uint8Array {
  const liar = {
    ...noble,
    aeadSeal: (...[key, nonce, aad, plaintext]: Parameters<typeof noble.aeadSeal>) => {
      if (plaintext.length === 44) edit(plaintext)
      return noble.aeadSeal(key, nonce, aad, plaintext)
    },
  }
  return ratchetEncrypt(liar, peer.state, {
    lists: LISTS,
    frames: frame('lie'),
    initLength: 0,
    random: peer.random,
    nowMs: START_MS,
  }).message
}

describe('ratchet messages', () => {
  it('open in order, both ways, over many turns', () => {
    const { alice, bob } = makeTalkingPair('turns')
    for (let turn = 0; turn < 10; turn++) {
      expect(bob.receive(alice.send(`a${turn}`))).toBe(`a${turn}`)
      expect(bob.receive(alice.send(`a${turn}+`))).toBe(`a${turn}+`)
      expect(alice.receive(bob.send(`b${turn}`))).toBe(`b${turn}`)
    }
  })

  it('add 89 bytes to the padded plaintext, which fills the ladder', () => {
    const { alice, init } = makePair('sizes')
    expect(alice.send('hello', init.length).length).toBe(1_982 - 1_448)
    const { alice: later } = makeTalkingPair('sizes')
    expect(later.send('hello').length).toBe(357 + 89)
    expect(later.send('x'.repeat(400)).length).toBe(869 + 89)
  })

  it('begin the initiator with a ratchet key of its own, not the handshake key', () => {
    const { alice, init } = makePair('fresh')
    expect(toHex(alice.state.own!.publicKey)).not.toBe(toHex(init.slice(7, 39)))
  })

  it('let the responder send once it received, not before', () => {
    const { alice, bob, init } = makePair('responder')
    expect(ratchetCanSend(bob.state)).toBe(false)
    expect(codeOf(() => bob.send('early'))).toBe('ERR_CRYPTO_PARAMETER')
    bob.receive(alice.send('first', init.length))
    expect(ratchetCanSend(bob.state)).toBe(true)
  })

  it('drop the copy of the signed prekey with the first receiving half step', () => {
    const { alice, bob, init } = makePair('spk copy')
    const secret = toHex(bob.state.own!.secret)
    bob.receive(alice.send('first', init.length))
    expect(bob.state.own).toBeUndefined()
    expect(toHex(encodeRatchetState(bob.state))).not.toContain(secret)
  })
})

describe('message loss, repetition and reordering', () => {
  it('rejects a replayed message as stale', () => {
    const { alice, bob } = makeTalkingPair('replay')
    const message = alice.send('once')
    expect(bob.receive(message)).toBe('once')
    expect(bob.receive(message)).toBe('stale')
  })

  it('opens out-of-order messages of one chain once each', () => {
    const { alice, bob } = makeTalkingPair('reorder')
    const messages = ['0', '1', '2', '3'].map((text) => alice.send(text))
    expect([3, 0, 2, 1].map((i) => bob.receive(messages[i]!))).toEqual(['3', '0', '2', '1'])
    expect(bob.receive(messages[2]!)).toBe('stale')
    expect(bob.seeds.size).toBe(0)
  })

  it('opens messages that are late by several DH steps', () => {
    const { alice, bob } = makeTalkingPair('late')
    const late: Uint8Array[] = []
    for (let turn = 0; turn < 8; turn++) {
      late.push(alice.send(`late ${turn}`))
      bob.receive(alice.send(`now ${turn}`))
      alice.receive(bob.send('turn'))
    }
    // More turns than the five old chains other implementations keep.
    for (const [turn, message] of late.entries()) {
      expect(bob.receive(message)).toBe(`late ${turn}`)
    }
    expect(bob.state.oldChains).toEqual([])
    expect(bob.seeds.size).toBe(0)
  })

  it('forgets an old header key when its chain is complete, and the last one when it is used', () => {
    const { alice, bob } = makeTalkingPair('old chains')
    const late = alice.send('late')
    bob.receive(alice.send('now'))
    alice.receive(bob.send('turn'))
    bob.receive(alice.send('next'))
    expect(bob.state.oldChains.length).toBe(1)
    bob.receive(late)
    expect(bob.state.oldChains.length).toBe(0)
    expect(bob.receive(late)).toBe('unreadable')
    alice.receive(bob.send('turn'))
    bob.receive(alice.send('complete chain left'))
    expect(bob.state.oldChains.length).toBe(0)
  })

  it('tries the present header key, the next, then old ones newest first', () => {
    const { alice, bob } = makeTalkingPair('trial order')
    const late = [alice.send('old 1')]
    bob.receive(alice.send('x'))
    alice.receive(bob.send('x'))
    late.push(alice.send('old 2'))
    bob.receive(alice.send('x'))
    alice.receive(bob.send('x'))
    const next = alice.send('next')
    const tried: string[] = []
    const spy = {
      ...noble,
      aeadOpen: (...args: Parameters<typeof noble.aeadOpen>) => {
        tried.push(toHex(args[0]))
        return noble.aeadOpen(...args)
      },
    }
    expect(openHeader(spy, bob.state, next)?.chain).toBe('next')
    expect(openHeader(spy, bob.state, flip(next, 20))).toBeUndefined()
    bob.receive(next)
    tried.length = 0
    expect(openHeader(spy, bob.state, flip(next, 20))).toBeUndefined()
    const now = [bob.state.receiving!.headerKey, bob.state.nextReceivingKey]
    expect(tried).toEqual(
      [...now, ...bob.state.oldChains.toReversed().map((old) => old.headerKey)].map(toHex),
    )
    expect(bob.state.oldChains).toHaveLength(2)
    expect(late.map((message) => bob.receive(message))).toEqual(['old 1', 'old 2'])
  })
})

describe('bounds', () => {
  it('ends the sending chain at 900 messages without an answer', () => {
    const { alice } = makeTalkingPair('900')
    for (let i = 0; i < 900; i++) alice.send('')
    expect(ratchetIsExhausted(alice.state)).toBe(true)
    expect(codeOf(() => alice.send('one more'))).toBe('ERR_PROTOCOL_LIMIT')
  })

  it('opens after an honest jump of 899: the oldest expired at the relay', () => {
    const { alice, bob } = makeTalkingPair('899')
    let last = alice.send('first')
    for (let i = 0; i < 899; i++) last = alice.send(`m${i}`)
    expect(bob.receive(last)).toBe('m898')
    expect(bob.seeds.size).toBe(899)
  })

  it('opens again after a session of 899 lost messages answered by a DH step', () => {
    const { alice, bob } = makeTalkingPair('900 then step')
    for (let i = 0; i < 899; i++) alice.send('lost')
    alice.receive(bob.send('sign of life'))
    expect(bob.receive(alice.send('found'))).toBe('found')
  })

  it('holds a jump above 1 000 and changes nothing, whether by N or by PN', () => {
    const { alice, bob } = makeTalkingPair('jump')
    const before = toHex(encodeRatchetState(bob.state))
    const jumps = [
      withHeader(alice, (header) => header.set(u32(1_001), 36)),
      withHeader(alice, (header) => header.set(u32(0xffffffff), 36)),
      withHeader(alice, (header) => header.set(u32(1_002), 32)),
    ]
    expect(jumps.map((message) => bob.receive(message))).toEqual(['held', 'held', 'held'])
    expect(toHex(encodeRatchetState(bob.state))).toBe(before)
    bob.receive(alice.send('the chain begins'))
    expect(bob.receive(withHeader(alice, (header) => header.set(u32(1_002), 36)))).toBe('held')
    expect(bob.seeds.size).toBe(0)
  })

  it('holds what would store more than 2 000 seeds, and opens it when room was made', () => {
    const { alice, bob } = makeTalkingPair('2000')
    const early: Uint8Array[] = []
    for (let turn = 0; turn < 2; turn++) {
      for (let i = 0; i < 880; i++) early.push(alice.send(`${turn}/${i}`))
      bob.receive(alice.send('reveals'))
      alice.receive(bob.send('turn'))
    }
    for (let i = 0; i < 300; i++) alice.send('lost')
    const last = alice.send('last')
    expect(bob.receive(last)).toBe('held')
    for (const message of early.slice(0, 61)) bob.receive(message)
    expect(bob.receive(last)).toBe('last')
  })

  it('holds what would keep more than 64 old chains', () => {
    const { alice, bob } = makeTalkingPair('64')
    const late: Uint8Array[] = []
    for (let turn = 0; turn < 64; turn++) {
      late.push(alice.send(`late ${turn}`))
      expect(bob.receive(alice.send('now'))).toBe('now')
      alice.receive(bob.send('turn'))
    }
    late.push(alice.send('late 64'))
    expect(bob.receive(alice.send('now'))).toBe('now')
    expect(bob.state.oldChains.length).toBe(64)
    alice.receive(bob.send('turn'))
    const next = alice.send('one chain more')
    expect(bob.receive(next)).toBe('held')
    expect(bob.receive(late[0]!)).toBe('late 0')
    expect(bob.receive(next)).toBe('one chain more')
  })
})

describe('attacks on the ratchet', () => {
  it('a forged message changes nothing, whichever byte is touched', () => {
    const { alice, bob } = makeTalkingPair('forged')
    bob.receive(alice.send('x'))
    alice.receive(bob.send('x'))
    const message = alice.send('new chain')
    const before = toHex(encodeRatchetState(bob.state))
    for (const at of [0, 1, 12, 13, 72, 73, 100, message.length - 1]) {
      const outcome =
        at === 0 ? codeOf(() => bob.receive(flip(message, at))) : bob.receive(flip(message, at))
      expect(['unreadable', 'unauthentic', 'ERR_WIRE_MALFORMED']).toContain(outcome)
    }
    expect(toHex(encodeRatchetState(bob.state))).toBe(before)
    expect(bob.seeds.size).toBe(0)
    expect(bob.receive(message)).toBe('new chain')
  })

  it('a new chain is accepted only once its body verified', () => {
    const { alice, bob } = makeTalkingPair('body first')
    bob.receive(alice.send('x'))
    alice.receive(bob.send('x'))
    const chains = bob.state.chainNumber
    const message = alice.send('new chain')
    expect(bob.receive(flip(message, message.length - 1))).toBe('unauthentic')
    expect(bob.state.chainNumber).toBe(chains)
    expect(bob.receive(message)).toBe('new chain')
  })

  it('a message of another session does not open', () => {
    const one = makeTalkingPair('splice 1')
    const two = makeTalkingPair('splice 2')
    expect(two.bob.receive(one.alice.send('spliced'))).toBe('unreadable')
  })

  it('a message is not accepted by the one who sent it', () => {
    const { alice } = makeTalkingPair('reflection')
    expect(alice.receive(alice.send('reflected'))).toBe('unreadable')
  })

  it('a header cannot be joined to another body', () => {
    const { alice, bob } = makeTalkingPair('header body')
    const [one, two] = [alice.send('one'), alice.send('two')]
    const joined = concat(one.subarray(0, 73), two.subarray(73))
    expect(bob.receive(joined)).toBe('unauthentic')
    expect(bob.receive(one)).toBe('one')
  })

  it('a message cut short is malformed or does not open, at every length', () => {
    const { alice, bob } = makeTalkingPair('truncated')
    const message = alice.send('whole')
    for (let length = 0; length < message.length; length++) {
      const short = message.subarray(0, length)
      if (length < 138) expect(codeOf(() => bob.receive(short))).toBe('ERR_WIRE_MALFORMED')
      else expect(bob.receive(short)).toBe('unauthentic')
    }
    expect(bob.receive(concat(message, Uint8Array.of(0)))).toBe('unauthentic')
    expect(bob.receive(message)).toBe('whole')
  })

  it('a rolled-back sender that repeats N never repeats a key or a nonce', () => {
    const { alice } = makeTalkingPair('rollback')
    const before = alice.state
    const one = alice.send('one')
    alice.state = before
    const two = alice.send('two')
    expect(toHex(one.subarray(1, 13))).not.toBe(toHex(two.subarray(1, 13)))
  })

  it('a clone with its generator repeats a nonce only together with the whole message', () => {
    const original = makeTalkingPair('clone').alice
    const clone = makeTalkingPair('clone').alice
    const twin = makeTalkingPair('clone').alice
    const [one, same, other] = [original.send('pay 1'), clone.send('pay 1'), twin.send('pay 2')]
    expect(toHex(one)).toBe(toHex(same))
    expect(toHex(one.subarray(1, 13))).not.toBe(toHex(other.subarray(1, 13)))
  })

  it('unknown flags: the low byte is ignored, the high byte is refused', () => {
    const { alice, bob } = makeTalkingPair('flags')
    expect(bob.receive(withHeader(alice, (header) => header.set(u16(0x0100), 42)))).toBe(
      'unsupported',
    )
    expect(bob.receive(withHeader(alice, (header) => header.set(u16(0x00ff), 42)))).toBe('lie')
  })

  it('a new chain with a key of small order is refused, with no change', () => {
    const { alice, bob } = makeTalkingPair('small order')
    bob.receive(alice.send('x'))
    alice.receive(bob.send('x'))
    alice.send('the chain begins')
    const own = { ...alice.state.own!, publicKey: new Uint8Array(32) }
    const forged = new RatchetPeer({ ...alice.state, own }, alice.random)
    const before = toHex(encodeRatchetState(bob.state))
    expect(bob.receive(forged.send('x'))).toBe('unauthentic')
    expect(toHex(encodeRatchetState(bob.state))).toBe(before)
  })

  it('a new chain with an epoch nobody agreed on is refused', () => {
    const { alice, bob } = makeTalkingPair('epoch')
    bob.receive(alice.send('x'))
    alice.receive(bob.send('x'))
    alice.send('the chain begins')
    const ahead = new RatchetPeer({ ...alice.state, pqEpoch: 1 }, alice.random)
    expect(bob.receive(ahead.send('x'))).toBe('unauthentic')
  })

  it('an authentic body that is no padded plaintext keeps the step and gives nothing', () => {
    const { alice, bob } = makeTalkingPair('malformed')
    const spy = {
      ...noble,
      aeadSeal: (...[key, nonce, aad, plaintext]: Parameters<typeof noble.aeadSeal>) =>
        noble.aeadSeal(key, nonce, aad, plaintext.length === 44 ? plaintext : new Uint8Array(357)),
    }
    const options = { lists: LISTS, frames: frame('x'), initLength: 0, random: alice.random }
    const { message, state } = ratchetEncrypt(spy, alice.state, { ...options, nowMs: START_MS })
    alice.state = state
    expect(bob.receive(message)).toBe('malformed')
    expect(bob.receive(message)).toBe('stale')
    expect(bob.receive(alice.send('goes on'))).toBe('goes on')
  })

  it('an authentic frame that ends early makes the message malformed', () => {
    const { alice, bob } = makeTalkingPair('short frame')
    const options = { lists: LISTS, initLength: 0, random: alice.random, nowMs: START_MS }
    const frames = concat(frame('whole'), Uint8Array.of(0x10, 0, 0, 9, 1))
    const { message } = ratchetEncrypt(noble, alice.state, { ...options, frames })
    expect(bob.receive(message)).toBe('malformed')
  })
})

describe('key schedule', () => {
  it('derives ROOT, chain, header and ephemeral keys as one 128-byte expansion', () => {
    const { alice, bob, init } = makePair('schedule')
    const root = bob.state.rootKey
    const dh = noble.x25519(bob.state.own!.secret, alice.state.own!.publicKey)
    const okm = hkdf(noble, root, dh, concat(label('ratchet'), u16(0)), 128)
    expect(toHex(okm.slice(0, 32))).toBe(toHex(alice.state.rootKey))
    expect(toHex(okm.slice(64, 96))).toBe(toHex(alice.state.nextSendingKey))
    bob.receive(alice.send('x', init.length))
    expect(toHex(bob.state.receiving!.ephemeralKey)).toBe(toHex(okm.slice(96, 128)))
    expect(toHex(alice.state.sending!.ephemeralKey)).toBe(toHex(okm.slice(96, 128)))
  })

  it('keeps the ephemeral key of the chain before until the next step', () => {
    const { alice, bob } = makeTalkingPair('ephemeral')
    bob.receive(alice.send('x'))
    const old = toHex(bob.state.receiving!.ephemeralKey)
    alice.receive(bob.send('x'))
    bob.receive(alice.send('x'))
    expect(toHex(bob.state.oldEphemeralKey!)).toBe(old)
  })
})

describe('ratchet codecs', () => {
  it('a state survives its bytes in every phase, and no truncation or addition decodes', () => {
    const pair = makePair('codec')
    const { alice, bob, init } = pair
    const states = [alice.state, bob.state]
    bob.receive(alice.send('x', init.length))
    alice.send('late')
    bob.receive(alice.send('x', init.length))
    states.push(bob.state)
    alice.receive(bob.send('x'))
    bob.receive(alice.send('x'))
    states.push(alice.state, bob.state, {
      ...alice.state,
      pq: { kind: 'offering', seed: new Uint8Array(64).fill(1) },
    })
    for (const state of states) {
      const bytes = encodeRatchetState(state)
      expect(decodeRatchetState(bytes)).toEqual(state)
      for (let length = 0; length < bytes.length; length++) {
        expect(codeOf(() => decodeRatchetState(bytes.subarray(0, length)))).toBe(
          'ERR_WIRE_MALFORMED',
        )
      }
      expect(codeOf(() => decodeRatchetState(concat(bytes, Uint8Array.of(0))))).toBe(
        'ERR_WIRE_MALFORMED',
      )
    }
    expect(encodeRatchetState(alice.state).length).toBeLessThan(600)
  })

  it('bytes from anywhere decode or are malformed, nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 700 }), (bytes) => {
        for (const decode of [decodeRatchetState, decodeRatchetMessage, decodeRatchetHeader]) {
          const code = codeOf(() => decode(bytes))
          expect(['nothing thrown', 'ERR_WIRE_MALFORMED']).toContain(code)
        }
      }),
    )
  })

  it('a header is 44 bytes in the stated order', () => {
    const header = { dh: new Uint8Array(32).fill(9), previousCount: 1, n: 2, pqEpoch: 3, flags: 4 }
    const bytes = encodeRatchetHeader(header)
    expect(toHex(bytes.subarray(32))).toBe('000000010000000200030004')
    expect(decodeRatchetHeader(bytes)).toEqual(header)
  })
})

describe('random interleavings of the ratchet', () => {
  it('every delivered message opens exactly once, whatever is lost, repeated or reordered', () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat({ max: 99 })), fc.nat(), (stream, seed) => {
        const next = (): number => stream.next().value ?? 0
        const { alice, bob } = makeTalkingPair(`walk ${seed % 4}`)
        alice.offerPq = bob.offerPq = true
        const wires = { toBob: [] as [string, Uint8Array][], toAlice: [] as [string, Uint8Array][] }
        const seen = new Map<string, number>()
        const delivered = new Set<string>()
        for (let step = 0; step < 60; step++) {
          const die = next()
          const [sender, receiver, wire] =
            next() % 2 === 0
              ? ([alice, bob, wires.toBob] as const)
              : ([bob, alice, wires.toAlice] as const)
          if (die < 45) {
            const text = `${wire === wires.toBob ? 'a' : 'b'}${step}`
            const before = sender.state
            const message = sender.send(text)
            // A crash before the commit: the message never left.
            if (die < 4) sender.state = before
            else wire.push([text, message])
          } else if (wire.length > 0) {
            const index = next() % wire.length
            const [text, message] = wire[index]!
            if (die < 55) wire.splice(index, 1)
            else {
              if (die < 85) wire.splice(index, 1)
              const outcome = receiver.receive(message)
              if (outcome === text) seen.set(text, (seen.get(text) ?? 0) + 1)
              else expect(delivered.has(text), `${outcome} ${text}`).toBe(true)
              delivered.add(text)
            }
          }
        }
        for (const text of delivered) expect(seen.get(text), text).toBe(1)
      }),
      { numRuns: 25, seed: 20_251_124 },
    )
  })
})
