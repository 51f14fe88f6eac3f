// Devices that run the session machines in memory, with prekeys of their own: for tests of sessions
// and of what is built on them.
import {
  CryptoError,
  type DeviceCert,
  EMPTY,
  FieldReader,
  type Random,
  concat,
  decodeCbor,
  decodeText,
  encodeCbor,
  encodeText,
  lengthPrefixed,
  noble,
  openDeviceList,
  signDeviceCert,
  signDeviceList,
  u16,
  u32,
} from '../../crypto/index.ts'
import {
  type EncryptOutcome,
  type Judge,
  type OneTime,
  type OpenOutcome,
  type PeerBundle,
  type PrekeySource,
  type Self,
  type Step,
  type Table,
  type Turn,
  adoptDeviceList,
  encryptTo,
  get,
  openInner,
  startSession,
  sweepReplays,
} from '../../protocol/index.ts'
import { nativeCrypto } from '../../node/native-crypto.ts'
import { MemoryDriver } from './memory-driver.ts'

export const DAY_MS = 86_400_000
export const START_MS = 1_700_000_000_000

interface StoredPrekey {
  /** Empty: consumed. */
  readonly secret: Uint8Array
  readonly oneTime: boolean
}

/** kind 0 SPK, 1 KEM, 2 OPK. */
const prekeyTable: Table<readonly [kind: number, id: number], StoredPrekey> = {
  name: 'test-prekeys',
  sealing: 'state',
  place: ([kind, id]) => ({ owner: Uint8Array.of(kind), order: u32(id) }),
  encode: ({ secret, oneTime }) => encodeCbor([secret, oneTime ? 1 : 0]),
  decode: (bytes) => {
    const fields = new FieldReader(decodeCbor(bytes, 128), 'test prekey')
    return { secret: fields.bytes('secret', 0, 64), oneTime: fields.flag('oneTime') }
  },
}

function prekeySource(turn: Turn): PrekeySource {
  function* oneTime(kind: number, id: number): Step<OneTime<Uint8Array>> {
    const found = yield* get(prekeyTable, [kind, id])
    if (found === undefined) return { kind: 'unknown' }
    return found.secret.length === 0 ? { kind: 'consumed' } : { kind: 'live', key: found.secret }
  }
  const pair = (secret: Uint8Array) => ({ secret, publicKey: noble.x25519PublicKey(secret) })
  return {
    *spk(id) {
      const found = yield* get(prekeyTable, [0, id])
      return found && pair(found.secret)
    },
    kem: (id) => oneTime(1, id),
    *opk(id) {
      const found = yield* oneTime(2, id)
      return found.kind === 'live' ? { kind: 'live', key: pair(found.key) } : found
    },
    *consume({ opkId, kemId }) {
      for (const [kind, id] of [
        [2, opkId],
        [1, kemId],
      ] as const) {
        const found = yield* get(prekeyTable, [kind, id])
        if (found?.oneTime) turn.put(prekeyTable, [kind, id], { ...found, secret: EMPTY })
      }
    },
  }
}

export interface BundleKinds {
  readonly opk?: boolean
  /** A one-time KEM key instead of the long-term one. */
  readonly okem?: boolean
}

/** An account: its devices share one signed list. */
export class TestAccount {
  readonly random: Random
  readonly seed: Uint8Array
  readonly key: Uint8Array
  version = START_MS / 1_000
  certs: readonly DeviceCert[] = []

  constructor(random: Random) {
    this.random = random
    this.seed = random(32)
    this.key = noble.ed25519PublicKey(this.seed)
  }

  certify(deviceSeed: Uint8Array, dh: Uint8Array): void {
    this.certs = [...this.certs, signDeviceCert(noble, this.key, deviceSeed, dh)]
  }

  /** The list of the present version with the present certificates. */
  list(options: { readonly version?: number; readonly revoked?: readonly Uint8Array[] } = {}) {
    const revoked = options.revoked ?? []
    const devices = this.certs.filter(
      (cert) => !revoked.some((key) => key.join() === cert.device.join()),
    )
    return signDeviceList(noble, this.seed, {
      version: options.version ?? this.version,
      devices,
      revoked,
    })
  }
}

export class SessionPeer {
  readonly driver: MemoryDriver
  readonly account: TestAccount
  readonly name: string
  /** What the judge of new sessions says. */
  accepts: Judge = function* () {
    return true
  }
  #nextId = 1

  constructor(name: string, account?: TestAccount) {
    this.name = name
    const random = new MemoryDriver({ seed: `keys of ${name}` }).random
    this.account = account ?? new TestAccount(random)
    const [deviceSeed, dhSecret] = [random(32), random(32)]
    const self: Self = {
      account: this.account.key,
      device: noble.ed25519PublicKey(deviceSeed),
      deviceSeed,
      dh: noble.x25519PublicKey(dhSecret),
      dhSecret,
      mailboxRoot: random(32),
    }
    this.account.certify(deviceSeed, self.dh)
    this.driver = new MemoryDriver({
      seed: `driver of ${name}`,
      self,
      nowMs: START_MS,
      crypto: nativeCrypto,
    })
    this.adopt(this.account.list())
  }

  get self(): Self {
    return this.driver.self
  }

  adopt(list: Uint8Array) {
    return this.driver.run((turn) => adoptDeviceList(turn, openDeviceList(noble, list)))
  }

  /** Fresh prekeys; every one-time key is issued once. */
  bundle(kinds: BundleKinds = { opk: true, okem: true }): PeerBundle {
    const id = this.#nextId++
    const { random } = this.driver
    const spk = random(32)
    const kem = random(64)
    const opk = random(32)
    const okem = kinds.okem === true
    this.driver.run(function* (turn) {
      turn.put(prekeyTable, [0, id], { secret: spk, oneTime: false })
      turn.put(prekeyTable, [1, id], { secret: kem, oneTime: okem })
      if (kinds.opk) turn.put(prekeyTable, [2, id], { secret: opk, oneTime: true })
    })
    return {
      account: this.self.account,
      device: this.self.device,
      dh: this.self.dh,
      list: this.account.list(),
      spk: { id, key: noble.x25519PublicKey(spk) },
      kem: { id, key: noble.mlkemPublicKey(kem) },
      ...(kinds.opk ? { opk: { id, key: noble.x25519PublicKey(opk) } } : {}),
    }
  }

  /** Deletes the secret of a signed prekey, as its time comes. */
  forgetSpk(id: number): void {
    this.driver.run(function* (turn) {
      turn.remove(prekeyTable, [0, id])
    })
  }

  sweepReplays(): boolean {
    return this.driver.run((turn) => sweepReplays(turn, prekeySource(turn)))
  }

  start(bundle: PeerBundle) {
    return this.driver.run((turn) => startSession(turn, { bundle }))
  }

  encrypt(peer: SessionPeer, text: string, entries = 0): EncryptOutcome {
    const frames = textFrame(text)
    return this.driver.run((turn) => encryptTo(turn, peer.self.device, frames, { entries }))
  }

  /** Encrypts, with a new session from a fresh bundle where one is needed. */
  send(peer: SessionPeer, text: string): Extract<EncryptOutcome, { kind: 'encrypted' }> {
    let outcome = this.encrypt(peer, text)
    if (outcome.kind === 'needBundle') {
      this.start(peer.bundle())
      outcome = this.encrypt(peer, text)
    }
    if (outcome.kind !== 'encrypted') throw new Error(`not encrypted: ${outcome.kind}`)
    return outcome
  }

  open(message: { readonly sid: Uint8Array; readonly inner: Uint8Array }): OpenOutcome {
    return this.driver.run((turn) => this.openIn(turn, message))
  }

  /** Opens in a turn that is lost, as a crash before the commit would. */
  openAndCrash(message: { readonly sid: Uint8Array; readonly inner: Uint8Array }): OpenOutcome {
    return this.driver.crash((turn) => this.openIn(turn, message))
  }

  openIn(
    turn: Turn,
    message: { readonly sid: Uint8Array; readonly inner: Uint8Array },
  ): Step<OpenOutcome> {
    const { sid, inner } = message
    const prekeys = prekeySource(turn)
    const judge: Judge = (candidate) => this.accepts(candidate)
    return openInner(turn, { sidHint: sid, inner, judge, prekeys })
  }

  /** The text of a message, or the kind of the outcome. */
  read(message: { readonly sid: Uint8Array; readonly inner: Uint8Array }): string {
    return textOf(this.open(message))
  }
}

export function textFrame(text: string): Uint8Array {
  return concat(u16(0x1000), lengthPrefixed(encodeText(text)))
}

export function textOf(outcome: OpenOutcome): string {
  if (outcome.kind !== 'opened') return outcome.kind
  return decodeText(outcome.frames.subarray(4)) ?? '?'
}

export function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    return error instanceof CryptoError ? error.code : String(error)
  }
  return 'nothing thrown'
}

/** Both have received on one session that the first one began. */
export function talkingPeers(seed: string): readonly [SessionPeer, SessionPeer] {
  const alice = new SessionPeer(`alice ${seed}`)
  const bob = new SessionPeer(`bob ${seed}`)
  bob.open(alice.send(bob, 'hello'))
  alice.open(bob.send(alice, 'hello back'))
  return [alice, bob]
}
