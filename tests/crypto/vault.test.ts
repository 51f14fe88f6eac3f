import { scryptSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  type VaultParameters,
  createStateKey,
  indexKey,
  noble,
  openStateKeys,
  openStateValue,
  openValue,
  openVaultHeader,
  openVaultKek,
  parseVaultHeader,
  passphraseBytes,
  scryptKek,
  sealStateKeys,
  sealStateValue,
  sealValue,
  sealVaultHeader,
  stateGeneration,
  toHex,
  vaultIndexRoot,
  vaultSubkey,
} from '../../crypto/index.ts'
import {
  counting,
  countingRandom,
  refusal,
  refusesOtherLengths,
  survivesNoise,
} from './decoder-checks.ts'

const dataKey = counting(32, 1)
const storeId = counting(16, 50)
const kek = counting(32, 99)
const parameters: VaultParameters = {
  kdf: { kind: 'scrypt', log2N: 14, r: 8, p: 1 },
  salt: counting(32, 7),
  storeId,
}
const header = (changed: Partial<VaultParameters> = {}): Uint8Array<ArrayBuffer> =>
  sealVaultHeader(noble, countingRandom(), { ...parameters, ...changed }, { kek, dataKey })
const vault = { root: dataKey, storeId }
const sealer = { provider: noble, random: countingRandom() }

describe('the vault header', () => {
  it('is 136 bytes and gives back the data key for the right key', () => {
    const bytes = header()
    expect(bytes.length).toBe(136)
    const parsed = parseVaultHeader(bytes)
    expect(parsed).toEqual({ ...parameters, bytes })
    expect(openVaultHeader(noble, parsed, kek)).toEqual(dataKey)
    expect(refusal(() => openVaultHeader(noble, parsed, counting(32)))).toBe(
      'ERR_CRYPTO_UNAUTHENTIC',
    )
  })

  it('opens without a passphrase where it was made so', () => {
    const salt = counting(32, 7)
    const keys = { kek: openVaultKek(noble, salt), dataKey }
    const open = { ...parameters, salt, kdf: { kind: 'none' } as const }
    const parsed = parseVaultHeader(sealVaultHeader(noble, countingRandom(), open, keys))
    expect(parsed.kdf).toEqual({ kind: 'none' })
    expect(openVaultHeader(noble, parsed, openVaultKek(noble, parsed.salt))).toEqual(dataKey)
  })

  it('authenticates every byte of itself', () => {
    for (let at = 16; at < 136; at++) {
      const bytes = header()
      bytes[at] = (bytes[at] ?? 0) ^ 1
      expect(
        refusal(() => openVaultHeader(noble, parseVaultHeader(bytes), kek)),
        `byte ${at}`,
      ).toBe('ERR_CRYPTO_UNAUTHENTIC')
    }
  })

  const refused: readonly (readonly [string, string, number, number])[] = [
    ['another magic', 'ERR_WIRE_MALFORMED', 0, 0],
    ['another version', 'ERR_WIRE_UNSUPPORTED', 9, 2],
    ['another derivation', 'ERR_WIRE_UNSUPPORTED', 10, 2],
    ['a weak cost', 'ERR_WIRE_MALFORMED', 11, 13],
    ['a cost that exhausts memory', 'ERR_WIRE_MALFORMED', 11, 21],
    ['a cost of 2^255', 'ERR_WIRE_MALFORMED', 11, 255],
    ['a small block size', 'ERR_WIRE_MALFORMED', 13, 1],
    ['a huge block size', 'ERR_WIRE_MALFORMED', 12, 255],
    ['no parallelism', 'ERR_WIRE_MALFORMED', 15, 0],
    ['too much parallelism', 'ERR_WIRE_MALFORMED', 15, 5],
    ['a cost without a derivation', 'ERR_WIRE_MALFORMED', 10, 0],
  ]
  it.each(refused)('is refused with %s, before any work', (_what, code, at, value) => {
    const bytes = header()
    bytes[at] = value
    expect(refusal(() => parseVaultHeader(bytes))).toBe(code)
  })

  it('refuses every truncation and a trailing byte, and survives noise', () => {
    refusesOtherLengths(parseVaultHeader, header())
    survivesNoise(parseVaultHeader, header(), 300)
  })

  it('derives its key as scrypt does, from the passphrase in NFKC', () => {
    const expected = scryptSync(Buffer.from('ﬁne é'.normalize('NFKC')), parameters.salt, 32, {
      N: 2 ** 14,
      r: 8,
      p: 1,
    })
    expect(toHex(scryptKek('ﬁne é', parameters))).toBe(expected.toString('hex'))
    expect(passphraseBytes('ﬁ')).toEqual(passphraseBytes('fi'))
    const costly = { ...parameters, kdf: { kind: 'scrypt', log2N: 30, r: 8, p: 1 } as const }
    expect(refusal(() => scryptKek('x', costly))).toBe('ERR_CRYPTO_PARAMETER')
    expect(refusal(() => header({ kdf: costly.kdf }))).toBe('ERR_CRYPTO_PARAMETER')
  })
})

describe('a sealed value', () => {
  const place = { store: 'entries', key: counting(20) }
  const subkey = vaultSubkey(noble, vault, 'entries')

  it('is 41 bytes longer than its content: 46 for 5', () => {
    const sealed = sealValue(sealer, subkey, place, counting(5))
    expect(sealed.length).toBe(46)
    expect(openValue(noble, subkey, place, sealed)).toEqual(counting(5))
    const empty = sealValue(sealer, subkey, place, new Uint8Array(0))
    expect(openValue(noble, subkey, place, empty)).toEqual(new Uint8Array(0))
  })

  it('opens at its own key, in its own store, of its own vault only', () => {
    const sealed = sealValue(sealer, subkey, place, counting(5))
    const otherVault = vaultSubkey(noble, { ...vault, storeId: counting(16) }, 'entries')
    for (const open of [
      () => openValue(noble, subkey, { ...place, key: counting(21) }, sealed),
      () => openValue(noble, subkey, { ...place, store: 'entriet' }, sealed),
      () => openValue(noble, otherVault, place, sealed),
      () => openValue(noble, vaultSubkey(noble, vault, 'entriet'), place, sealed),
    ]) {
      expect(refusal(open)).toBe('ERR_CRYPTO_UNAUTHENTIC')
    }
  })

  it('does not confuse a store and a key that share their bytes', () => {
    const [first, second] = [
      { store: 'ab', key: counting(1, 0x63) },
      { store: 'a', key: Uint8Array.of(0x62, 0x63) },
    ]
    const sealed = sealValue(sealer, subkey, first, counting(5))
    expect(refusal(() => openValue(noble, subkey, second, sealed))).toBe('ERR_CRYPTO_UNAUTHENTIC')
  })

  it('refuses every changed byte, every other length, and survives noise', () => {
    const sealed = sealValue(sealer, subkey, place, counting(5))
    const open = (bytes: Uint8Array): unknown => openValue(noble, subkey, place, bytes)
    refusesOtherLengths(open, sealed)
    survivesNoise(open, sealed)
    for (let at = 0; at < sealed.length; at++) {
      const bytes = new Uint8Array(sealed)
      bytes[at] = (bytes[at] ?? 0) ^ 0x40
      expect(
        refusal(() => open(bytes)),
        `byte ${at}`,
      ).toBeDefined()
    }
  })

  it('takes no key above 65 535 bytes', () => {
    const long = { store: 'a', key: new Uint8Array(65_536) }
    expect(refusal(() => sealValue(sealer, subkey, long, counting(1)))).toBe('ERR_CRYPTO_PARAMETER')
  })
})

describe('a sealed state value', () => {
  const place = { store: 'sessions', key: counting(20) }
  const key = { generation: 3, subkey: vaultSubkey(noble, { ...vault, root: kek }, 'sessions') }

  it('is 45 bytes longer than its content and names its generation', () => {
    const sealed = sealStateValue(sealer, key, place, counting(5))
    expect(sealed.length).toBe(50)
    expect(stateGeneration(sealed)).toBe(3)
    expect(openStateValue(noble, key, place, sealed)).toEqual(counting(5))
  })

  it('is bound to its generation and place, and is no plain value', () => {
    const sealed = sealStateValue(sealer, key, place, counting(5))
    const relabelled = new Uint8Array(sealed)
    relabelled[4] = 4
    const elsewhere = { ...place, store: 'prekeys' }
    expect(refusal(() => openStateValue(noble, key, place, relabelled))).toBe(
      'ERR_CRYPTO_UNAUTHENTIC',
    )
    expect(refusal(() => openStateValue(noble, key, elsewhere, sealed))).toBe(
      'ERR_CRYPTO_UNAUTHENTIC',
    )
    expect(refusal(() => openValue(noble, key.subkey, place, sealed))).toBe('ERR_WIRE_MALFORMED')
  })

  it('refuses every other length and survives noise', () => {
    const sealed = sealStateValue(sealer, key, place, counting(5))
    const open = (bytes: Uint8Array): unknown => openStateValue(noble, key, place, bytes)
    refusesOtherLengths(open, sealed)
    survivesNoise(open, sealed)
  })
})

describe('the state key file', () => {
  const [first, second] = [
    createStateKey(countingRandom(), 1),
    createStateKey(countingRandom(9), 2),
  ]

  it('is 87 bytes with one key and 163 with two', () => {
    const one = sealStateKeys(sealer, vault, [first])
    const two = sealStateKeys(sealer, vault, [first, second])
    expect([one.length, two.length]).toEqual([87, 163])
    expect(openStateKeys(noble, vault, one)).toEqual([first])
    expect(openStateKeys(noble, vault, two)).toEqual([first, second])
  })

  it('opens in its own vault only, and each key as its own generation', () => {
    const file = sealStateKeys(sealer, vault, [first])
    const open =
      (bytes: Uint8Array, of = vault) =>
      () =>
        openStateKeys(noble, of, bytes)
    expect(refusal(open(file, { ...vault, storeId: counting(16) }))).toBe('ERR_CRYPTO_UNAUTHENTIC')
    const relabelled = new Uint8Array(file)
    relabelled[14] = 9
    expect(refusal(open(relabelled))).toBe('ERR_CRYPTO_UNAUTHENTIC')
    const later = new Uint8Array(file)
    later[9] = 2
    expect(refusal(open(later))).toBe('ERR_WIRE_UNSUPPORTED')
  })

  it('holds one or two different generations', () => {
    for (const keys of [[], [first, first], [first, second, first]]) {
      expect(refusal(() => sealStateKeys(sealer, vault, keys))).toBe('ERR_CRYPTO_PARAMETER')
    }
  })

  it('refuses every truncation and a trailing byte, and survives noise', () => {
    const file = sealStateKeys(sealer, vault, [first, second])
    const open = (bytes: Uint8Array): unknown => openStateKeys(noble, vault, bytes)
    refusesOtherLengths(open, file)
    survivesNoise(open, file)
  })
})

describe('an index key', () => {
  it('is 16 bytes that differ by store, id and vault', () => {
    const root = vaultIndexRoot(noble, vault)
    const other = vaultIndexRoot(noble, { ...vault, root: kek })
    const all = [
      indexKey(noble, root, 'a', counting(32)),
      indexKey(noble, root, 'b', counting(32)),
      indexKey(noble, root, 'a', counting(31)),
      indexKey(noble, other, 'a', counting(32)),
    ]
    expect(all.every((key) => key.length === 16)).toBe(true)
    expect(new Set(all.map(toHex)).size).toBe(4)
  })
})
