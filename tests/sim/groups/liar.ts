// A member whose node lies over the network: a real node, whose sessions, mailboxes and keys are
// genuine, that is made to say what no honest one would. Each lie is made in one batch of its ledger.
import {
  type Bytes32,
  EMPTY,
  type GroupOp,
  type GroupOpFields,
  compareBytes,
  encodeGroupOpCore,
  groupCapId,
  groupOpCoreHash,
  innerId,
  signGroupOp,
} from '../../../crypto/index.ts'
import type { Core } from '../../../node/core.ts'
import { Courier } from '../../../node/relays/courier.ts'
import { GroupAccess } from '../../../node/relays/group-access.ts'
import type { GroupRelay } from '../../../node/relays/group-mailbox-types.ts'
import type { Network } from '../../../node/transport.ts'
import {
  type DraftPayload,
  type Step,
  type Turn,
  causalEpochs,
  draftOp,
  isFailure,
} from '../../../protocol/index.ts'
import { textContent } from '../../../protocol/content/text.ts'
import { evidence } from '../../../protocol/delivery/evidence.ts'
import { lineagesOf } from '../../../protocol/epochs/held-lineages.ts'
import { carryEntry } from '../../../protocol/groups/carry.ts'
import { dropGroupItem, enqueueGroup, groupItems } from '../../../protocol/groups/group-outbox.ts'
import { type Membership, knownMembership } from '../../../protocol/groups/membership.ts'
import { freshSecret, sendOps, sendSeed } from '../../../protocol/groups/operate.ts'
import { appendEntry } from '../../../protocol/log/append.ts'
import type { Prng } from '../prng.ts'

/** Lies that a member can tell. */
export const LIES = [
  'withheldOp',
  'withheldSeed',
  'missingParent',
  'wrongLamport',
  'seedEquivocation',
  'fork',
  'flood',
  'oldEpoch',
  'ghostDevice',
  'otherGroup',
  'backdatedRemoval',
  'backdatedDemotion',
] as const
export type Lie = (typeof LIES)[number]

const ITEMS_MAX = 256

/** An operation that nobody judged. */
interface Made {
  readonly op: GroupOp
  readonly seed: Uint8Array | undefined
}

/** What a lie did; undefined where there was nothing to do it with. */
export interface Told {
  /** A text that was sent with it. */
  readonly text?: string
}

export class Liar {
  core: Core | undefined
  readonly counts: Record<string, number> = {}
  readonly #random: Prng
  readonly #late: GroupOp[] = []
  #texts = 0

  constructor(random: Prng) {
    this.#random = random
  }

  /** Tells one lie in a group; `other`: a second group of the same people. */
  async tell(lie: Lie, gid: Bytes32, other: Bytes32): Promise<Told | undefined> {
    const { core } = this
    if (core === undefined) return undefined
    const told = await core.ledger.run((turn) => this.#tell(turn, lie, gid, other))
    if (told !== undefined) this.counts[lie] = (this.counts[lie] ?? 0) + 1
    return told
  }

  /**
   * Puts all that waits into the mailboxes of every lineage whose keys it has, whether or not the group
   * has it for a member still; how many of them the relay signed for.
   */
  async depositAll(network: Network, relay: GroupRelay, gid: Bytes32): Promise<number> {
    const { core } = this
    if (core === undefined) return 0
    const { provider, random } = core
    const host = network.createHost({ seed: random(32), listen: [], role: 'courier' })
    const courier = new Courier(core, () => host)
    const items = await core.ledger.run(function* (turn) {
      const all = yield* groupItems(gid, 0, ITEMS_MAX)
      for (const item of all) yield* dropGroupItem(turn, item)
      return all
    })
    const keys = await core.ledger.read(() => lineagesOf(gid))
    let held = 0
    const line = await courier.hold(relay)
    for (const { lineage, message, innerId: envId } of items) {
      const found = keys.find(({ opId }) => compareBytes(opId, lineage) === 0)
      if (found === undefined) continue
      const { secret: lineageSecret, tagKey } = found
      const handlers = { onItems: () => Promise.resolve() }
      const options = { core, courier, relay, lineageSecret, handlers } as const
      const access = new GroupAccess({ ...options, mode: 'open', cursor: undefined })
      const capId = groupCapId(provider, tagKey, core.self.device)
      const result = await access.deposit(line.connection, { envId, env: message, capId })
      if (!isFailure(result) && result.kind !== 'unproven') held += 1
    }
    line.release()
    await courier.stop()
    return held
  }

  *#tell(turn: Turn, lie: Lie, gid: Bytes32, other: Bytes32): Step<Told | undefined> {
    const random = this.#random
    const members = yield* knownMembership(turn, gid)
    const { dag } = members
    const nodes = dag.history.nodes
    const rotate: DraftPayload = { kind: 'rotate', ownN: 0 }
    const victim = random.pick(
      members.members.filter(({ account }) => compareBytes(account, turn.self.account) !== 0),
    )
    switch (lie) {
      case 'withheldOp': {
        // Its child is handed out, itself much later.
        const hidden = this.#forge(turn, members, rotate)
        const parents = [{ id: hidden.op.id, lamport: hidden.op.lamport }]
        const child = this.#raw(turn, members, { parents, payload: hidden.op.payload })
        yield* this.#handOut(turn, members, [child.op])
        const late = this.#late.shift()
        if (late !== undefined) yield* this.#handOut(turn, members, [late])
        this.#late.push(hidden.op)
        return {}
      }
      case 'withheldSeed': {
        const made = this.#forge(turn, members, rotate)
        yield* this.#handOut(turn, members, [made.op])
        const [only] = members.devices
        if (only !== undefined) yield* this.#seed(turn, members, only, made.op, made.seed)
        return {}
      }
      case 'missingParent': {
        const parents = [{ id: turn.random(32), lamport: 3 }]
        yield* this.#handOut(turn, members, [this.#raw(turn, members, { parents }).op])
        return {}
      }
      case 'wrongLamport': {
        // As a cycle would need: a parent that claims to be later than what stands on it.
        const { op } = random.pick(nodes)
        const parents = [{ id: op.id, lamport: op.lamport + 7 }]
        yield* this.#handOut(turn, members, [this.#raw(turn, members, { parents }).op])
        return {}
      }
      case 'seedEquivocation': {
        const made = this.#forge(turn, members, rotate)
        yield* this.#handOut(turn, members, [made.op])
        for (const [i, device] of members.devices.entries()) {
          const seed = i % 2 === 0 ? made.seed : turn.random(32)
          yield* this.#seed(turn, members, device, made.op, seed)
        }
        return {}
      }
      case 'fork': {
        // Two operations of one number, to two halves.
        const ops = [0, 1].map((n) => this.#forge(turn, members, { kind: 'rotate', ownN: n }))
        for (const [i, device] of members.devices.entries()) {
          const made = ops[i % 2]
          if (made === undefined) continue
          yield* sendOps(turn, gid, device, [made.op])
          yield* this.#seed(turn, members, device, made.op, made.seed)
        }
        return {}
      }
      case 'flood': {
        for (let i = random.integer(4, 10); i > 0; i--) {
          const on = [random.pick(nodes).op].map(({ id, lamport }) => ({ id, lamport }))
          const made = this.#forge(turn, members, { kind: 'rotate', ownN: i }, on)
          yield* this.#handOut(turn, members, [made.op])
        }
        return {}
      }
      case 'oldEpoch': {
        const held = yield* causalEpochs.held(turn, gid)
        if (held.length < 2) return undefined
        const { opId } = random.pick(held)
        const text = `mallory injects ${++this.#texts}`
        const { id, n } = yield* appendEntry(turn, {
          conversation: gid,
          op: opId,
          kind: textContent.kind,
          body: textContent.encode({ text, replyTo: undefined }),
          sentAtMs: turn.nowMs,
        })
        turn.put(evidence, id, {
          conversation: gid,
          n,
          queuedAtMs: turn.nowMs,
          devices: [],
          group: { custody: [], heldAtMs: 0, readAtMs: 0, closed: '', epoch: undefined },
        })
        return (yield* carryEntry(turn, members, { opId, missing: [] }, id, n))
          ? { text }
          : undefined
      }
      case 'ghostDevice': {
        const seed = turn.random(32)
        const device = turn.crypto.ed25519PublicKey(seed)
        const made = this.#raw(turn, members, { account: victim.account, device }, seed)
        yield* this.#handOut(turn, members, [made.op])
        return {}
      }
      case 'otherGroup': {
        const there = yield* knownMembership(turn, other)
        const ops = nodes.map(({ op }) => op).slice(-4)
        yield* this.#handOut(turn, there, ops)
        for (const { message, innerId: id } of yield* groupItems(gid, 0, 8)) {
          for (const { opId } of yield* lineagesOf(other)) {
            const content = { kind: 'ops', ops: [] } as const
            const item = { gid: other, content, message, innerId: id, lineage: opId }
            yield* enqueueGroup(turn, { ...item, coalesce: undefined })
          }
        }
        return {}
      }
      case 'backdatedRemoval':
      case 'backdatedDemotion': {
        const { op } = random.pick(nodes)
        const on = [{ id: op.id, lamport: op.lamport }]
        const target = victim.account
        const payload: DraftPayload =
          lie === 'backdatedRemoval'
            ? { kind: 'remove', target, cut: [], reason: 0 }
            : { kind: 'role', target, role: 0 }
        const made = this.#forge(turn, members, payload, on)
        yield* this.#handOut(turn, members, [made.op])
        for (const device of members.devices) {
          yield* this.#seed(turn, members, device, made.op, made.seed)
        }
        return {}
      }
    }
  }

  /** An operation that would be valid, or where it would not, one all the same. */
  #forge(
    turn: Turn,
    members: Membership,
    payload: DraftPayload,
    parents = members.dag.nextParents(),
  ): Made {
    const { account, device } = turn.self
    const draft = draftOp(turn.crypto, members.dag, { account, device }, payload, parents)
    if (typeof draft === 'string') {
      const full = { recipientsHash: turn.random(32), ...payload } as GroupOpFields['payload']
      return this.#raw(turn, members, { parents, payload: full })
    }
    return this.#sign(turn, members, draft.core, payload.kind, turn.self.deviceSeed)
  }

  /** An operation of any content. */
  #raw(
    turn: Turn,
    members: Membership,
    changed: Partial<GroupOpFields>,
    deviceSeed: Uint8Array = turn.self.deviceSeed,
  ): Made {
    const parents = members.dag.nextParents()
    const fields: GroupOpFields = {
      group: members.gid,
      parents,
      account: turn.self.account,
      device: turn.self.device,
      seq: members.dag.nextSeq(turn.self.device, parents),
      payload: { kind: 'rotate', ownN: 0, recipientsHash: turn.random(32) },
      ...changed,
    }
    const core = encodeGroupOpCore(fields)
    return this.#sign(turn, members, core, fields.payload.kind, deviceSeed)
  }

  #sign(
    turn: Turn,
    { gid }: Membership,
    core: Uint8Array,
    kind: string,
    deviceSeed: Uint8Array,
  ): Made {
    const makesEpoch = kind === 'rotate' || kind === 'remove' || kind === 'merge'
    const { commit, seed } = makesEpoch
      ? freshSecret(turn, gid, groupOpCoreHash(turn.crypto, core))
      : { commit: EMPTY, seed: undefined }
    return { op: signGroupOp({ provider: turn.crypto, deviceSeed }, core, commit), seed }
  }

  /** Into every mailbox that is held, and to every device over its session. */
  *#handOut(turn: Turn, members: Membership, ops: readonly GroupOp[]): Step<void> {
    const { gid } = members
    const bytes = ops.map((op) => op.bytes)
    for (const { opId } of yield* lineagesOf(gid)) {
      const message = yield* causalEpochs.sealOperations(turn, { group: gid, opId }, bytes)
      if (message === undefined) continue
      const content = { kind: 'ops', ops: ops.map(({ id }) => id) } as const
      const id = innerId(turn.crypto, message)
      const item = { gid, content, message, innerId: id, lineage: opId, coalesce: undefined }
      yield* enqueueGroup(turn, item)
    }
    for (const device of members.devices) yield* sendOps(turn, gid, device, ops)
  }

  *#seed(
    turn: Turn,
    members: Membership,
    device: Bytes32,
    op: GroupOp,
    seed: Uint8Array | undefined,
  ): Step<void> {
    if (seed === undefined) return
    yield* sendSeed(turn, members, device, op, { secretKind: 'seed', secret: seed })
  }
}
