// The initiator's side of the handshake that begins a session: X25519 three or four times and
// ML-KEM-768, the initiator's identity sealed under the key agreement, everything on the wire in the
// transcript (SPEC.md §5; after PQXDH revision 3). Who may begin a session the machines decide.
import {
  type Bytes,
  type Bytes32,
  type Random,
  concat,
  lengthPrefixed,
  u16,
  u32,
  u64,
  u8,
} from './bytes.ts'
import { INIT_TYPE, SUITE, handshakeId } from './handshake-init.ts'
import {
  FRESH_RATCHET,
  type HandshakeResult,
  type SessionKeys,
  agree,
  deriveKeys,
  identityKey,
  transcriptOf,
} from './handshake-schedule.ts'
import type { CryptoProvider } from './provider.ts'
import { stepRoot } from './ratchet-kdf.ts'
import type { RatchetState } from './ratchet-state.ts'

const NONCE_0: Uint8Array = new Uint8Array(12)

export interface PublicPrekey<K extends Uint8Array> {
  readonly id: number
  readonly key: K
}

/** What the initiator knows of the other device, verified by the caller. */
export interface HandshakeBundle {
  readonly account: Bytes32
  readonly device: Bytes32
  readonly dh: Bytes32
  /** Version of the device list the bundle came with. */
  readonly listVersion: number
  readonly spk: PublicPrekey<Bytes32>
  readonly kem: PublicPrekey<Bytes<1184>>
  readonly opk?: PublicPrekey<Bytes32>
}

/** This side's identity. */
export interface HandshakeSelf {
  readonly account: Bytes32
  readonly device: Bytes32
  readonly dh: Bytes32
  readonly dhSecret: Bytes32
}

export interface InitiateOptions {
  /** This side's DeviceList, signed. */
  readonly list: Uint8Array
  readonly resetEpoch: number
  readonly random: Random
  readonly nowMs: number
}

/**
 * Begins a session: the init that precedes its messages until one was received, and the
 * initiator's ratchet state. 1 448 bytes where the list has one device. Throws ERR_CRYPTO_KEY for
 * a key of the bundle that must not be used.
 */
export function initiateHandshake(
  provider: CryptoProvider,
  self: HandshakeSelf,
  bundle: HandshakeBundle,
  options: InitiateOptions,
): HandshakeResult & { readonly init: Uint8Array<ArrayBuffer> } {
  const { random } = options
  const ephemeralSecret = random(32)
  const ephemeralKey = provider.x25519Key(ephemeralSecret)
  const ephemeral = ephemeralKey.publicKey
  const { ciphertext, secret } = provider.mlkemEncapsulate(bundle.kem.key, random(32))
  const dh2 = ephemeralKey.agree(bundle.dh)
  const dh3 = ephemeralKey.agree(bundle.spk.key)
  const ck = agree(provider, { dh2, dh3, secret })
  const head = concat(
    u8(INIT_TYPE),
    u16(SUITE),
    u32(options.resetEpoch),
    ephemeral,
    u32(bundle.spk.id),
    u32(bundle.opk?.id ?? 0),
    u32(bundle.kem.id),
    ciphertext,
  )
  const identity = concat(lengthPrefixed(options.list), self.device, u64(bundle.listVersion))
  const idbox = provider.aeadSeal(identityKey(provider, ck), NONCE_0, head, identity)
  const init = concat(head, lengthPrefixed(idbox))
  const transcript = transcriptOf(provider, {
    initiator: self,
    responder: bundle,
    spk: bundle.spk.key,
    opk: bundle.opk?.key,
    kem: bundle.kem.key,
    init,
  })
  const secrets = [ck, provider.x25519(self.dhSecret, bundle.spk.key)]
  if (bundle.opk) secrets.push(ephemeralKey.agree(bundle.opk.key))
  const keys = deriveKeys(provider, transcript, secrets)
  ephemeralSecret.fill(0)
  const state = initiatorState(provider, keys, bundle.spk.key, options)
  return { state, transcript, init, handshakeId: handshakeId(provider, ephemeral) }
}

function initiatorState(
  provider: CryptoProvider,
  keys: SessionKeys,
  remote: Bytes32,
  options: InitiateOptions,
): RatchetState {
  const secret = options.random(32)
  const key = provider.x25519Key(secret)
  const step = stepRoot(provider, {
    rootKey: keys.rootKey,
    dh: key.agree(remote),
    pqEpoch: 0,
  })
  return {
    ...FRESH_RATCHET,
    sid: keys.sid,
    ad: keys.ad,
    rootKey: step.rootKey,
    own: { secret, publicKey: key.publicKey },
    remote,
    sending: {
      headerKey: keys.initiatorHeaderKey,
      chainKey: step.chainKey,
      ephemeralKey: step.ephemeralKey,
      count: 0,
    },
    nextSendingKey: step.nextHeaderKey,
    nextReceivingKey: keys.responderNextKey,
    pqSinceMs: options.nowMs,
  }
}
