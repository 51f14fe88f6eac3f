// Fetches what a session begins with: a device's card and one-time keys, by the invite that was
// added, over its direct stream, or from one of its mailboxes (SPEC.md §3, §4). Tries again by
// back-off for as long as something waits for the device.
import {
  type Bytes16,
  type Bytes32,
  type InviteLink,
  inviteId,
  parseInviteLink,
  toHex,
} from '../../crypto/index.ts'
import {
  type CardReply,
  type Peer,
  failFirstContact,
  failJoin,
  get,
  openFirstContact,
  openFirstContacts,
  openJoinOf,
  openJoins,
  peers,
  placesToSeek,
  rankMailboxes,
  takeBundle,
  takeRendezvousCard,
} from '../../protocol/index.ts'
import { Backoff } from '../backoff.ts'
import type { Timer } from '../clock.ts'
import { type Core, unit } from '../core.ts'
import type { DirectLink } from '../direct/direct-link.ts'
import type { DirectService } from '../direct/direct-service.ts'
import { NodeError } from '../errors.ts'
import type { Courier } from '../relays/courier.ts'
import { Signal } from '../signal.ts'

interface Fetching {
  readonly backoff: Backoff
  running: boolean
  timer: Timer | undefined
  /** Why the last attempt failed; '' before one did. */
  trouble: string
}

const ZEROS16: Bytes16 = new Uint8Array(16)

export class Bundles {
  readonly #core: Core
  readonly #direct: DirectService
  readonly #courier: Courier
  readonly #onStarted: (device: Bytes32) => void
  readonly #fetching = new Map<string, Fetching>()
  #active = 0
  readonly #changed = new Signal()

  constructor(options: {
    readonly core: Core
    readonly direct: DirectService
    readonly courier: Courier
    readonly onStarted: (device: Bytes32) => void
  }) {
    this.#core = options.core
    this.#direct = options.direct
    this.#courier = options.courier
    this.#onStarted = options.onStarted
  }

  /** Takes up links whose first message never went out. */
  async start(): Promise<void> {
    for (const first of await this.#core.ledger.read(() => openFirstContacts())) {
      this.firstContact(first.contactNumber)
    }
    for (const { group } of await this.#core.ledger.read((turn) => openJoins(turn))) {
      this.joinGroup(group.number)
    }
  }

  stop(): void {
    for (const { timer } of this.#fetching.values()) timer?.cancel()
    this.#changed.raise()
  }

  /** Resolves when no fetch is under way. */
  async settled(signal: AbortSignal): Promise<void> {
    while (this.#active > 0 && !signal.aborted) {
      await this.#changed.next(signal)
    }
  }

  /** Why no session with a device can begin, as a sentence; none while nothing failed. */
  troubles(device: Bytes32): readonly string[] {
    const why = this.#fetching.get(`device ${toHex(device)}`)?.trouble ?? ''
    return why === '' ? [] : [`its keys, for a new session: ${why}`]
  }

  /** Why the link of a contact was not answered yet, as a sentence; none while nothing failed. */
  linkTroubles(number: number): readonly string[] {
    const why = this.#fetching.get(`contact ${number}`)?.trouble ?? ''
    return why === '' ? [] : [`its link: ${why}`]
  }

  firstContact(number: number): void {
    this.#run(`contact ${number}`, () => this.#answerLink(number))
  }

  /** A group is to be joined by its link. */
  joinGroup(number: number): void {
    this.#run(`group ${number}`, () => this.#askToJoin(number))
  }

  /** A session with a device is needed before its outbox can move. */
  device(device: Bytes32): void {
    this.#run(`device ${toHex(device)}`, () => this.#fetchDevice(device))
  }

  /** A device's messages cannot be read: begin anew, and say what is had. */
  reset(device: Bytes32): void {
    this.device(device)
  }

  /** A device never answered: begin anew through another relay, without one-time keys. */
  renew(device: Bytes32): void {
    this.#run(`renew ${toHex(device)}`, () => this.#renewDevice(device))
  }

  /** A device went silent: its account may have been restored, and its card may say where. */
  seek(device: Bytes32): void {
    this.#run(`seek ${toHex(device)}`, () => this.#seekAccount(device))
  }

  /** Looks at every rendezvous mailbox; again by back-off where one of their relays was not reached. */
  async #seekAccount(device: Bytes32): Promise<boolean> {
    const { ledger } = this.#core
    const peer = await ledger.read(() => get(peers, device))
    if (peer === undefined) return true
    const places = await ledger.read(() => placesToSeek(device))
    const sought = places.map(async ({ rendezvous, ids }) => {
      const { serviceKey, address } = rendezvous
      for (const mailboxId of ids) {
        const item = await this.#courier.card({ serviceKey, address, mailboxId })
        if (item === undefined) continue
        const place = { serviceKey, mailboxId }
        await ledger.run((turn) => takeRendezvousCard(turn, peer.account, place, item))
      }
    })
    // A relay that is gone, with the device perhaps, hides no other.
    for (const one of await Promise.allSettled(sought)) {
      if (one.status === 'rejected') throw one.reason
    }
    return true
  }

  /** Relays last to first: the first message went to the first one. */
  async #renewDevice(device: Bytes32): Promise<boolean> {
    const { ledger } = this.#core
    const peer = await ledger.read(() => get(peers, device))
    if (peer === undefined) return true
    const mailboxes = peer.endpoints.mailboxes.toReversed()
    const items = await this.#fetchItems({ ...peer, endpoints: { ...peer.endpoints, mailboxes } })
    // The next sweep asks again for as long as the renewal is due.
    if (items === undefined) return true
    await ledger.run(function* (turn) {
      yield* takeBundle(turn, { account: peer.account, ...items, renewal: true })
    })
    this.#onStarted(device)
    return true
  }

  /** Runs one fetch at a time per name; a fetch that says false is tried again. */
  #run(name: string, fetch: () => Promise<boolean>): void {
    let state = this.#fetching.get(name)
    if (state === undefined) {
      state = {
        backoff: new Backoff(() => unit(this.#core.random)),
        running: false,
        timer: undefined,
        trouble: '',
      }
      this.#fetching.set(name, state)
    }
    if (state.running || this.#core.stopping.aborted) return
    state.timer?.cancel()
    void this.#attempt(name, state, fetch)
  }

  async #attempt(name: string, state: Fetching, fetch: () => Promise<boolean>): Promise<void> {
    state.running = true
    this.#active += 1
    let done = false
    try {
      done = await fetch()
    } catch (error) {
      state.trouble = error instanceof Error ? error.message : String(error)
      if (!this.#core.stopping.aborted) this.#core.log('bundle', String(error))
    } finally {
      state.running = false
      this.#active -= 1
      this.#changed.raise()
    }
    if (done) this.#fetching.delete(name)
    else if (!this.#core.stopping.aborted) {
      state.timer = this.#core.clock.after(state.backoff.nextMs(), () => this.#run(name, fetch))
    }
  }

  /** Answers a link; true where there is nothing more to do. */
  async #answerLink(number: number): Promise<boolean> {
    const { ledger, provider } = this.#core
    const first = await ledger.read(() => openFirstContact(number))
    if (first === undefined) return true
    const link = parseInviteLink(provider, first.link)
    try {
      const items = await this.#itemsOf(link, first.claim)
      const device = await ledger.run((turn) =>
        takeBundle(turn, { account: first.account, ...items }),
      )
      await this.#direct.learn(device)
      this.#onStarted(device)
      return true
    } catch (error) {
      const final = finalReason(error)
      if (final === undefined) throw error
      await ledger.run((turn) => failFirstContact(turn, number, final))
      return true
    }
  }

  /** Answers a link that joins a group; true where there is nothing more to do. */
  async #askToJoin(number: number): Promise<boolean> {
    const { ledger } = this.#core
    const open = await ledger.read((turn) => openJoinOf(turn, number))
    if (open === undefined) return true
    const { link, claim } = open
    try {
      const items = await this.#itemsOf(link, claim)
      const device = await ledger.run((turn) =>
        takeBundle(turn, { account: link.account, ...items }),
      )
      this.#onStarted(device)
      return true
    } catch (error) {
      const final = finalReason(error)
      if (final === undefined) throw error
      await ledger.run((turn) => failJoin(turn, number, final))
      return true
    }
  }

  async #itemsOf(link: InviteLink, claim: Bytes16) {
    const { where, address } = link
    if (where.kind === 'relay') {
      const { mailboxId, serviceHash } = where
      const items = await this.#courier.takeByInvite({
        address,
        serviceKeyHash: serviceHash,
        mailboxId,
        secret: link.secret,
        claim,
      })
      return { ...items, mailboxId }
    }
    const stream = await this.#direct.dialAddress(address, where.transportKey)
    const reply = await stream.requestCard(inviteId(this.#core.provider, link.secret))
    if (reply === undefined) throw new NodeError('INVITE_USED', 'the invite was refused')
    return bundleOf(where.transportKey, ZEROS16, reply)
  }

  async #fetchDevice(device: Bytes32): Promise<boolean> {
    const { ledger } = this.#core
    const peer = await ledger.read(() => get(peers, device))
    if (peer === undefined) return true
    const items = await this.#fetchItems(peer)
    if (items === undefined) return false
    // Where a reset waits for the new session, its machine puts it in front.
    await ledger.run(function* (turn) {
      yield* takeBundle(turn, { account: peer.account, ...items })
    })
    this.#onStarted(device)
    return true
  }

  async #fetchItems(peer: Peer) {
    const direct = await this.#overLink(this.#direct.openLink(peer.device))
    if (direct !== undefined) return direct
    const ranked = await this.#core.ledger.read(() => rankMailboxes(peer.endpoints.mailboxes))
    for (const { mailbox } of ranked) {
      try {
        const items = await this.#courier.take(mailbox, peer.invite)
        return { ...items, mailboxId: mailbox.mailboxId }
      } catch (error) {
        this.#core.log('bundle', `take: ${error instanceof Error ? error.message : 'error'}`)
      }
    }
    return this.#overLink(await this.#direct.connect(peer.device))
  }

  /** A bundle over a direct stream; undefined where there is none, it refuses, or it dies. */
  async #overLink(link: DirectLink | undefined) {
    try {
      const reply = await link?.requestCard(ZEROS16)
      if (link === undefined || reply === undefined) return undefined
      return bundleOf(link.remoteKey, ZEROS16, reply)
    } catch (error) {
      this.#core.log('bundle', `direct: ${error instanceof Error ? error.message : 'error'}`)
      return undefined
    }
  }
}

function bundleOf(serviceKey: Bytes32, mailboxId: Bytes16, reply: CardReply) {
  const { card, opk, okem } = reply
  return { serviceKey, mailboxId, card, opk, okem }
}

/** Why a link will never work; undefined where another attempt may. */
function finalReason(error: unknown): string | undefined {
  if (error instanceof NodeError && error.code === 'INVITE_USED') return 'INVITE_USED'
  if (error instanceof NodeError && error.code === 'INVITE_INVALID') return 'INVITE_INVALID'
  return undefined
}
