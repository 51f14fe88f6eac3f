// Beginning a session with a device from its prekey bundle (SPEC.md §5). Nothing leaves by this: the
// init goes in front of every message until one was received.
import {
  type Bytes,
  type Bytes16,
  type Bytes32,
  CryptoError,
  type DeviceList,
  type PublicPrekey,
  equalBytes,
  findDevice,
  initiateHandshake,
  openDeviceList,
} from '../../crypto/index.ts'
import { ProtocolError } from '../errors.ts'
import { adoptDeviceList, deviceLists, isListed } from '../peers/device-lists.ts'
import { type Step, type Turn, get } from '../step.ts'
import { keepSession } from './keep-session.ts'
import { nextResetEpoch, sessionIndex } from './session-index.ts'

/** What a card and its prekeys say of a device; signatures and dates are checked by who read them. */
export interface PeerBundle {
  readonly account: Bytes32
  readonly device: Bytes32
  readonly dh: Bytes32
  /** The signed DeviceList that came with the card. */
  readonly list: Uint8Array
  readonly spk: PublicPrekey<Bytes32>
  /** A one-time KEM key, else the long-term one. */
  readonly kem: PublicPrekey<Bytes<1184>>
  readonly opk?: PublicPrekey<Bytes32>
}

export interface StartOptions {
  readonly bundle: PeerBundle
  /** One above the highest known where it is left out; 0 for the first handshake. */
  readonly resetEpoch?: number
}

export type StartOutcome =
  | {
      readonly kind: 'started'
      readonly sid: Bytes16
      /** T. */
      readonly transcript: Bytes32
      readonly initLength: number
      readonly resetEpoch: number
    }
  /** The bundle cannot be used: bad list or key, device not listed, or two lists of one version. */
  | { readonly kind: 'refused'; readonly reason: 'bundle' | 'unlisted' | 'listConflict' }

function openBundleList(turn: Turn, bundle: PeerBundle): DeviceList | undefined {
  try {
    const list = openDeviceList(turn.crypto, bundle.list)
    const cert = findDevice(list, bundle.device)
    const genuine =
      equalBytes(list.account, bundle.account) && cert && equalBytes(cert.dh, bundle.dh)
    return genuine ? list : undefined
  } catch (error) {
    if (error instanceof CryptoError) return undefined
    throw error
  }
}

/** This device's own signed list; without one it has no identity to show. */
function* ownList(turn: Turn): Step<Uint8Array> {
  const own = yield* get(deviceLists, turn.self.account)
  if (own === undefined || !isListed(own, turn.self.device)) {
    throw new ProtocolError('ERR_PROTOCOL_STATE', 'this device is in no device list of its own')
  }
  return own.bytes
}

/** Begins a session. Throws ERR_PROTOCOL_STATE where this device has no list of its own. */
export function* startSession(turn: Turn, options: StartOptions): Step<StartOutcome> {
  const { bundle } = options
  const list = openBundleList(turn, bundle)
  if (list === undefined || equalBytes(bundle.device, turn.self.device)) {
    return { kind: 'refused', reason: 'bundle' }
  }
  if ((yield* adoptDeviceList(turn, list)) === 'conflict') {
    return { kind: 'refused', reason: 'listConflict' }
  }
  const known = yield* get(deviceLists, bundle.account)
  if (known?.conflict !== undefined) return { kind: 'refused', reason: 'listConflict' }
  if (!isListed(known, bundle.device)) return { kind: 'refused', reason: 'unlisted' }
  const index = yield* get(sessionIndex, bundle.device)
  const resetEpoch = options.resetEpoch ?? nextResetEpoch(index)
  const ownBytes = yield* ownList(turn)
  const listVersion = known?.version ?? list.version
  const handshake = { list: ownBytes, resetEpoch, random: turn.random, nowMs: turn.nowMs }
  let started: ReturnType<typeof initiateHandshake>
  try {
    started = initiateHandshake(turn.crypto, turn.self, { ...bundle, listVersion }, handshake)
  } catch (error) {
    if (error instanceof CryptoError && error.code === 'ERR_CRYPTO_KEY') {
      return { kind: 'refused', reason: 'bundle' }
    }
    throw error
  }
  const { state, transcript, init, handshakeId } = started
  yield* keepSession(turn, {
    account: bundle.account,
    device: bundle.device,
    ratchet: state,
    resetEpoch,
    handshakeId,
    transcript,
    init,
    createdAtMs: turn.safeNowMs,
    usedAtMs: turn.safeNowMs,
    unconfirmedEntries: 0,
    sent: 0,
    received: 0,
  })
  return { kind: 'started', sid: state.sid, transcript, initLength: init.length, resetEpoch }
}
