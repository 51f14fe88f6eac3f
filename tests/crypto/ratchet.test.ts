import { describe, expect, it } from 'vitest'
import {
  concat,
  encodeRatchetState,
  hkdf,
  label,
  noble,
  openHeader,
  ratchetCanSend,
  ratchetIsExhausted,
  toHex,
  u16,
  u32,
} from '../../crypto/index.ts'
import {
  codeOf,
  flip,
  withHeader,
  makePair,
  makeTalkingPair,
  LISTS,
} from '../support/ratchet-peers.ts'

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

  it('binds header and body to the bytes on the wire', () => {
    const { alice, bob } = makeTalkingPair('aad')
    bob.receive(alice.send('turn'))
    alice.receive(bob.send('turn'))
    const { ad, receiving } = alice.state
    const message = bob.send('read by hand')
    const hn = message.subarray(1, 13)
    const header = noble.aeadOpen(receiving!.headerKey, hn, ad, message.subarray(13, 73))
    expect(header?.length).toBe(44)
    const ms = noble.hmac(receiving!.chainKey, Uint8Array.of(1))
    const mk = noble.hmac(ms, hn)
    const aad = concat(ad, message.subarray(0, 73))
    const padded = noble.aeadOpen(mk, new Uint8Array(12), aad, message.subarray(73))
    expect(padded && toHex(padded.subarray(0, 48))).toBe(toHex(LISTS))
    expect(padded?.length).toBe(357)
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
