// Direct streams with the home hosts of accepted contacts: who may open one, which of two stays, and
// what an arriving envelope goes through (SPEC.md §9).
import { type Bytes16, type Bytes32, compareBytes, toHex } from '../../crypto/index.ts'
import {
  type ArrivalAnswer,
  CARD_REQUESTS_MAX,
  CARD_REQUESTS_WINDOW_MS,
  type CardReply,
  DIRECT_FRAME_MAX_BYTES,
  DIRECT_UNKNOWN_BYTES,
  DIRECT_UNKNOWN_STREAMS,
  UNWRITABLE_BUSY_MS,
  allContacts,
  contactOf,
  get,
  isAccepted,
  knownDevices,
  peers,
  receiveInner,
} from '../../protocol/index.ts'
import { Backoff } from '../backoff.ts'
import type { Timer } from '../clock.ts'
import { NodeError } from '../errors.ts'
import { type Core, unit } from '../core.ts'
import type { FrameStream, Host, ProtocolSpec } from '../transport.ts'
import { type Caller, Callers } from './callers.ts'
import { DirectLink } from './direct-link.ts'
import { mayStranger, strangersMayCall } from './strangers.ts'

export const DIRECT_PROTOCOL: ProtocolSpec = {
  id: '/sotto/direct/1',
  maxFrameBytes: DIRECT_FRAME_MAX_BYTES,
}

const DIAL_MS = 10_000
/** Errors of a profile that cannot be written now, and may be later. */
const WAITS: ReadonlySet<string> = new Set(['DISK_FULL', 'NOT_WRITABLE', 'STORE_FAILED', 'BUSY'])

interface Dialling {
  readonly backoff: Backoff
  /**
   * The pause after a failure, until it ends. Not a time to compare with: a timer may be early by a
   * millisecond, and whoever it woke would be turned away, with nothing left to wake it again.
   */
  pause: Timer | undefined
  attempt: Promise<DirectLink | undefined> | undefined
}

export class DirectService {
  readonly #core: Core
  readonly #host: Host
  readonly #onLink: (device: Bytes32) => void
  readonly #bundle: (
    inviteId: Bytes16,
    caller: Caller | undefined,
  ) => Promise<CardReply | undefined>
  readonly #callers = new Callers()
  /** By transport key: the open link. */
  readonly #links = new Map<string, DirectLink>()
  /** Links whose stream this host opened. */
  readonly #mine = new WeakSet<DirectLink>()
  readonly #dialling = new Map<string, Dialling>()
  #strangers = 0
  #strangerBytes = 0
  /** When each host asked for a bundle, in the last ten minutes. */
  readonly #cardRequests = new Map<string, readonly number[]>()
  /** Streams opened and accepted since the start. */
  readonly counts = { opened: 0, accepted: 0, refused: 0 }

  constructor(options: {
    readonly core: Core
    readonly host: Host
    readonly onLink: (device: Bytes32) => void
    readonly bundle: (
      inviteId: Bytes16,
      caller: Caller | undefined,
    ) => Promise<CardReply | undefined>
  }) {
    this.#core = options.core
    this.#host = options.host
    this.#onLink = options.onLink
    this.#bundle = options.bundle
  }

  async start(): Promise<void> {
    for (const contact of await this.#core.ledger.read(() => allContacts())) {
      const devices = await this.#core.ledger.read(() => knownDevices(contact.account))
      for (const { device } of devices) await this.learn(device)
    }
    await this.#host.handle(DIRECT_PROTOCOL, (stream) => {
      this.#accept(stream).catch((error: unknown) => {
        stream.abort(error instanceof Error ? error : new Error(String(error)))
      })
    })
  }

  /** Takes note of where a device's home host is now. */
  async learn(device: Bytes32): Promise<void> {
    const [peer, isPeer] = await this.#core.ledger.read(function* () {
      const known = yield* get(peers, device)
      return [known, known !== undefined && isAccepted(yield* contactOf(known.account))] as const
    })
    const home = peer?.endpoints.home
    if (peer === undefined || home === undefined || !isPeer) return
    this.#callers.forget(device)
    this.#callers.add(home.transportKey, { device, account: peer.account })
    const dialling = this.#dialling.get(toHex(device))
    if (dialling === undefined) return
    dialling.backoff.reset()
    dialling.pause = undefined
  }

  /** The open stream with a device. */
  openLink(device: Bytes32): DirectLink | undefined {
    for (const host of this.#callers.hostsOf(device)) {
      const link = this.#links.get(host)
      if (link?.open === true) return link
    }
    return undefined
  }

  /** The open stream with a device, or a new one; undefined where it cannot be reached now. */
  async connect(device: Bytes32): Promise<DirectLink | undefined> {
    const open = this.openLink(device)
    if (open !== undefined) return open
    const key = toHex(device)
    let dialling = this.#dialling.get(key)
    if (dialling === undefined) {
      dialling = {
        backoff: new Backoff(() => unit(this.#core.random)),
        pause: undefined,
        attempt: undefined,
      }
      this.#dialling.set(key, dialling)
    }
    if (dialling.attempt !== undefined) return dialling.attempt
    if (dialling.pause !== undefined) return undefined
    const state = dialling
    state.attempt = this.#dial(device, state).finally(() => {
      state.attempt = undefined
    })
    return state.attempt
  }

  async #dial(device: Bytes32, state: Dialling): Promise<DirectLink | undefined> {
    const peer = await this.#core.ledger.read(() => get(peers, device))
    const home = peer?.endpoints.home
    if (peer === undefined || home === undefined) return undefined
    this.#callers.add(home.transportKey, { device, account: peer.account })
    if (home.addresses.length === 0) return undefined
    // A stream that it opened as a stranger is one with it, now that it is known.
    const open = this.openLink(device)
    if (open !== undefined) return open
    for (const address of home.addresses) {
      try {
        const link = await this.dialAddress(address, home.transportKey)
        state.backoff.reset()
        return link
      } catch (error) {
        if (this.#core.stopping.aborted) return undefined
        // Of two streams the other one stayed.
        const stayed = this.openLink(device)
        if (stayed !== undefined) return stayed
        this.#core.sums.count('dialFailures')
        this.#core.sums.error(error)
        this.#core.log('direct', `dial failed: ${error instanceof Error ? error.message : 'error'}`)
      }
    }
    const pause = this.#core.clock.after(state.backoff.nextMs(), () => {
      // Another address may have been learnt meanwhile, and failed as well.
      if (state.pause === pause) state.pause = undefined
      if (!this.#core.stopping.aborted) this.#onLink(device)
    })
    state.pause = pause
    return undefined
  }

  /** The stream with a home host, known or only named in a link. Rejects where nobody answers. */
  async dialAddress(address: string, transportKey: Bytes32): Promise<DirectLink> {
    // A second stream with one host would be closed in favour of the first, or the first under it.
    const open = this.#links.get(toHex(transportKey))
    if (open?.open === true) {
      await open.ready()
      return open
    }
    const { clock, stopping } = this.#core
    const signal = clock.timeout(DIAL_MS, stopping)
    const stream = await this.#host.dial(address, DIRECT_PROTOCOL, {
      expectedKey: transportKey,
      signal,
    })
    this.counts.opened += 1
    this.#core.sums.count('streamsOpened')
    const link = this.#take(stream, true)
    await link.ready()
    return link
  }

  async stop(): Promise<void> {
    const links = [...this.#links.values()]
    this.#links.clear()
    await Promise.allSettled(links.map((link) => link.close()))
  }

  async #accept(stream: FrameStream): Promise<void> {
    stream.pause()
    if (!this.#callers.has(stream.remoteKey)) {
      const live = await this.#strangersAllowed()
      if (!live || this.#strangers >= DIRECT_UNKNOWN_STREAMS) {
        this.counts.refused += 1
        this.#core.sums.count('streamsRefused')
        stream.abort(new Error('not expected here'))
        return
      }
      this.#strangers += 1
      stream.onClose(() => {
        this.#strangers -= 1
        if (this.#strangers === 0) this.#strangerBytes = 0
      })
    }
    this.counts.accepted += 1
    this.#core.sums.count('streamsAccepted')
    this.#take(stream, false)
    stream.resume()
    for (const { device } of this.#callers.at(stream.remoteKey)) this.#onLink(device)
  }

  /** Unknown hosts are let in only while one of them may be somebody who is expected. */
  #strangersAllowed(): Promise<boolean> {
    const nowS = Math.floor(this.#core.clock.nowMs() / 1000)
    return this.#core.ledger.read(() => strangersMayCall(nowS))
  }

  /** Bytes of strangers: a bound on all of them together, given back when the last one is gone. */
  #spend(sizeBytes: number): boolean {
    this.#strangerBytes += sizeBytes
    return this.#strangerBytes <= DIRECT_UNKNOWN_BYTES
  }

  /** A bundle costs signatures and one-time keys: six per host in ten minutes. */
  async #card(host: Bytes32, inviteId: Bytes16): Promise<CardReply | 'overloaded' | undefined> {
    const key = toHex(host)
    const now = this.#core.clock.monotonicMs()
    const since = now - CARD_REQUESTS_WINDOW_MS
    for (const [other, times] of this.#cardRequests) {
      if ((times.at(-1) ?? 0) <= since) this.#cardRequests.delete(other)
    }
    const recent = (this.#cardRequests.get(key) ?? []).filter((atMs) => atMs > since)
    if (recent.length >= CARD_REQUESTS_MAX) return 'overloaded'
    this.#cardRequests.set(key, [...recent, now])
    return this.#bundle(inviteId, this.#callers.at(host)[0])
  }

  /** Makes a link of a stream; of two with one host, the one the smaller key opened stays. */
  #take(stream: FrameStream, mine: boolean): DirectLink {
    const key = toHex(stream.remoteKey)
    const link = new DirectLink({
      stream,
      clock: this.#core.clock,
      jitter: () => unit(this.#core.random),
      handler: {
        envelope: (sid, inner) => this.#envelope(stream.remoteKey, sid, inner),
        known: () => this.#callers.has(stream.remoteKey),
        spend: (sizeBytes) => this.#spend(sizeBytes),
        card: (inviteId) => this.#card(stream.remoteKey, inviteId),
        closed: () => {
          if (this.#links.get(key) === link) this.#links.delete(key)
          this.#core.sums.count('streamsClosed')
          this.#lost(stream.remoteKey)
        },
      },
    })
    const other = this.#links.get(key)
    if (other?.open !== true || this.#replaces(stream.remoteKey, mine, this.#mine.has(other))) {
      this.#links.set(key, link)
      if (mine) this.#mine.add(link)
      void other?.close()
    } else void link.close()
    return link
  }

  /** Whether a new stream takes the place of an open one; `mine`: which of them this host opened. */
  #replaces(remoteKey: Bytes32, mine: boolean, otherMine: boolean): boolean {
    // Opened twice from one side: that side lost the first one, and this side did not notice yet.
    if (mine === otherMine) return true
    return mine === compareBytes(this.#host.transportKey, remoteKey) < 0
  }

  /** A stream ended: what was on its way over it, unanswered, goes out again after a moment. */
  #lost(host: Bytes32): void {
    const { clock, random, stopping } = this.#core
    const callers = this.#callers.at(host)
    if (callers.length === 0 || stopping.aborted) return
    const waitMs = new Backoff(() => unit(random)).nextMs()
    clock.after(waitMs, () => {
      if (stopping.aborted) return
      for (const { device } of callers) this.#onLink(device)
    })
  }

  async #envelope(transportKey: Bytes32, sid: Bytes16, inner: Uint8Array) {
    const { ledger } = this.#core
    const isKnown = this.#callers.has(transportKey)
    if (!isKnown && !(await ledger.read(() => mayStranger(sid, inner)))) return undefined
    const answer = await this.#receive(transportKey, sid, inner)
    // Whoever proved by its session to be an accepted device may be answered on this stream.
    if (answer.from !== undefined && this.#callers.add(transportKey, answer.from)) {
      this.#onLink(answer.from.device)
    }
    return answer
  }

  /** Takes an envelope. Where nothing can be written now its sender waits, and keeps the stream. */
  async #receive(transportKey: Bytes32, sid: Bytes16, inner: Uint8Array): Promise<ArrivalAnswer> {
    try {
      return await this.#core.ledger.run((turn) =>
        receiveInner(turn, { sid, inner, path: { kind: 'direct', transportKey } }),
      )
    } catch (error) {
      if (!(error instanceof NodeError && WAITS.has(error.code))) throw error
      return { code: 'busy', detail: UNWRITABLE_BUSY_MS, malformed: false }
    }
  }

  /** Closes the stream of somebody who was blocked or removed. */
  async drop(account: Bytes32): Promise<void> {
    const contact = await this.#core.ledger.read(() => contactOf(account))
    if (isAccepted(contact)) return
    for (const host of this.#callers.forgetAccount(account)) await this.#links.get(host)?.close()
  }
}
