// Custody: what a relay signs for when it took a deposit, and what its depositor keeps of it
// (SPEC.md §13.1). One signature per flush covers all its deposits; a leaf can be rebuilt only by
// who made the request, so a receipt shows nobody else what was deposited where.
import {
  type Bytes8,
  type Bytes16,
  type Bytes32,
  type Bytes64,
  type CryptoProvider,
  concat,
  encodeCbor,
  equalBytes,
  label,
  sign,
  u32,
  u64,
  u8,
  verify,
} from '../../crypto/index.ts'
import { type ProvenLeaf, rootOfProof } from './custody-tree.ts'
import type { CustodyRoot } from './frames.ts'
import { CUSTODY_SKEW_MS } from './limits.ts'
import type { DepositRequest, DuplicateReply, StoredReply } from './ops-mailbox.ts'
import { type ProcessCert, certHash, certHoldsAt } from './process-cert.ts'

/** 0 stored now, 1 a duplicate that is held, 2 a duplicate that was acknowledged or replaced. */
export type CustodyResult = 0 | 1 | 2

export interface CustodyLeaf {
  readonly nonce: Bytes16
  readonly mailboxId: Bytes16
  readonly envId: Bytes32
  readonly envHash: Bytes32
  readonly lane: number
  readonly incarnation: Bytes8
  readonly seq: number
  /** Unix seconds. */
  readonly holdUntilS: number
  readonly chain: Bytes8 | undefined
  readonly result: CustodyResult
}

/** H(L("custody-nonce") ‖ nonce of HELLO ‖ u32 reqId ‖ u8 opIndex)[0..16]. */
export function leafNonce(
  provider: CryptoProvider,
  nonce: Bytes32,
  requestId: number,
  opIndex: number,
): Bytes16 {
  return provider.sha256(label('custody-nonce'), nonce, u32(requestId), u8(opIndex)).slice(0, 16)
}

const ZEROS8: Uint8Array = new Uint8Array(8)

/** The bytes a leaf hashes, behind the label: 130. */
export function leafPreimage(leaf: CustodyLeaf): Uint8Array<ArrayBuffer> {
  return concat(
    leaf.nonce,
    leaf.mailboxId,
    leaf.envId,
    leaf.envHash,
    u8(leaf.lane),
    leaf.incarnation,
    u64(leaf.seq),
    u64(leaf.holdUntilS),
    leaf.chain ?? ZEROS8,
    u8(leaf.result),
  )
}

export function leafHash(provider: CryptoProvider, leaf: CustodyLeaf): Bytes32 {
  return provider.sha256(label('custody-leaf'), leafPreimage(leaf))
}

/** What the process key signs of one flush. */
export interface FlushStatement {
  readonly serviceKey: Bytes32
  readonly processKey: Bytes32
  /** Unix ms. */
  readonly flushedAtMs: number
  readonly leafCount: number
  readonly root: Bytes32
}

function flushBytes(flush: FlushStatement): Uint8Array {
  return concat(
    flush.serviceKey,
    flush.processKey,
    u64(flush.flushedAtMs),
    u32(flush.leafCount),
    flush.root,
  )
}

export function signFlush(
  provider: CryptoProvider,
  processSeed: Bytes32,
  flush: FlushStatement,
): Bytes64 {
  return sign(provider, processSeed, 'custody', flushBytes(flush))
}

export function verifyFlush(
  provider: CryptoProvider,
  flush: FlushStatement,
  signature: Bytes64,
): boolean {
  return verify(provider, flush.processKey, 'custody', flushBytes(flush), signature)
}

/** What a depositor keeps: enough to show anybody who knows the service key that it was held. */
export interface CustodyEvidence {
  readonly serviceKey: Bytes32
  readonly mailboxId: Bytes16
  readonly incarnation: Bytes8
  readonly seq: number
  /** Unix seconds. */
  readonly holdUntilS: number
  /** Unix ms, by the relay's clock. */
  readonly flushedAtMs: number
  readonly result: CustodyResult
  /** CBOR [1, leaf preimage, leafIndex, leafCount, [node], flushedAtMs, sig, H(certificate)]. */
  readonly proof: Uint8Array
}

/** What the depositor asked, and where in which frame. */
export interface AskedDeposit {
  readonly opIndex: number
  readonly request: Pick<DepositRequest, 'mailboxId' | 'envId' | 'lane' | 'env'>
  readonly reply: StoredReply | DuplicateReply
}

/** What the stream knows of the relay. */
export interface CustodyContext {
  readonly nonce: Bytes32
  readonly requestId: number
  readonly serviceKey: Bytes32
  /** The certificate of the process at the other end. */
  readonly cert: ProcessCert
  /** The relay's clock now: HELLO time and what passed since, Unix ms. */
  readonly relayNowMs: number
}

function rebuildLeaf(
  provider: CryptoProvider,
  context: CustodyContext,
  asked: AskedDeposit,
): CustodyLeaf | undefined {
  const { request, reply } = asked
  const envHash = provider.sha256(request.env)
  // A duplicate of other bytes under this id: the relay holds something that was not sent.
  // Acknowledged or replaced, it names what the owner took, which is the depositor's own earlier.
  if (reply.kind === 'dup' && reply.held && !equalBytes(reply.envHash, envHash)) return undefined
  return {
    nonce: leafNonce(provider, context.nonce, context.requestId, asked.opIndex),
    mailboxId: request.mailboxId,
    envId: request.envId,
    envHash: reply.kind === 'dup' ? reply.envHash : envHash,
    lane: request.lane,
    incarnation: reply.incarnation,
    seq: reply.seq,
    holdUntilS: reply.holdUntilS,
    chain: reply.chain,
    result: reply.kind === 'stored' ? 0 : reply.held ? 1 : 2,
  }
}

interface Candidate {
  readonly at: number
  readonly leaf: CustodyLeaf
  readonly proven: ProvenLeaf
}

/**
 * Checks the custody of one reply frame. One outcome per asked deposit, in order: the evidence, or
 * undefined where it does not hold (the deposit then counts as not made, and the relay as lying).
 * Verifies one signature per root. Throws ERR_WIRE_MALFORMED for proofs that no relay builds.
 */
export function verifyCustody(
  provider: CryptoProvider,
  context: CustodyContext,
  roots: readonly CustodyRoot[],
  asked: readonly AskedDeposit[],
): readonly (CustodyEvidence | undefined)[] {
  const out: (CustodyEvidence | undefined)[] = asked.map(() => undefined)
  for (const [rootNo, root] of roots.entries()) {
    const candidates: Candidate[] = []
    for (const [at, deposit] of asked.entries()) {
      if (deposit.reply.rootNo !== rootNo) continue
      const leaf = rebuildLeaf(provider, context, deposit)
      if (leaf === undefined) return out.map(() => undefined)
      const proven = { index: deposit.reply.leafIndex, hash: leafHash(provider, leaf) }
      candidates.push({ at, leaf, proven })
    }
    if (candidates.length === 0) continue
    candidates.sort((a, b) => a.proven.index - b.proven.index)
    const { root: hash, paths } = rootOfProof(
      provider,
      root.leafCount,
      candidates.map((candidate) => candidate.proven),
      root.nodes,
    )
    if (!rootHolds(provider, context, root, hash)) continue
    for (const [i, { at, leaf, proven }] of candidates.entries()) {
      out[at] = evidenceOf(provider, context, root, { leaf, proven, path: paths[i] ?? [] })
    }
  }
  return out
}

function rootHolds(
  provider: CryptoProvider,
  context: CustodyContext,
  root: CustodyRoot,
  hash: Bytes32,
): boolean {
  if (Math.abs(root.flushedAtMs - context.relayNowMs) > CUSTODY_SKEW_MS) return false
  if (!certHoldsAt(context.cert, Math.floor(root.flushedAtMs / 1000))) return false
  const statement = {
    serviceKey: context.serviceKey,
    processKey: context.cert.processKey,
    flushedAtMs: root.flushedAtMs,
    leafCount: root.leafCount,
    root: hash,
  }
  return verifyFlush(provider, statement, root.signature)
}

function evidenceOf(
  provider: CryptoProvider,
  context: CustodyContext,
  root: CustodyRoot,
  found: {
    readonly leaf: CustodyLeaf
    readonly proven: ProvenLeaf
    readonly path: readonly Bytes32[]
  },
): CustodyEvidence {
  const { leaf, proven, path } = found
  return {
    serviceKey: context.serviceKey,
    mailboxId: leaf.mailboxId,
    incarnation: leaf.incarnation,
    seq: leaf.seq,
    holdUntilS: leaf.holdUntilS,
    flushedAtMs: root.flushedAtMs,
    result: leaf.result,
    proof: encodeCbor([
      1,
      leafPreimage(leaf),
      proven.index,
      root.leafCount,
      path,
      root.flushedAtMs,
      root.signature,
      certHash(provider, context.cert),
    ]),
  }
}
