// A group seen by a device that takes things in: a second device of its only account, or of somebody
// who is to join. The first writes signed operations, so that a test can hand the machines of groups
// what a member, honest or not, would send.
import {
  type DeviceList,
  type GroupOp,
  type GroupOpRef,
  commitEpoch,
  commitFreshEpoch,
  commitLength,
  derivedEpochSecret,
  epochAddKey,
  freshEpochSecret,
  groupBaseHash,
  lineageSecret,
  openDeviceList,
  signDeviceCert,
  signDeviceList,
  signGroupOp,
} from '../../crypto/index.ts'
import { nativeCrypto } from '../../node/native-crypto.ts'
import {
  type BaseAuthor,
  adoptDeviceList,
  type DraftPayload,
  draftCreate,
  draftOp,
  GroupDag,
  profiles,
  renewPrekeys,
  type Self,
} from '../../protocol/index.ts'
import { newGroup } from '../../protocol/groups/group.ts'
import { addOperations } from '../../protocol/groups/membership.ts'
import { bytesOf } from './entries.ts'
import { makeSelf, MemoryDriver } from './memory-driver.ts'
import { seededRandom } from './seeded-random.ts'

const crypto = nativeCrypto

/** An operation, and the seed of its epoch. */
export interface SeededOp {
  readonly op: GroupOp
  readonly seed: Uint8Array
}

/** An add, and what a welcome to whom it adds brings. */
export interface WelcomingAdd {
  readonly op: GroupOp
  readonly epoch: Uint8Array
  readonly lineage: Uint8Array
}

function signedList(accountSeed: Uint8Array, devices: readonly Self[]): DeviceList {
  const certs = devices.map(({ account, deviceSeed, dh }) =>
    signDeviceCert(crypto, account, deviceSeed, dh),
  )
  const list = { version: 1, devices: certs, revoked: [] }
  return openDeviceList(crypto, signDeviceList(crypto, accountSeed, list))
}

/** A device of an account that is in nothing yet, and the account's list. */
export function somebody(name: string): { readonly self: Self; readonly list: DeviceList } {
  const random = seededRandom(name)
  const accountSeed = random(32)
  const self = makeSelf(random, crypto, accountSeed)
  return { self, list: signedList(accountSeed, [self]) }
}

/** The device list of an account that is in nothing yet. */
export function listOfSomebody(name: string): DeviceList {
  return somebody(name).list
}

export class TwoDevices {
  /** Of the device that takes things in. */
  readonly driver: MemoryDriver
  /** The device that writes operations. */
  readonly other: Self
  readonly dag: GroupDag
  readonly root: SeededOp
  /** Of the account of the device that takes things in. */
  readonly list: DeviceList

  /** `standing`: of the group at the device that takes things in, with all of it or none. */
  constructor(name: string, standing: 'joined' | 'joining' = 'joined') {
    const random = seededRandom(name)
    const accountSeed = random(32)
    const ownSeed = standing === 'joined' ? accountSeed : random(32)
    const self = makeSelf(random, crypto, ownSeed)
    this.other = makeSelf(random, crypto, accountSeed)
    const own = standing === 'joined' ? [self, this.other] : [self]
    this.list = signedList(ownSeed, own)
    const list = standing === 'joined' ? this.list : signedList(accountSeed, [this.other])
    const draft = draftCreate(crypto, this.other, {
      random: random(32),
      name,
      settings: 0,
      list,
      relays: [],
    })
    this.root = this.#signed(draft.core, draft.coreHash, new Uint8Array(32), bytesOf('seed'))
    this.dag = new GroupDag(crypto, this.gid)
    this.dag.add(this.root.op)
    this.driver = new MemoryDriver({ seed: name, self, crypto })
    const adopted = this.list
    this.driver.run(function* (turn) {
      yield* adoptDeviceList(turn, adopted)
      yield* renewPrekeys(turn)
      turn.put(profiles, 0, {
        name,
        createdAtMs: turn.nowMs,
        home: undefined,
        endpointsCounter: 1,
        endpointsDigest: undefined,
        readReceipts: true,
      })
    })
    const { gid, root } = this
    this.driver.run(function* (turn) {
      if (standing === 'joined') yield* addOperations(turn, gid, [root.op])
      yield* newGroup(turn, { gid, name, named: false, standing, join: undefined })
    })
  }

  get gid(): Uint8Array {
    return this.root.op.id
  }

  /** A valid operation of the other device, which it takes in itself. */
  write(payload: DraftPayload, parents: readonly GroupOpRef[] = this.dag.nextParents()): SeededOp {
    const draft = draftOp(crypto, this.dag, this.other, payload, parents)
    if (typeof draft === 'string') throw new Error(`refused: ${draft}`)
    const fresh = commitLength({ ...payload } as GroupOp['payload']) === 64
    const seed = bytesOf(`seed ${this.dag.size}`)
    const made = fresh
      ? this.#signed(draft.core, draft.coreHash, this.gid, seed)
      : { op: signGroupOp(this.#signer, draft.core), seed }
    this.dag.add(made.op)
    return made
  }

  /** An add, of the account that takes things in if not told, that extends the first epoch, over a base. */
  add(base: readonly BaseAuthor[], list: DeviceList = this.list): WelcomingAdd {
    const rows = base.map(({ author, ...row }) => ({ device: author, ...row }))
    const payload: DraftPayload = {
      kind: 'add',
      epochOp: this.gid,
      newcomers: [{ account: list.account, list, inviteHash: undefined }],
      heads: [],
      baseHash: groupBaseHash(crypto, rows),
    }
    const draft = draftOp(crypto, this.dag, this.other, payload, this.dag.nextParents())
    if (typeof draft === 'string') throw new Error(`refused: ${draft}`)
    const rootCore = { group: new Uint8Array(32), coreHash: this.root.op.coreHash }
    const extended = freshEpochSecret(crypto, rootCore, this.root.seed)
    const core = { group: this.gid, coreHash: draft.coreHash }
    const epoch = derivedEpochSecret(crypto, core, epochAddKey(crypto, extended))
    const op = signGroupOp(this.#signer, draft.core, commitEpoch(crypto, core, epoch))
    this.dag.add(op)
    return { op, epoch, lineage: lineageSecret(crypto, extended) }
  }

  get #signer() {
    return { provider: crypto, deviceSeed: this.other.deviceSeed }
  }

  #signed(core: Uint8Array, coreHash: Uint8Array, group: Uint8Array, seed: Uint8Array): SeededOp {
    const epochCore = { group, coreHash }
    const epoch = freshEpochSecret(crypto, epochCore, seed)
    return { op: signGroupOp(this.#signer, core, commitFreshEpoch(crypto, epochCore, epoch)), seed }
  }
}
