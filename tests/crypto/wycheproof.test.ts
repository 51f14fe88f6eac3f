import { describe, expect, it } from 'vitest'
import { type CryptoProvider, concat, fromHex, hkdf, noble, toHex } from '../../crypto/index.ts'
import { nativeCrypto } from '../../node/native-crypto.ts'
import { refusal } from './decoder-checks.ts'
import { type WycheproofTest, found, groups, reason } from './wycheproof.ts'

function text(test: WycheproofTest, field: string): string {
  const value = test[field]
  return typeof value === 'string' ? value : ''
}
const hex = (test: WycheproofTest, field: string): Uint8Array => fromHex(text(test, field))

/** Runs `check` on every vector of a file and names the first that fails; gives how many it ran. */
function run(file: string, check: (test: WycheproofTest) => boolean): number {
  const failed: string[] = []
  let count = 0
  for (const { tests } of groups(file)) {
    for (const test of tests) {
      count++
      if (!check(test)) failed.push(`tcId ${test.tcId} ${test.comment ?? ''} (${test.result})`)
    }
  }
  expect(failed).toEqual([])
  return count
}

/** Below p = 2^255 - 19, top bit included. */
function isCanonical(publicKey: Uint8Array): boolean {
  const bigEndian = toHex(publicKey.toReversed())
  return BigInt(`0x${bigEndian}`) < 2n ** 255n - 19n
}

describe.skipIf(!found).each([noble, nativeCrypto])(
  `Wycheproof on $name${reason}`,
  (provider: CryptoProvider) => {
    it.each([
      ['chacha20_poly1305_test.json', 'aeadSeal', 'aeadOpen', 12, 325],
      ['xchacha20_poly1305_test.json', 'xaeadSeal', 'xaeadOpen', 24, 315],
    ] as const)('passes %s', (file, seal, open, nonceLength, total) => {
      const count = run(file, (test) => {
        const [key, nonce, aad] = [hex(test, 'key'), hex(test, 'iv'), hex(test, 'aad')]
        const sealed = concat(hex(test, 'ct'), hex(test, 'tag'))
        // Another length of nonce is a caller's mistake, not a vector of ours: it throws.
        if (nonce.length !== nonceLength) {
          const codes = [
            refusal(() => provider[open](key, nonce, aad, sealed)),
            refusal(() => provider[seal](key, nonce, aad, hex(test, 'msg'))),
          ]
          return test.result === 'invalid' && codes.every((code) => code === 'ERR_CRYPTO_PARAMETER')
        }
        const opened = provider[open](key, nonce, aad, sealed)
        if (test.result === 'invalid') return opened === undefined
        const again = provider[seal](key, nonce, aad, hex(test, 'msg'))
        return toHex(again) === toHex(sealed) && toHex(opened ?? sealed) === text(test, 'msg')
      })
      expect(count).toBe(total)
    })

    it('passes hmac_sha256_test.json', () => {
      const count = run('hmac_sha256_test.json', (test) => {
        const tag = toHex(provider.hmac(hex(test, 'key'), hex(test, 'msg')))
        return tag.startsWith(text(test, 'tag')) === (test.result === 'valid')
      })
      expect(count).toBe(174)
    })

    it('passes hkdf_sha256_test.json', () => {
      const count = run('hkdf_sha256_test.json', (test) => {
        const derive = (): string =>
          toHex(
            hkdf(
              provider,
              hex(test, 'salt'),
              hex(test, 'ikm'),
              hex(test, 'info'),
              Number(test['size']),
            ),
          )
        if (test.result === 'invalid') return refusal(derive) === 'ERR_CRYPTO_PARAMETER'
        return derive() === text(test, 'okm')
      })
      expect(count).toBe(86)
    })

    it('passes x25519_test.json', () => {
      let refused = 0
      const count = run('x25519_test.json', (test) => {
        const publicKey = hex(test, 'public')
        let shared = ''
        const code = refusal(() => {
          shared = toHex(provider.x25519(hex(test, 'private'), publicKey))
        })
        // Beyond RFC 7748, SPEC.md §1 refuses keys that are not canonical, and a result of zero.
        if (isCanonical(publicKey) && !/^0*$/.test(text(test, 'shared'))) {
          return code === undefined && shared === text(test, 'shared')
        }
        refused++
        return code === 'ERR_CRYPTO_KEY' && test.result === 'acceptable'
      })
      expect(count).toBe(518)
      expect(refused).toBeGreaterThan(20)
    })

    it('passes ed25519_test.json', () => {
      let count = 0
      const failed: number[] = []
      for (const { publicKey, tests } of groups('ed25519_test.json')) {
        const key = fromHex(publicKey?.pk ?? '')
        for (const test of tests) {
          count++
          const accepted = provider.ed25519Verify(key, hex(test, 'msg'), hex(test, 'sig'))
          if (accepted !== (test.result === 'valid')) failed.push(test.tcId)
        }
      }
      expect(failed).toEqual([])
      expect(count).toBe(151)
    })

    it('passes mlkem_768_keygen_seed_test.json', () => {
      const count = run(
        'mlkem_768_keygen_seed_test.json',
        (test) => toHex(provider.mlkemPublicKey(hex(test, 'seed'))) === text(test, 'ek'),
      )
      expect(count).toBe(100)
    })

    it('passes mlkem_768_encaps_test.json', () => {
      const count = run('mlkem_768_encaps_test.json', (test) => {
        let result = ''
        const code = refusal(() => {
          const { ciphertext, secret } = provider.mlkemEncapsulate(hex(test, 'ek'), hex(test, 'm'))
          result = toHex(ciphertext) + toHex(secret)
        })
        if (test.result === 'invalid') return code === 'ERR_CRYPTO_KEY'
        return result === text(test, 'c') + text(test, 'K')
      })
      expect(count).toBe(265)
    })

    it('passes mlkem_768_test.json', () => {
      const count = run('mlkem_768_test.json', (test) => {
        let secret = ''
        let sameKey = true
        const code = refusal(() => {
          const seed = hex(test, 'seed')
          if (test['ek'] !== undefined)
            sameKey = toHex(provider.mlkemPublicKey(seed)) === test['ek']
          secret = toHex(provider.mlkemDecapsulate(seed, hex(test, 'c')))
        })
        if (test.result === 'invalid') return code !== undefined
        return code === undefined && sameKey && secret === text(test, 'K')
      })
      expect(count).toBe(193)
    })
  },
)
