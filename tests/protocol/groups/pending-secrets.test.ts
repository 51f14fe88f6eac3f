// Secrets of epochs that cannot be used yet: how many wait, and that those never stand in the way of one
// that can be used.
import { describe, expect, it } from 'vitest'
import { encodeGroupOpCore, signGroupOp } from '../../../crypto/index.ts'
import { nativeCrypto } from '../../../node/native-crypto.ts'
import { causalEpochs } from '../../../protocol/epochs/group-cipher.ts'
import { GROUP_SECRETS_PENDING_MAX } from '../../../protocol/group-limits.ts'
import { takeSeed } from '../../../protocol/groups/intake.ts'
import { pendingSeeds } from '../../../protocol/groups/pending-secrets.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { bytesOf } from '../../support/entries.ts'
import { type SeededOp, TwoDevices } from '../../support/two-devices.ts'

const rotate = { kind: 'rotate', ownN: 0 } as const

function take(world: TwoDevices, { op, seed }: SeededOp): void {
  const secret = { secretKind: 'seed', secret: seed, lineage: undefined } as const
  world.driver.run((turn) => takeSeed(turn, world.gid, op.bytes, secret))
}

function held(world: TwoDevices): number {
  return world.driver.run((turn) => causalEpochs.held(turn, world.gid)).length
}

function waiting(world: TwoDevices): number {
  return world.driver.run(() => pendingSeeds(world.gid)).length
}

/** An operation of nobody, above one that nobody has. */
function stray(world: TwoDevices, n: number): SeededOp {
  const random = seededRandom(`stray ${n}`)
  const deviceSeed = random(32)
  const core = encodeGroupOpCore({
    group: world.gid,
    parents: [{ id: random(32), lamport: 1 }],
    account: nativeCrypto.ed25519PublicKey(random(32)),
    device: nativeCrypto.ed25519PublicKey(deviceSeed),
    seq: 1,
    payload: { ...rotate, recipientsHash: random(32) },
  })
  const signer = { provider: nativeCrypto, deviceSeed }
  return { op: signGroupOp(signer, core, random(64)), seed: random(32) }
}

describe('a secret', () => {
  it('whose operation is here is used, however many wait for theirs', () => {
    const world = new TwoDevices('flooded')
    take(world, world.root)
    expect(held(world)).toBe(1)
    for (let n = 0; n < GROUP_SECRETS_PENDING_MAX + 10; n++) take(world, stray(world, n))
    take(world, world.write(rotate))
    expect(held(world)).toBe(2)
    expect(waiting(world)).toBeLessThanOrEqual(GROUP_SECRETS_PENDING_MAX)
  })

  it('of an operation that is refused is not kept', () => {
    const world = new TwoDevices('refused')
    const random = seededRandom('nobody')
    const deviceSeed = random(32)
    const { id, lamport } = world.root.op
    const core = encodeGroupOpCore({
      group: world.gid,
      parents: [{ id, lamport }],
      account: nativeCrypto.ed25519PublicKey(random(32)),
      device: nativeCrypto.ed25519PublicKey(deviceSeed),
      seq: 1,
      payload: { ...rotate, recipientsHash: bytesOf('recipients') },
    })
    const op = signGroupOp({ provider: nativeCrypto, deviceSeed }, core, random(64))
    take(world, { op, seed: random(32) })
    expect(waiting(world)).toBe(0)
  })

  it('that waits is not replaced by another for the same operation', () => {
    const world = new TwoDevices('replaced')
    const before = world.write(rotate)
    const later = world.write(rotate)
    take(world, later)
    take(world, { ...later, seed: bytesOf('false') })
    take(world, before)
    expect(held(world)).toBe(2)
  })
})
