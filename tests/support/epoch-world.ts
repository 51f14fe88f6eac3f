// Devices of one group that run the epoch machines in memory. Operations are stand-ins: keys need of
// them what EpochOperation says, and what makes them valid is membership's affair.
import {
  type Bytes32,
  type CryptoProvider,
  type Random,
  commitEpoch,
  commitFreshEpoch,
  compareBytes,
  derivedEpochSecret,
  epochAddKey,
  freshEpochSecret,
  groupRecipientsHash,
  lineageSecret,
  noble,
} from '../../crypto/index.ts'
import {
  type EpochGrant,
  type EpochOperation,
  type EpochSource,
  type Examination,
  type Entry,
  type EntryRef,
  type KeepOutcome,
  type OpenedCandidate,
  type Self,
  type Step,
  type Turn,
  causalEpochs,
  elideEntry,
  encodeEntry,
  encodeFrames,
} from '../../protocol/index.ts'
import { entryOf, refOf } from './entries.ts'
import { MemoryDriver, makeSelf } from './memory-driver.ts'
import { seededRandom } from './seeded-random.ts'

/** An operation that makes an epoch, and the secrets only its author knows. */
export interface TestEpoch {
  readonly operation: EpochOperation
  readonly fresh: EpochOperation
  readonly parent: Bytes32 | undefined
  readonly recipients: readonly Bytes32[]
  readonly seed: Bytes32
  readonly secret: Bytes32
  readonly lineage: Bytes32
}

export interface Written {
  readonly entry: Entry
  readonly frames: Uint8Array
}

/** What a message came to at one device. */
export type Receipt =
  | Examination['kind']
  | 'unknownEpoch'
  | 'unsupported'
  | 'unauthentic'
  | 'stale'
  | 'held'

/** One device: its rows, and the ids of the entries it has. */
export class GroupDevice {
  readonly driver: MemoryDriver
  readonly entries = new Map<string, Entry>()
  #n = 0
  #last: EntryRef | undefined

  constructor(driver: MemoryDriver) {
    this.driver = driver
  }

  get self(): Self {
    return this.driver.self
  }

  keep(grant: EpochGrant): KeepOutcome {
    return this.driver.run((turn) => causalEpochs.keep(turn, grant))
  }

  /** The device's next entry in the group. */
  write(group: Bytes32, op: Bytes32, text: string): Written {
    this.#n += 1
    const entry = entryOf({
      conversation: group,
      op,
      author: this.self.device,
      n: this.#n,
      prev: this.#last,
      text,
      seed: this.self.deviceSeed,
      crypto: this.driver.crypto,
    })
    this.#last = refOf(entry)
    return { entry, frames: framesOf(entry) }
  }

  encrypt(group: Bytes32, op: Bytes32, frames: Uint8Array): Uint8Array {
    const outcome = this.driver.run((turn) =>
      causalEpochs.encrypt(turn, { group, opId: op }, frames),
    )
    if (outcome.kind !== 'encrypted') throw new Error(`not encrypted: ${outcome.kind}`)
    return outcome.message
  }

  /** A new entry, encrypted in an epoch. */
  say(epoch: TestEpoch, group: Bytes32, text: string): Uint8Array {
    const { opId } = epoch.operation
    return this.encrypt(group, opId, this.write(group, opId, text).frames)
  }

  /** Opens, examines and, for a genuine message, commits: one turn, as the node does it. */
  receive(message: Uint8Array): Receipt {
    return this.driver.run((turn) => this.#receive(turn, message))
  }

  *#receive(turn: Turn, message: Uint8Array): Step<Receipt> {
    const opened = yield* causalEpochs.open(turn, message)
    if (opened.kind !== 'candidate') return opened.kind
    const verdict = yield* this.#examine(turn, opened)
    if (verdict.kind !== 'genuine') return verdict.kind
    for (const entry of verdict.entries) this.entries.set(entry.id.join(), entry)
    yield* causalEpochs.commit(turn, verdict)
    return 'genuine'
  }

  *#examine(turn: Turn, opened: OpenedCandidate): Step<Examination> {
    const held = this.entries
    return yield* causalEpochs.examine(turn, opened, function* isNew(entry) {
      yield* []
      return !held.has(entry.id.join())
    })
  }
}

/** The frame of an entry, as it stands in a message of the epoch it was written under. */
export function framesOf(entry: Entry, elision: 'group' | 'session' = 'group'): Uint8Array {
  return encodeFrames([{ kind: 0x1000, body: encodeEntry(elideEntry(entry, elision)) }])
}

export class GroupWorld {
  readonly group: Bytes32
  readonly random: Random
  readonly devices: readonly GroupDevice[]
  readonly crypto: CryptoProvider
  #lamport = 1

  /** `size` devices, ascending by DK. */
  constructor(seed: string, size: number, crypto: CryptoProvider = noble) {
    this.random = seededRandom(seed)
    this.crypto = crypto
    this.group = this.random(32)
    this.devices = Array.from({ length: size }, () =>
      makeSelf(this.random, crypto, this.random(32)),
    )
      .toSorted((a, b) => compareBytes(a.device, b.device))
      .map((self, i) => new GroupDevice(new MemoryDriver({ seed: `${seed} ${i}`, self, crypto })))
  }

  device(i: number): GroupDevice {
    const device = this.devices[i]
    if (device === undefined) throw new Error(`no device ${i}`)
    return device
  }

  keysOf(indexes: readonly number[]): readonly Bytes32[] {
    return indexes.map((i) => this.device(i).self.device).toSorted(compareBytes)
  }

  #operation(coreHash: Bytes32, commit: Uint8Array): EpochOperation {
    const opId = this.crypto.sha256(coreHash, commit)
    return { opId, core: { group: this.group, coreHash }, commit, lamport: this.#lamport++ }
  }

  /** A fresh epoch of these devices; nobody has it yet. */
  fresh(members: readonly number[]): TestEpoch {
    const [coreHash, seed] = [this.random(32), this.random(32)]
    const core = { group: this.group, coreHash }
    const secret = freshEpochSecret(this.crypto, core, seed)
    const operation = this.#operation(coreHash, commitFreshEpoch(this.crypto, core, secret))
    const lineage = lineageSecret(this.crypto, secret)
    const recipients = this.keysOf(members)
    return { operation, fresh: operation, parent: undefined, recipients, seed, secret, lineage }
  }

  /** An epoch that extends another to these devices. */
  extend(base: TestEpoch, added: readonly number[]): TestEpoch {
    const coreHash = this.random(32)
    const core = { group: this.group, coreHash }
    const secret = derivedEpochSecret(this.crypto, core, epochAddKey(this.crypto, base.secret))
    return {
      ...base,
      operation: this.#operation(coreHash, commitEpoch(this.crypto, core, secret)),
      parent: base.operation.opId,
      recipients: [...base.recipients, ...this.keysOf(added)].toSorted(compareBytes),
      secret,
    }
  }

  grant(epoch: TestEpoch, source?: EpochSource): EpochGrant {
    const { operation, fresh, parent, recipients, seed } = epoch
    const usual: EpochSource =
      parent === undefined ? { kind: 'seed', seed: new Uint8Array(seed) } : { kind: 'parent' }
    return {
      group: this.group,
      operation,
      fresh,
      parent,
      recipients,
      recipientsHash: groupRecipientsHash(this.crypto, recipients),
      source: source ?? usual,
    }
  }

  /** E and G, as welcomes and refreshes carry them. */
  handed(epoch: TestEpoch): EpochSource {
    return {
      kind: 'secret',
      epoch: new Uint8Array(epoch.secret),
      lineage: new Uint8Array(epoch.lineage),
    }
  }

  /** A fresh epoch that all of these devices hold. */
  started(members: readonly number[]): TestEpoch {
    const epoch = this.fresh(members)
    for (const i of members) {
      const outcome = this.device(i).keep(this.grant(epoch))
      if (outcome.kind !== 'kept') throw new Error(`not kept: ${outcome.kind}`)
    }
    return epoch
  }
}
