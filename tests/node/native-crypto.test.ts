import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type CryptoProvider, fromHex, hchacha20, noble, toHex } from '../../crypto/index.ts'
import { nativeCrypto } from '../../node/native-crypto.ts'
import { counting, refusal } from '../crypto/decoder-checks.ts'
import { ORDER, littleEndian, torsionCase, torsionPoint } from '../crypto/torsion.ts'

const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length })
const some = fc.uint8Array({ maxLength: 300 })
const backends: readonly CryptoProvider[] = [noble, nativeCrypto]

/** Both backends give the same bytes, undefined, boolean, or refusal. */
function agree(run: (provider: CryptoProvider) => unknown): void {
  const [first, second] = backends.map((provider) => {
    let result: unknown
    const code = refusal(() => {
      result = run(provider)
    })
    return code ?? result
  })
  expect(second).toEqual(first)
  expect(second).not.toBeInstanceOf(Buffer)
}

const runs = { numRuns: 60 }

describe('the native backend gives what noble gives', () => {
  it('for hashes and MACs, in any number of parts', () => {
    fc.assert(
      fc.property(some, fc.array(some, { maxLength: 3 }), (key, parts) => {
        agree((provider) => provider.sha256(...parts))
        agree((provider) => provider.sha512(...parts))
        agree((provider) => provider.hmac(key, ...parts))
      }),
      runs,
    )
  })

  it('for hashes and MACs of every length around a block and around what one call takes', () => {
    for (const length of [0, 1, 63, 64, 65, 1_983, 1_984, 1_985, 2_047, 2_048, 2_049, 70_000]) {
      const [whole, key] = [counting(length), counting(Math.min(length, 200))]
      const parts = [whole.subarray(0, length >> 1), whole.subarray(length >> 1)]
      agree((provider) => provider.sha256(...parts))
      agree((provider) => provider.hmac(key, ...parts))
    }
  })

  it('for both AEADs, with changed tags and ciphertexts', () => {
    fc.assert(
      fc.property(bytes(32), bytes(24), some, some, fc.nat(), (key, nonce, aad, plain, at) => {
        const short = nonce.subarray(0, 12)
        agree((provider) => provider.aeadSeal(key, short, aad, plain))
        agree((provider) => provider.xaeadSeal(key, nonce, aad, plain))
        for (const flip of [0, 1]) {
          const sealed = noble.aeadSeal(key, short, aad, plain)
          const extended = noble.xaeadSeal(key, nonce, aad, plain)
          const place = at % sealed.length
          sealed[place] = (sealed[place] ?? 0) ^ flip
          extended[place] = (extended[place] ?? 0) ^ flip
          agree((provider) => provider.aeadOpen(key, short, aad, sealed))
          agree((provider) => provider.xaeadOpen(key, nonce, aad, extended))
          expect(nativeCrypto.aeadOpen(key, short, aad, sealed) === undefined).toBe(flip === 1)
        }
      }),
      runs,
    )
  })

  it('for sealed bytes shorter than a tag', () => {
    for (const length of [0, 1, 15, 16]) {
      const sealed = new Uint8Array(length)
      agree((provider) => provider.aeadOpen(counting(32), counting(12), counting(1), sealed))
      agree((provider) => provider.xaeadOpen(counting(32), counting(24), counting(1), sealed))
    }
  })

  it('for wrong lengths of keys, nonces and secrets, which are refused', () => {
    for (const [key, nonce] of [
      [31, 12],
      [32, 11],
      [32, 8],
      [32, 13],
      [32, 0],
    ] as const) {
      for (const provider of backends) {
        const [k, n, none] = [counting(key), counting(nonce), new Uint8Array(0)]
        for (const run of [
          () => provider.aeadSeal(k, n, none, none),
          () => provider.aeadOpen(k, n, none, counting(32)),
          () => provider.xaeadSeal(k, n, none, none),
          () => provider.xaeadOpen(k, n, none, counting(32)),
          () => provider.ed25519Sign(counting(31), none),
          () => provider.ed25519PublicKey(counting(33)),
          () => provider.x25519PublicKey(counting(31)),
          () => provider.x25519(none, counting(32)),
          () => provider.x25519Key(counting(31)),
        ]) {
          expect(refusal(run)).toBe('ERR_CRYPTO_PARAMETER')
        }
      }
    }
  })

  it('for X25519, whatever the secret and the public bytes', () => {
    fc.assert(
      fc.property(bytes(32), bytes(32), (secret, publicKey) => {
        agree((provider) => provider.x25519PublicKey(secret))
        agree((provider) => provider.x25519(secret, publicKey))
        const masked = new Uint8Array(publicKey)
        masked[31] = (masked[31] ?? 0) & 0x7f
        agree((provider) => provider.x25519(secret, masked))
        agree((provider) => provider.x25519Key(secret).publicKey)
        agree((provider) => provider.x25519Key(secret).agree(masked))
      }),
      runs,
    )
    for (const low of [0n, 1n, 2n ** 255n - 20n, 2n ** 255n - 19n, 2n ** 255n - 18n]) {
      agree((provider) => provider.x25519(counting(32), littleEndian(low)))
      expect(refusal(() => nativeCrypto.x25519(counting(32), littleEndian(low)))).toBe(
        'ERR_CRYPTO_KEY',
      )
    }
    for (const length of [0, 31, 33]) {
      agree((provider) => provider.x25519(counting(32), counting(length)))
    }
  })

  it('for Ed25519 keys and signatures, and what is changed in them', () => {
    fc.assert(
      fc.property(bytes(32), some, fc.nat(95), fc.nat(7), (seed, message, at, bit) => {
        agree((provider) => provider.ed25519PublicKey(seed))
        agree((provider) => provider.ed25519Sign(seed, message))
        const key = noble.ed25519PublicKey(seed)
        const signature = noble.ed25519Sign(seed, message)
        expect(nativeCrypto.ed25519Verify(key, message, signature)).toBe(true)
        const changed = Uint8Array.from([...key, ...signature])
        changed[at] = (changed[at] ?? 0) ^ (1 << bit)
        const [k, s] = [changed.subarray(0, 32), changed.subarray(32)]
        agree((provider) => provider.ed25519Verify(k, message, s))
        agree((provider) => provider.ed25519KeyAccepted(k))
        expect(nativeCrypto.ed25519Verify(k, message, s)).toBe(false)
      }),
      runs,
    )
  })

  it('for Ed25519 keys and signatures of other lengths', () => {
    const key = noble.ed25519PublicKey(counting(32))
    for (const length of [0, 31, 33, 63, 65]) {
      agree((provider) => provider.ed25519Verify(counting(length), counting(1), counting(64)))
      agree((provider) => provider.ed25519Verify(key, counting(1), counting(length)))
      expect(nativeCrypto.ed25519Verify(key, counting(1), counting(length))).toBe(false)
    }
  })

  it('for Ed25519 with torsion in the key, in R, and in both', () => {
    let accepted = 0
    let torsioned = 0
    fc.assert(
      fc.property(
        fc.bigInt({ min: 1n, max: ORDER - 1n }),
        fc.bigInt({ min: 1n, max: ORDER - 1n }),
        fc.nat(7),
        fc.nat(7),
        fc.uint8Array({ maxLength: 8 }),
        (secret, nonce, inKey, inR, message) => {
          const input = torsionCase({ secret, nonce, inKey, inR, message })
          agree((provider) =>
            provider.ed25519Verify(input.publicKey, input.message, input.signature),
          )
          if (inKey + inR > 0) torsioned++
          if (noble.ed25519Verify(input.publicKey, input.message, input.signature)) accepted++
        },
      ),
      { numRuns: 200 },
    )
    // Both verdicts occur, or this would compare nothing.
    expect(torsioned).toBeGreaterThan(100)
    expect(accepted).toBeGreaterThan(3)
    expect(accepted).toBeLessThan(100)
  })

  it('for ML-KEM', () => {
    const [seed, m] = [counting(64), counting(32)]
    agree((provider) => provider.mlkemPublicKey(seed))
    const key = noble.mlkemPublicKey(seed)
    agree((provider) => provider.mlkemEncapsulate(key, m))
    const { ciphertext, secret } = nativeCrypto.mlkemEncapsulate(key, m)
    expect(nativeCrypto.mlkemDecapsulate(seed, ciphertext)).toEqual(secret)
    agree((provider) => provider.mlkemEncapsulate(counting(1184).fill(255), m))
    agree((provider) => provider.mlkemDecapsulate(seed, counting(1087)))
  })
})

describe('the native backend', () => {
  it('hands out memory of its own', () => {
    const digest = nativeCrypto.sha256(counting(3))
    expect(digest.buffer.byteLength).toBe(32)
    expect(Object.getPrototypeOf(digest)).toBe(Uint8Array.prototype)
    // A key that is remembered stays what it is, whatever is done to a copy of it.
    nativeCrypto.mlkemPublicKey(counting(64)).fill(0)
    expect(nativeCrypto.mlkemPublicKey(counting(64))).toEqual(noble.mlkemPublicKey(counting(64)))
  })

  it('remembers keys without mixing them up, beyond what it keeps', () => {
    const seeds = Array.from({ length: 150 }, (_, i) =>
      createHash('sha256').update(`${i}`).digest(),
    )
    const signed = seeds.map((seed) => nativeCrypto.ed25519Sign(new Uint8Array(seed), counting(5)))
    // Again and again, so that keys enter the cache and others push them out.
    for (let round = 0; round < 10; round++) {
      for (const [index, seed] of seeds.entries()) {
        if (round % 2 === 0 && index > 40) continue
        expect(nativeCrypto.ed25519Sign(new Uint8Array(seed), counting(5))).toEqual(signed[index])
      }
    }
    for (const [index, seed] of seeds.entries()) {
      const key = nativeCrypto.ed25519PublicKey(new Uint8Array(seed))
      const other = signed[(index + 1) % seeds.length] ?? counting(64)
      expect(nativeCrypto.ed25519Verify(key, counting(5), signed[index] ?? counting(64))).toBe(true)
      expect(nativeCrypto.ed25519Verify(key, counting(5), other)).toBe(false)
    }
  })
})

interface TorsionVector {
  readonly class: string
  readonly comment: string
  readonly publicKey: string
  readonly message: string
  readonly signature: string
  readonly valid: boolean
}

describe.each(backends)('the torsion vectors on $name', (provider) => {
  const url = new URL('../vectors/ed25519-torsion.json', import.meta.url)
  const { tests } = JSON.parse(readFileSync(url, 'utf8')) as {
    readonly tests: readonly TorsionVector[]
  }

  it('hold', () => {
    expect(tests.length).toBe(39)
    for (const { comment, publicKey, message, signature, valid } of tests) {
      const verdict = provider.ed25519Verify(
        fromHex(publicKey),
        fromHex(message),
        fromHex(signature),
      )
      expect(verdict, comment).toBe(valid)
    }
  })

  it('accept no torsion point as a key', () => {
    for (let n = 0; n < 8; n++) {
      expect(provider.ed25519KeyAccepted(torsionPoint(n).toBytes())).toBe(false)
    }
  })
})

describe('HChaCha20', () => {
  it('gives the vector of its draft, §2.2.1', () => {
    expect(toHex(hchacha20(counting(32), fromHex('000000090000004a0000000031415927')))).toBe(
      '82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc',
    )
    expect(refusal(() => hchacha20(counting(32), counting(15)))).toBe('ERR_CRYPTO_PARAMETER')
  })
})
