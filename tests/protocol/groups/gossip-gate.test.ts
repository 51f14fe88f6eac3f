import { describe, expect, test } from 'vitest'
import { GossipPeerGate, GossipSenderGate } from '../../../protocol/groups/gossip-gate.ts'
import {
  GOSSIP_OUT_MS,
  GOSSIP_PEERS_WATCHED_MAX,
  GOSSIP_REJECTS_WINDOW_MS,
} from '../../../protocol/group-limits.ts'

/** How many of `count` attempts at one time are taken. */
function taken(count: number, take: () => boolean): number {
  return Array.from({ length: count }, take).filter(Boolean).length
}

describe('the gate of gossip', () => {
  test('takes 200 messages of a peer at once, then 50 a second', () => {
    const gate = new GossipPeerGate()
    expect(taken(300, () => gate.take('p', 1000))).toBe(200)
    expect(taken(300, () => gate.take('p', 2000))).toBe(50)
    expect(taken(300, () => gate.take('p', 2500))).toBe(25)
    expect(taken(300, () => gate.take('p', 60_000))).toBe(200)
    expect(gate.take('another', 60_000)).toBe(true)
  })

  test('a clock that stands or goes back refills nothing', () => {
    const gate = new GossipPeerGate()
    expect(taken(200, () => gate.take('p', 5000))).toBe(200)
    expect(gate.take('p', 5000)).toBe(false)
    expect(gate.take('p', 1000)).toBe(false)
  })

  test('takes 100 messages of a sender at once, then 10 a second, per epoch and device', () => {
    const gate = new GossipSenderGate()
    const [one, other] = [new Uint8Array(8).fill(1), new Uint8Array(8).fill(2)]
    expect(taken(150, () => gate.take(one, 7, 0))).toBe(100)
    expect(taken(150, () => gate.take(one, 7, 1000))).toBe(10)
    expect(taken(150, () => gate.take(one, 8, 1000))).toBe(100)
    expect(taken(150, () => gate.take(other, 7, 1000))).toBe(100)
  })

  test('three rejected messages within a minute put a peer out for ten', () => {
    const gate = new GossipPeerGate()
    expect([0, 1000, 59_999].map((atMs) => gate.reject('p', atMs))).toEqual([false, false, true])
    expect(gate.isOut('p', 59_999)).toBe(true)
    expect(gate.isOut('other', 59_999)).toBe(false)
    expect(gate.isOut('p', 59_999 + GOSSIP_OUT_MS - 1)).toBe(true)
    expect(gate.isOut('p', 59_999 + GOSSIP_OUT_MS)).toBe(false)
    // Back in, with a clean record.
    expect(gate.reject('p', 59_999 + GOSSIP_OUT_MS)).toBe(false)
  })

  test('three rejected messages over more than a minute do not', () => {
    const gate = new GossipPeerGate()
    const times = [0, 30_000, GOSSIP_REJECTS_WINDOW_MS, 95_000]
    expect(times.map((atMs) => gate.reject('p', atMs))).toEqual([false, false, false, false])
    expect(gate.isOut('p', 95_000)).toBe(false)
    expect(gate.reject('p', 100_000)).toBe(true)
  })

  test('remembers a bounded number of peers, the latest', () => {
    const gate = new GossipPeerGate()
    expect(taken(200, () => gate.take('first', 0))).toBe(200)
    expect(gate.take('first', 0)).toBe(false)
    for (let i = 0; i < GOSSIP_PEERS_WATCHED_MAX - 1; i++) gate.take(`peer ${i}`, 0)
    expect(gate.take('first', 0)).toBe(false)
    for (let i = 0; i < GOSSIP_PEERS_WATCHED_MAX; i++) gate.take(`peer ${i}`, 0)
    expect(gate.take('first', 0)).toBe(true)
  })
})
