// A person on one device: the machines of contacts and delivery over a driver in memory, with
// mailboxes at two pretended relays and a direct path, and knobs for what goes wrong between people.
import { type Bytes32, noble, openDeviceList, openEnvelope, toHex } from '../../crypto/index.ts'
import { nativeCrypto } from '../../node/native-crypto.ts'
import {
  type Arrival,
  type ArrivalAnswer,
  type Change,
  type Contact,
  type Evidence,
  type OutboxItem,
  type ReceivedBundle,
  type SentEntry,
  type Self,
  type ShownState,
  acceptRequest,
  activeMailboxes,
  addByLink,
  adoptDeviceList,
  allContacts,
  buildDirectBundle,
  contactOf,
  createInvite,
  deviceLists,
  directConversation,
  evidence,
  get,
  meetRelay,
  nextDeposits,
  noteAnswer,
  noteCustody,
  outboxHead,
  outboxItems,
  peers,
  prepareOutbox,
  profile,
  profiles,
  readOrdered,
  receiptDevices,
  receiveInner,
  renewPrekeys,
  retryKept,
  sealKeys,
  sendReceipt,
  sendText,
  shownState,
  takeBundle,
} from '../../protocol/index.ts'
import { MemoryDriver } from './memory-driver.ts'
import { Account, type Relay, START_MS } from './person-parts.ts'

export const DAY_MS = 86_400_000

export interface PersonOptions {
  readonly name: string
  readonly seed?: string
  readonly relays?: readonly Relay[]
  readonly account?: Account
  /** Of its home host; made up where none is given. */
  readonly home?: { readonly transportKey: Bytes32; readonly addresses: readonly string[] }
}

const ZEROS16 = new Uint8Array(16)

export class Person {
  readonly name: string
  readonly driver: MemoryDriver
  readonly account: Account
  readonly relays: readonly Relay[]
  /** Raw key of the home host. */
  readonly transportKey: Bytes32
  /** Whether other people can reach it directly now. */
  online = true

  constructor(options: PersonOptions) {
    this.name = options.name
    this.relays = options.relays ?? []
    const seed = `${options.name} ${options.seed ?? ''}`
    const { random } = new MemoryDriver({ seed: `keys of ${seed}` })
    this.account = options.account ?? new Account(random)
    const [deviceSeed, dhSecret] = [random(32), random(32)]
    const self: Self = {
      account: this.account.key,
      device: noble.ed25519PublicKey(deviceSeed),
      deviceSeed,
      dh: noble.x25519PublicKey(dhSecret),
      dhSecret,
      mailboxRoot: random(32),
    }
    const made = random(32)
    this.transportKey = options.home?.transportKey ?? made
    this.driver = new MemoryDriver({
      seed: `driver of ${seed}`,
      self,
      nowMs: START_MS,
      crypto: nativeCrypto,
    })
    this.adopt(this.account.list([self]))
    const addresses = options.home?.addresses ?? ['/ip4/10.0.0.1/tcp/4001']
    const home = { transportKey: this.transportKey, addresses }
    this.driver.run(function* (turn) {
      turn.put(profiles, 0, {
        name: options.name,
        createdAtMs: START_MS,
        home,
        endpointsCounter: 1,
        endpointsDigest: undefined,
        readReceipts: true,
      })
      yield* renewPrekeys(turn)
    })
    for (const [i, { serviceKey }] of this.relays.entries()) {
      const choice = {
        slot: i + 1,
        address: '/ip4/10.0.0.9/tcp/1',
        transportKey: serviceKey,
        ticket: '',
      }
      this.driver.run((turn) => meetRelay(turn, choice, serviceKey))
    }
  }

  get self(): Self {
    return this.driver.self
  }

  get device(): Bytes32 {
    return this.self.device
  }

  adopt(list: Uint8Array): void {
    this.driver.run((turn) => adoptDeviceList(turn, openDeviceList(noble, list)))
  }

  /** A direct invite. */
  invite(options: { readonly reusable?: boolean; readonly expiresAtS?: number } = {}): string {
    const { transportKey } = this
    const created = this.driver.run((turn) =>
      createInvite(turn, {
        reusable: options.reusable ?? false,
        expiresAtS: options.expiresAtS ?? Math.floor(turn.nowMs / 1000) + 7 * 86_400,
        address: '/ip4/10.0.0.1/tcp/4001',
        where: { kind: 'direct', transportKey },
      }),
    )
    return created.link
  }

  /** A fresh bundle as a direct peer is handed it. */
  bundle(): ReceivedBundle {
    const { transportKey, self } = this
    const items = this.driver.run(function* (turn) {
      const list = yield* get(deviceLists, self.account)
      if (list === undefined) throw new Error('no list')
      const mailboxes = (yield* activeMailboxes()).map(({ serviceKey, address, mailboxId }) => ({
        serviceKey,
        addresses: [address],
        mailboxId,
      }))
      const { endpointsCounter: counter } = yield* profile()
      const endpoints = [{ device: self.device, counter, mailboxes }]
      const offer = { list: list.bytes, endpoints, rendezvous: [] }
      return yield* buildDirectBundle(turn, transportKey, offer)
    })
    return { account: self.account, serviceKey: transportKey, mailboxId: ZEROS16, ...items }
  }

  add(link: string, name?: string): Contact {
    return this.driver.run((turn) => addByLink(turn, link, name))
  }

  /** Takes a bundle of another person, as an invitee or for a session. */
  take(other: Person, options: { readonly renewal?: boolean } = {}): void {
    const bundle = { ...other.bundle(), ...options }
    this.driver.run((turn) => takeBundle(turn, bundle))
  }

  send(to: Person, text: string): SentEntry {
    return this.driver.run((turn) => sendText(turn, to.self.account, text))
  }

  accept(other: Person): Contact {
    return this.driver.run((turn) => acceptRequest(turn, other.self.account))
  }

  contact(other: Person): Contact | undefined {
    return this.driver.run(() => contactOf(other.self.account))
  }

  contacts(): readonly Contact[] {
    return this.driver.run(() => allContacts())
  }

  prepare(to: Person): void {
    for (;;) {
      const { device } = to
      const before = this.driver.run(() => outboxHead(device))
      if (before.prepared >= before.next - 1) return
      if (this.driver.run((turn) => prepareOutbox(turn, device)) !== undefined) return
    }
  }

  outbox(to: Person): readonly OutboxItem[] {
    return this.driver.run(() => outboxItems(to.device, 0, 100_000))
  }

  /** What arrives, in a batch. */
  receive(arrival: Arrival): ArrivalAnswer {
    return this.driver.run((turn) => receiveInner(turn, arrival))
  }

  /** What arrives, in a batch that a crash loses: there is no answer then. */
  receiveAndCrash(arrival: Arrival): void {
    this.driver.crash((turn) => receiveInner(turn, arrival))
  }

  /** Sends every receipt that is due. */
  receipts(): void {
    for (const device of this.driver.run(() => receiptDevices.all())) {
      this.driver.run((turn) => sendReceipt(turn, device))
    }
  }

  retry(other: Person): boolean {
    return this.driver.run((turn) => retryKept(turn, other.device))
  }

  evidence(sent: SentEntry): Evidence {
    const row = this.driver.run(() => get(evidence, sent.entry))
    if (row === undefined) throw new Error('no evidence')
    return row
  }

  state(sent: SentEntry): ShownState {
    return shownState(this.evidence(sent), this.driver.safeNowMs).state
  }

  /** The texts of a conversation in order. */
  texts(other: Person): readonly string[] {
    return this.driver.run(function* (turn) {
      const conversation = directConversation(turn.crypto, turn.self.account, other.self.account)
      const entries = yield* readOrdered(turn, { conversation, limit: 10_000 })
      return entries.map(({ content }) =>
        content !== undefined && 'text' in content ? content.text : '?',
      )
    })
  }

  /** Codes of the warnings so far. */
  warnings(): readonly string[] {
    return this.driver.changes
      .filter((change): change is Change & { kind: 'warning' } => change.kind === 'warning')
      .map(({ code }) => code)
  }

  effects(kind: string): number {
    return this.driver.effects.filter((effect) => effect.kind === kind).length
  }

  // --- paths ---

  /** Messages for a device as they would go over its direct stream now, oldest first. */
  direct(to: Person): readonly { readonly item: OutboxItem; readonly arrival: Arrival }[] {
    this.prepare(to)
    const path = { kind: 'direct', transportKey: this.transportKey } as const
    return this.outbox(to).flatMap((item) => {
      const { message } = item
      if (message === undefined || item.heldThere) return []
      return [{ item, arrival: { sid: message.sid, inner: message.inner, path } }]
    })
  }

  answered(to: Person, item: OutboxItem, answer: ArrivalAnswer): void {
    const { message } = item
    if (message === undefined) throw new Error('an item without a message was answered')
    const { sequence } = item
    const { code, detail } = answer
    this.driver.run((turn) =>
      noteAnswer(
        turn,
        { device: to.device, sequence, sid: message.sid },
        { seq: 1, code, detail },
        to.transportKey,
      ),
    )
  }

  /** Deposits what is owed to one of a person's mailboxes; how many copies. */
  deposit(
    to: Person,
    relay: Relay,
    options: { readonly signed?: boolean; readonly holdS?: number } = {},
  ): number {
    this.prepare(to)
    const { device } = to
    const peer = this.driver.run(() => get(peers, device))
    const mailbox = peer?.endpoints.mailboxes.find(
      (one) => toHex(one.serviceKey) === toHex(relay.serviceKey),
    )
    if (mailbox === undefined) return 0
    const { serviceKey, mailboxId } = mailbox
    const target = { device, serviceKey, mailboxId }
    let count = 0
    for (let from = 0; ;) {
      const next = this.driver.run((turn) => nextDeposits(turn, target, from))
      from = next.from
      for (const copy of next.copies) {
        count += 1
        const storedAtS = Math.floor(this.driver.nowMs / 1000)
        const box = relay.box(mailboxId)
        const known = box.some((one) => toHex(one.env) === toHex(copy.envelope))
        if (!relay.lies && !known) box.push({ env: copy.envelope, storedAtS })
        if (options.signed === false) continue
        const { sequence, innerId: inner } = copy
        const { incarnation } = relay
        this.driver.run((turn) =>
          noteCustody(
            turn,
            { device, sequence, innerId: inner },
            {
              serviceKey,
              mailboxId,
              incarnation,
              holdS: options.holdS ?? copy.ttlS,
              found: known ? 'there' : 'new',
            },
          ),
        )
      }
      if (next.done) return count
    }
  }

  /** Fetches and acknowledges what lies in this person's mailbox at a relay; the answers. */
  fetch(relay: Relay, options: { readonly keep?: boolean } = {}): readonly ArrivalAnswer[] {
    const { serviceKey } = relay
    const own = this.driver
      .run(() => activeMailboxes())
      .find((one) => toHex(one.serviceKey) === toHex(serviceKey))
    if (own === undefined) return []
    const box = relay.box(own.mailboxId)
    const keys = this.driver.run((turn) => sealKeys(turn))
    const items = options.keep === true ? [...box] : box.splice(0)
    return items.map(({ env, storedAtS }) => {
      const { sid, inner } = openEnvelope(nativeCrypto, keys, own.mailboxId, env)
      const path = { kind: 'relay', serviceKey, capId: undefined, storedAtS } as const
      return this.receive({ sid, inner, path })
    })
  }
}

/** Carries everything both ways over the direct path, receipts included, until nothing moves. */
export function settle(people: readonly Person[], rounds = 40): void {
  for (let round = 0; round < rounds; round++) {
    let moved = 0
    for (const from of people) {
      from.receipts()
      for (const to of people) {
        if (from === to) continue
        if (needsBundle(from, to)) from.take(to)
        for (const { item, arrival } of from.direct(to)) {
          moved += 1
          from.answered(to, item, to.receive(arrival))
        }
      }
    }
    for (const person of people) person.driver.advance(2_000)
    if (moved === 0) return
  }
  throw new Error('the exchange does not come to rest')
}

/** Whether something waits for a person and cannot be encrypted for want of a session. */
export function needsBundle(from: Person, to: Person): boolean {
  const { device } = to
  const head = from.driver.run(() => outboxHead(device))
  if (head.items === 0 || head.prepared >= head.next - 1) return false
  return from.driver.run((turn) => prepareOutbox(turn, device)) === 'bundle'
}

/** Two people who know each other's endpoints and have nothing waiting. */
export function acquainted(
  seed: string,
  relays: { readonly alice?: readonly Relay[]; readonly bob?: readonly Relay[] } = {},
): readonly [alice: Person, bob: Person] {
  const alice = new Person({ name: 'alice', seed, relays: relays.alice ?? [] })
  const bob = new Person({ name: 'bob', seed, relays: relays.bob ?? [] })
  bob.add(alice.invite(), 'alice')
  bob.take(alice)
  settle([alice, bob])
  return [alice, bob]
}

/** Bob lost his device: the same account on another one, with a higher list that names it alone. */
export function restored(bob: Person, seed: string): Person {
  bob.account.version += 1
  const again = new Person({ name: 'bob', seed: `${seed} restored`, account: bob.account })
  again.driver.nowMs = bob.driver.nowMs
  again.driver.safeNowMs = bob.driver.safeNowMs
  return again
}
