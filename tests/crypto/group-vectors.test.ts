// Published vectors of groups: tests/vectors/group-epochs.json and group-frames.json (SPEC.md §20).
import { describe, expect, it } from 'vitest'
import {
  type CryptoProvider,
  commitEpoch,
  commitFreshEpoch,
  decodeGroupMessage,
  deriveLineage,
  derivedEpochSecret,
  encodeText,
  encryptGroupMessage,
  epochAddKey,
  epochChainKey,
  epochTag,
  freshEpochSecret,
  frontierCoalesceKey,
  gossipTopic,
  groupCapId,
  lineageSecret,
  lineageTag,
  noble,
  openGroupHeader,
  openGroupMessage,
  sealOperations,
  startChain,
  toHex,
} from '../../crypto/index.ts'
import { groupMailboxKeys } from '../../protocol/index.ts'
import { nativeCrypto } from '../../node/native-crypto.ts'
import { GROUP_SAMPLES } from '../support/group-samples.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { type VectorValue, vectors } from '../support/vectors.ts'

function epochVectors(crypto: CryptoProvider): VectorValue {
  const random = seededRandom('vector group epochs')
  const group = random(32)
  const [freshCore, addCore] = [random(32), random(32)].map((coreHash) => ({ group, coreHash }))
  if (freshCore === undefined || addCore === undefined) throw new Error('no cores')
  const seed = random(32)
  const device = random(32)
  const [freshOp, addOp] = [random(32), random(32)]
  const serviceKey = random(32)
  const fresh = freshEpochSecret(crypto, freshCore, seed)
  const addKey = epochAddKey(crypto, fresh)
  const derived = derivedEpochSecret(crypto, addCore, addKey)
  const lineage = lineageSecret(crypto, fresh)
  const keys = deriveLineage(crypto, lineage)
  const mailbox = groupMailboxKeys(crypto, serviceKey, lineage)
  let chain = startChain(epochChainKey(crypto, fresh, device))
  const messages: VectorValue[] = []
  for (const text of ['', 'hello', 'x'.repeat(451)]) {
    const hedge = random(32)
    const sender = {
      headerKey: keys.headerKey,
      epochTag: epochTag(crypto, keys.tagKey, freshOp),
      devIdx: 258,
      chain,
    }
    const frames = encodeText(text)
    const { message, next } = encryptGroupMessage(crypto, sender, frames, () => hedge.slice())
    const parts = decodeGroupMessage(message)
    const header = openGroupHeader(crypto, keys.headerKey, parts)
    if (header === undefined) throw new Error('the header does not open')
    const view = { header, chain, skippedSeed: undefined, skippedRoom: 0 }
    const opened = openGroupMessage(crypto, parts, view)
    if (opened.kind !== 'candidate') throw new Error(opened.kind)
    expect(toHex(opened.frames)).toBe(toHex(frames))
    messages.push({
      devIdx: header.devIdx,
      ctr: header.ctr,
      random: toHex(hedge),
      frames: toHex(frames),
      message: toHex(message),
      chainKeyAfter: toHex(next.chainKey ?? new Uint8Array(0)),
    })
    chain = next
  }
  const hedge = random(32)
  const operations = [random(80), random(33)]
  const tags = { controlKey: keys.controlKey, lineageTag: lineageTag(crypto, keys.tagKey) }
  return {
    group: toHex(group),
    fresh: {
      coreHash: toHex(freshCore.coreHash),
      opId: toHex(freshOp),
      seed: toHex(seed),
      E: toHex(fresh),
      addk: toHex(addKey),
      commit: toHex(commitFreshEpoch(crypto, freshCore, fresh)),
      epochTag: toHex(epochTag(crypto, keys.tagKey, freshOp)),
      device: toHex(device),
      chainKey: toHex(epochChainKey(crypto, fresh, device)),
    },
    derived: {
      coreHash: toHex(addCore.coreHash),
      opId: toHex(addOp),
      E: toHex(derived),
      addk: toHex(epochAddKey(crypto, derived)),
      commit: toHex(commitEpoch(crypto, addCore, derived)),
      epochTag: toHex(epochTag(crypto, keys.tagKey, addOp)),
      chainKey: toHex(epochChainKey(crypto, derived, device)),
    },
    lineage: {
      G: toHex(lineage),
      hk: toHex(keys.headerKey),
      ctl: toHex(keys.controlKey),
      topicKey: toHex(keys.topicKey),
      tagKey: toHex(keys.tagKey),
      lineageTag: toHex(tags.lineageTag),
      capId: toHex(groupCapId(crypto, keys.tagKey, device)),
      coalesce: toHex(frontierCoalesceKey(crypto, keys.tagKey, device)),
      topicOfWeek2900: gossipTopic(crypto, keys.topicKey, 2_900),
      serviceKey: toHex(serviceKey),
      mailboxOwnerSeed: toHex(mailbox.ownerSeed),
      mailboxSecret: toHex(mailbox.secret),
    },
    messages,
    operations: {
      operations: operations.map(toHex),
      random: toHex(hedge),
      message: toHex(sealOperations(crypto, tags, operations, () => hedge.slice())),
    },
  }
}

describe('known answers of groups', () => {
  it('epochs, lineages, messages and operations', () => {
    const computed = epochVectors(noble)
    expect(computed).toEqual(vectors('group-epochs', computed))
  })

  it('are the same from node:crypto', () => {
    const computed = epochVectors(nativeCrypto)
    expect(computed).toEqual(vectors('group-epochs', computed))
  })

  it('frames', () => {
    const computed = GROUP_SAMPLES.map(({ name, kind, value, encode }) => ({
      name,
      kind,
      body: toHex(encode(value)),
    }))
    expect(computed).toEqual(vectors('group-frames', computed))
  })
})
