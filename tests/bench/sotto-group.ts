// Our own group protocol as the benchmark drives it: the machines over rows in memory, every row
// through its codec; an epoch's seed goes to each device over a session of its own.
import {
  type Bytes32,
  commitFreshEpoch,
  compareBytes,
  freshEpochSecret,
  groupOpCoreHash,
  groupOpId,
  groupRecipientsHash,
  sign,
} from '../../crypto/index.ts'
import {
  type EntryHeader,
  type EntryRef,
  type EpochGrant,
  type EpochOperation,
  type Self,
  type Step,
  causalEpochs,
  elideEntry,
  encodeEntry,
  encodeFrames,
  entryFrame,
  groupSeedFrame,
  seedRequestFrame,
  textContent,
} from '../../protocol/index.ts'
import { hashBody, hashHeader } from '../../protocol/log/entry.ts'
import { encodeHeader } from '../../protocol/log/header.ts'
import { nativeCrypto as crypto } from '../../node/native-crypto.ts'
import { pooledRandom as random } from '../../node/random.ts'
import { makeSelf } from '../support/memory-driver.ts'
import type { GroupMessaging, GroupPair, Pair } from './peers.ts'
import { BenchRows } from './rows.ts'
import { sotto } from './sotto-messaging.ts'

const TEXT: Uint8Array = new Uint8Array(256).fill(0x61)
/** Bytes of the core of a removal of one account with two devices. */
const CORE_BYTES = 360

interface Made {
  readonly grant: EpochGrant
  readonly seed: Bytes32
  /** The signed operation, as it travels. */
  readonly bytes: Uint8Array
}

/** A member, with rows of its own. */
class Member {
  readonly self: Self = makeSelf(random, crypto)
  readonly rows: BenchRows = new BenchRows(this.self, crypto, random)
  #n = 0
  #last: EntryRef | undefined
  readonly #ids = new Set<string>()

  /** The frame of the next entry: hashed and signed as an append does it. */
  write(group: Bytes32, op: Bytes32, text: string): Uint8Array {
    const body = { salt: random(16), bytes: textContent.encode({ text, replyTo: undefined }) }
    const bodyHash = hashBody(crypto, body)
    const header: EntryHeader = {
      version: 1,
      conversation: group,
      op,
      author: this.self.device,
      n: ++this.#n,
      prev: this.#last,
      parents: [],
      lamport: (this.#last?.lamport ?? 0) + 1,
      kind: textContent.kind,
      sentAtMs: 1_790_000_000_000,
      bodyHash,
      rest: [],
    }
    const headerBytes = encodeHeader(header)
    const id = hashHeader(crypto, headerBytes)
    const signature = sign(crypto, this.self.deviceSeed, 'group-entry', id)
    this.#last = { id, lamport: header.lamport }
    const entry = elideEntry({ id, header, headerBytes, body, signature }, 'group')
    return encodeFrames([{ kind: entryFrame.kind, body: encodeEntry(entry) }])
  }

  encrypt(group: Bytes32, opId: Bytes32, frames: Uint8Array): Uint8Array {
    const sent = this.rows.run((turn) => causalEpochs.encrypt(turn, { group, opId }, frames))
    if (sent.kind !== 'encrypted') throw new Error(`not encrypted: ${sent.kind}`)
    return sent.message
  }

  keep(grant: EpochGrant): void {
    const outcome = this.rows.run((turn) => causalEpochs.keep(turn, grant))
    if (outcome.kind !== 'kept') throw new Error(`not kept: ${outcome.kind}`)
  }

  /** Opens, verifies and stores: everything up to the log. */
  receive(message: Uint8Array): void {
    const ids = this.#ids
    this.rows.run(function* take(turn): Step<void> {
      const opened = yield* causalEpochs.open(turn, message)
      if (opened.kind !== 'candidate') throw new Error(`not opened: ${opened.kind}`)
      const verdict = yield* causalEpochs.examine(turn, opened, function* isNew(entry) {
        yield* []
        return !ids.has(Buffer.from(entry.id).toString('latin1'))
      })
      if (verdict.kind !== 'genuine') throw new Error(`not genuine: ${verdict.kind}`)
      for (const { id } of verdict.entries) ids.add(Buffer.from(id).toString('latin1'))
      yield* causalEpochs.commit(turn, verdict)
    })
  }
}

/** A fresh operation and its epoch: what its author computes, its signature too. */
function makeFresh(author: Member, group: Bytes32, recipients: readonly Bytes32[]): Made {
  const coreBytes = random(CORE_BYTES)
  const coreHash = groupOpCoreHash(crypto, coreBytes)
  const core = { group, coreHash }
  const seed = random(32)
  const commit = commitFreshEpoch(crypto, core, freshEpochSecret(crypto, core, seed))
  const opId = groupOpId(crypto, coreHash, commit)
  const signature = sign(crypto, author.self.deviceSeed, 'group-op', opId)
  const bytes = new Uint8Array(CORE_BYTES + 2 + commit.length + 2 + signature.length + 3)
  bytes.set(coreBytes)
  const operation: EpochOperation = { opId, core, commit, lamport: 1 }
  const recipientsHash = groupRecipientsHash(crypto, recipients)
  const source = { kind: 'seed' as const, seed: seed.slice() }
  return {
    seed,
    bytes,
    grant: {
      group,
      operation,
      fresh: operation,
      parent: undefined,
      recipients,
      recipientsHash,
      source,
    },
  }
}

function seedFrame({ bytes, seed }: Made): Uint8Array {
  return groupSeedFrame.encode({
    c: 300,
    operation: bytes,
    secretKind: 'seed',
    secret: seed,
    lineage: undefined,
  })
}

async function group(size: number): Promise<GroupPair> {
  const [first, second] = [new Member(), new Member()]
  const others = Array.from({ length: size - 2 }, () => random(32))
  const recipients = [first.self.device, second.self.device, ...others].toSorted(compareBytes)
  const gid = random(32)
  const made = makeFresh(first, gid, recipients)
  for (const device of [first, second]) {
    device.keep({ ...made.grant, source: { kind: 'seed', seed: made.seed.slice() } })
  }
  const opId = made.grant.operation.opId
  const removed = others.at(-1)
  const left = recipients.filter((key) => key !== removed)
  // Sessions are made when a removal is measured, and only then.
  let sessions: readonly Pair[] = []
  let sealed: readonly unknown[] = []
  const write = (text: Uint8Array): Uint8Array =>
    first.write(gid, opId, String.fromCharCode(...text))
  return {
    send: (text) => first.encrypt(gid, opId, write(text)),
    receive: (message) => second.receive(message as Uint8Array),
    prepareRemoval: async (steps) => {
      if (sessions.length === 0) {
        const pairs: Pair[] = []
        for (let i = 0; i < left.length - 1; i++) pairs.push(await sotto.pair(TEXT))
        sessions = pairs
      }
      const ask = seedRequestFrame.encode({ group: gid, opId, heads: [] })
      for (const [i, { alice, bob }] of sessions.entries()) {
        const message = sealed[i]
        if (message !== undefined) bob.decrypt(message)
        // An answer makes a DH step due; one message takes it, so that none is left.
        alice.decrypt(bob.encrypt(ask))
        if (!steps) bob.decrypt(alice.encrypt(ask))
      }
      sealed = []
    },
    remove: () => {
      const removal = makeFresh(first, gid, left)
      const frame = seedFrame(removal)
      first.keep(removal.grant)
      sealed = sessions.map(({ alice }) => alice.encrypt(frame))
      return removal
    },
    follow: (commit) => {
      const removal = commit as Made
      const [first, ...rest] = sealed
      sessions[0]?.bob.decrypt(first)
      sealed = [undefined, ...rest]
      const source = { kind: 'seed' as const, seed: removal.seed.slice() }
      second.keep({ ...removal.grant, source })
    },
  }
}

/** Bytes of a message, and of the entry in it without its signature and frame head. */
function sizes(textLength: number): { readonly message: number; readonly entry: number } {
  const device = new Member()
  const gid = random(32)
  const made = makeFresh(device, gid, [device.self.device])
  device.keep(made.grant)
  const { opId } = made.grant.operation
  const frames = device.write(gid, opId, 'x'.repeat(textLength))
  return { message: device.encrypt(gid, opId, frames).length, entry: frames.length - 4 - 66 }
}

export const sottoGroup: GroupMessaging & { readonly sizes: typeof sizes } = {
  name: sotto.name,
  group,
  sizes,
}
