import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type CborValue, decodeCbor, noble, toHex } from '../../../crypto/index.ts'
import {
  type AskedDeposit,
  type CustodyContext,
  leafHash,
  leafNonce,
  leafPreimage,
  signFlush,
  verifyCustody,
} from '../../../protocol/relay/custody.ts'
import { buildCustodyTree, rootOfPath, rootOfProof } from '../../../protocol/relay/custody-tree.ts'
import { decodeDescriptor, processOf, signDescriptor } from '../../../protocol/relay/descriptor.ts'
import { decodeProcessCert, signProcessCert } from '../../../protocol/relay/process-cert.ts'
import { bytesOf } from '../../support/relay-world.ts'

interface Vectors {
  readonly trees: readonly {
    readonly leaves: number
    readonly asked: readonly number[]
    readonly root: string
    readonly proof: readonly string[]
  }[]
}

const vectors = JSON.parse(
  readFileSync(new URL('../../vectors/custody.json', import.meta.url), 'utf8'),
) as Vectors

const leavesOf = (count: number): Uint8Array[] =>
  Array.from({ length: count }, (_, i) => bytesOf(`leaf ${i}`))

describe('the custody tree', () => {
  it('is that of RFC 6962: a single leaf is the root, nothing is duplicated', () => {
    const [a, b, c] = leavesOf(3) as [Uint8Array, Uint8Array, Uint8Array]
    const node = (l: Uint8Array, r: Uint8Array): Uint8Array =>
      noble.sha256(new TextEncoder().encode('sotto/1/custody-node\0'), l, r)
    expect(buildCustodyTree(noble, [a]).root).toEqual(a)
    expect(buildCustodyTree(noble, [a, b, c]).root).toEqual(node(node(a, b), c))
  })

  it.each(vectors.trees)('has the published root and proof for $leaves leaves', (vector) => {
    const tree = buildCustodyTree(noble, leavesOf(vector.leaves))
    expect(toHex(tree.root)).toBe(vector.root)
    expect(tree.prove(vector.asked).map(toHex)).toEqual(vector.proof)
  })

  it('proves any leaves of any tree, together and each by its own path', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 70 }),
        fc.uniqueArray(fc.nat(69), { minLength: 1, maxLength: 20 }),
        (count, picks) => {
          const leaves = leavesOf(count)
          const tree = buildCustodyTree(noble, leaves)
          const asked = [...new Set(picks.map((n) => n % count))].sort((a, b) => a - b)
          const proven = asked.map((index) => ({ index, hash: leaves[index]! }))
          const nodes = tree.prove(asked)
          const { root, paths } = rootOfProof(noble, count, proven, nodes)
          expect(root).toEqual(tree.root)
          for (const [i, leaf] of proven.entries()) {
            expect(rootOfPath(noble, count, leaf, paths[i]!)).toEqual(tree.root)
          }
          const forged = proven.map((leaf, i) =>
            i === 0 ? { ...leaf, hash: bytesOf('forged') } : leaf,
          )
          expect(rootOfProof(noble, count, forged, nodes).root).not.toEqual(tree.root)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('refuses proofs with nodes missing, left over, or leaves out of place', () => {
    const leaves = leavesOf(9)
    const nodes = buildCustodyTree(noble, leaves).prove([2, 5])
    const two = { index: 2, hash: leaves[2]! }
    const five = { index: 5, hash: leaves[5]! }
    const malformed = expect.objectContaining({ code: 'ERR_WIRE_MALFORMED' })
    for (const [count, asked, given] of [
      [9, [two, five], nodes.slice(1)],
      [9, [two, five], [...nodes, bytesOf('more')]],
      [9, [five, two], nodes],
      [9, [two, two], nodes],
      [5, [two, five], nodes],
      [9, [], nodes],
    ] as const) {
      expect(() => rootOfProof(noble, count, asked, given)).toThrow(malformed)
    }
  })
})

const nowMs = 1_770_000_000_000
const serviceSeed = bytesOf('service')
const processSeed = bytesOf('process')
const serviceKey = noble.ed25519PublicKey(serviceSeed)
const transportKey = noble.ed25519PublicKey(bytesOf('transport'))
const certBytes = signProcessCert(noble, serviceSeed, {
  serviceKey,
  processKey: noble.ed25519PublicKey(processSeed),
  transportKey,
  notBeforeS: nowMs / 1000 - 3_600,
  notAfterS: nowMs / 1000 + 90 * 86_400,
})
const cert = decodeProcessCert(noble, certBytes)

function flush(): {
  context: CustodyContext
  asked: AskedDeposit[]
  roots: Parameters<typeof verifyCustody>[2]
} {
  const context = {
    nonce: bytesOf('nonce'),
    requestId: 9,
    serviceKey,
    cert,
    relayNowMs: nowMs,
  }
  const asked: AskedDeposit[] = [0, 1, 2].map((i) => ({
    opIndex: i,
    request: {
      mailboxId: bytesOf('mailbox', 16),
      envId: bytesOf(`id ${i}`),
      lane: 0,
      env: bytesOf(`env ${i}`, 512),
    },
    reply: {
      kind: 'stored',
      incarnation: bytesOf('incarnation', 8),
      seq: 10 + i,
      holdUntilS: nowMs / 1000 + 1_000,
      chain: undefined,
      rootNo: 0,
      leafIndex: 4 + i,
    },
  }))
  const leaves = leavesOf(11)
  for (const { opIndex, request, reply } of asked) {
    leaves[reply.leafIndex] = leafHash(noble, {
      nonce: leafNonce(noble, context.nonce, context.requestId, opIndex),
      mailboxId: request.mailboxId,
      envId: request.envId,
      envHash: noble.sha256(request.env),
      lane: request.lane,
      incarnation: reply.incarnation,
      seq: reply.seq,
      holdUntilS: reply.holdUntilS,
      chain: undefined,
      result: 0,
    })
  }
  const tree = buildCustodyTree(noble, leaves)
  const statement = {
    serviceKey,
    processKey: cert.processKey,
    flushedAtMs: nowMs,
    leafCount: 11,
    root: tree.root,
  }
  const signature = signFlush(noble, processSeed, statement)
  const roots = [{ flushedAtMs: nowMs, leafCount: 11, signature, nodes: tree.prove([4, 5, 6]) }]
  return { context, asked, roots }
}

describe('custody evidence', () => {
  it('holds for what was sent, and stands alone', () => {
    const { context, asked, roots } = flush()
    const evidence = verifyCustody(noble, context, roots, asked)
    expect(evidence.map((e) => e?.seq)).toEqual([10, 11, 12])
    const proof = decodeCbor(evidence[1]!.proof, 4_096) as readonly CborValue[]
    const [, preimage, index, count, path] = proof as [
      number,
      Uint8Array,
      number,
      number,
      Uint8Array[],
    ]
    expect(preimage).toHaveLength(130)
    const label = new TextEncoder().encode('sotto/1/custody-leaf\0')
    const hash = noble.sha256(label, preimage)
    const again = rootOfPath(noble, count, { index, hash }, path)
    expect(again).toHaveLength(32)
  })

  const changes: readonly (readonly [string, (f: ReturnType<typeof flush>) => unknown])[] = [
    [
      'other bytes',
      (f) => ({
        asked: f.asked.map((a) => ({ ...a, request: { ...a.request, env: bytesOf('x') } })),
      }),
    ],
    [
      'another mailbox',
      (f) => ({
        asked: f.asked.map((a) => ({
          ...a,
          request: { ...a.request, mailboxId: bytesOf('x', 16) },
        })),
      }),
    ],
    [
      'another end',
      (f) => ({ asked: f.asked.map((a) => ({ ...a, reply: { ...a.reply, holdUntilS: 5 } })) }),
    ],
    ['another stream', (f) => ({ context: { ...f.context, nonce: bytesOf('x') } })],
    ['another request', (f) => ({ context: { ...f.context, requestId: 10 } })],
    ['another service', (f) => ({ context: { ...f.context, serviceKey: bytesOf('x') } })],
    [
      'a flush of eleven minutes ago',
      (f) => ({ context: { ...f.context, relayNowMs: nowMs + 660_000 } }),
    ],
    ['another time', (f) => ({ roots: f.roots.map((r) => ({ ...r, flushedAtMs: nowMs + 1 })) })],
    [
      'a certificate that ended',
      (f) => ({ context: { ...f.context, cert: { ...cert, notAfterS: 5 } } }),
    ],
    ['no root', () => ({ roots: [] })],
  ]
  it.each(changes)('does not hold for %s', (_what, change) => {
    const honest = flush()
    const { context, roots, asked } = { ...honest, ...(change(honest) as object) }
    expect(verifyCustody(noble, context, roots, asked)).toEqual([undefined, undefined, undefined])
  })

  it('does not hold for a duplicate of other bytes that the relay claims to hold', () => {
    const { context, roots, asked } = flush()
    const lying = asked.map(({ reply, ...rest }) => ({
      ...rest,
      reply: { ...reply, kind: 'dup' as const, held: true, envHash: bytesOf('other') },
    }))
    expect(verifyCustody(noble, context, roots, lying)).toEqual([undefined, undefined, undefined])
  })

  it('hashes 151 bytes a leaf', () => {
    const { asked, context } = flush()
    const leaf = {
      ...asked[0]!.request,
      ...asked[0]!.reply,
      envHash: context.nonce,
      nonce: bytesOf('n', 16),
      result: 0 as const,
    }
    expect(leafPreimage(leaf).length + 'sotto/1/custody-leaf\0'.length).toBe(151)
  })
})

describe('certificates and descriptors', () => {
  const body = {
    serviceKey,
    seq: 7,
    notBeforeS: nowMs / 1000,
    expiresS: nowMs / 1000 + 48 * 3_600,
    processes: [
      {
        cert,
        addresses: ['/ip4/192.0.2.1/tcp/4001', '/dns/relay.example/tcp/443/wss'],
        weight: 1,
        draining: false,
      },
    ],
    roles: 16,
    depositBits: 20,
    openBits: 22,
    forwardKey: new Uint8Array(32),
    majors: [1],
    limits: {
      ttlMaxS: 2_592_000,
      lanes: [
        [20_000, 67_108_864],
        [50, 1_048_576],
        [5_000, 67_108_864],
      ] as const,
      ringBytes: 0,
      holdS: 0,
      strangers: true,
    },
  }
  const bytes = signDescriptor(noble, serviceSeed, body)

  it('are read as they were signed', () => {
    expect(certBytes).toHaveLength(183)
    expect(decodeDescriptor(noble, bytes)).toEqual({ ...body, bytes })
  })

  it('name the process by the transport key met, while both are in force', () => {
    const descriptor = decodeDescriptor(noble, bytes)
    const nowS = nowMs / 1000
    expect(processOf(descriptor, transportKey, nowS)?.cert.processKey).toEqual(cert.processKey)
    expect(processOf(descriptor, bytesOf('other'), nowS)).toBeUndefined()
    expect(processOf(descriptor, transportKey, nowS + 49 * 3_600)).toBeUndefined()
  })

  it('refuse every truncation, every flipped byte, longer lives and foreign certificates', () => {
    const malformed = expect.objectContaining({ code: 'ERR_WIRE_MALFORMED' })
    for (let at = 0; at < bytes.length; at += 5) {
      expect(() => decodeDescriptor(noble, bytes.slice(0, at))).toThrow(malformed)
      const flipped = Uint8Array.from(bytes)
      flipped[at] = (flipped[at] ?? 0) ^ 1
      expect(() => decodeDescriptor(noble, flipped)).toThrow(malformed)
    }
    const long = signDescriptor(noble, serviceSeed, { ...body, expiresS: body.expiresS + 1 })
    expect(() => decodeDescriptor(noble, long)).toThrow(malformed)
    const thief = bytesOf('thief')
    const stolen = signDescriptor(noble, thief, {
      ...body,
      serviceKey: noble.ed25519PublicKey(thief),
    })
    expect(() => decodeDescriptor(noble, stolen)).toThrow(malformed)
  })
})
