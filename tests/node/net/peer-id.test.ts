import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromHex } from '../../../crypto/index.ts'
import {
  joinPeerAddress,
  keyOfPeerId,
  peerIdText,
  splitPeerAddress,
} from '../../../node/net/peer-id.ts'

describe('peer ids', () => {
  test('are those of libp2p', async () => {
    for (let i = 0; i < 20; i++) {
      const pair = await generateKeyPairFromSeed('Ed25519', new Uint8Array(32).fill(i))
      const text = pair.publicKey.toString()
      expect(peerIdText(pair.publicKey.raw)).toBe(text)
      expect(keyOfPeerId(text)).toEqual(pair.publicKey.raw)
    }
  })

  test('a fixed one: the Ed25519 key of the libp2p peer id specification', () => {
    const key = fromHex('1ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e')
    expect(peerIdText(key)).toBe('12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq')
  })

  test('come back from any key, and no other text passes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.nat(51), (key, at) => {
        const text = peerIdText(key)
        expect(keyOfPeerId(text)).toEqual(key)
        for (const bad of [
          text.slice(0, -1),
          `${text}1`,
          text.slice(0, at) + '0' + text.slice(at + 1),
        ]) {
          expect(() => keyOfPeerId(bad)).toThrow(
            expect.objectContaining({ code: 'ADDRESS_INVALID' }),
          )
        }
      }),
    )
  })

  test('no text does anything but decode or throw ADDRESS_INVALID', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (text) => {
        expect(() => keyOfPeerId(text)).toThrow(
          expect.objectContaining({ code: 'ADDRESS_INVALID' }),
        )
      }),
    )
    expect(() => keyOfPeerId('1'.repeat(1_000_000))).toThrow()
    // An RSA peer id (sha2-256 multihash).
    expect(() => keyOfPeerId('QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N')).toThrow()
  })

  test('addresses come apart and together', () => {
    const key = new Uint8Array(32).fill(9)
    const text = `/dns4/relay.example.org/tcp/443/ws/p2p/${peerIdText(key)}`
    expect(splitPeerAddress(text)).toEqual({ address: '/dns4/relay.example.org/tcp/443/ws', key })
    expect(joinPeerAddress('/dns4/relay.example.org/tcp/443/ws', key)).toBe(text)
    expect(splitPeerAddress('/ip4/127.0.0.1/tcp/1')).toEqual({
      address: '/ip4/127.0.0.1/tcp/1',
      key: undefined,
    })
  })
})
