// The Merkle tree under one custody signature (SPEC.md §13.1; shape of RFC 6962 §2.1): n leaves
// split at the largest power of two below n, a single leaf is the root, nothing is duplicated. One
// proof serves all leaves of a frame; its nodes come in the order in which root(0, n) asks.
import {
  type Bytes32,
  type CryptoProvider,
  CryptoError,
  label,
  malformed,
} from '../../crypto/index.ts'
import { CUSTODY_LEAVES_MAX } from './limits.ts'

interface Node {
  readonly hash: Bytes32
  readonly left?: Node
  readonly right?: Node
}

function split(count: number): number {
  return 2 ** Math.floor(Math.log2(count - 1))
}

function join(provider: CryptoProvider, left: Bytes32, right: Bytes32): Bytes32 {
  return provider.sha256(label('custody-node'), left, right)
}

/** A built tree: its root, and proofs for any of its leaves. */
export interface CustodyTree {
  readonly root: Bytes32
  readonly leafCount: number
  /** The nodes that lead the leaves at these ascending, distinct indexes to the root. */
  prove(indexes: readonly number[]): readonly Bytes32[]
}

function collect(node: Node, count: number, asked: readonly number[], out: Bytes32[]): void {
  if (asked.length === 0) {
    out.push(node.hash)
    return
  }
  if (node.left === undefined || node.right === undefined) return
  const k = split(count)
  const right = asked.filter((index) => index >= k).map((index) => index - k)
  collect(node.left, k, asked.slice(0, asked.length - right.length), out)
  collect(node.right, count - k, right, out)
}

/** Builds the tree over 1 to 4,096 leaves. */
export function buildCustodyTree(
  provider: CryptoProvider,
  leaves: readonly Bytes32[],
): CustodyTree {
  if (leaves.length === 0 || leaves.length > CUSTODY_LEAVES_MAX) {
    throw new CryptoError('ERR_CRYPTO_PARAMETER', `a custody tree of ${leaves.length} leaves`)
  }
  const build = (from: number, to: number): Node => {
    const only = leaves[from]
    if (to - from === 1 && only !== undefined) return { hash: only }
    const k = from + split(to - from)
    const left = build(from, k)
    const right = build(k, to)
    return { hash: join(provider, left.hash, right.hash), left, right }
  }
  const top = build(0, leaves.length)
  return {
    root: top.hash,
    leafCount: leaves.length,
    prove(indexes) {
      const out: Bytes32[] = []
      collect(top, leaves.length, indexes, out)
      return out
    },
  }
}

export interface ProvenLeaf {
  readonly index: number
  readonly hash: Bytes32
}

/** What a proof leads to. */
export interface ProvenRoot {
  readonly root: Bytes32
  /** For each leaf, in the order given, the siblings from the leaf up: a proof of its own. */
  readonly paths: readonly (readonly Bytes32[])[]
}

/**
 * The root that leaves (ascending, distinct, at least one) and nodes lead to. Throws
 * ERR_WIRE_MALFORMED where the nodes are too few or too many, or an index is out of range.
 */
export function rootOfProof(
  provider: CryptoProvider,
  leafCount: number,
  leaves: readonly ProvenLeaf[],
  nodes: readonly Bytes32[],
): ProvenRoot {
  if (leaves.length === 0 || leafCount > CUSTODY_LEAVES_MAX) malformed('custody proof: no leaves')
  leaves.forEach((leaf, i) => {
    const before = leaves[i - 1]?.index ?? -1
    if (leaf.index <= before || leaf.index >= leafCount) malformed('custody proof: leaf index')
  })
  const paths = leaves.map((): Bytes32[] => [])
  let at = 0
  // first and last bound the asked leaves inside [from, from + count).
  const climb = (from: number, count: number, first: number, last: number): Bytes32 => {
    if (first === last) {
      const node = nodes[at++]
      if (node === undefined) malformed('custody proof: a node is missing')
      return node
    }
    const leaf = leaves[first]
    if (count === 1 && leaf !== undefined) return leaf.hash
    const k = split(count)
    let middle = first
    while (middle < last && (leaves[middle]?.index ?? 0) < from + k) middle++
    const left = climb(from, k, first, middle)
    const right = climb(from + k, count - k, middle, last)
    for (let i = first; i < middle; i++) paths[i]?.push(right)
    for (let i = middle; i < last; i++) paths[i]?.push(left)
    return join(provider, left, right)
  }
  const root = climb(0, leafCount, 0, leaves.length)
  if (at !== nodes.length) malformed('custody proof: nodes left over')
  return { root, paths }
}

/** The root that one leaf and its path (siblings from the leaf up) lead to. */
export function rootOfPath(
  provider: CryptoProvider,
  leafCount: number,
  leaf: ProvenLeaf,
  path: readonly Bytes32[],
): Bytes32 {
  // Which side each sibling stands on follows from index and count alone.
  const lefts: boolean[] = []
  let index = leaf.index
  for (let count = leafCount; count > 1;) {
    const k = split(count)
    const isRight = index >= k
    lefts.push(isRight)
    if (isRight) index -= k
    count = isRight ? count - k : k
  }
  if (path.length !== lefts.length) malformed('custody path: length')
  return lefts.reduceRight((hash, siblingIsLeft, depth) => {
    const sibling = path[lefts.length - 1 - depth] ?? hash
    return siblingIsLeft ? join(provider, sibling, hash) : join(provider, hash, sibling)
  }, leaf.hash)
}
