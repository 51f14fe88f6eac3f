import { describe, expect, it } from 'vitest'
import { noble, toHex } from '../../../crypto/index.ts'
import {
  type Capability,
  decodeCapability,
  depositMac,
  deriveCapKey,
  encodeCapability,
} from '../../../protocol/relay/capability.ts'
import { mailboxIdOf, serviceKeyHash } from '../../../protocol/relay/mailbox-keys.ts'
import { signAuth, signOpen, verifyAuth, verifyOpen } from '../../../protocol/relay/owner-proof.ts'
import { type Puzzle, solveWork, verifyWork } from '../../../protocol/relay/proof-of-work.ts'
import { bytesOf } from '../../support/relay-world.ts'

const serviceKey = bytesOf('service key')
const concat = (...parts: (string | Uint8Array)[]): Uint8Array =>
  Uint8Array.from(
    parts.flatMap((part) => [
      ...(typeof part === 'string' ? new TextEncoder().encode(part) : part),
    ]),
  )

describe('a capability', () => {
  const capability: Capability = {
    lane: 0,
    expiresS: 0x01020304,
    capId: bytesOf('cap', 8),
    capKey: bytesOf('key'),
  }

  it('is 45 bytes: lane, end, id, key', () => {
    const bytes = encodeCapability(capability)
    expect(toHex(bytes.slice(0, 5))).toBe('0001020304')
    expect(bytes).toHaveLength(45)
    expect(decodeCapability(bytes)).toEqual(capability)
    for (const wrong of [bytes.slice(1), concat(bytes, 'x')]) {
      expect(() => decodeCapability(wrong)).toThrow(
        expect.objectContaining({ code: 'ERR_WIRE_MALFORMED' }),
      )
    }
  })

  it('derives its key from lane, end and id', () => {
    const secret = bytesOf('secret')
    const info = concat('sotto/1/cap\0', Uint8Array.of(0, 1, 2, 3, 4), capability.capId)
    const prk = noble.hmac(serviceKey, secret)
    const expected = noble.hmac(prk, info, Uint8Array.of(1))
    expect(deriveCapKey(noble, serviceKey, secret, capability)).toEqual(expected)
  })

  it('authenticates every field of a deposit', () => {
    const deposit = {
      mailboxId: bytesOf('m', 16),
      envId: bytesOf('e'),
      lane: 0,
      flags: 0,
      ttlS: 9,
      coalesce: undefined,
      env: bytesOf('env', 512),
    }
    const mac = (change: Partial<typeof deposit>, claim?: Uint8Array): string => {
      const keys = { capKey: capability.capKey, serviceKey, ...(claim && { claim }) }
      return toHex(depositMac(noble, keys, { ...deposit, ...change }))
    }
    const all = [
      mac({}),
      mac({ mailboxId: bytesOf('n', 16) }),
      mac({ envId: bytesOf('f') }),
      mac({ lane: 2 }),
      mac({ flags: 2 }),
      mac({ ttlS: 10 }),
      mac({ env: bytesOf('other', 512) }),
      mac({}, bytesOf('claim', 16)),
    ]
    expect(new Set(all).size).toBe(all.length)
    const data = concat(
      'sotto/1/dep\0',
      serviceKey,
      deposit.mailboxId,
      deposit.envId,
      Uint8Array.of(0, 0, 0, 0, 0, 9),
      new Uint8Array(32),
      noble.sha256(deposit.env),
    )
    expect(data.length - 'sotto/1/dep\0'.length).toBe(150)
    expect(all[0]).toBe(toHex(noble.hmac(capability.capKey, data)))
  })
})

describe('mailbox ids', () => {
  it('are hashes of what owns them', () => {
    const owner = bytesOf('owner')
    const id = (...parts: (string | Uint8Array)[]): Uint8Array =>
      noble.sha256(concat(...parts)).slice(0, 16)
    expect(mailboxIdOf(noble, 1, owner)).toEqual(id('sotto/1/mbx\0', owner))
    expect(mailboxIdOf(noble, 3, owner)).toEqual(id('sotto/1/rmbx\0', owner))
    const bind = bytesOf('bind')
    expect(mailboxIdOf(noble, 2, owner, bind)).toEqual(id('sotto/1/gmbx\0', owner, bind))
    expect(serviceKeyHash(noble, serviceKey)).toEqual(id('sotto/1/service\0', serviceKey))
  })
})

describe('an owner proof', () => {
  const seed = bytesOf('owner seed')
  const ownerKey = noble.ed25519PublicKey(seed)
  const stream = {
    nonce: bytesOf('nonce'),
    serviceKey,
    relayTransportKey: bytesOf('relay transport'),
    clientTransportKey: bytesOf('client transport'),
  }
  const mailbox = { type: 1, mailboxId: bytesOf('m', 16) } as const
  const opened = { ...mailbox, secret: bytesOf('secret'), gen: 3 }

  it('holds on its own stream and mailbox only', () => {
    const signature = signAuth(noble, seed, stream, mailbox)
    const proof = { ownerKey, signature }
    expect(verifyAuth(noble, proof, stream, mailbox)).toBe(true)
    for (const name of Object.keys(stream)) {
      const other = { ...stream, [name]: bytesOf('other') }
      expect(verifyAuth(noble, proof, other, mailbox)).toBe(false)
    }
    expect(verifyAuth(noble, proof, stream, { ...mailbox, type: 3 })).toBe(false)
    expect(verifyAuth(noble, proof, stream, { ...mailbox, mailboxId: bytesOf('n', 16) })).toBe(
      false,
    )
    expect(verifyOpen(noble, proof, stream, opened)).toBe(false)
  })

  it('of an opening binds mailbox, secret and generation', () => {
    const proof = { ownerKey, signature: signOpen(noble, seed, stream, opened) }
    expect(verifyOpen(noble, proof, stream, opened)).toBe(true)
    const elsewhere = { ...opened, mailboxId: bytesOf('n', 16) }
    expect(verifyOpen(noble, proof, stream, elsewhere)).toBe(false)
    expect(verifyOpen(noble, proof, stream, { ...opened, gen: 4 })).toBe(false)
    expect(verifyOpen(noble, proof, stream, { ...opened, secret: bytesOf('x') })).toBe(false)
    expect(verifyOpen(noble, proof, stream, { ...opened, secret: undefined })).toBe(false)
  })
})

describe('proof of work', () => {
  const puzzle: Puzzle = {
    serviceKey,
    mailboxId: bytesOf('m', 16),
    subject: bytesOf('s'),
    hour: 490_000,
  }

  it('is found in steps, and checked with one hash', () => {
    const steps = solveWork(noble, puzzle, 10, 16)
    let yields = 0
    let step = steps.next()
    for (; step.done !== true; step = steps.next()) yields += 1
    expect(verifyWork(noble, puzzle, step.value, 10)).toBe(true)
    expect(yields).toBeGreaterThan(0)
    const hash = noble.sha256(
      concat('sotto/1/pow\0', serviceKey, puzzle.mailboxId, puzzle.subject),
      Uint8Array.of(0, 7, 0x7a, 0x10),
      step.value,
    )
    expect(hash[0]).toBe(0)
    expect(hash[1]! >> 6).toBe(0)
    expect(verifyWork(noble, { ...puzzle, hour: puzzle.hour + 1 }, step.value, 10)).toBe(false)
  })

  it('is refused where a relay asks for what nobody can do', () => {
    expect(() => solveWork(noble, puzzle, 41, 1).next()).toThrow(
      expect.objectContaining({ code: 'ERR_CRYPTO_PARAMETER' }),
    )
  })
})
