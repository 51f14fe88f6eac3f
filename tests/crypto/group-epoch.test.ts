// Keys of epochs and lineages (SPEC.md §20.1, §20.2).
import { describe, expect, it } from 'vitest'
import {
  commitEpoch,
  commitFreshEpoch,
  concat,
  deriveLineage,
  derivedEpochSecret,
  deviceIndex,
  epochAddKey,
  epochChainKey,
  epochCommitHolds,
  epochTag,
  freshEpochSecret,
  gossipTopic,
  lineageCommitHolds,
  lineageSecret,
  noble,
  toHex,
  topicWeek,
  topicWeeks,
} from '../../crypto/index.ts'
import { refusal } from './decoder-checks.ts'
import { seededRandom } from '../support/seeded-random.ts'

const random = seededRandom('group epoch')
const core = { group: random(32), coreHash: random(32) }
const other = { group: random(32), coreHash: core.coreHash }
const seed = random(32)

describe('an epoch', () => {
  it('of another group or operation has other keys, from the same seed', () => {
    const secrets = [core, other, { ...core, coreHash: random(32) }].map((one) =>
      toHex(freshEpochSecret(noble, one, seed)),
    )
    expect(new Set(secrets).size).toBe(3)
  })

  it('gives no two of its keys alike', () => {
    const secret = freshEpochSecret(noble, core, seed)
    const lineage = lineageSecret(noble, secret)
    const keys = deriveLineage(noble, lineage)
    const device = random(32)
    const all = [
      secret,
      lineage,
      epochAddKey(noble, secret),
      epochChainKey(noble, secret, device),
      epochChainKey(noble, secret, random(32)),
      commitEpoch(noble, core, secret),
      keys.headerKey,
      keys.controlKey,
      keys.topicKey,
      keys.tagKey,
    ].map(toHex)
    expect(new Set(all).size).toBe(all.length)
  })

  it.each([0, 16, 31, 33, 64])('refuses a seed or add key of %i bytes', (length) => {
    const wrong = new Uint8Array(length).fill(7)
    expect(refusal(() => freshEpochSecret(noble, core, wrong))).toBe('ERR_CRYPTO_PARAMETER')
    expect(refusal(() => derivedEpochSecret(noble, core, wrong))).toBe('ERR_CRYPTO_PARAMETER')
    expect(refusal(() => lineageSecret(noble, wrong))).toBe('ERR_CRYPTO_PARAMETER')
    expect(refusal(() => deriveLineage(noble, wrong))).toBe('ERR_CRYPTO_PARAMETER')
  })

  it('of 31 bytes and of the same 31 and a zero would be one, which is why lengths are checked', () => {
    const short = random(31)
    const key = (bytes: Uint8Array) => toHex(noble.hmac(bytes, core.coreHash))
    expect(key(short)).toBe(key(concat(short, Uint8Array.of(0))))
  })
})

describe('a commit', () => {
  const secret = freshEpochSecret(noble, core, seed)
  const lineage = lineageSecret(noble, secret)
  const fresh = commitFreshEpoch(noble, core, secret)
  const derived = commitEpoch(noble, core, secret)

  it('holds for its epoch and lineage', () => {
    expect([fresh.length, derived.length]).toEqual([64, 32])
    expect(epochCommitHolds(noble, core, secret, fresh)).toBe(true)
    expect(epochCommitHolds(noble, core, secret, derived)).toBe(true)
    expect(lineageCommitHolds(noble, core, lineage, fresh)).toBe(true)
  })

  it('fails for another secret, group, operation, G, or length', () => {
    const wrong = random(32)
    expect(epochCommitHolds(noble, core, wrong, fresh)).toBe(false)
    expect(epochCommitHolds(noble, core, wrong, derived)).toBe(false)
    expect(epochCommitHolds(noble, other, secret, fresh)).toBe(false)
    expect(epochCommitHolds(noble, core, secret, fresh.slice(0, 33))).toBe(false)
    expect(epochCommitHolds(noble, core, secret, new Uint8Array(0))).toBe(false)
    expect(lineageCommitHolds(noble, core, wrong, fresh)).toBe(false)
    expect(lineageCommitHolds(noble, other, lineage, fresh)).toBe(false)
    expect(lineageCommitHolds(noble, core, lineage, derived)).toBe(false)
  })

  it('covers G beside E: one bit in either half', () => {
    for (const at of [0, 31, 32, 63]) {
      const bent = fresh.slice()
      bent[at] = (bent[at] ?? 0) ^ 1
      expect(epochCommitHolds(noble, core, secret, bent)).toBe(false)
      expect(lineageCommitHolds(noble, core, lineage, bent)).toBe(at < 32)
    }
  })
})

describe('devIdx', () => {
  it('is the rank among recipients', () => {
    const devices = Array.from({ length: 9 }, (_, i) => new Uint8Array(32).fill(2 * i + 1))
    for (const [i, device] of devices.entries()) expect(deviceIndex(devices, device)).toBe(i)
    expect(deviceIndex(devices, new Uint8Array(32).fill(4))).toBeUndefined()
    expect(deviceIndex([], new Uint8Array(32))).toBeUndefined()
  })
})

describe('a topic', () => {
  const WEEK = 604_800
  const { topicKey, tagKey } = deriveLineage(noble, lineageSecret(noble, seed))

  it('has 37 characters, and changes with the week and the lineage', () => {
    const topics = [gossipTopic(noble, topicKey, 1), gossipTopic(noble, topicKey, 2)]
    topics.push(gossipTopic(noble, tagKey, 1))
    expect(topics.every((topic) => /^\/sotto\/1\/g\/[a-z2-7]{26}$/.test(topic))).toBe(true)
    expect(new Set(topics).size).toBe(3)
  })

  it('of the present week is published; within a day of a boundary both are listened to', () => {
    const start = 2_900 * WEEK
    expect([topicWeek(start - 1), topicWeek(start)]).toEqual([2_899, 2_900])
    expect(topicWeeks(start)).toEqual([2_900, 2_899])
    expect(topicWeeks(start + 86_399)).toEqual([2_900, 2_899])
    expect(topicWeeks(start + 86_400)).toEqual([2_900])
    expect(topicWeeks(start + WEEK - 86_401)).toEqual([2_900])
    expect(topicWeeks(start + WEEK - 86_400)).toEqual([2_900, 2_901])
    expect(topicWeeks(0)).toEqual([0])
  })

  it('and the tags of epochs say nothing of each other', () => {
    const tags = [1, 2, 3].map((i) => toHex(epochTag(noble, tagKey, new Uint8Array(32).fill(i))))
    expect(new Set(tags).size).toBe(3)
  })
})
