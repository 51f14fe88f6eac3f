// Operations messages and control objects (SPEC.md §20.5).
import { describe, expect, it } from 'vitest'
import {
  controlHolds,
  decodeSignedObject,
  encodeCbor,
  noble,
  openOperations,
  operationsTag,
  padTo,
  sealOperations,
  signControl,
  toHex,
} from '../../crypto/index.ts'
import { refusal } from './decoder-checks.ts'
import { seededRandom } from '../support/seeded-random.ts'

const random = seededRandom('group control')
const keys = { controlKey: random(32), lineageTag: random(8) }
const operations = [random(318), random(353)]

describe('an operations message', () => {
  const message = sealOperations(noble, keys, operations, random)

  it('has 37 bytes and padding beyond its operations, and opens under the lineage alone', () => {
    expect(message.length).toBe(1_024)
    expect(sealOperations(noble, keys, [random(470)], random).length).toBe(512)
    expect(sealOperations(noble, keys, [random(471)], random).length).toBe(1_024)
    expect(toHex(operationsTag(message))).toBe(toHex(keys.lineageTag))
    expect(openOperations(noble, keys.controlKey, message)).toEqual(operations)
    expect(openOperations(noble, random(32), message)).toBeUndefined()
  })

  it('is refused whichever part is touched', () => {
    for (const at of [1, 8, 9, 20, 21, 1_023]) {
      const bent = message.slice()
      bent[at] = (bent[at] ?? 0) ^ 1
      expect(openOperations(noble, keys.controlKey, bent)).toBeUndefined()
    }
    const short = message.slice(0, 1_000)
    expect(refusal(() => openOperations(noble, keys.controlKey, short))).toBe('ERR_WIRE_MALFORMED')
  })

  it('of a member that holds no array of operations is malformed', () => {
    for (const content of [encodeCbor([]), encodeCbor([7]), encodeCbor(7), encodeCbor([[]])]) {
      const aad = message.slice(0, 9)
      const nonce = random(12)
      const sealed = noble.aeadSeal(keys.controlKey, nonce, aad, padTo(content, 512 - 37))
      const forged = Uint8Array.from([...aad, ...nonce, ...sealed])
      expect(refusal(() => openOperations(noble, keys.controlKey, forged))).toBe(
        'ERR_WIRE_MALFORMED',
      )
    }
  })

  it('takes one operation of the largest size, and no more than 64 KiB', () => {
    expect(sealOperations(noble, keys, [random(57_344)], random).length).toBe(65_536)
    const many = [random(40_000), random(40_000)]
    expect(refusal(() => sealOperations(noble, keys, many, random))).toBe('ERR_PROTOCOL_LIMIT')
  })
})

describe('a control object', () => {
  const seed = random(32)
  const device = noble.ed25519PublicKey(seed)
  const context = { group: random(32), kind: 0x1083 }
  const body = encodeCbor([1, 5, random(32)])
  const signed = decodeSignedObject(signControl(noble, seed, context, body), 1_000, 'control')

  it('holds for its device, group and kind alone', () => {
    expect(controlHolds(noble, device, context, signed)).toBe(true)
    expect(controlHolds(noble, device, { ...context, kind: 0x1084 }, signed)).toBe(false)
    expect(controlHolds(noble, device, { ...context, group: random(32) }, signed)).toBe(false)
    expect(controlHolds(noble, noble.ed25519PublicKey(random(32)), context, signed)).toBe(false)
    expect(controlHolds(noble, device, context, { ...signed, body: random(20) })).toBe(false)
  })
})
