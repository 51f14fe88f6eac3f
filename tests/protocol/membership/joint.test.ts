// Both halves of groups together: real operations, their commits and the epochs they make
// (SPEC.md §19, §20).
import { expect, it } from 'vitest'
import {
  type Bytes32,
  type GroupOp,
  type GroupOpSigner,
  commitEpoch,
  commitFreshEpoch,
  derivedEpochSecret,
  epochAddKey,
  freshEpochSecret,
  groupBaseHash,
  groupRecipientsHash,
  lineageSecret,
  signGroupOp,
  toHex,
} from '../../../crypto/index.ts'
import {
  type EpochGrant,
  type EpochOperation,
  type EpochSource,
  GroupDag,
  draftCreate,
  draftOp,
  epochs,
  groupEpoch,
  isEligible,
} from '../../../protocol/index.ts'
import { nativeCrypto as crypto } from '../../../node/native-crypto.ts'
import { GroupDevice } from '../../support/epoch-world.ts'
import { fakeList } from '../../support/group-world.ts'
import { MemoryDriver } from '../../support/memory-driver.ts'

function operationOf(op: GroupOp): EpochOperation {
  const core = { group: op.group, coreHash: op.coreHash }
  return { opId: op.id, core, commit: op.commit, lamport: op.lamport }
}

it('a group is created, somebody added, and the keys rotated: all meet in each epoch', () => {
  const [alice, bob] = ['alice', 'bob'].map(
    (seed) => new GroupDevice(new MemoryDriver({ seed, crypto })),
  )
  if (alice === undefined || bob === undefined) throw new Error('no devices')
  const list = (device: GroupDevice) => fakeList(device.self.account, 1, [device.self.device])
  const signer: GroupOpSigner = { provider: crypto, deviceSeed: alice.self.deviceSeed }
  const author = { account: alice.self.account, device: alice.self.device }
  const random = alice.driver.random

  const created = draftCreate(crypto, author, {
    random: random(32),
    name: 'joint',
    settings: 0,
    list: list(alice),
    relays: [],
  })
  const zeros = new Uint8Array(32)
  const createCore = { group: zeros, coreHash: created.coreHash }
  const seed = random(32)
  const secret = freshEpochSecret(crypto, createCore, seed)
  const create = signGroupOp(signer, created.core, commitFreshEpoch(crypto, createCore, secret))
  const dag = new GroupDag(crypto, create.id)
  expect(dag.add(create).kind).toBe('accepted')

  const grantOf = (op: GroupOp, source: EpochSource): EpochGrant => {
    const epoch = groupEpoch(dag, op.id)
    const fresh = epoch && groupEpoch(dag, epoch.lineage)
    if (epoch === undefined || fresh === undefined) throw new Error('no epoch')
    const recipients = epoch.recipients()
    return {
      group: create.id,
      operation: operationOf(op),
      fresh: operationOf(fresh.op),
      parent: epoch.extends,
      recipients,
      recipientsHash: groupRecipientsHash(crypto, recipients),
      source,
    }
  }
  const meet = (op: GroupOp): void => {
    for (const [from, to] of [
      [alice, bob],
      [bob, alice],
    ] as const) {
      const { frames } = from.write(create.id, op.id, 'hello')
      expect(to.receive(from.encrypt(create.id, op.id, frames))).toBe('genuine')
    }
  }
  expect(alice.keep(grantOf(create, { kind: 'seed', seed })).kind).toBe('kept')

  const added = draftOp(crypto, dag, author, {
    kind: 'add',
    epochOp: create.id,
    newcomers: [{ account: bob.self.account, list: list(bob), inviteHash: undefined }],
    heads: [],
    baseHash: groupBaseHash(crypto, []),
  })
  if (typeof added === 'string') throw new Error(added)
  const addCore = { group: create.id, coreHash: added.coreHash }
  const derived = derivedEpochSecret(crypto, addCore, epochAddKey(crypto, secret))
  const add = signGroupOp(signer, added.core, commitEpoch(crypto, addCore, derived))
  expect(dag.add(add).kind).toBe('accepted')
  expect(alice.keep(grantOf(add, { kind: 'parent' })).kind).toBe('kept')
  const lineage: Bytes32 = lineageSecret(crypto, secret)
  const welcome = { kind: 'secret' as const, epoch: derived, lineage }
  expect(bob.keep(grantOf(add, welcome)).kind).toBe('kept')
  meet(add)

  const rotated = draftOp(crypto, dag, author, { kind: 'rotate', ownN: 1 })
  if (typeof rotated === 'string') throw new Error(rotated)
  const core = { group: create.id, coreHash: rotated.coreHash }
  const next = random(32)
  const commit = commitFreshEpoch(crypto, core, freshEpochSecret(crypto, core, next))
  const rotate = signGroupOp(signer, rotated.core, commit)
  expect(dag.add(rotate).kind).toBe('accepted')
  expect(isEligible(dag, rotate.id)).toBe(true)
  for (const device of [alice, bob]) {
    const source = { kind: 'seed' as const, seed: next.slice() }
    expect(device.keep(grantOf(rotate, source)).kind).toBe('kept')
  }
  meet(rotate)
  const [lineages] = [new Set(alice.driver.rows(epochs).map((row) => toHex(row.lineage)))]
  expect(lineages.size).toBe(2)
})
