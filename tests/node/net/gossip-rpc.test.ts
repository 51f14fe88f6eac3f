import { describe, expect, test } from 'vitest'
import { GossipClaims } from '../../../node/net/gossip-claims.ts'
import { type Rpc, filterRpc } from '../../../node/net/gossip-rpc.ts'
import {
  GOSSIP_ANSWER_MESSAGES_MAX,
  GOSSIP_CLAIMS_MAX,
  GOSSIP_RPC_MAX_BYTES,
} from '../../../node/net/limits.ts'
import { GOSSIP_DATA_MAX_BYTES } from '../../../protocol/index.ts'

const OURS = 'ours'
const THEIRS = 'theirs'

function filtered(rpc: Partial<Rpc>): { readonly rpc: Rpc; readonly rejects: number } {
  let rejects = 0
  const result = filterRpc(
    { subscriptions: [], messages: [], ...rpc },
    {
      allows: (topic) => topic === OURS,
      takes: (topic) => topic === OURS,
      reject: () => {
        rejects += 1
      },
    },
  )
  return { rpc: result, rejects }
}

function ids(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => new Uint8Array(20).fill(i))
}

const NO_CONTROL = { ihave: [], iwant: [], graft: [], prune: [], idontwant: [] }

describe('an RPC of gossipsub', () => {
  test('loses subscriptions, messages and control of topics that are not its sender’s', () => {
    const topics = [{ topicID: OURS }, { topicID: THEIRS }, {}]
    const { rpc, rejects } = filtered({
      subscriptions: [
        { topic: OURS, subscribe: true },
        { topic: THEIRS, subscribe: true },
        { subscribe: true },
      ],
      messages: [
        { topic: OURS, data: new Uint8Array(512) },
        { topic: THEIRS, data: new Uint8Array(512) },
      ],
      control: {
        ...NO_CONTROL,
        ihave: topics.map((each) => ({ ...each, messageIDs: ids(2) })),
        graft: topics,
        prune: topics.map((each) => ({ ...each, peers: [{}], backoff: 60 })),
        idontwant: [{ messageIDs: ids(2) }],
      },
    })
    expect(rpc).toEqual({
      subscriptions: [{ topic: OURS, subscribe: true }],
      messages: [{ topic: OURS, data: new Uint8Array(512) }],
      control: {
        ...NO_CONTROL,
        ihave: [{ topicID: OURS, messageIDs: ids(2) }],
        graft: [{ topicID: OURS }],
        prune: [{ topicID: OURS, peers: [], backoff: 60 }],
        idontwant: [{ messageIDs: ids(2) }],
      },
    })
    expect(rejects).toBe(0)
  })

  test('loses messages of an impossible length or with a trace of an author, which are rejected', () => {
    const data = new Uint8Array(512)
    const field = new Uint8Array(8)
    const bad = [
      { topic: OURS },
      { topic: OURS, data: new Uint8Array(0) },
      { topic: OURS, data: new Uint8Array(GOSSIP_DATA_MAX_BYTES + 1) },
      ...['from', 'seqno', 'signature', 'key'].map((name) => ({
        topic: OURS,
        data,
        [name]: field,
      })),
    ]
    for (const message of bad) {
      expect(filtered({ messages: [message] })).toEqual({
        rpc: { subscriptions: [], messages: [] },
        rejects: 1,
      })
    }
    const longest = { topic: OURS, data: new Uint8Array(GOSSIP_DATA_MAX_BYTES) }
    expect(filtered({ messages: [longest] }).rpc.messages).toEqual([longest])
  })

  test('asks for no more at once than one RPC can answer', () => {
    const iwant = [{ messageIDs: ids(10) }, { messageIDs: ids(10) }, { messageIDs: ids(10) }]
    const { rpc } = filtered({ control: { ...NO_CONTROL, iwant } })
    const counts = rpc.control?.iwant.map(({ messageIDs }) => messageIDs.length)
    expect(counts).toEqual([10, 5, 0])
    // Each answer: the data, a topic of 64 characters, and less than 32 bytes of framing.
    const longest = GOSSIP_ANSWER_MESSAGES_MAX * (GOSSIP_DATA_MAX_BYTES + 64 + 32)
    expect(longest).toBeLessThan(GOSSIP_RPC_MAX_BYTES)
  })
})

describe('what peers claim to subscribe to', () => {
  test('is remembered until they unsubscribe or leave, and bounded', () => {
    const claims = new GossipClaims()
    claims.note('p', [
      { topic: 'a', subscribe: true },
      { topic: 'b', subscribe: true },
      { topic: 'x'.repeat(65), subscribe: true },
      { subscribe: true },
    ])
    expect(claims.has('p', 'a') && claims.has('p', 'b')).toBe(true)
    expect(claims.has('p', 'x'.repeat(65)) || claims.has('q', 'a')).toBe(false)
    claims.note('p', [{ topic: 'a', subscribe: false }])
    expect(claims.has('p', 'a')).toBe(false)
    const many = Array.from({ length: 2 * GOSSIP_CLAIMS_MAX }, (_, i) => ({
      topic: `t${i}`,
      subscribe: true,
    }))
    claims.note('p', many)
    expect(many.filter(({ topic }) => claims.has('p', topic))).toHaveLength(GOSSIP_CLAIMS_MAX - 1)
    claims.forget('p')
    expect(claims.has('p', 'b')).toBe(false)
  })
})
