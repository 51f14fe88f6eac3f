// The responder's side of the handshake (SPEC.md §5), in two steps: the identity opens without the
// one-time prekey and before anything is judged; the session follows once it was.
import { type Bytes, type Bytes32, type Bytes64, readU16, readU64 } from './bytes.ts'
import { CryptoError, malformed } from './errors.ts'
import { INIT_HEAD_BYTES, type Init, handshakeId } from './handshake-init.ts'
import type { HandshakeSelf } from './handshake.ts'
import {
  FRESH_RATCHET,
  type HandshakeResult,
  type Party,
  agree,
  deriveKeys,
  identityKey,
  transcriptOf,
} from './handshake-schedule.ts'
import type { CryptoProvider } from './provider.ts'

const NONCE_0: Uint8Array = new Uint8Array(12)

/** What the identity box holds, none of it verified: the list and the device are the caller's to judge. */
export interface OpenedIdentity {
  /** DeviceList_A, signed, as received. */
  readonly list: Uint8Array
  /** DK_A. */
  readonly device: Bytes32
  /** Version of the responder's list that the initiator went by. */
  readonly peerListVersion: number
  /** ck: a secret that {@link acceptHandshake} consumes. */
  readonly agreement: Bytes32
}

export interface ResponderSecrets {
  readonly dhSecret: Bytes32
  readonly spkSecret: Bytes32
  /** Seed d ‖ z of the ML-KEM-768 key the init names. */
  readonly kemSeed: Bytes64
}

/**
 * Opens the identity of an init with DH2, DH3 and SS alone: also where its one-time prekey is gone,
 * so that a reset has an address. Throws ERR_CRYPTO_KEY, ERR_CRYPTO_UNAUTHENTIC, ERR_WIRE_MALFORMED.
 */
export function openIdentity(
  provider: CryptoProvider,
  init: Init,
  secrets: ResponderSecrets,
): OpenedIdentity {
  const dh2 = provider.x25519(secrets.dhSecret, init.ephemeral)
  const dh3 = provider.x25519(secrets.spkSecret, init.ephemeral)
  const secret = provider.mlkemDecapsulate(secrets.kemSeed, init.ciphertext)
  const agreement = agree(provider, { dh2, dh3, secret })
  const head = init.bytes.subarray(0, INIT_HEAD_BYTES)
  const box = provider.aeadOpen(identityKey(provider, agreement), NONCE_0, head, init.idbox)
  if (box === undefined) {
    throw new CryptoError('ERR_CRYPTO_UNAUTHENTIC', 'init: the identity box does not open')
  }
  const listLength = readU16(box, 0)
  if (box.length !== 2 + listLength + 40) malformed('identity box: length')
  const peerListVersion = readU64(box, 2 + listLength + 32)
  if (!Number.isSafeInteger(peerListVersion)) malformed('identity box: version')
  return {
    list: box.slice(2, 2 + listLength),
    device: box.slice(2 + listLength, 2 + listLength + 32),
    peerListVersion,
    agreement,
  }
}

export interface AcceptOptions {
  readonly init: Init
  readonly identity: OpenedIdentity
  /** The initiator, with the DDH of the certificate in its list. */
  readonly initiator: Party
  readonly spk: { readonly secret: Bytes32; readonly publicKey: Bytes32 }
  readonly opk?: { readonly secret: Bytes32; readonly publicKey: Bytes32 } | undefined
  readonly kemKey: Bytes<1184>
  readonly nowMs: number
}

/**
 * The responder's side: DH1, DH4, the transcript and the state before the first message. Consumes
 * the identity's agreement. Throws ERR_CRYPTO_KEY, ERR_CRYPTO_PARAMETER.
 */
export function acceptHandshake(
  provider: CryptoProvider,
  self: HandshakeSelf,
  options: AcceptOptions,
): HandshakeResult {
  const { init, initiator, spk, opk } = options
  if ((init.opkId !== 0) !== (opk !== undefined)) {
    throw new CryptoError('ERR_CRYPTO_PARAMETER', 'init: one-time prekey')
  }
  const secrets = [options.identity.agreement, provider.x25519(spk.secret, initiator.dh)]
  if (opk) secrets.push(provider.x25519(opk.secret, init.ephemeral))
  const transcript = transcriptOf(provider, {
    initiator,
    responder: self,
    spk: spk.publicKey,
    opk: opk?.publicKey,
    kem: options.kemKey,
    init: init.bytes,
  })
  const keys = deriveKeys(provider, transcript, secrets)
  return {
    transcript,
    handshakeId: handshakeId(provider, init.ephemeral),
    state: {
      ...FRESH_RATCHET,
      sid: keys.sid,
      ad: keys.ad,
      rootKey: keys.rootKey,
      own: { secret: new Uint8Array(spk.secret), publicKey: spk.publicKey },
      remote: undefined,
      sending: undefined,
      nextSendingKey: keys.responderNextKey,
      nextReceivingKey: keys.initiatorHeaderKey,
      pqSinceMs: options.nowMs,
    },
  }
}
