import { describe, expect, it } from 'vitest'
import {
  concat,
  encodeRatchetState,
  noble,
  ratchetEncrypt,
  toHex,
  u16,
} from '../../crypto/index.ts'
import {
  codeOf,
  flip,
  withHeader,
  LISTS,
  RatchetPeer,
  START_MS,
  frame,
  makeTalkingPair,
} from '../support/ratchet-peers.ts'

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
    // By who derives the keys of that epoch as well, and by who changes the number alone.
    const consistent = new RatchetPeer({ ...alice.state, pqEpoch: 1 }, alice.random)
    expect(bob.receive(consistent.send('x'))).toBe('unauthentic')
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
