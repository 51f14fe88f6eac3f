// The responder of a handshake (SPEC.md §5, Responder): identity, list, one-time keys, keys, the
// ratchet part, the judge; and only then one batch. Until that batch nothing is written, so a
// message that fails consumes nothing.
import {
  type Bytes32,
  CryptoError,
  type DeviceList,
  EMPTY,
  type HandshakeResult,
  type Init,
  type OpenedIdentity,
  acceptHandshake,
  equalBytes,
  findDevice,
  openDeviceList,
  openIdentity,
} from '../../crypto/index.ts'
import { adoptDeviceList, compareList, deviceLists, isListed } from '../peers/device-lists.ts'
import { type Step, type Turn, get } from '../step.ts'
import { keepSession } from './keep-session.ts'
import { knownVersions, receiveOn } from './open-message.ts'
import type { Judge, OpenOutcome, Remote } from './open-outcome.ts'
import type { OneTime, PrekeySource, SecretKeyPair } from './prekey-source.ts'
import { rememberHandshake } from './replay-map.ts'
import { storeSkipped } from './skipped-seeds.ts'

export interface InitInput {
  readonly init: Init
  /** The ratchet message behind it. */
  readonly message: Uint8Array
  /** h. */
  readonly handshakeId: Bytes32
  readonly prekeys: PrekeySource
  readonly judge: Judge
}

interface Keys {
  readonly spk: SecretKeyPair
  readonly kemSeed: Uint8Array
}

/** Step 2: the secrets the identity opens with. */
function* findKeys(init: Init, prekeys: PrekeySource): Step<Keys | OpenOutcome> {
  const spk = yield* prekeys.spk(init.spkId)
  if (spk === undefined) return { kind: 'unreadable', reason: 'prekey-unknown' }
  const kem = yield* prekeys.kem(init.kemId)
  if (kem.kind === 'live') return { spk, kemSeed: kem.key }
  const reason = kem.kind === 'consumed' ? 'prekey-consumed' : 'prekey-unknown'
  return { kind: 'unreadable', reason }
}

interface Sender extends Remote {
  readonly identity: OpenedIdentity
  readonly list: DeviceList
  readonly dh: Bytes32
}

/** Steps 3 and 4 as far as bytes decide: the identity, its list, the device in it. */
function readSender(turn: Turn, init: Init, keys: Keys): Sender | OpenOutcome {
  let identity: OpenedIdentity
  try {
    identity = openIdentity(turn.crypto, init, {
      dhSecret: turn.self.dhSecret,
      spkSecret: keys.spk.secret,
      kemSeed: keys.kemSeed,
    })
  } catch (error) {
    if (!(error instanceof CryptoError)) throw error
    if (error.code === 'ERR_CRYPTO_UNAUTHENTIC')
      return { kind: 'unreadable', reason: 'unauthentic' }
    return { kind: 'malformed' }
  }
  const { device } = identity
  if (equalBytes(device, turn.self.device)) return { kind: 'forbidden' }
  try {
    const list = openDeviceList(turn.crypto, identity.list)
    const cert = findDevice(list, device)
    if (cert === undefined) return { kind: 'forbidden' }
    return { account: list.account, device, identity, list, dh: cert.dh }
  } catch (error) {
    if (!(error instanceof CryptoError)) throw error
    return { kind: error.code === 'ERR_WIRE_UNSUPPORTED' ? 'unsupported' : 'forbidden' }
  }
}

/** Step 4 against what is known: an older list must not bring a removed device back. */
function* checkStanding(turn: Turn, sender: Sender): Step<OpenOutcome | undefined> {
  const known = yield* get(deviceLists, sender.account)
  const standing = compareList(known, sender.list)
  if (standing === 'conflict') {
    // The account is known, so the evidence is worth keeping whatever becomes of the message.
    yield* adoptDeviceList(turn, sender.list)
    return { kind: 'held', reason: 'listConflict', remote: remoteOf(sender) }
  }
  if (standing === 'lower' && !isListed(known, sender.device)) return { kind: 'forbidden' }
  return undefined
}

function remoteOf({ account, device }: Remote): Remote {
  return { account, device }
}

/** Step 6. */
function* findOpk(
  init: Init,
  prekeys: PrekeySource,
): Step<OneTime<SecretKeyPair> | { readonly kind: 'none' }> {
  return init.opkId === 0 ? { kind: 'none' } : yield* prekeys.opk(init.opkId)
}

/** Step 7; undefined where the sender's own key is of small order. */
function acceptKeys(
  turn: Turn,
  init: Init,
  sender: Sender,
  keys: Keys & { readonly opk: SecretKeyPair | undefined },
): HandshakeResult | undefined {
  try {
    return acceptHandshake(turn.crypto, turn.self, {
      init,
      identity: sender.identity,
      initiator: sender,
      spk: keys.spk,
      opk: keys.opk,
      kemKey: turn.crypto.mlkemPublicKey(keys.kemSeed),
      nowMs: turn.nowMs,
    })
  } catch (error) {
    if (error instanceof CryptoError && error.code === 'ERR_CRYPTO_KEY') return undefined
    throw error
  }
}

/** Steps 7 to 10. */
function* begin(
  turn: Turn,
  input: InitInput,
  sender: Sender,
  keys: Keys & { readonly opk: SecretKeyPair | undefined },
): Step<OpenOutcome> {
  const { init } = input
  const remote = remoteOf(sender)
  const accepted = acceptKeys(turn, init, sender, keys)
  if (accepted === undefined) return { kind: 'malformed' }
  const receipt = yield* receiveOn(turn, accepted.state, input.message)
  if (receipt.kind === 'held') return { kind: 'held', reason: 'limit', remote }
  if (receipt.kind === 'unsupported' || receipt.kind === 'malformed') return { kind: receipt.kind }
  if (receipt.kind !== 'opened') return { kind: 'unreadable', reason: 'unauthentic', remote }
  const lists = receipt.malformed ? undefined : yield* knownVersions(turn, remote, receipt.lists)
  if (lists === undefined) return { kind: 'malformed' }
  const { frames } = receipt
  const { transcript } = accepted
  const { sid } = receipt.state
  const shared = { ...remote, sid, frames, lists, transcript, resetEpoch: init.resetEpoch }
  if (!(yield* input.judge({ ...shared, list: sender.list }))) return { kind: 'refused', remote }
  yield* adoptDeviceList(turn, sender.list)
  yield* keepSession(turn, {
    ...remote,
    ratchet: receipt.state,
    resetEpoch: init.resetEpoch,
    handshakeId: input.handshakeId,
    transcript,
    init: EMPTY,
    createdAtMs: turn.safeNowMs,
    usedAtMs: turn.safeNowMs,
    unconfirmedEntries: 0,
    sent: 0,
    received: 1,
  })
  storeSkipped(turn, sid, receipt)
  rememberHandshake(turn, { spkId: init.spkId, handshakeId: input.handshakeId }, sid)
  yield* input.prekeys.consume({ opkId: init.opkId, kemId: init.kemId })
  return { kind: 'opened', ...shared, first: true, init: true }
}

/** Opens the first message of a session that is not known yet. */
export function* openInit(turn: Turn, input: InitInput): Step<OpenOutcome> {
  const keys = yield* findKeys(input.init, input.prekeys)
  if ('kind' in keys) return keys
  const sender = readSender(turn, input.init, keys)
  if ('kind' in sender) return sender
  const verdict = yield* checkStanding(turn, sender)
  if (verdict !== undefined) return verdict
  const opk = yield* findOpk(input.init, input.prekeys)
  if (opk.kind === 'consumed' || opk.kind === 'unknown') {
    return { kind: 'unreadable', reason: `opk-${opk.kind}`, remote: remoteOf(sender) }
  }
  return yield* begin(turn, input, sender, {
    ...keys,
    opk: opk.kind === 'live' ? opk.key : undefined,
  })
}
